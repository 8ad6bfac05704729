//! What programs that know nothing of this site look for: where its passkeys are managed, and where else they are used.

use axum::response::IntoResponse as _;
use http::header;
use serde_json::{Value, json};

use crate::{
    failure::Failure,
    web::{answer::Reply, routes::Call},
};

/// A URL for password managers (W3C "A Well-Known URL for Relying Party Passkey Endpoints").
pub(super) const ENDPOINTS: &str = "/.well-known/passkey-endpoints";
/// Related origins (WebAuthn Level 3, section 5.11).
pub(super) const RELATED: &str = "/.well-known/webauthn";

pub(super) async fn endpoints(call: Call) -> Result<Reply, Failure> {
    call.check_host()?;
    let page = call.link_to(&call.gate.url("wan_register"));
    Ok(document(&json!({"enroll": page, "manage": page})))
}

pub(super) async fn related(call: Call) -> Result<Reply, Failure> {
    Ok(document(&json!({"origins": call.gate.settings().list("wan_related_origins")})))
}

fn document(body: &Value) -> Reply {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    Reply::Other((headers, body.to_string()).into_response())
}
