//! Change the username while signed in.

pub(crate) mod openapi;

use http::Method;
use lychgate_store::{ErrorKind, User, UserPatch};
use serde_json::json;

use crate::{
    accounts::username_problem,
    failure::Failure,
    flow::{account_page::PartFuture, activity::What, authenticate, names, notices::Notice},
    gate::Lychgate,
    identity, messages,
    settings::Settings,
    web::{
        answer::Reply,
        exchange::Exchange,
        form::{Field, Form, Kind, Message},
        identify::Authenticated,
        routes::{Call, Routes},
    },
};

pub(crate) fn endpoints(settings: &Settings) -> Vec<(&'static str, String)> {
    let url = settings.text_opt("change_username_url").filter(|_| settings.flag("change_username"));
    url.map(|url| ("change_username", url.to_owned())).into_iter().collect()
}

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(gate: &Lychgate, routes: &mut Routes<S>) {
    for (name, url) in endpoints(gate.settings()) {
        routes.add(name, &[Method::GET], &url, "signed in, fresh", get);
        routes.add(name, &[Method::POST], &url, "signed in, fresh", post);
    }
}

async fn admit(call: &Call) -> Result<std::sync::Arc<Authenticated>, Failure> {
    let who = call.admit(&call.config().api_mechanisms, None).await?;
    if call.is_fresh(&who, call.freshness()) { Ok(who) } else { Err(Failure::NotFresh) }
}

fn form(call: &Exchange, user: &User) -> Form {
    let settings = call.gate.settings();
    let username = Field::new("username", Kind::Text, "Username").autocomplete("username");
    let username = username.required_if(settings.flag("username_required"));
    let template = settings.text("change_username_template");
    let mut form = Form::new("change_username_form", template, call.action("change_username"), vec![username]);
    form.payload.insert("current_username".to_owned(), user.username.as_deref().unwrap_or_default().into());
    form
}

/// What it adds to the account page.
pub(crate) fn account_part<'a>(call: &'a Exchange, user: &'a User) -> PartFuture<'a> {
    call.leads_to("username", "change_username", user.username.is_some())
}

async fn get(call: Call) -> Result<Reply, Failure> {
    let who = admit(&call).await?;
    if call.wants_json() {
        let payload = call.user_payload(&who.user, false).await?;
        let members = json!({"current_username": who.user.username, "user": payload});
        return Ok(Reply::Json(call.members(members)));
    }
    let mut form = form(&call, &who.user);
    form.set_value("username", who.user.username.as_deref().unwrap_or_default());
    Ok(Reply::Form(Box::new(form)))
}

async fn post(call: Call) -> Result<Reply, Failure> {
    let who = admit(&call).await?;
    let mut form = form(&call, &who.user);
    form.fill(&call.submitted)?;
    let username = new_username(&call, &mut form).await?;
    call.csrf_of_form(&mut form);
    let Some(username) = username.filter(|_| !form.has_errors()) else { return Err(form.rejected()) };
    if let Err(error) = store(&call, &who.user, &username).await {
        match error.kind() {
            ErrorKind::Unmet(_) | ErrorKind::Conflict { .. } => {
                form.field_error("username", taken(&username));
                return Err(form.rejected());
            }
            _ => return Err(error.into()),
        }
    }
    if call.wants_json() {
        let changed = call.gate.store().user_by_id(who.user.id).await?;
        let payload = call.user_payload(changed.as_deref().unwrap_or(&who.user), false).await?;
        return Ok(Reply::Json(call.members(json!({"user": payload}))));
    }
    call.flash(messages::USERNAME_CHANGE);
    Ok(Reply::Redirect(call.landing_view("post_change_username_view").unwrap_or_else(|| call.signed_in_home())))
}

fn taken(username: &str) -> Message {
    Message::from(messages::USERNAME_ALREADY_ASSOCIATED).with("username", username)
}

/// The new name; leaving it out is a mistake, not the wish to have none.
async fn new_username(call: &Exchange, form: &mut Form) -> Result<Option<String>, Failure> {
    if form.has_error_in("username") {
        return Ok(None);
    }
    let required = call.gate.settings().flag("username_required");
    if required && form.value("username").trim().is_empty() {
        form.field_error("username", messages::USERNAME_NOT_PROVIDED);
        return Ok(None);
    }
    match identity::username::normalize(form.value("username"), &call.gate.identity_rules().username) {
        Ok(None) => {
            form.field_error("username", messages::USERNAME_NOT_PROVIDED);
            Ok(None)
        }
        Err(problem) => {
            form.field_error("username", username_problem(call.gate.settings(), problem));
            Ok(None)
        }
        Ok(Some(username)) => {
            if authenticate::by_attribute(&call.gate, "username", &username, true).await?.is_some() {
                form.field_error("username", taken(&username));
                return Ok(None);
            }
            Ok(Some(username))
        }
    }
}

async fn store(call: &Exchange, user: &User, username: &str) -> Result<(), lychgate_store::StoreError> {
    let patch = UserPatch { username: Some(Some(username.to_owned())), ..UserPatch::default() };
    let mut post = call.post();
    if let Err(failure) = call.notify(&mut post, user, &Notice::UsernameChanged { username }) {
        tracing::error!(?failure, "a notice was not written");
    }
    let mut batch = call.gate.store().batch();
    names::take(&mut batch, "username", username, user.id);
    batch.update_user(user.id, &patch, call.now.datetime());
    call.note(&mut batch, user.id, What::UsernameChanged, Some(username));
    call.commit_and_send(batch, post).await?;
    Ok(())
}
