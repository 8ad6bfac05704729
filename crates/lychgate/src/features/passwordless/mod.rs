//! Sign in by a mailed link instead of a password; takes the place of the sign-in page.

pub(crate) mod openapi;
pub(crate) mod settings;

use http::Method;
use lychgate_store::User;
use serde_json::json;

use crate::{
    failure::Failure,
    flow::{
        account, by_email, even, landing::token_route, letters, links::Refused, second_factor::Step, sign_in::SignIn,
        waiting::mark_of,
    },
    gate::Lychgate,
    messages,
    settings::Settings,
    web::{
        answer::Reply,
        exchange::Exchange,
        form::{Form, Message},
        routes::{Call, Routes},
    },
};

pub(crate) fn endpoints(settings: &Settings) -> Vec<(&'static str, String)> {
    let url = settings.text_opt("login_url").filter(|_| settings.flag("passwordless"));
    url.map(|url| ("login", url.to_owned())).into_iter().collect()
}

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(gate: &Lychgate, routes: &mut Routes<S>) {
    for (name, url) in endpoints(gate.settings()) {
        routes.add(name, &[Method::GET], &url, "anyone", get);
        routes.add(name, &[Method::POST], &url, "anyone", post);
        let link = token_route(&url);
        routes.add("token_login", &[Method::GET], &link, "the mailed link", follow);
        routes.add("token_login", &[Method::POST], &link, "the mailed link", confirm);
    }
}

fn form(call: &Exchange) -> Form {
    by_email::form(call, "send_login_form", "send_login_template", "login")
}

async fn get(call: Call) -> Result<Reply, Failure> {
    if call.wants_json() {
        return Ok(Reply::Json(call.members(json!({}))));
    }
    Ok(Reply::Form(Box::new(form(&call))))
}

/// The code that the link showed on another device.
async fn by_code(call: &Call) -> Result<Reply, Failure> {
    call.anonymous_only().await?;
    let mut form = call.waiting_form(&letters::LOGIN);
    form.fill(&call.submitted)?;
    call.csrf_of_form(&mut form);
    if form.has_errors() {
        return Err(form.rejected());
    }
    match call.redeem_relay_code(&letters::LOGIN, &form).await? {
        Some(relayed) => match finish(call, &relayed.user, &relayed.link).await? {
            Ok(reply) => Ok(reply),
            Err(problem) => {
                form.form_error(problem);
                Err(form.rejected())
            }
        },
        None => Err(call.refused_code(form)),
    }
}

async fn post(call: Call) -> Result<Reply, Failure> {
    even::evenly(&call, ask(&call)).await
}

async fn ask(call: &Call) -> Result<Reply, Failure> {
    call.csrf_unauthenticated().await?;
    if call.brings_relay_code() {
        return by_code(call).await;
    }
    let mut form = form(call);
    form.fill(&call.submitted)?;
    let user = by_email::find_usable(call, &mut form).await?;
    let before = form.has_errors();
    call.csrf_of_form(&mut form);
    let generic = by_email::is_generic(call);
    // The address as it is stored says that it is; as it was typed it says nothing.
    let shown = user.as_ref().filter(|_| !generic).map_or(form.value("email"), |user| user.email.as_str());
    let message = Message::from(messages::LOGIN_EMAIL_SENT).with("email", shown);
    if before && generic && !form.has_error_in("csrf_token") {
        call.wait_for(&letters::LOGIN);
        by_email::decoy(call).await?;
        return Ok(by_email::sent(call, form, message, &letters::LOGIN));
    }
    let Some(user) = user.filter(|_| !form.has_errors()) else { return Err(by_email::refused(call, form)) };
    call.wait_for(&letters::LOGIN);
    send_link(call, &user).await?;
    Ok(by_email::sent(call, form, message, &letters::LOGIN))
}

async fn send_link(call: &Exchange, user: &User) -> Result<(), Failure> {
    let link = call.gate.login_link(user, call.now)?;
    call.mail_link(&letters::LOGIN, user, &user.email, &link).await
}

async fn follow(call: Call) -> Result<Reply, Failure> {
    call.anonymous_only().await?;
    if call.asks_for_a_click() {
        let token = call.param("token");
        let code = match call.gate.open_login_link(token, call.now).await? {
            Ok(user) => call.relay_code(&letters::LOGIN, &user, token).await?,
            Err(_) => None,
        };
        return Ok(call.relay_page_with("Sign in", "Sign in", code));
    }
    act(call).await
}

async fn confirm(call: Call) -> Result<Reply, Failure> {
    call.anonymous_only().await?;
    let mut form = call.relay_form();
    form.fill(&call.submitted)?;
    call.csrf_unauthenticated().await?;
    call.csrf_of_form(&mut form);
    if form.has_errors() {
        return Err(form.rejected());
    }
    act(call).await
}

async fn act(call: Call) -> Result<Reply, Failure> {
    let settings = call.gate.settings();
    let page = call.gate.url("login");
    let failed = |message: Message, who: Option<&User>| {
        if call.is_spa() {
            return Ok(call.landed(message, "login_error_view", page.clone(), who));
        }
        call.flash(message);
        Ok(Reply::Redirect(page.clone()))
    };
    let token = call.param("token").to_owned();
    let user = match call.gate.open_login_link(&token, call.now).await? {
        Ok(user) => user,
        Err(Refused::Invalid) => return failed(messages::INVALID_LOGIN_TOKEN.into(), None),
        Err(Refused::Expired(uniquifier)) => {
            let store = call.gate.store();
            let user = match uniquifier {
                Some(uniquifier) => store.user_by_uniquifier(&uniquifier).await?,
                None => None,
            };
            let Some(user) = user else { return failed(messages::INVALID_LOGIN_TOKEN.into(), None) };
            if account::problem(&call.gate, &user).await?.is_some() {
                return failed(messages::INVALID_LOGIN_TOKEN.into(), None);
            }
            call.limit_message_to(&user).await?;
            send_link(&call, &user).await?;
            let expired = Message::from(messages::LOGIN_EXPIRED)
                .with("within", letters::LOGIN.within(settings))
                .with("email", user.email.clone());
            return failed(expired, Some(&user));
        }
    };
    match finish(&call, &user, &mark_of(&token)).await? {
        Ok(reply) => Ok(reply),
        Err(problem) => failed(problem, None),
    }
}

/// Uses the link up, which `mark` names, and signs in; or why not.
async fn finish(call: &Call, user: &User, mark: &str) -> Result<Result<Reply, Message>, Failure> {
    if let Some(problem) = account::problem_for_owner(call, user).await? {
        return Ok(Err(problem.into()));
    }
    let expires = call.now.datetime() + time::Duration::days(31);
    if !call.gate.store().redeem_once("login-link", mark, expires, call.now.datetime()).await? {
        return Ok(Err(messages::INVALID_LOGIN_TOKEN.into()));
    }
    match call.first_factor(SignIn { via: "token", user, remember: false }, None).await? {
        Step::SignedIn => {}
        Step::Asked(reply) => return Ok(Ok(reply)),
        Step::NotThisWay => return Ok(Err(messages::SECOND_FACTOR_SAME_WAY.into())),
    }
    // A link is followed by a browser, whatever it accepts; a code may come from a program.
    if call.brings_relay_code() && call.wants_json() {
        let user = call.user_payload(user, true).await?;
        return Ok(Ok(Reply::Json(call.members(json!({"tf_required": false, "user": user})))));
    }
    if call.is_spa()
        && let Some(view) = call.landing_view("post_login_view")
    {
        let identity = account::identity_text(&call.gate, user);
        let query = [("email", user.email.as_str()), ("identity", identity.as_str())];
        return Ok(Ok(Reply::Redirect(crate::flow::landing::with_query(&view, &query))));
    }
    call.flash(messages::PASSWORDLESS_LOGIN_SUCCESSFUL);
    Ok(Ok(Reply::Redirect(call.after(None, "post_login_view"))))
}
