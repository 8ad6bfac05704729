//! Register: a form, an account, a welcome mail; in one transaction, so that nothing half done stays behind.

mod door;
mod entry;
mod form;
mod known;
pub(crate) mod openapi;
pub(crate) mod settings;

use http::{Method, StatusCode};
use lychgate_store::{AccountMark, ErrorKind, NewUser, User};
use serde_json::{Map, Value, json};

use self::entry::Entry;
use crate::{
    accounts::{self, NewAccount, Problem, username_problem},
    audit::Audited,
    failure::Failure,
    flow::{
        account::{self, AccountStatus},
        by_email,
        landing::with_query,
        letters::{self, about},
        names::NewNames,
        second_factor::Step,
        sign_in::SignIn,
        unified,
        waiting::QUERY,
    },
    gate::Lychgate,
    identity::username::UsernameError,
    mail::Letter,
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
    let url = settings.text_opt("register_url").filter(|_| settings.flag("registerable"));
    url.map(|url| ("register", url.to_owned())).into_iter().collect()
}

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(gate: &Lychgate, routes: &mut Routes<S>) {
    for (name, url) in endpoints(gate.settings()) {
        routes.add(name, &[Method::GET], &url, "not signed in", get);
        routes.add(name, &[Method::POST], &url, "not signed in", post);
        for sign_up in gate.sign_ups() {
            routes.add(name, &[Method::GET], &sign_up.path, "not signed in", get);
            routes.add(name, &[Method::POST], &sign_up.path, "not signed in", post);
        }
    }
}

async fn get(call: Call) -> Result<Reply, Failure> {
    call.anonymous_only().await?;
    if call.wants_json() {
        return Ok(Reply::Json(call.members(json!({}))));
    }
    let entry = Entry::of(&call, &form::token(&call)).await?;
    Ok(Reply::Form(Box::new(form::register(&call, &entry))))
}

async fn post(call: Call) -> Result<Reply, Failure> {
    call.csrf_unauthenticated().await?;
    call.anonymous_only().await?;
    let entry = Entry::of(&call, &form::token(&call)).await?;
    entry.check()?;
    let mut form = form::register(&call, &entry);
    form.fill(&call.submitted)?;
    let new = prepare(&call, &mut form, &entry).await?;
    call.check_next(&mut form);
    call.csrf_of_form(&mut form);
    let Some(new) = new.filter(|_| !form.has_errors()) else { return refuse(&call, form, &entry).await };
    wait(&call);
    match store(&call, &new, &entry).await? {
        Ok(user) => done(&call, &form, &user, &entry).await,
        Err(errors) => {
            add_errors(&mut form, errors);
            refuse(&call, form, &entry).await
        }
    }
}

/// Everything is looked at, so that all errors are told at once.
async fn prepare(call: &Exchange, form: &mut Form, entry: &Entry) -> Result<Option<NewUser>, Failure> {
    let settings = call.gate.settings();
    let account = account_of(call, form, entry).await?;
    if form.has_field("username") && !form.has_error_in("username") {
        check_presence(settings, form);
    }
    entry.check_email(call, form);
    let prepared = call.gate.prepare_account(&account, call.now).await;
    if form.value("email").trim() != form.value("email") && !form.value("email").trim().is_empty() {
        form.field_error("email", messages::INVALID_EMAIL_ADDRESS);
    }
    let refused = matches!(prepared, Err(Problem::Fields(_)));
    check_repeated(settings, form, refused);
    match prepared {
        Ok(mut new) => {
            unified::set_up_mail(&call.gate, &mut new).await?;
            Ok(Some(new))
        }
        Err(Problem::Failure(failure)) => Err(failure),
        Err(Problem::Fields(errors)) => {
            add_errors(form, errors);
            Ok(None)
        }
    }
}

/// A username that was left out, or is nothing but spaces.
fn check_presence(settings: &Settings, form: &mut Form) {
    let username = form.value("username");
    let (nothing, blank) = (username.is_empty(), username.trim().is_empty());
    if blank && settings.flag("username_required") {
        form.field_error("username", messages::USERNAME_NOT_PROVIDED);
    } else if blank && !nothing {
        form.field_error("username", username_problem(settings, UsernameError::InvalidLength));
    }
}

/// The password has to be typed twice. The older form asks for that last, when all else is right.
fn check_repeated(settings: &Settings, form: &mut Form, refused: bool) {
    if !form.has_field("password_confirm") || form.has_error_in("password_confirm") {
        return;
    }
    let silent = form.value("password").trim().is_empty() && !settings.flag("password_required")
        || !settings.flag("use_register_v2") && (refused || form.has_errors());
    if !form.value("password_confirm").trim().is_empty() {
        if form.value("password") != form.value("password_confirm") {
            form.field_error("password_confirm", messages::RETYPE_PASSWORD_MISMATCH);
        }
    } else if !silent {
        form.field_error("password_confirm", messages::PASSWORD_NOT_PROVIDED);
    }
}

async fn account_of(call: &Exchange, form: &Form, entry: &Entry) -> Result<NewAccount, Failure> {
    // Nothing but spaces is no password.
    let password = if form.value("password").trim().is_empty() { "" } else { form.value("password") };
    let may_lack_one = !call.gate.settings().flag("password_required") && unified::is_on(&call.gate);
    let username = Some(form.value("username")).filter(|name| !name.trim().is_empty()).map(str::to_owned);
    let mut extra = Map::new();
    for field in call.gate.register_fields() {
        if !form.value(field.name).is_empty() {
            extra.insert(field.name.to_owned(), form.value(field.name).into());
        }
    }
    let mut roles = door::of(call).map(|door| door.roles.clone()).unwrap_or_default();
    if let Entry::Invited(invitation) = entry {
        for role in &invitation.roles {
            // One that is gone since is left out.
            if call.gate.store().role_by_name(role).await?.is_some() {
                roles.push(role.clone());
            }
        }
    }
    Ok(NewAccount {
        email: form.value("email").to_owned(),
        username,
        password: Some(password).filter(|typed| !may_lack_one || !typed.is_empty()).map(str::to_owned),
        active: !matches!(entry, Entry::Waiting),
        confirmed: matches!(entry, Entry::Invited(_)) && call.gate.store().has_user_column("confirmed_at"),
        roles,
        extra,
        ..NewAccount::default()
    })
}

fn add_errors(form: &mut Form, errors: accounts::FieldErrors) {
    for (field, message) in errors {
        if !form.has_error_in(field) {
            form.field_error(field, message);
        }
    }
}

/// The account and its mail in one transaction. An address that somebody else takes at the same moment is an error of
/// the field.
async fn store(
    call: &Exchange,
    new: &NewUser,
    entry: &Entry,
) -> Result<Result<std::sync::Arc<User>, accounts::FieldErrors>, Failure> {
    let store = call.gate.store();
    let mut batch = store.batch();
    let mut names = NewNames::of(new);
    names.check(&mut batch);
    batch.create_user(new, call.now.datetime());
    let step = batch.len() - 1;
    names.record(&mut batch, &new.fs_uniquifier);
    let entered = batch.len();
    match entry {
        Entry::Invited(invitation) => drop(batch.accept_invitation(&invitation.id, call.now.datetime())),
        Entry::Waiting => drop(batch.mark_new_account(&new.fs_uniquifier, &waiting(), call.now.datetime())),
        _ => {}
    }
    let mut post = call.post();
    let settings = call.gate.settings();
    let mut mailed = None;
    if settings.flag("send_register_email") {
        // The link names the account by its uniquifier, which is known before the row is.
        let preview = preview(new);
        let mut context = about(&preview);
        if settings.flag("confirmable") && new.confirmed_at.is_none() {
            let link = call.gate.confirm_link(&preview, call.now).await?;
            letters::CONFIRM.put(call, &link, &mut context);
            mailed = Some(link);
        }
        post.letter(
            call,
            Letter {
                template: settings.text("register_email_template"),
                subject: settings.text("email_subject_register").to_owned(),
                to: &new.email,
                context,
            },
        )?;
    }
    let outcome = match call.commit_and_send(batch, post).await {
        Ok(outcome) => outcome,
        Err(error) => {
            if let Some(column) = names.taken(&error) {
                return Ok(Err(accounts::taken(column, new)));
            }
            if matches!(error.kind(), ErrorKind::Unmet(step) if *step == entered) {
                return Err(Failure::bad(StatusCode::FORBIDDEN, messages::INVITATION_REQUIRED));
            }
            return Err(error.into());
        }
    };
    let id = outcome.id(step).ok_or_else(|| Failure::internal("a new user has no id"))?;
    let invited = matches!(entry, Entry::Invited(_));
    let what = Audited::new("user-created").with("roles", new.roles.join(", ")).with("invited", invited);
    call.gate.audit().created(id, Some(id), what);
    if let Some(link) = mailed {
        // Only now it is known whose link it is.
        let mut batch = store.batch();
        call.remember_waiting(&mut batch, &letters::CONFIRM, id, &link.token);
        store.commit(batch).await?;
    }
    let user = store.user_by_id(id).await?;
    Ok(Ok(user.ok_or_else(|| Failure::internal("a new user is not there"))?))
}

/// The mark of an account that somebody has to approve.
fn waiting() -> AccountMark {
    AccountStatus::Waiting.mark()
}

/// The user as it is going to be, for the mail that tells of it.
fn preview(new: &NewUser) -> User {
    let mut user = User::default();
    user.email.clone_from(&new.email);
    user.username.clone_from(&new.username);
    user.fs_uniquifier.clone_from(&new.fs_uniquifier);
    user
}

async fn done(call: &Exchange, form: &Form, user: &User, entry: &Entry) -> Result<Reply, Failure> {
    let settings = call.gate.settings();
    if settings.flag("confirmable") && user.confirmed_at.is_none() {
        call.flash(Message::from(messages::CONFIRM_REGISTRATION).with("email", user.email.clone()));
    }
    if matches!(entry, Entry::Waiting) {
        call.flash(messages::REGISTRATION_WAITING);
    }
    let mut signs_in = account::problem(&call.gate, user).await?.is_none() && !by_email::is_generic(call);
    if signs_in {
        let next = call.asked_next(Some(form));
        match call.first_factor(SignIn { via: "register", user, remember: false }, next.as_deref()).await? {
            Step::SignedIn => {}
            Step::Asked(reply) => return Ok(reply),
            Step::NotThisWay => signs_in = false,
        }
    }
    if call.wants_json() {
        if by_email::is_generic(call) {
            return Ok(Reply::Json(call.members(json!({}))));
        }
        let mut members = json!({"user": call.user_payload(user, signs_in).await?});
        if let (true, Value::Object(members)) = (signs_in, &mut members) {
            members.insert("tf_required".to_owned(), false.into());
        }
        return Ok(Reply::Json(call.members(members)));
    }
    let settled = signs_in || user.confirmed_at.is_some();
    Ok(Reply::Redirect(onward(call, form, settled)))
}

/// A confirmation link is about to be mailed, or seems to be.
fn wait(call: &Exchange) {
    if call.gate.settings().flag("confirmable") {
        call.wait_for(&letters::CONFIRM);
    }
}

/// Where a browser goes; if to nowhere else, to the page with the field for the code that the mailed link may show.
fn onward(call: &Exchange, form: &Form, settled: bool) -> String {
    let elsewhere = call.asked_next(Some(form)).or_else(|| call.landing());
    let elsewhere = elsewhere.or_else(|| call.view("post_register_view"));
    let waits = !settled && call.gate.settings().flag("confirmable") && call.is_waiting(&letters::CONFIRM);
    let page = || {
        let query = [(QUERY, "1"), ("email", form.value("email"))];
        with_query(&call.gate.url("send_confirmation"), &query)
    };
    elsewhere.or_else(|| waits.then(page)).unwrap_or_else(|| call.root())
}

/// Errors, or for somebody who is known the same reply as for somebody new, and a mail that tells the owner.
async fn refuse(call: &Exchange, form: Form, entry: &Entry) -> Result<Reply, Failure> {
    if !by_email::is_generic(call) {
        return Err(form.rejected());
    }
    let telling = [messages::EMAIL_ALREADY_ASSOCIATED, messages::USERNAME_ALREADY_ASSOCIATED];
    let others = form.errors_in_order().any(|(_, message)| !telling.contains(&message.key));
    if others {
        return Err(form.without(&telling).rejected());
    }
    wait(call);
    known::tell_owner(call, &form).await?;
    // What `done` says to somebody new.
    if call.gate.settings().flag("confirmable") && !matches!(entry, Entry::Invited(_)) {
        call.flash(Message::from(messages::CONFIRM_REGISTRATION).with("email", form.value("email")));
    }
    if matches!(entry, Entry::Waiting) {
        call.flash(messages::REGISTRATION_WAITING);
    }
    if call.wants_json() {
        return Ok(Reply::Json(call.members(json!({}))));
    }
    Ok(Reply::Redirect(onward(call, &form, false)))
}
