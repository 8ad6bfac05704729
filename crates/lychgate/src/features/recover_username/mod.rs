//! Have one's username mailed.

pub(crate) mod openapi;

use http::Method;
use serde_json::json;

use crate::{
    failure::Failure,
    flow::{by_email, even, letters::about},
    gate::Lychgate,
    mail::Letter,
    messages,
    settings::Settings,
    web::{
        answer::Reply,
        exchange::Exchange,
        form::Form,
        routes::{Call, Routes},
    },
};

pub(crate) fn endpoints(settings: &Settings) -> Vec<(&'static str, String)> {
    let url = settings.text_opt("username_recovery_url").filter(|_| settings.flag("username_recovery"));
    url.map(|url| ("recover_username", url.to_owned())).into_iter().collect()
}

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(gate: &Lychgate, routes: &mut Routes<S>) {
    for (name, url) in endpoints(gate.settings()) {
        routes.add(name, &[Method::GET], &url, "not signed in", get);
        routes.add(name, &[Method::POST], &url, "not signed in", post);
    }
}

fn form(call: &Exchange) -> Form {
    by_email::form(call, "username_recovery_form", "username_recovery_template", "recover_username")
}

async fn get(call: Call) -> Result<Reply, Failure> {
    call.anonymous_only().await?;
    if call.wants_json() {
        return Ok(Reply::Json(call.members(json!({}))));
    }
    Ok(Reply::Form(Box::new(form(&call))))
}

async fn post(call: Call) -> Result<Reply, Failure> {
    even::evenly(&call, ask(&call)).await
}

async fn ask(call: &Call) -> Result<Reply, Failure> {
    call.csrf_unauthenticated().await?;
    call.anonymous_only().await?;
    let mut form = form(call);
    form.fill(&call.submitted)?;
    let user = by_email::find_usable(call, &mut form).await?;
    let before = form.has_errors();
    call.csrf_of_form(&mut form);
    if before && by_email::is_generic(call) && !form.has_error_in("csrf_token") {
        by_email::decoy(call).await?;
        return Ok(done(call));
    }
    if let Some(reply) = by_email::explain_confirmation(call, &form) {
        return Ok(reply);
    }
    let Some(user) = user.filter(|_| !form.has_errors()) else { return Err(by_email::refused(call, form)) };
    let settings = call.gate.settings();
    let mut context = about(&user);
    context.insert("username".to_owned(), json!(user.username));
    let mut post = call.post();
    post.letter(
        call,
        Letter {
            template: settings.text("username_recovery_email_template"),
            subject: settings.text("email_subject_username_recovery").to_owned(),
            to: &user.email,
            context,
        },
    )?;
    call.commit_and_send(call.gate.store().batch(), post).await?;
    Ok(done(call))
}

/// The same for everybody, so that nobody learns who has an account.
fn done(call: &Exchange) -> Reply {
    if call.wants_json() {
        return Reply::Json(call.members(json!({})));
    }
    call.flash(messages::USERNAME_RECOVERY_REQUEST);
    Reply::Redirect(call.gate.url("login"))
}
