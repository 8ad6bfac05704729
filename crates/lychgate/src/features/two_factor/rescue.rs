//! What to do without a code at sign-in: have one mailed, use a recovery code, or ask the operator for help.

use serde_json::json;
use time::Duration;

use super::forms;
use crate::{
    failure::Failure,
    flow::{
        codes::{self, Means},
        letters::about,
        second_factor::{Pending, State},
    },
    mail::Letter,
    web::{answer::Reply, form::Form, routes::Call},
};

/// How often the operator is asked for help with one account.
const CALLS_FOR_HELP: (i64, Duration) = (3, Duration::days(1));

async fn waiting(call: &Call) -> Result<Option<Pending>, Failure> {
    call.anonymous_only().await?;
    Ok(call.pending().await?.filter(|pending| pending.state == State::Ready))
}

/// The page for a code, with this form on it.
fn page(call: &Call, pending: &Pending, rescue: &Form, problem: &str) -> Form {
    let mut code = forms::code(call, call.action("two_factor_token_validation"));
    forms::code_page(call, &mut code, pending, rescue, problem);
    code.payload.insert("rescue_mail".to_owned(), call.gate.settings().text("two_factor_rescue_mail").into());
    code
}

pub(super) async fn get(call: Call) -> Result<Reply, Failure> {
    let Some(pending) = waiting(&call).await? else { return call.out_of_turn(forms::rescue(&call, &[])) };
    let ways = forms::ways_out(&call, &pending);
    if call.wants_json() {
        return Ok(Reply::Json(call.members(json!({"recovery_options": forms::recovery_options(&ways)}))));
    }
    Ok(Reply::Form(Box::new(page(&call, &pending, &forms::rescue(&call, &ways), ""))))
}

pub(super) async fn post(call: Call) -> Result<Reply, Failure> {
    call.csrf_unauthenticated().await?;
    let Some(pending) = waiting(&call).await? else { return call.out_of_turn(forms::rescue(&call, &[])) };
    let ways = forms::ways_out(&call, &pending);
    let mut form = forms::rescue(&call, &ways);
    form.fill(&call.submitted)?;
    call.csrf_of_form(&mut form);
    let chosen = ways.iter().find(|(way, _)| *way == form.value("help_setup"));
    let Some((chosen, url)) = chosen.filter(|_| !form.has_errors()) else { return refused(&call, &pending, form) };
    match *chosen {
        "recovery_code" => {
            return Ok(Reply::Redirect(call.asked_next(None).map_or(url.clone(), |to| call.with_next(url, &to))));
        }
        "email" => {
            if let Err(failure) = call.send_second_factor(&pending.user, Means::Email).await {
                return super::begin::not_sent(&call, form, failure).or_else(|failure| shown(&call, &pending, failure));
            }
        }
        _ => {
            if let Some(retry_after) = ask_for_help(&call, &pending).await? {
                if call.wants_json() {
                    return Err(Failure::TooMany { retry_after });
                }
                form.form_error(codes::wait_message(retry_after));
                return refused(&call, &pending, form);
            }
        }
    }
    if call.wants_json() {
        return Ok(Reply::Json(call.members(json!({"recovery_options": forms::recovery_options(&ways)}))));
    }
    Ok(Reply::Form(Box::new(page(&call, &pending, &forms::rescue(&call, &ways), chosen))))
}

/// Errors of the form are shown on the page that it stands on.
fn refused(call: &Call, pending: &Pending, form: Form) -> Result<Reply, Failure> {
    shown(call, pending, form.rejected())
}

fn shown(call: &Call, pending: &Pending, failure: Failure) -> Result<Reply, Failure> {
    match failure {
        Failure::Form(rejected) if !call.wants_json() => {
            Ok(Reply::Form(Box::new(page(call, pending, &rejected.form, ""))))
        }
        other => Err(other),
    }
}

/// Writes to the operator; after too many such letters, the seconds until the next.
async fn ask_for_help(call: &Call, pending: &Pending) -> Result<Option<u32>, Failure> {
    let (settings, store, user, now) = (call.gate.settings(), call.gate.store(), &pending.user, call.now.datetime());
    let (limit, window) = CALLS_FOR_HELP;
    let key = format!("tf-help/{}", user.id);
    if !store.count_attempt(&key, limit, window, now).await? {
        let until = store.mark(&key).await?.map_or(now, |(_, until)| until);
        return Ok(Some(u32::try_from((until - now).whole_seconds()).unwrap_or(0).max(1)));
    }
    let mut post = call.post();
    let letter = Letter {
        template: settings.text("two_factor_rescue_email_template"),
        subject: settings.text("email_subject_two_factor_rescue").to_owned(),
        to: settings.text("two_factor_rescue_mail"),
        context: about(user),
    };
    post.letter(call, letter)?;
    call.commit_and_send(store.batch(), post).await?;
    Ok(None)
}
