//! API keys: named, limited to permissions, made and taken back by their owner.
//!
//! How a request is identified by one is in `web/api_key.rs`. A key opens none of the library's own routes: whoever
//! has one must not be able to make another, or to change how its owner signs in.

mod create;
pub(crate) mod openapi;
pub(crate) mod settings;

use http::Method;
use lychgate_store::{ApiKey, User};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    events::Event,
    failure::Failure,
    flow::{
        account_page::{Action, PartFuture, Place, Row, Section},
        activity::What,
        api_keys, second_factor,
    },
    gate::Lychgate,
    messages,
    settings::Settings,
    web::{
        answer::Reply,
        exchange::Exchange,
        form::{Field, Form, Kind, Message},
        identify::{Authenticated, Mechanism},
        routes::{Call, Routes},
    },
};

pub(crate) fn endpoints(settings: &Settings) -> Vec<(&'static str, String)> {
    let Some(url) = settings.text_opt("api_keys_url").filter(|_| settings.flag("api_keys")) else { return Vec::new() };
    vec![("api_keys", url.to_owned()), ("api_keys_revoke", format!("{}/revoke", url.trim_end_matches('/')))]
}

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(gate: &Lychgate, routes: &mut Routes<S>) {
    for (name, url) in endpoints(gate.settings()) {
        if name == "api_keys" {
            routes.add(name, &[Method::GET], &url, "signed in, with a session", list);
            routes.add(name, &[Method::POST], &url, "signed in, with a session, fresh", create::post);
        } else {
            routes.add(name, &[Method::POST], &url, "signed in, with a session", revoke);
        }
    }
}

/// A row for each key, and the way to the page where they are made.
pub(crate) fn account_part<'a>(call: &'a Exchange, user: &'a User) -> PartFuture<'a> {
    Box::pin(async move {
        if call.gate.endpoint_url(".api_keys").is_none() {
            return Ok(None);
        }
        let mut section = Section::at(Place::ApiKeys);
        let mine = kept(call, user).await?;
        for key in &mine {
            let row = Row::new(key.id.clone(), key.name.clone(), state(call, key));
            section = section.row(row);
        }
        let label = if mine.is_empty() { messages::ACCOUNT_API_KEY_ADD } else { messages::ACCOUNT_API_KEYS_MANAGE };
        Ok(Some(section.action(Action::link(call.text(&label.into()), call.gate.url("api_keys")))))
    })
}

/// The keys that were not taken back, the newest first.
async fn kept(call: &Exchange, user: &User) -> Result<Vec<ApiKey>, Failure> {
    let mut all = call.gate.store().api_keys(Some(user.id)).await?;
    all.retain(|key| key.revoked_at.is_none());
    Ok(all)
}

/// When it was used last, or that it has expired.
fn state(call: &Exchange, key: &ApiKey) -> String {
    call.text(&match key.last_used_at {
        _ if !key.is_live(call.now.datetime()) => messages::API_KEY_EXPIRED.into(),
        Some(at) => Message::from(messages::API_KEY_USED).with("ago", call.ago(at)),
        None => messages::API_KEY_UNUSED.into(),
    })
}

fn iso(at: OffsetDateTime) -> String {
    at.replace_nanosecond(0).unwrap_or(at).format(&Rfc3339).unwrap_or_default()
}

/// A key as its owner sees it.
fn view(call: &Exchange, key: &ApiKey) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "hint": key.hint,
        "scopes": key.scopes,
        "created_at": iso(key.created_at),
        "expires_at": key.expires_at.map(iso),
        "last_used_at": key.last_used_at.map(iso),
        "last_used_from": key.last_used_from,
        "expired": !key.is_live(call.now.datetime()),
    })
}

/// Where somebody proves what is asked for before a key is made, unless they have just done so.
async fn prove_url(call: &Call, who: &Authenticated) -> Result<Option<String>, Failure> {
    let page = match call.admit_to_change(who).await {
        Ok(()) => return Ok(None),
        Err(Failure::NotFresh) => {
            let verify = if call.gate.settings().flag("unified_signin") { "us_verify" } else { "verify" };
            Some(call.gate.url(verify))
        }
        Err(Failure::NeedsProof(proof)) => second_factor::where_to_prove(call, &who.user, proof).await?,
        Err(failure) => return Err(failure),
    };
    Ok(page.map(|page| call.with_next(&page, &call.gate.url("api_keys"))))
}

/// The page: the form, the keys, and where a proof is given before one is made.
fn page(call: &Exchange, user: &User, mine: &[ApiKey], prove_url: Option<String>) -> Form {
    let mut form = create::form(call, user);
    let list = mine.iter().map(|key| {
        let mut shown = view(call, key);
        shown["state"] = state(call, key).into();
        shown["ends"] = key.expires_at.map(crate::flow::deletion::day).into();
        shown
    });
    form.payload.insert("api_keys".to_owned(), list.collect());
    form.payload.insert("revoke_action".to_owned(), call.gate.url("api_keys_revoke").into());
    form.payload.insert("prove_url".to_owned(), prove_url.into());
    form
}

async fn list(call: Call) -> Result<Reply, Failure> {
    let who = call.admit(&[Mechanism::Session], None).await?;
    let mine = kept(&call, &who.user).await?;
    if call.wants_json() {
        let list: Value = mine.iter().map(|key| view(&call, key)).collect();
        let scopes = api_keys::grantable(&who.user);
        return Ok(Reply::Json(call.members(json!({"api_keys": list, "available_scopes": scopes}))));
    }
    let prove_url = prove_url(&call, &who).await?;
    Ok(Reply::Form(Box::new(page(&call, &who.user, &mine, prove_url))))
}

/// Takes a key back. It asks for no new proof: that has to be quick.
async fn revoke(call: Call) -> Result<Reply, Failure> {
    let who = call.admit(&[Mechanism::Session], None).await?;
    let template = call.gate.settings().text("api_keys_template");
    let fields = vec![Field::new("id", Kind::Hidden, "").required()];
    let mut form = Form::new("revoke_api_key_form", template, call.gate.url("api_keys_revoke"), fields);
    form.fill(&call.submitted)?;
    call.csrf_of_form(&mut form);
    if form.value("id").is_empty() && !form.has_error_in("id") {
        form.field_error("id", messages::FIELD_REQUIRED);
    }
    let id = form.value("id").to_owned();
    if !form.has_errors() {
        let mine = kept(&call, &who.user).await?;
        let mut done = false;
        if let Some(key) = mine.iter().find(|key| key.id == id) {
            let mut batch = call.gate.store().batch();
            call.note(&mut batch, who.user.id, What::ApiKeyRevoked, Some(&key.name));
            done = api_keys::revoke(&call.gate, batch, &id, who.user.id, call.now.datetime()).await?;
        }
        if done {
            call.gate.events().send(&Event::ApiKeyRevoked { user_id: who.user.id, id });
        } else {
            form.field_error("id", messages::API_KEY_UNKNOWN);
        }
    }
    let error = form.errors_in_order().next().map(|(_, message)| message.clone());
    match (call.wants_json(), error) {
        (true, Some(_)) => return Err(form.rejected()),
        (true, None) => return Ok(Reply::Json(call.members(json!({})))),
        (false, Some(message)) => call.flash(message),
        (false, None) => call.flash(messages::API_KEY_REVOKED),
    }
    Ok(Reply::Redirect(call.gate.url("api_keys")))
}
