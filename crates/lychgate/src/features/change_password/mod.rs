//! Change the password while signed in.

pub(crate) mod openapi;
pub(crate) mod settings;

use http::Method;
use lychgate_store::{ErrorKind, User, UserPatch};
use serde_json::json;

use crate::{
    failure::Failure,
    flow::{
        access::end_sessions, account_page::PartFuture, activity::What, lockout, new_password::is_typed_twice,
        notices::Notice, sign_in::SignIn,
    },
    gate::Lychgate,
    messages,
    settings::Settings,
    web::{
        answer::Reply,
        exchange::Exchange,
        form::{Field, Form, Kind},
        identify::Authenticated,
        routes::{Call, Routes},
    },
};

pub(crate) fn endpoints(settings: &Settings) -> Vec<(&'static str, String)> {
    let url = settings.text_opt("change_url").filter(|_| settings.flag("changeable"));
    url.map(|url| ("change_password", url.to_owned())).into_iter().collect()
}

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(gate: &Lychgate, routes: &mut Routes<S>) {
    for (name, url) in endpoints(gate.settings()) {
        routes.add(name, &[Method::GET], &url, "signed in", get);
        routes.add(name, &[Method::POST], &url, "signed in", post);
    }
}

fn has_password(user: &User) -> bool {
    user.password.as_deref().is_some_and(|hash| !hash.is_empty())
}

/// Lets the caller in; without a password to ask for, a fresh proof stands for it.
async fn admit(call: &Call) -> Result<std::sync::Arc<Authenticated>, Failure> {
    let who = call.admit(&call.config().api_mechanisms, None).await?;
    if !has_password(&who.user) && !call.is_fresh(&who, call.freshness()) {
        return Err(Failure::NotFresh);
    }
    Ok(who)
}

fn form(call: &Exchange, user: &User) -> Form {
    let settings = call.gate.settings();
    let mut fields = Vec::new();
    if has_password(user) {
        let current = Field::new("password", Kind::Password, "Current password");
        fields.push(current.autocomplete("current-password"));
    }
    let new = Field::new("new_password", Kind::Password, "New password").autocomplete("new-password").required();
    let repeat = Field::new("new_password_confirm", Kind::Password, "Repeat the new password");
    fields.extend([new, repeat.autocomplete("new-password").required()]);
    let template = settings.text("change_password_template");
    let mut form = Form::new("change_password_form", template, call.action("change_password"), fields);
    form.payload.insert("active_password".to_owned(), has_password(user).into());
    form.payload.insert("password_min_length".to_owned(), settings.int("password_length_min").into());
    form
}

/// What it adds to the account page.
pub(crate) fn account_part<'a>(call: &'a Exchange, user: &'a User) -> PartFuture<'a> {
    call.leads_to("password", "change_password", has_password(user))
}

async fn get(call: Call) -> Result<Reply, Failure> {
    let who = admit(&call).await?;
    if call.wants_json() {
        let user = call.user_payload(&who.user, false).await?;
        let members = json!({"active_password": has_password(&who.user), "user": user});
        return Ok(Reply::Json(call.members(members)));
    }
    Ok(Reply::Form(Box::new(form(&call, &who.user))))
}

async fn post(call: Call) -> Result<Reply, Failure> {
    let who = admit(&call).await?;
    let user = &who.user;
    let mut form = form(&call, user);
    form.fill(&call.submitted)?;
    // What was typed is looked at first, the current password next, whether the new one will do last.
    let typed = is_typed_twice(&mut form, "new_password", "new_password_confirm");
    let password = if typed && check_current(&call, &mut form, user).await? {
        call.new_password(&mut form, "new_password", user).await?
    } else {
        None
    };
    call.csrf_of_form(&mut form);
    let Some(password) = password.filter(|_| !form.has_errors()) else { return Err(form.rejected()) };
    let Some(changed) = store(&call, user, &password).await? else {
        form.field_error("password", messages::INVALID_PASSWORD);
        return Err(form.rejected());
    };
    let remembered = call.has_cookie(&call.config().remember.name);
    call.sign_in(SignIn { via: "change", user: &changed, remember: remembered }).await?;
    if has_password(user) {
        call.note_proof("password", call.now.float());
    }
    if call.wants_json() {
        let user = call.user_payload(&changed, true).await?;
        return Ok(Reply::Json(call.members(json!({"user": user}))));
    }
    call.flash(messages::PASSWORD_CHANGE);
    Ok(Reply::Redirect(call.landing_view("post_change_view").unwrap_or_else(|| call.signed_in_home())))
}

/// Whether the current password was given and is about to be replaced by another one.
async fn check_current(call: &Exchange, form: &mut Form, user: &User) -> Result<bool, Failure> {
    if !has_password(user) {
        return Ok(true);
    }
    if form.has_error_in("password") {
        return Ok(false);
    }
    if form.value("password").is_empty() {
        form.field_error("password", messages::PASSWORD_NOT_PROVIDED);
        return Ok(false);
    }
    let current = call.gate.normalize_password(form.value("password"));
    if !lockout::password_is_right(call, Some(user), "", &current).await? {
        form.field_error("password", messages::INVALID_PASSWORD);
    } else if current == call.gate.normalize_password(form.value("new_password")) {
        form.field_error("password", messages::PASSWORD_IS_THE_SAME);
    } else {
        return Ok(true);
    }
    Ok(false)
}

/// Writes the new password and ends everything that was signed in with the old one.
async fn store(call: &Exchange, user: &User, password: &str) -> Result<Option<std::sync::Arc<User>>, Failure> {
    let store = call.gate.store();
    let hash = call.gate.hash_password(password).await?;
    let expected =
        UserPatch { fs_uniquifier: Some(user.fs_uniquifier.clone()), active: Some(true), ..UserPatch::default() };
    let mut patch = UserPatch { password: Some(Some(hash)), ..UserPatch::default() };
    let mut post = call.post();
    call.notify(&mut post, user, &Notice::PasswordChanged)?;
    let mut batch = store.batch();
    end_sessions(&call.gate, &mut batch, user, &mut patch, call.now);
    batch.update_user_if(user.id, &expected, &patch, call.now.datetime());
    call.note(&mut batch, user.id, What::PasswordChanged, None);
    match call.commit_and_send(batch, post).await {
        Ok(_) => {}
        Err(error) if matches!(error.kind(), ErrorKind::Unmet(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    Ok(store.user_by_id(user.id).await?)
}
