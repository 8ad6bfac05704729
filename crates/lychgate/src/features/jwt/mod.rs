//! JSON Web Tokens: handing them out for a password or to whoever has a session, refreshing and revoking them, and the
//! public keys. Guards, and what a good token is, are in `web/jwt`.

mod authenticate;
pub(crate) mod openapi;
pub(crate) mod settings;
mod tokens;

use http::{HeaderValue, Method, StatusCode, header};
use serde_json::json;

use crate::{
    failure::Failure,
    gate::Lychgate,
    settings::Settings,
    web::{
        answer::{Reply, plain_json},
        routes::{Call, Routes},
    },
};

pub(crate) fn endpoints(settings: &Settings) -> Vec<(&'static str, String)> {
    if !settings.flag("jwt.enabled") {
        return Vec::new();
    }
    let mut all: Vec<(&'static str, String)> = [
        ("authenticate", settings.text_opt("jwt.authenticate_url")),
        ("jwt_issue", settings.text_opt("jwt.issue_url")),
        ("jwt_refresh", settings.text_opt("jwt.refresh_url")),
        ("jwt_logout", settings.text_opt("jwt.logout_url")),
    ]
    .into_iter()
    .filter_map(|(name, url)| Some((name, url?.to_owned())))
    .collect();
    if settings.flag("users_api")
        && let Some(url) = settings.text_opt("users_api_url")
    {
        all.push(("users_authenticate", format!("{}/authenticate", url.trim_end_matches('/'))));
    }
    all
}

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(gate: &Lychgate, routes: &mut Routes<S>) {
    for (name, url) in endpoints(gate.settings()) {
        match name {
            "jwt_issue" => routes.add(name, &[Method::POST], &url, "session", tokens::issue),
            "jwt_refresh" => routes.add(name, &[Method::POST], &url, "refresh token", tokens::refresh),
            "jwt_logout" => routes.add(name, &[Method::POST], &url, "token", tokens::log_out),
            _ => routes.add(name, &[Method::POST], &url, "anyone", authenticate::post),
        }
    }
    let settings = gate.settings();
    if let Some(url) = settings.text_opt("jwt.jwks_url").filter(|_| settings.flag("jwt.enabled")) {
        routes.add_at_root("jwks", &[Method::GET], url, "anyone", keys);
    }
}

/// The public keys, for other services; secrets are not among them.
async fn keys(call: Call) -> Result<Reply, Failure> {
    let set = call.gate.jwt_keys().map_or_else(|| json!({"keys": []}), lychgate_signing::jwt::Keys::public);
    let mut response = plain_json(StatusCode::OK, &set);
    // Short enough for a key to be taken out in an emergency.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    Ok(Reply::Other(response))
}
