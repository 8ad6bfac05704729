//! Programs that act for somebody by refresh tokens, and ending that.

use lychgate_store::{RefreshFamily, SessionRecord};
use serde_json::{Value, json};

use super::{done, iso, page::device_of, refuse};
use crate::{
    failure::Failure,
    flow::public_id::public_id,
    messages,
    web::{
        answer::Reply,
        exchange::Exchange,
        form::{Field, Form, Kind},
        routes::Call,
    },
};

/// How many the page shows.
const PROGRAMS: usize = 50;

/// What the page shows, the last used first.
pub(super) async fn view(call: &Exchange, user_id: i64, sessions: &[SessionRecord]) -> Result<Vec<Value>, Failure> {
    let all = call.live_refresh_families(user_id).await?;
    Ok(all.iter().take(PROGRAMS).map(|family| program(call, family, sessions)).collect())
}

fn program(call: &Exchange, family: &RefreshFamily, sessions: &[SessionRecord]) -> Value {
    // A token says nothing of who has it; the session with which it was handed out does.
    let session = sessions.iter().find(|session| family.sid.as_deref() == Some(session.sid.as_str()));
    json!({
        "id": public_id(&family.family),
        "device": session.map(|session| device_of(call, session)),
        "address": session.and_then(|session| session.address.clone()),
        "begun_at": iso(family.created_at),
        "last_used_at": iso(family.last_used_at),
        "last_used": call.ago(family.last_used_at),
        "expires_at": iso(family.expires_at),
    })
}

/// Ends one.
pub(super) async fn end(call: Call) -> Result<Reply, Failure> {
    let who = call.admit(&call.config().api_mechanisms, None).await?;
    let fields = vec![Field::new("program", Kind::Text, "Program").required()];
    let mut form = Form::new("end_program_form", "", call.action("account_end_program"), fields);
    form.fill(&call.submitted)?;
    call.csrf_of_form(&mut form);
    if form.value("program").is_empty() && !form.has_error_in("program") {
        form.field_error("program", messages::FIELD_REQUIRED);
    }
    if form.has_errors() {
        return refuse(&call, form);
    }
    let all = call.live_refresh_families(who.user.id).await?;
    let found = all.into_iter().find(|family| public_id(&family.family) == form.value("program"));
    let ended = match found {
        Some(family) => call.end_program(&family).await?,
        None => false,
    };
    if ended {
        return done(&call, messages::ACCOUNT_PROGRAM_ENDED);
    }
    form.field_error("program", messages::ACCOUNT_PROGRAM_UNKNOWN);
    refuse(&call, form)
}
