//! The first administrator: a link that works once, for half an hour, while there is no administrator.

pub(crate) mod openapi;

use http::{Method, StatusCode};
use lychgate_store::ErrorKind;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::{
    accounts::{self, NewAccount, Problem},
    audit::Audited,
    clock::Moment,
    failure::Failure,
    flow::names::NewNames,
    gate::Lychgate,
    messages,
    web::{
        answer::Reply,
        exchange::Exchange,
        form::{Field, Form, Kind},
        routes::{Call, Routes},
    },
};

const META_KEY: &str = "setup_link";
const LIFETIME: i64 = 30 * 60;
pub(crate) const PATH: &str = "/setup/";

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(gate: &Lychgate, routes: &mut Routes<S>) {
    if gate.0.hooks.setup_link {
        let path = format!("{PATH}{{token}}");
        routes.add("setup", &[Method::GET], &path, "the setup link", get);
        routes.add("setup", &[Method::POST], &path, "the setup link", post);
    }
}

impl Lychgate {
    /// A new link for the first administrator as a path, if there is none yet; earlier links stop working.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    pub async fn new_setup_link(&self) -> Result<Option<String>, lychgate_store::StoreError> {
        if !self.0.hooks.setup_link || self.store().any_user_with_role(self.admin_role()).await? {
            return Ok(None);
        }
        let token = crate::random::id();
        let expires = Moment::of(self.clock()).unix() + LIFETIME;
        self.store().meta_set(META_KEY, &stored(&token, expires)).await?;
        let prefix = self.settings().text_opt("url_prefix").unwrap_or_default().trim_end_matches('/');
        Ok(Some(format!("{}{prefix}{PATH}{token}", self.web().application_root)))
    }
}

/// What the database keeps of a link: a digest, so that whoever reads it cannot use it, and its last second.
fn stored(token: &str, expires: i64) -> String {
    let digest = Sha256::digest(token.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{hex} {expires}")
}

/// The stored form of the link that was followed, if it may still be used.
async fn redeemable(call: &Call) -> Result<String, Failure> {
    let gone = || Failure::bad(StatusCode::NOT_FOUND, messages::SETUP_LINK_INVALID);
    let kept = call.gate.store().meta_get(META_KEY).await?.ok_or_else(gone)?;
    let expires: i64 = kept.rsplit(' ').next().and_then(|text| text.parse().ok()).ok_or_else(gone)?;
    let followed = stored(call.param("token"), expires);
    let same: bool = subtle::ConstantTimeEq::ct_eq(followed.as_bytes(), kept.as_bytes()).into();
    if !same || call.now.unix() > expires || call.gate.store().any_user_with_role(call.gate.admin_role()).await? {
        return Err(gone());
    }
    Ok(kept)
}

fn form(exchange: &Exchange) -> Form {
    let fields = vec![
        Field::new("email", Kind::Email, "Email").autocomplete("email").required(),
        Field::new("password", Kind::Password, "Password").autocomplete("new-password").required(),
        Field::new("password_confirm", Kind::Password, "Repeat the password").autocomplete("new-password").required(),
    ];
    let mut form = Form::new("setup_form", "security/setup.html", exchange.uri.path().to_owned(), fields);
    let least = exchange.gate.settings().int("password_length_min");
    form.payload.insert("password_min_length".to_owned(), least.into());
    form
}

async fn get(call: Call) -> Result<Reply, Failure> {
    redeemable(&call).await?;
    if call.wants_json() {
        return Ok(Reply::Json(call.members(json!({}))));
    }
    Ok(Reply::Form(Box::new(form(&call))))
}

async fn post(call: Call) -> Result<Reply, Failure> {
    let kept = redeemable(&call).await?;
    let mut form = form(&call);
    form.fill(&call.submitted)?;
    if form.value("password") != form.value("password_confirm") {
        form.field_error("password_confirm", messages::RETYPE_PASSWORD_MISMATCH);
    }
    let account = NewAccount {
        email: form.value("email").to_owned(),
        password: Some(form.value("password").to_owned()),
        active: true,
        confirmed: true,
        roles: vec![call.gate.admin_role().to_owned()],
        ..NewAccount::default()
    };
    let new = match call.gate.prepare_account(&account, call.now).await {
        Ok(new) if !form.has_errors() => new,
        Ok(_) => return Err(form.rejected()),
        Err(problem) => return Err(refused(form, problem)),
    };
    let store = call.gate.store();
    if store.role_by_name(call.gate.admin_role()).await?.is_none() {
        let made =
            store.create_role(call.gate.admin_role(), Some("May do everything"), None, call.now.datetime()).await;
        // Another administrator-to-be may have made it at the same moment.
        if let Err(error) = made
            && !matches!(error.kind(), ErrorKind::Conflict { .. })
        {
            return Err(error.into());
        }
    }
    let mut batch = store.batch();
    batch.meta_take(META_KEY, &kept);
    let mut names = NewNames::of(&new);
    names.check(&mut batch);
    batch.create_user(&new, call.now.datetime());
    let step = batch.len() - 1;
    names.record(&mut batch, &new.fs_uniquifier);
    match store.commit(batch).await {
        Ok(outcome) => {
            if let Some(id) = outcome.id(step) {
                let what = Audited::new("user-created").with("roles", call.gate.admin_role());
                call.gate.audit().created(id, Some(id), what);
            }
        }
        Err(error) if matches!(error.kind(), ErrorKind::Unmet(0)) => {
            return Err(Failure::bad(StatusCode::NOT_FOUND, messages::SETUP_LINK_INVALID));
        }
        Err(error) => {
            return Err(match names.taken(&error) {
                Some(column) => refused(form, Problem::Fields(accounts::taken(column, &new))),
                None => error.into(),
            });
        }
    }
    tracing::info!(email = new.email, "the first administrator was set up");
    if call.wants_json() {
        return Ok(Reply::Json(call.members(json!({"user": {"email": new.email}}))));
    }
    let mut context = serde_json::Map::new();
    context.insert("email".to_owned(), new.email.into());
    Ok(Reply::Page { template: "security/setup_done.html".to_owned(), context })
}

fn refused(mut form: Form, problem: Problem) -> Failure {
    match problem {
        Problem::Failure(failure) => failure,
        Problem::Fields(errors) => {
            for (field, message) in errors {
                if !form.has_error_in(field) {
                    form.field_error(field, message);
                }
            }
            form.rejected()
        }
    }
}
