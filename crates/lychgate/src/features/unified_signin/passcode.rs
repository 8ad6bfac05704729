//! Is the pass code right, and what was it?

use lychgate_store::User;

use crate::{
    events::Event,
    failure::Failure,
    flow::{
        authenticate,
        codes::{self, AnyOutcome, Means},
        unified,
    },
    messages,
    web::{exchange::Exchange, form::Form},
};

/// What came of a typed pass code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judged {
    /// It was this: `password`, or a kind of code.
    Right(&'static str),
    Wrong,
    /// Too many codes were tried; the next one is looked at after so many seconds.
    TooMany {
        retry_after: u32,
    },
}

/// Tries it as each kind that is accepted here. It takes as long for nobody as for somebody, whatever they have set up.
pub(super) async fn judge(
    exchange: &Exchange,
    scope: &'static str,
    user: Option<&User>,
    typed: &str,
) -> Result<Judged, Failure> {
    let gate = &exchange.gate;
    let enabled = unified::enabled(gate);
    let mut attempt = None;
    if enabled.contains(&"password") {
        let password = gate.normalize_password(typed);
        let name = exchange.submitted_text("identity").unwrap_or_default();
        match exchange.begin_attempt(user, &name).await {
            Ok(begun) => {
                match authenticate::password_matches(gate, user, &password, exchange.now).await {
                    Ok(true) if user.is_some() => {
                        exchange.was_right(begun).await?;
                        return Ok(Judged::Right("password"));
                    }
                    Ok(_) => attempt = Some(begun),
                    Err(failure) => {
                        // It was not looked at.
                        exchange.withdraw(begun).await?;
                        return Err(failure);
                    }
                }
            }
            // A code may be tried whatever passwords were.
            Err(Failure::TooMany { .. }) if codes::is_like_a_code(typed) => {}
            Err(failure) => return Err(failure),
        }
    }
    let judged = judge_code(exchange, scope, user, typed).await;
    if let Some(attempt) = attempt {
        match &judged {
            Ok(Judged::Right(_)) => exchange.withdraw(attempt).await?,
            // Also where the code could not be looked at: the password was.
            _ => exchange.was_wrong(attempt, user).await?,
        }
    }
    judged
}

/// The same for codes alone.
async fn judge_code(
    exchange: &Exchange,
    scope: &'static str,
    user: Option<&User>,
    typed: &str,
) -> Result<Judged, Failure> {
    let gate = &exchange.gate;
    let enabled = unified::enabled(gate);
    let mut judged = Judged::Wrong;
    if codes::is_like_a_code(typed) {
        let secrets = user.map(unified::secrets_of).unwrap_or_default();
        let means: Vec<Means> = enabled.iter().filter_map(|method| Means::named(method)).collect();
        let theirs: Vec<_> = means.iter().filter_map(|means| Some((*means, secrets.get(means.name())?))).collect();
        judged = match codes::check_any(exchange, scope, user, &theirs, typed, means.len()).await? {
            AnyOutcome::Right(means) => Judged::Right(means.name()),
            AnyOutcome::Wrong => Judged::Wrong,
            AnyOutcome::TooMany { retry_after } => Judged::TooMany { retry_after },
        };
    }
    if let (false, Some(user)) = (matches!(judged, Judged::Right(_)), user) {
        gate.events().send(&Event::UserFailedAuthentication { user_id: Some(user.id), via: "passcode" });
        exchange.note_failure(user.id, "passcode");
    } else if user.is_none() {
        exchange.audit_failure(None, "passcode");
    }
    Ok(judged)
}

/// Says in the form that a pass code was not right.
pub(super) fn refuse(form: &mut Form, judged: Judged) {
    match judged {
        Judged::Right(_) => {}
        Judged::Wrong => form.field_error("passcode", messages::INVALID_PASSWORD_CODE),
        Judged::TooMany { retry_after } => form.field_error("passcode", codes::wait_message(retry_after)),
    }
}
