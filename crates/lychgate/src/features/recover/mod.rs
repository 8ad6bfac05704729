//! Set a new password by a mailed link.

pub(crate) mod openapi;
pub(crate) mod settings;

use http::Method;
use lychgate_store::{User, UserPatch};
use serde_json::{Map, json};

use crate::{
    failure::Failure,
    flow::{
        access::end_sessions,
        activity::What,
        by_email, even,
        landing::{token_route, with_query},
        letters,
        links::{LinkUser, Refused},
        new_password::is_typed_twice,
        notices::Notice,
        second_factor::Step,
        sign_in::SignIn,
        unified,
    },
    gate::Lychgate,
    messages,
    settings::Settings,
    web::{
        answer::Reply,
        exchange::Exchange,
        form::{Field, Form, Kind, Message},
        routes::{Call, Routes},
    },
};

pub(crate) fn endpoints(settings: &Settings) -> Vec<(&'static str, String)> {
    let url = settings.text_opt("reset_url").filter(|_| settings.flag("recoverable"));
    url.map(|url| ("forgot_password", url.to_owned())).into_iter().collect()
}

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(gate: &Lychgate, routes: &mut Routes<S>) {
    for (name, url) in endpoints(gate.settings()) {
        routes.add(name, &[Method::GET], &url, "anyone", get);
        routes.add(name, &[Method::POST], &url, "anyone", post);
        let link = token_route(&url);
        routes.add("reset_password", &[Method::GET], &link, "the mailed link", follow);
        routes.add("reset_password", &[Method::POST], &link, "the mailed link", reset);
    }
}

async fn get(call: Call) -> Result<Reply, Failure> {
    if call.wants_json() {
        return Ok(Reply::Json(call.members(json!({}))));
    }
    let mut form = form(&call);
    if let Some(who) = call.current().await? {
        form.set_value("email", &who.user.email);
    }
    Ok(Reply::Form(Box::new(form)))
}

fn form(call: &Exchange) -> Form {
    by_email::form(call, "forgot_password_form", "forgot_password_template", "forgot_password")
}

async fn post(call: Call) -> Result<Reply, Failure> {
    even::evenly(&call, ask(&call)).await
}

async fn ask(call: &Call) -> Result<Reply, Failure> {
    call.csrf_unauthenticated().await?;
    let mut form = form(call);
    form.fill(&call.submitted)?;
    let user = by_email::find_usable(call, &mut form).await?;
    let before = form.has_errors();
    call.csrf_of_form(&mut form);
    let request = Message::from(messages::PASSWORD_RESET_REQUEST).with("email", form.value("email"));
    if before && by_email::is_generic(call) && !form.has_error_in("csrf_token") {
        by_email::decoy(call).await?;
        return Ok(by_email::sent(call, form, request, &letters::RESET));
    }
    if let Some(reply) = by_email::explain_confirmation(call, &form) {
        return Ok(reply);
    }
    let Some(user) = user.filter(|_| !form.has_errors()) else { return Err(by_email::refused(call, form)) };
    if call.gate.settings().flag("send_password_reset_email") {
        let link = call.gate.reset_link(&user, call.now).await?;
        call.mail_link(&letters::RESET, &user, &user.email, &link).await?;
    }
    Ok(by_email::sent(call, form, request, &letters::RESET))
}

/// Why a recovery link does nothing, in words.
fn refusal(settings: &Settings, refused: &Refused) -> Message {
    match refused {
        Refused::Invalid => messages::INVALID_RESET_PASSWORD_TOKEN.into(),
        Refused::Expired(_) => {
            Message::from(messages::PASSWORD_RESET_EXPIRED).with("within", letters::RESET.within(settings))
        }
    }
}

/// The page for the new password; following a link changes nothing.
async fn follow(call: Call) -> Result<Reply, Failure> {
    let token = call.param("token").to_owned();
    match call.gate.open_reset_link(&token, call.now).await? {
        Ok(_) => match call.landing_view("reset_view").filter(|_| call.is_spa()) {
            Some(view) => Ok(Reply::Redirect(with_query(&view, &[("token", &token)]))),
            None => Ok(Reply::Form(Box::new(new_password_form(&call, &token)))),
        },
        Err(refused) => {
            let message = refusal(call.gate.settings(), &refused);
            let page = call.gate.url("forgot_password");
            if call.is_spa() {
                return Ok(call.landed(message, "reset_error_view", page, None));
            }
            call.flash(message);
            Ok(Reply::Redirect(page))
        }
    }
}

fn new_password_form(call: &Exchange, token: &str) -> Form {
    let settings = call.gate.settings();
    let fields = vec![
        Field::new("password", Kind::Password, "New password").autocomplete("new-password").required(),
        Field::new("password_confirm", Kind::Password, "Repeat the password").autocomplete("new-password").required(),
    ];
    let mut form = Form::new(
        "reset_password_form",
        settings.text("reset_password_template"),
        call.token_path("forgot_password", token),
        fields,
    );
    form.payload.insert("password_min_length".to_owned(), settings.int("password_length_min").into());
    form
}

async fn reset(call: Call) -> Result<Reply, Failure> {
    call.csrf_unauthenticated().await?;
    let token = call.param("token").to_owned();
    let user = match call.gate.open_reset_link(&token, call.now).await? {
        Ok(user) => user,
        Err(refused) => return refuse_link(&call, &token, refusal(call.gate.settings(), &refused)),
    };
    let mut form = new_password_form(&call, &token);
    form.fill(&call.submitted)?;
    let password = if is_typed_twice(&mut form, "password", "password_confirm") {
        call.new_password(&mut form, "password", &user).await?
    } else {
        None
    };
    call.csrf_of_form(&mut form);
    let Some(password) = password.filter(|_| !form.has_errors()) else { return Err(form.rejected()) };
    let Some(user) = store_password(&call, &user, &password).await? else {
        return refuse_link(&call, &token, messages::INVALID_RESET_PASSWORD_TOKEN.into());
    };
    finish(&call, &user).await
}

fn refuse_link(call: &Call, token: &str, message: Message) -> Result<Reply, Failure> {
    if call.wants_json() {
        let mut form = new_password_form(call, token);
        form.form_error(message);
        return Err(form.rejected());
    }
    call.flash(message);
    Ok(Reply::Redirect(call.gate.url("forgot_password")))
}

/// Writes the new password if the one that the link was made for is still there; of several uses one wins.
async fn store_password(call: &Exchange, user: &User, password: &str) -> Result<Option<LinkUser>, Failure> {
    let hash = call.gate.hash_password(password).await?;
    let expected = UserPatch {
        password: Some(user.password.clone()),
        fs_uniquifier: Some(user.fs_uniquifier.clone()),
        active: Some(true),
        ..UserPatch::default()
    };
    let mut patch = UserPatch { password: Some(Some(hash)), ..UserPatch::default() };
    // Until now nobody has proved that the address is theirs; what else lets somebody in may be somebody else's.
    let is_unproved = call.gate.settings().flag("confirmable") && user.confirmed_at.is_none();
    if is_unproved {
        unified::undo(&call.gate, user, &mut patch).await?;
    }
    let mut post = call.post();
    call.notify(&mut post, user, &Notice::PasswordReset)?;
    let mut batch = call.gate.store().batch();
    end_sessions(&call.gate, &mut batch, user, &mut patch, call.now);
    batch.update_user_if(user.id, &expected, &patch, call.now.datetime());
    if is_unproved {
        batch.delete_credentials_since(user.id, None, time::OffsetDateTime::UNIX_EPOCH);
    }
    call.note(&mut batch, user.id, What::PasswordReset, None);
    match call.commit_and_send(batch, post).await {
        Ok(_) => {}
        Err(error) if matches!(error.kind(), lychgate_store::ErrorKind::Unmet(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    Ok(call.gate.store().user_by_id(user.id).await?)
}

async fn finish(call: &Call, user: &User) -> Result<Reply, Failure> {
    let settings = call.gate.settings();
    let step = if settings.flag("auto_login_after_reset") {
        call.first_factor(SignIn { via: "reset", user, remember: false }, None).await?
    } else {
        Step::NotThisWay
    };
    if let Step::Asked(reply) = step {
        if !call.wants_json() {
            call.flash(messages::PASSWORD_RESET);
        }
        return Ok(reply);
    }
    if matches!(step, Step::SignedIn) {
        if call.wants_json() {
            let user = call.user_payload(user, true).await?;
            return Ok(Reply::Json(call.members(json!({"tf_required": false, "user": user}))));
        }
        call.flash(messages::PASSWORD_RESET);
        return Ok(Reply::Redirect(call.landing_view("post_reset_view").unwrap_or_else(|| call.signed_in_home())));
    }
    if call.wants_json() {
        return Ok(Reply::Json(Map::new()));
    }
    call.flash(messages::PASSWORD_RESET_NO_LOGIN);
    Ok(Reply::Redirect(call.landing_view("post_reset_view").unwrap_or_else(|| call.gate.url("login"))))
}
