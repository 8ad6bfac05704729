//! Tokens for programs: a refresh token is traded for a new auth token and the next refresh token.
//!
//! How tokens are made and looked at is in `flow/refresh.rs` and `web/identify.rs`; sign-ins hand them out.

pub(crate) mod openapi;
pub(crate) mod settings;

use http::{Method, StatusCode};
use serde_json::{Map, Value};

use crate::{
    failure::Failure,
    gate::Lychgate,
    messages,
    settings::Settings,
    web::{
        answer::Reply,
        form::{Field, Form, Kind},
        routes::{Call, Routes},
    },
};

const TOKEN: &str = "refresh_token";

pub(crate) fn endpoints(settings: &Settings) -> Vec<(&'static str, String)> {
    let on = settings.flag("refresh_token");
    settings.text_opt("refresh_token_url").filter(|_| on).map(|url| (TOKEN, url.to_owned())).into_iter().collect()
}

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(gate: &Lychgate, routes: &mut Routes<S>) {
    for (name, url) in endpoints(gate.settings()) {
        routes.add(name, &[Method::POST], &url, "bearer of a refresh token", refresh);
    }
}

/// A refresh token for a new pair. It makes no session.
async fn refresh(call: Call) -> Result<Reply, Failure> {
    call.csrf_unauthenticated().await?;
    if !call.sent_json() {
        return Err(Failure::bad(StatusCode::BAD_REQUEST, messages::API_ERROR));
    }
    let by_cookie = call.config().refresh.as_ref().is_some_and(|config| config.cookie.is_some());
    // Where there is a cookie, nothing in the body takes its place.
    let fields = if by_cookie { Vec::new() } else { vec![Field::new(TOKEN, Kind::Hidden, "").required()] };
    let mut form = Form::new("refresh_token_form", "", call.action(TOKEN), fields);
    form.fill(&call.submitted)?;
    let token = if by_cookie { call.refresh_cookie().unwrap_or_default() } else { form.value(TOKEN).to_owned() };
    if token.is_empty() && !form.has_error_in(TOKEN) {
        form.field_error(TOKEN, messages::FIELD_REQUIRED);
    }
    call.csrf_of_form(&mut form);
    if form.has_errors() {
        return Err(form.rejected());
    }
    let done = match call.refresh(&token).await? {
        Ok(done) => done,
        Err(message) => {
            form.field_error(TOKEN, message);
            return Err(form.rejected());
        }
    };
    let mut user = match call.gate.user_payload(&done.user) {
        Value::Object(user) => user,
        _ => Map::new(),
    };
    let (token, next) = call.refreshed(&done).await?;
    user.insert("authentication_token".to_owned(), token.into());
    if let Some(next) = next {
        user.insert(TOKEN.to_owned(), next.into());
    }
    if by_cookie {
        // The reply depends on it: looking at the session says so.
        call.session(|_| ());
    }
    Ok(Reply::Json(Map::from_iter([("user".to_owned(), user.into())])))
}
