//! Asking for the deletion of one's account, and taking that back.

use lychgate_store::{ErrorKind, User, UserPatch};
use serde_json::{Map, json};
use time::OffsetDateTime;

use super::{done, iso};
use crate::{
    events::Event,
    failure::Failure,
    flow::{
        access::end_sessions,
        activity::What,
        administrators::last_administrator,
        deletion::{grace, note_whose},
        letters::within,
        lockout,
    },
    mail::Letter,
    messages::{self, Said},
    web::{
        answer::Reply,
        exchange::Exchange,
        form::{Field, Form, Kind, Message},
        identify::Authenticated,
        routes::Call,
    },
};

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
    let password = Field::new("password", Kind::Password, "Password").autocomplete("current-password").required();
    let fields = if has_password(user) { vec![password] } else { Vec::new() };
    let template = settings.text("account_delete_template");
    let mut form = Form::new("delete_account_form", template, call.action("account_delete"), fields);
    let after = grace(settings);
    if after.is_positive() {
        form.payload.insert("within".to_owned(), within(settings, "account_deletion_grace").into());
        form.payload
            .insert("deletion_day".to_owned(), Said::Day((call.now.datetime() + after).unix_timestamp()).into());
    }
    form
}

pub(super) async fn get(call: Call) -> Result<Reply, Failure> {
    let who = admit(&call).await?;
    if call.wants_json() {
        let due = call.deletion_due(&who.user).await?;
        let members = json!({"active_password": has_password(&who.user), "deletion_due_at": due.map(iso)});
        return Ok(Reply::Json(call.members(members)));
    }
    Ok(Reply::Form(Box::new(form(&call, &who.user))))
}

pub(super) async fn post(call: Call) -> Result<Reply, Failure> {
    let who = admit(&call).await?;
    let user = &who.user;
    let mut form = form(&call, user);
    form.fill(&call.submitted)?;
    call.csrf_of_form(&mut form);
    if has_password(user) && !form.has_errors() {
        check_password(&call, &mut form, user).await?;
    }
    if form.has_errors() {
        return Err(form.rejected());
    }
    let due = call.now.datetime() + grace(call.gate.settings());
    if let Err(why) = schedule(&call, user, due).await? {
        form.form_error(why);
        return Err(form.rejected());
    }
    call.forget_session();
    call.gate.events().send(&Event::UserSignedOut { user_id: user.id });
    call.gate.events().send(&Event::IdentityChanged { user_id: None, auth_type: None });
    let at_once = due == call.now.datetime() && call.delete_account(user.id, Some(due)).await?;
    if call.wants_json() {
        return Ok(Reply::Json(Map::from_iter([("deletion_due_at".to_owned(), iso(due).into())])));
    }
    let message = if at_once {
        messages::ACCOUNT_DELETED.into()
    } else {
        Message::from(messages::ACCOUNT_DELETION_SCHEDULED).with("date", Said::Day(due.unix_timestamp()))
    };
    call.flash(message);
    Ok(Reply::Redirect(call.after(None, "post_logout_view")))
}

async fn check_password(call: &Exchange, form: &mut Form, user: &User) -> Result<(), Failure> {
    if form.value("password").is_empty() {
        form.field_error("password", messages::PASSWORD_NOT_PROVIDED);
        return Ok(());
    }
    let password = call.gate.normalize_password(form.value("password"));
    if !lockout::password_is_right(call, Some(user), "", &password).await? {
        call.note_failure(user.id, "delete");
        form.field_error("password", messages::INVALID_PASSWORD);
    }
    Ok(())
}

/// Sets the deletion down, ends all that is signed in and tells the owner, all in one; or says why not: it was set down
/// before, the account has changed meanwhile, or nobody would be left who may let others in.
async fn schedule(
    call: &Exchange,
    user: &User,
    due: OffsetDateTime,
) -> Result<Result<(), messages::MessageKey>, Failure> {
    let (settings, store, now) = (call.gate.settings(), call.gate.store(), call.now.datetime());
    let expected =
        UserPatch { fs_uniquifier: Some(user.fs_uniquifier.clone()), active: Some(true), ..UserPatch::default() };
    let mut patch = UserPatch::default();
    let mut post = call.post();
    if due > now {
        let mut context = call.facts(user);
        context.insert("within".to_owned(), within(settings, "account_deletion_grace").into());
        let token = call.gate.keep_account_token(user, due, call.now.unix())?;
        context.insert("link".to_owned(), call.link_to(&call.token_path("account_keep_link", &token)).into());
        let letter = Letter {
            template: settings.text("email_template_account_deletion"),
            subject: settings.text("email_subject_account_deletion").to_owned(),
            to: &user.email,
            context,
        };
        post.letter(call, letter)?;
    }
    let mut batch = store.batch();
    if let Some(foreign) = call.gate.foreign_deletion(user).await? {
        batch.cancel_deletion(user.id, foreign);
    }
    batch.schedule_deletion(user.id, due, now);
    let left = last_administrator(&mut batch, call.gate.admin_role(), user.id, now);
    note_whose(&mut batch, user);
    end_sessions(&call.gate, &mut batch, user, &mut patch, call.now);
    batch.update_user_if(user.id, &expected, &patch, now);
    call.note(&mut batch, user.id, What::DeletionAsked, None);
    match call.commit_and_send(batch, post).await {
        Ok(_) => Ok(Ok(())),
        Err(error) if left.nobody(&error) => Ok(Err(messages::LAST_ADMINISTRATOR)),
        Err(error) if matches!(error.kind(), ErrorKind::Unmet(_)) => Ok(Err(messages::ACCOUNT_DELETION_ASKED)),
        Err(error) => Err(error.into()),
    }
}

/// Takes the deletion back that is due at `due`; `false` if none is.
async fn cancel(call: &Exchange, user_id: i64, due: OffsetDateTime) -> Result<bool, Failure> {
    let mut batch = call.gate.store().batch();
    batch.cancel_deletion(user_id, due);
    call.note(&mut batch, user_id, What::DeletionCancelled, None);
    match call.gate.store().commit(batch).await {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::Unmet(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Keeps the account, by its owner who is signed in. That it was to be kept anyway is no mistake.
pub(super) async fn keep(call: Call) -> Result<Reply, Failure> {
    let who = call.admit(&call.config().api_mechanisms, None).await?;
    let mut form = Form::new("keep_account_form", "", call.action("account_keep"), Vec::new());
    form.fill(&call.submitted)?;
    call.csrf_of_form(&mut form);
    if form.has_errors() {
        return super::refuse(&call, form);
    }
    if let Some(due) = call.deletion_due(&who.user).await? {
        cancel(&call, who.user.id, due).await?;
    }
    done(&call, messages::ACCOUNT_DELETION_CANCELLED)
}

/// Where the mailed link leads: a page with a button.
pub(super) async fn follow(call: Call) -> Result<Reply, Failure> {
    Ok(call.relay_page("Keep your account", "Keep my account"))
}

/// Keeps the account, by the mailed link. It works once: then there is no deletion left that is due at its time.
pub(super) async fn keep_by_link(call: Call) -> Result<Reply, Failure> {
    let mut form = call.relay_form();
    form.fill(&call.submitted)?;
    call.csrf_unauthenticated().await?;
    call.csrf_of_form(&mut form);
    if form.has_errors() {
        return Err(form.rejected());
    }
    let kept = match call.gate.open_keep_account_token(call.param("token"), call.now.unix()) {
        Some((user_id, due)) => cancel(&call, user_id, due).await?,
        None => false,
    };
    if call.wants_json() && !kept {
        form.form_error(messages::ACCOUNT_KEEP_LINK_INVALID);
        return Err(form.rejected());
    }
    if call.wants_json() {
        return Ok(Reply::Json(call.members(json!({}))));
    }
    call.flash(if kept { messages::ACCOUNT_DELETION_CANCELLED } else { messages::ACCOUNT_KEEP_LINK_INVALID });
    let is_in = call.current().await?.is_some();
    Ok(Reply::Redirect(if is_in { call.gate.url("account") } else { call.gate.url("login") }))
}
