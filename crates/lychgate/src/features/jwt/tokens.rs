//! Tokens for whoever has a session, new ones for a refresh token, and an end to them.

use http::StatusCode;
use serde_json::json;

use crate::{
    failure::Failure,
    web::{
        answer::{Reply, plain_json},
        identify::Mechanism,
        jwt::{
            Kind, Place, Refusal, Stop, Why,
            bearer::Wanted,
            issue::{Issued, members},
            rotate::Chain,
        },
        routes::Call,
    },
};

/// For whoever is signed in with a session, by whatever factors it took.
pub(super) async fn issue(call: Call) -> Result<Reply, Failure> {
    let who = match call.admit(&[Mechanism::Session], None).await {
        // Whoever asks for tokens is a program, whatever it says it accepts.
        Err(Failure::Unauthenticated { .. }) => {
            return Err(failed(&call, Refusal::new(Why::Missing, "Missing session").into()));
        }
        other => other?,
    };
    call.csrf_of_request()?;
    let fresh = who.proved_at.is_some() && call.is_fresh(&who, call.freshness());
    let refreshes = call.gate.settings().flag("jwt.authenticate_refresh");
    let chain = if refreshes { call.begin_jwt_chain() } else { Chain::default() };
    let mut issued = vec![made(&call, &who.user, Kind::Access, fresh, &chain).await?];
    if refreshes {
        issued.push(made(&call, &who.user, Kind::Refresh, false, &chain).await?);
    }
    hand_out(&call, &issued)
}

/// A new access token, which is not fresh, and where they are good once the next refresh token. They go the way by which
/// the refresh token came.
pub(super) async fn refresh(call: Call) -> Result<Reply, Failure> {
    let bearer = found(&call, Wanted::Next).await?;
    let next = call.next_in_jwt_chain(&bearer).await.map_err(|stop| failed(&call, stop))?;
    let chain = next.clone().unwrap_or_default();
    let mut issued = vec![made(&call, &bearer.user, Kind::Access, false, &chain).await?];
    if next.is_some() {
        issued.push(made(&call, &bearer.user, Kind::Refresh, false, &chain).await?);
    }
    if bearer.place() == Place::Cookies {
        for token in &issued {
            call.set_jwt_cookies(token).map_err(Failure::internal)?;
        }
        return Ok(said("Token refreshed"));
    }
    Ok(Reply::Other(plain_json(StatusCode::OK, &members(&issued))))
}

/// Revokes the token of the request, and what its cookies hold.
pub(super) async fn log_out(call: Call) -> Result<Reply, Failure> {
    let bearer = match call.bearer(Wanted::End).await {
        Ok(bearer) => bearer,
        // With an access token gone, a refresh token may still be there.
        Err(Stop::Refused(refusal)) if refusal.why == Why::Missing => found(&call, Wanted::Next).await?,
        Err(stop) => return Err(failed(&call, stop)),
    };
    call.revoke_jwt(&bearer).await?;
    call.end_jwt_cookies().await?;
    Ok(said("Token revoked"))
}

async fn found(call: &Call, wanted: Wanted) -> Result<std::sync::Arc<crate::web::jwt::bearer::Bearer>, Failure> {
    call.bearer(wanted).await.map_err(|stop| failed(call, stop))
}

fn failed(call: &Call, stop: Stop) -> Failure {
    match (stop, &call.config().jwt) {
        (Stop::Refused(refusal), Some(config)) => refusal.into_failure(config),
        (Stop::Refused(_), None) => Failure::Unauthenticated { realm: None },
        (Stop::Failed(failure), _) => failure,
    }
}

async fn made(
    call: &Call,
    user: &std::sync::Arc<lychgate_store::User>,
    kind: Kind,
    fresh: bool,
    chain: &Chain,
) -> Result<Issued, Failure> {
    call.issue_jwt(user, kind, fresh, chain).await.map_err(Failure::internal)
}

/// As cookies where the settings say so, else as JSON.
fn hand_out(call: &Call, issued: &[Issued]) -> Result<Reply, Failure> {
    let settings = call.gate.settings();
    let by_cookie = call.config().jwt.as_ref().is_some_and(|config| config.places.contains(&Place::Cookies));
    if !by_cookie || settings.text("jwt.authenticate_reply") == "json" {
        return Ok(Reply::Other(plain_json(StatusCode::OK, &members(issued))));
    }
    for token in issued {
        call.set_jwt_cookies(token).map_err(Failure::internal)?;
    }
    Ok(said("Tokens set"))
}

fn said(text: &str) -> Reply {
    Reply::Other(plain_json(StatusCode::OK, &json!({"msg": text})))
}
