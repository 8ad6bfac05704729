//! Where somebody is signed in, and ending that.

use std::sync::Arc;

use lychgate_store::{ErrorKind, SessionRecord, StoreError, User, UserPatch};

use super::{done, refuse};
use crate::{
    failure::Failure,
    flow::{activity::What, impersonation, public_id::public_id},
    messages,
    web::{
        answer::Reply,
        exchange::{Exchange, Remember},
        form::{Field, Form, Kind},
        identify::{Authenticated, Mechanism},
        routes::Call,
        session::key,
    },
};

/// The sessions that may be used, the last used first.
pub(super) async fn live(call: &Exchange, user_id: i64) -> Result<Vec<SessionRecord>, StoreError> {
    let mut all = call.gate.store().sessions_of(user_id).await?;
    all.retain(|session| session.is_live(call.now.datetime()));
    Ok(all)
}

/// The id of the caller's own session, if they came with one.
pub(super) fn own(call: &Exchange, who: &Authenticated) -> Option<String> {
    let by_session = who.via == Mechanism::Session;
    by_session.then(|| call.session(|session| session.text(key::SESSION_ID).map(str::to_owned))).flatten()
}

/// Ends one session.
pub(super) async fn end(call: Call) -> Result<Reply, Failure> {
    let who = call.admit(&call.config().api_mechanisms, None).await?;
    let fields = vec![Field::new("session", Kind::Text, "Session").required()];
    let mut form = Form::new("end_session_form", "", call.action("account_end_session"), fields);
    form.fill(&call.submitted)?;
    call.csrf_of_form(&mut form);
    if form.value("session").is_empty() && !form.has_error_in("session") {
        form.field_error("session", messages::FIELD_REQUIRED);
    }
    if form.has_errors() {
        return refuse(&call, form);
    }
    let all = live(&call, who.user.id).await?;
    let found = all.iter().find(|session| public_id(&session.sid) == form.value("session"));
    let Some(found) = found else {
        form.field_error("session", messages::ACCOUNT_SESSION_UNKNOWN);
        return refuse(&call, form);
    };
    if own(&call, &who).as_ref() == Some(&found.sid) {
        call.sign_out().await?;
        return if call.wants_json() {
            Ok(Reply::Json(serde_json::Map::new()))
        } else {
            Ok(Reply::Redirect(call.after(None, "post_logout_view")))
        };
    }
    let mut batch = call.gate.store().batch();
    batch.end_session(&found.sid, who.user.id, call.now.datetime());
    if found.via == impersonation::VIA {
        call.note_owners_end(&mut batch, who.user.id);
    } else {
        call.note(&mut batch, who.user.id, What::SessionEnded, None);
    }
    match call.gate.store().commit(batch).await {
        Ok(_) => done(&call, messages::ACCOUNT_SESSION_ENDED),
        Err(error) if matches!(error.kind(), ErrorKind::Unmet(_)) => {
            form.field_error("session", messages::ACCOUNT_SESSION_UNKNOWN);
            refuse(&call, form)
        }
        Err(error) => Err(error.into()),
    }
}

/// Ends all sessions but the caller's own, and whatever else signs in elsewhere.
pub(super) async fn end_others(call: Call) -> Result<Reply, Failure> {
    let who = call.admit(&call.config().api_mechanisms, None).await?;
    let mut form = Form::new("end_others_form", "", call.action("account_end_others"), Vec::new());
    form.fill(&call.submitted)?;
    call.csrf_of_form(&mut form);
    if form.has_errors() {
        return refuse(&call, form);
    }
    renew(&call, &who).await?;
    done(&call, messages::ACCOUNT_OTHERS_ENDED)
}

/// Gives the user new uniquifiers. That ends what the registry does not know, too: remember-me cookies on other devices,
/// auth tokens, and sessions that a Flask application made and that never came by here.
async fn renew(call: &Exchange, who: &Authenticated) -> Result<(), Failure> {
    let (store, user): (_, &Arc<User>) = (call.gate.store(), &who.user);
    let own = own(call, who);
    let new = || uuid::Uuid::new_v4().simple().to_string();
    let fresh = new();
    let expected =
        UserPatch { fs_uniquifier: Some(user.fs_uniquifier.clone()), active: Some(true), ..UserPatch::default() };
    let patch = UserPatch {
        fs_uniquifier: Some(fresh.clone()),
        fs_token_uniquifier: store.has_user_column("fs_token_uniquifier").then(new),
        ..UserPatch::default()
    };
    let mut batch = store.batch();
    batch.update_user_if(user.id, &expected, &patch, call.now.datetime());
    batch.revoke_sessions_of(user.id, own.as_deref(), call.now.datetime());
    call.note(&mut batch, user.id, What::OthersEnded, None);
    if live(call, user.id).await?.iter().any(|session| session.via == impersonation::VIA) {
        call.note_owners_end(&mut batch, user.id);
    }
    match store.commit(batch).await {
        Ok(_) => {}
        // Somebody did the same, or changed the password: then it is this session that has ended.
        Err(error) if matches!(error.kind(), ErrorKind::Unmet(_)) => {
            return Err(Failure::Unauthenticated { realm: None });
        }
        Err(error) => return Err(error.into()),
    }
    if own.is_some() {
        if call.has_cookie(&call.config().remember.name) {
            call.outgoing.lock().remember = Remember::Set(call.remember_value(&fresh)?);
        }
        call.session(|session| session.set(key::USER, fresh));
    }
    Ok(())
}
