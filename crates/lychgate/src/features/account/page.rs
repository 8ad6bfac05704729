//! The page itself, and the same for programs.

use lychgate_store::{Activity, SessionRecord, User};
use serde_json::{Map, Value, json};

use super::{iso, programs, sessions};
use crate::{
    failure::Failure,
    features::ACCOUNT_PAGE,
    flow::{activity, public_id::public_id},
    messages::Said,
    web::{answer::Reply, device::device_name, exchange::Exchange, identify::Authenticated, routes::Call},
};

/// How many sessions and how much activity the page shows.
const SESSIONS: usize = 50;
const ACTIVITIES: usize = 20;

pub(super) async fn get(call: Call) -> Result<Reply, Failure> {
    let who = call.admit(&call.config().api_mechanisms, None).await?;
    let mut members = view(&call, &who).await?;
    if call.wants_json() {
        members.insert("user".to_owned(), call.user_payload(&who.user, false).await?);
        return Ok(Reply::Json(call.members(members.into())));
    }
    if let Some(due) = call.deletion_due(&who.user).await? {
        members.insert("deletion_day".to_owned(), Said::Day(due.unix_timestamp()).into());
    }
    let template = call.gate.settings().text("account_template").to_owned();
    Ok(Reply::Page { template, context: members })
}

/// What the page shows, and what programs get.
async fn view(call: &Exchange, who: &Authenticated) -> Result<Map<String, Value>, Failure> {
    let user = &who.user;
    let sections = call.account_sections(ACCOUNT_PAGE, user).await?;
    let live = sessions::live(call, user.id).await?;
    let own = sessions::own(call, who);
    let (here, elsewhere): (Vec<_>, Vec<_>) = live.iter().partition(|session| Some(&session.sid) == own.as_ref());
    let shown: Vec<Value> = here
        .iter()
        .map(|one| session(call, one, true))
        .chain(elsewhere.iter().map(|one| session(call, one, false)))
        .take(SESSIONS)
        .collect();
    let mut members = Map::new();
    members.insert("account".to_owned(), account(user));
    members.insert("sections".to_owned(), sections.into());
    members.insert("sessions_left_out".to_owned(), live.len().saturating_sub(shown.len()).into());
    members.insert("sessions".to_owned(), shown.into());
    members.insert("elsewhere".to_owned(), elsewhere.len().into());
    if call.config().refresh.is_some() {
        members.insert("programs".to_owned(), programs::view(call, user.id, &live).await?.into());
    }
    let due = call.deletion_due(user).await?;
    members.insert("deletion_due_at".to_owned(), due.map(iso).into());
    members.insert("deletion_day".to_owned(), due.map(crate::flow::deletion::day).into());
    if call.gate.settings().flag("activity") {
        let noted = call.gate.store().activity_of(user.id, 200).await?;
        members.insert("activity".to_owned(), activities(call, &noted));
    }
    Ok(members)
}

fn account(user: &User) -> Value {
    json!({
        "email": user.email,
        "username": user.username,
        "confirmed_at": user.confirmed_at.map(iso),
        "created_at": user.create_datetime.map(iso),
        "has_password": user.password.as_deref().is_some_and(|hash| !hash.is_empty()),
    })
}

fn session(call: &Exchange, session: &SessionRecord, current: bool) -> Value {
    json!({
        "id": public_id(&session.sid),
        "device": device_of(call, session),
        "address": session.address,
        "via": session.via,
        "remembered": session.remembered,
        "signed_in_at": iso(session.created_at),
        "last_seen_at": iso(if current { call.now.datetime() } else { session.last_seen_at }),
        "last_seen": call.ago(if current { call.now.datetime() } else { session.last_seen_at }),
        "current": current,
    })
}

/// Browser and system with which a session was begun.
pub(super) fn device_of(call: &Exchange, session: &SessionRecord) -> String {
    capitalised(&device(call, session.user_agent.as_deref()))
}

/// As the name of a row: "a browser on Linux" begins it.
fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn device(call: &Exchange, user_agent: Option<&str>) -> String {
    device_name(user_agent.unwrap_or_default()).in_words(call.messages())
}

/// What happened, the newest first; the same failure several times in a row is told once.
fn activities(call: &Exchange, noted: &[Activity]) -> Value {
    let same = |a: &Activity, b: &Activity| a.kind == b.kind && a.kind == activity::What::SignInFailed.word();
    let groups = noted.chunk_by(same).take(ACTIVITIES);
    let list = groups.filter_map(|group| {
        let newest = group.first()?;
        Some(json!({
            "kind": newest.kind,
            "text": call.text(&activity::message(newest, group.len())),
            "times": group.len(),
            "at": iso(newest.at),
            "ago": call.ago(newest.at),
            "device": device(call, newest.user_agent.as_deref()),
            "address": newest.address,
            "detail": newest.detail,
        }))
    });
    list.collect::<Vec<_>>().into()
}
