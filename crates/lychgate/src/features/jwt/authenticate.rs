//! A token for a password: `POST /authenticate` with `uid` or `email`, and `password`.
//!
//! Replies are those of the lessons that teach it, byte for byte, but for mistakes of the client that they call errors of
//! the server.

use std::sync::Arc;

use axum::response::IntoResponse as _;
use http::{HeaderValue, StatusCode, header};
use lychgate_store::User;
use serde_json::{Value, json};

use crate::{
    events::Event,
    failure::Failure,
    flow::{account, authenticate, lockout, second_factor},
    messages,
    web::{
        answer::{Reply, plain_json},
        body::{Broken, Submitted},
        form::Message,
        jwt::{Kind, issue, rotate::Chain, said},
        routes::Call,
    },
};

pub(super) async fn post(call: Call) -> Result<Reply, Failure> {
    match work(&call).await {
        Err(Failure::Internal(what)) => {
            tracing::error!(request_id = call.request_id(), what, "a sign-in for a token failed");
            Err(said(
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something went wrong in data processing!",
                "Internal server error",
            ))
        }
        other => other,
    }
}

fn unauthorized(message: impl Into<Value>) -> Failure {
    Failure::Said { status: StatusCode::UNAUTHORIZED, body: json!({"message": message.into()}) }
}

/// What stands for an identity and a password; only JSON, which no form of another site can send.
fn credentials(call: &Call) -> Result<(&str, &str), Failure> {
    let empty = || said(StatusCode::BAD_REQUEST, "Please provide user details", "Bad request");
    let members = match &call.submitted {
        Submitted::Json(members) if !members.is_empty() => members,
        Submitted::Json(_) | Submitted::Nothing | Submitted::Form(_) => return Err(empty()),
        Submitted::Broken(why) => {
            let status = match why {
                Broken::Malformed => StatusCode::BAD_REQUEST,
                Broken::TooLarge | Broken::TooManyFields => StatusCode::PAYLOAD_TOO_LARGE,
                Broken::TooSlow => StatusCode::REQUEST_TIMEOUT,
                Broken::Encoded => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            };
            return Err(said(status, "Something went wrong in data processing!", "Bad request"));
        }
    };
    let text = |name: &str| members.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let uid = text("uid").or_else(|| text("email")).ok_or_else(|| unauthorized("User ID is missing"))?;
    Ok((uid, text("password").unwrap_or_default()))
}

async fn work(call: &Call) -> Result<Reply, Failure> {
    let (uid, password) = credentials(call)?;
    let user = signed_in(call, uid, password).await?;
    let settings = call.gate.settings();
    let mut issued = Vec::new();
    let refreshes = settings.flag("jwt.authenticate_refresh");
    let chain = if refreshes { call.begin_jwt_chain() } else { Chain::default() };
    for kind in [Some(Kind::Access), refreshes.then_some(Kind::Refresh)].into_iter().flatten() {
        match call.issue_jwt(&user, kind, kind == Kind::Access, &chain).await {
            Ok(token) => issued.push(token),
            Err(error) => return Err(not_made(call, &error)),
        }
    }
    if settings.text("jwt.authenticate_reply") == "json" {
        call.token_signed_in(&user, "jwt").await?;
        return Ok(Reply::Other(plain_json(StatusCode::OK, &issue::members(&issued))));
    }
    for token in &issued {
        call.set_jwt_cookies(token).map_err(|error| not_made(call, &error))?;
    }
    call.token_signed_in(&user, "jwt").await?;
    let text = format!("Authentication for {} successful", call.jwt_name(&user));
    // The name is somebody's own choice: nothing may take it for HTML.
    let plain = [(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))];
    Ok(Reply::Other((plain, text).into_response()))
}

/// The user whose password this is, if it is enough. Nobody's takes as long as a wrong one.
async fn signed_in(call: &Call, uid: &str, password: &str) -> Result<Arc<User>, Failure> {
    let as_json = call.gate.settings().text("jwt.authenticate_reply") == "json";
    let wrong = || unauthorized(if as_json { "Invalid credentials" } else { "Invalid user id or password" });
    let user = authenticate::find(&call.gate, uid).await?;
    let password = call.gate.normalize_password(password);
    let matches = lockout::password_is_right(call, user.as_deref(), uid, &password).await?;
    let Some(user) = user else {
        call.audit_failure(None, "jwt");
        return Err(wrong());
    };
    if !matches {
        call.gate.events().send(&Event::UserFailedAuthentication { user_id: Some(user.id), via: "jwt" });
        call.note_failure(user.id, "jwt");
        return Err(wrong());
    }
    let problem = match account::problem_for_owner(call, &user).await {
        Ok(problem) => problem.map(Message::from),
        Err(Failure::Stopped(standing)) => Some(account::stopped_message(&standing)),
        Err(failure) => return Err(failure),
    };
    if let Some(problem) = problem {
        let generic = call.gate.settings().flag("return_generic_responses");
        return Err(if generic { wrong() } else { unauthorized(call.text(&problem)) });
    }
    if second_factor::is_needed(&call.gate, &user).await? {
        // The way in leads past the second factor, and then to the tokens with the session.
        let message = call.text(&messages::JWT_SECOND_FACTOR.into());
        let body = json!({
            "message": message, "data": null, "error": "Unauthorized", "tf_required": true,
            "sign_in": call.gate.url("login"), "tokens": call.gate.url("jwt_issue"),
        });
        return Err(Failure::Said { status: StatusCode::UNAUTHORIZED, body });
    }
    Ok(user)
}

/// The reason goes to the log; it may tell of columns and keys.
fn not_made(call: &Call, error: &str) -> Failure {
    tracing::error!(request_id = call.request_id(), error, "a JSON Web Token was not made");
    let body = json!({
        "message": format!("Failed to generate JWT token: see the log under {}", call.request_id()),
        "error": "Something went wrong in cookie  creation!",
    });
    Failure::Said { status: StatusCode::INTERNAL_SERVER_ERROR, body }
}
