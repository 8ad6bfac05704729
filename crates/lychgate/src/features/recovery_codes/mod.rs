//! Recovery codes: a second factor on paper, each good once.

pub(crate) mod openapi;
pub(crate) mod settings;

use std::sync::Arc;

use http::Method;
use lychgate_otp::recovery;
use lychgate_store::{ErrorKind, User, UserPatch};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::{
    events::Event,
    failure::Failure,
    flow::{
        account_page::{Action, PartFuture, Place, Row, Section},
        activity::What,
        codes,
        notices::Notice,
        recovery as kept,
        second_factor::{self, Pending, State},
    },
    gate::Lychgate,
    messages,
    settings::Settings,
    web::{
        answer::Reply,
        exchange::Exchange,
        form::{Field, Form, Kind, Message},
        identify::Authenticated,
        routes::{Call, Routes},
    },
};

/// What guesses are counted under.
const SCOPE: &str = "recovery";

/// How often a code is looked for anew because another one was used meanwhile.
const TRIES: usize = 10;

fn is_on(settings: &Settings) -> bool {
    settings.flag("multi_factor_recovery_codes") && (settings.flag("two_factor") || settings.flag("webauthn"))
}

pub(crate) fn endpoints(settings: &Settings) -> Vec<(&'static str, String)> {
    let both = [("mf_recovery_codes", "multi_factor_recovery_codes_url"), ("mf_recovery", "multi_factor_recovery_url")];
    let there = both.into_iter().filter(|_| is_on(settings));
    there.filter_map(|(name, url)| Some((name, settings.text_opt(url)?.to_owned()))).collect()
}

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(gate: &Lychgate, routes: &mut Routes<S>) {
    for (name, url) in endpoints(gate.settings()) {
        if name == "mf_recovery" {
            routes.add(name, &[Method::GET], &url, "first factor proven", ask);
            routes.add(name, &[Method::POST], &url, "first factor proven", take);
        } else {
            routes.add(name, &[Method::GET], &url, "signed in, fresh", show);
            routes.add(name, &[Method::POST], &url, "signed in, fresh", renew);
        }
    }
}

/// What it adds to the account page of people who have, or need, a second factor.
pub(crate) fn account_part<'a>(call: &'a Exchange, user: &'a User) -> PartFuture<'a> {
    Box::pin(async move {
        if call.gate.endpoint_url(".mf_recovery_codes").is_none() || !second_factor::is_needed(&call.gate, user).await?
        {
            return Ok(None);
        }
        let left = kept::left(&call.gate, user, call.now);
        let value = match left {
            0 => Message::from(messages::ACCOUNT_NONE),
            left => Message::from(messages::ACCOUNT_RECOVERY_CODES_LEFT).with("count", left.to_string()),
        };
        let label = call.text(&messages::ACCOUNT_RECOVERY_CODES_SHOW.into());
        let row = Row::new("recovery-codes", call.text(&messages::ACCOUNT_RECOVERY_CODES.into()), call.text(&value));
        let row = row.action(Action::link(label, call.gate.url("mf_recovery_codes")));
        Ok(Some(Section::at(Place::SecondFactor).row(row)))
    })
}

async fn admit(call: &Call) -> Result<Arc<Authenticated>, Failure> {
    let who = call.admit(&call.config().api_mechanisms, None).await?;
    call.admit_to_change(&who).await?;
    Ok(who)
}

/// The page of one's own codes; `codes` are those it shows.
fn codes_form(call: &Exchange, codes: &[Zeroizing<String>], left: usize) -> Form {
    let template = call.gate.settings().text("multi_factor_recovery_codes_template");
    let mut form = Form::new("mf_recovery_codes_form", template, call.action("mf_recovery_codes"), Vec::new());
    form.payload.insert("recovery_codes".to_owned(), texts(codes));
    form.payload.insert("codes_left".to_owned(), left.into());
    form
}

fn texts(codes: &[Zeroizing<String>]) -> Value {
    codes.iter().map(|code| Value::from(code.as_str())).collect()
}

/// The codes that are left; a page shows them only when that was asked for.
async fn show(call: Call) -> Result<Reply, Failure> {
    let who = admit(&call).await?;
    let kept = call.gate.recovery_vault().open(&who.user.mf_recovery_codes, call.now);
    let codes: Vec<_> = kept.into_iter().map(|(_, code)| code).collect();
    if call.wants_json() {
        return Ok(Reply::Json(call.members(json!({"recovery_codes": texts(&codes)}))));
    }
    let asked = call.query("show_codes").is_some_and(|value| !value.is_empty());
    let mut form = codes_form(&call, if asked { &codes } else { &[] }, codes.len());
    if asked && codes.is_empty() {
        let text = call.text(&messages::NO_RECOVERY_CODES_SETUP.into());
        form.payload.insert("none_yet".to_owned(), text.into());
    }
    Ok(Reply::Form(Box::new(form)))
}

/// New codes in the place of the old ones.
async fn renew(call: Call) -> Result<Reply, Failure> {
    let who = admit(&call).await?;
    let before = kept::left(&call.gate, &who.user, call.now);
    let mut form = codes_form(&call, &[], before);
    form.fill(&call.submitted)?;
    call.csrf_of_form(&mut form);
    if form.has_errors() {
        return Err(form.rejected());
    }
    let count = usize::try_from(call.gate.settings().int("multi_factor_recovery_codes_n")).unwrap_or_default();
    let codes = recovery::generate(count).map_err(Failure::internal)?;
    let kept = call.gate.recovery_vault().seal(&codes, call.now).map_err(Failure::internal)?;
    let patch = UserPatch { mf_recovery_codes: Some(kept), ..UserPatch::default() };
    let mut batch = call.gate.store().batch();
    batch.update_user(who.user.id, &patch, call.now.datetime());
    call.note(&mut batch, who.user.id, What::RecoveryCodesReplaced, None);
    let mut post = call.post();
    call.notify(&mut post, &who.user, &Notice::Access(messages::NOTICE_RECOVERY_CODES_REPLACED.into()))?;
    call.commit_and_send(batch, post).await?;
    if call.wants_json() {
        return Ok(Reply::Json(call.members(json!({"recovery_codes": texts(&codes)}))));
    }
    let mut form = codes_form(&call, &codes, codes.len());
    form.payload.insert("just_made".to_owned(), true.into());
    form.payload.insert("replaced".to_owned(), (before > 0).into());
    Ok(Reply::Form(Box::new(form)))
}

fn code_form(call: &Exchange) -> Form {
    let code = Field::new("code", Kind::Text, "Recovery code").autocomplete("off").required();
    let template = call.gate.settings().text("multi_factor_recovery_template");
    Form::new("mf_recovery_form", template, call.action("mf_recovery"), vec![code])
}

/// Whose second factor is awaited here.
async fn awaited(call: &Exchange) -> Result<Option<Pending>, Failure> {
    Ok(call.pending().await?.filter(|pending| pending.state == State::Ready))
}

async fn ask(call: Call) -> Result<Reply, Failure> {
    call.anonymous_only().await?;
    let form = code_form(&call);
    if awaited(&call).await?.is_none() {
        return call.out_of_turn(form);
    }
    if call.wants_json() {
        return Ok(Reply::Json(call.members(json!({}))));
    }
    Ok(Reply::Form(Box::new(form)))
}

async fn take(call: Call) -> Result<Reply, Failure> {
    call.csrf_unauthenticated().await?;
    call.anonymous_only().await?;
    let mut form = code_form(&call);
    let Some(pending) = awaited(&call).await? else { return call.out_of_turn(form) };
    form.fill(&call.submitted)?;
    if form.value("code").trim().is_empty() && !form.has_error_in("code") {
        form.field_error("code", messages::FIELD_REQUIRED);
    }
    call.csrf_of_form(&mut form);
    if form.has_errors() {
        return Err(form.rejected());
    }
    if !call.guess(&pending).await? {
        return call.out_of_turn(form);
    }
    if let Some(retry_after) = codes::count_guess(&call, SCOPE, &pending.user).await? {
        return Err(Failure::TooMany { retry_after });
    }
    if !use_up(&call, &pending.user, form.value("code")).await? {
        let (user_id, via) = (Some(pending.user.id), "recovery");
        call.gate.events().send(&Event::UserFailedAuthentication { user_id, via });
        form.field_error("code", messages::INVALID_RECOVERY_CODE);
        return Err(form.rejected());
    }
    let user = Arc::clone(&pending.user);
    call.second_factor_done(pending, "recovery").await?;
    if call.wants_json() {
        let user = call.user_payload(&user, false).await?;
        return Ok(Reply::Json(call.members(json!({"user": user}))));
    }
    Ok(Reply::Redirect(call.after(Some(&form), "post_login_view")))
}

/// Takes a code away from those that are left, and tells the owner; of all who do so at once, one succeeds.
async fn use_up(call: &Exchange, user: &User, typed: &str) -> Result<bool, Failure> {
    let store = call.gate.store();
    for _ in 0..TRIES {
        let Some(user) = store.user_by_id(user.id).await? else { return Ok(false) };
        let (places, left): (Vec<_>, Vec<_>) =
            call.gate.recovery_vault().open(&user.mf_recovery_codes, call.now).into_iter().unzip();
        let found = recovery::find(&left, typed).and_then(|at| places.get(at).copied());
        let Some(place) = found else { return Ok(false) };
        let mut batch = store.batch();
        batch.use_recovery_code(user.id, &user.mf_recovery_codes, place, call.now.datetime());
        codes::forgive_guesses(&mut batch, SCOPE, user.id);
        call.note(&mut batch, user.id, What::RecoveryCodeUsed, None);
        let mut post = call.post();
        let told = Message::from(messages::NOTICE_RECOVERY_CODE_USED).with("left", (left.len() - 1).to_string());
        call.notify(&mut post, &user, &Notice::Access(told))?;
        match call.commit_and_send(batch, post).await {
            Ok(_) => return Ok(true),
            // Another code was used meanwhile, or this one.
            Err(error) if matches!(error.kind(), ErrorKind::Unmet(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::Busy { retry_after: 1 })
}
