//! Several users changed at once: some who were ticked, at once; or all whom a list holds, in the background.
//!
//! What runs in the background is one job at a time, kept in the database: after each few users it writes down how far it
//! is, by a write that fails if the job was cancelled or taken over. So a cancelled job stops, two processes never do the
//! same job, and one whose process went away is seen as stopped and can be gone on with.

use lychgate::{
    AccountStatus, Operator, Refused,
    store::{User, UserQuery, UserSort},
};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::{
    ask::{Answer, Ask, Pairs, Stop, object, pairs},
    texts::{Text, say},
    users::{KNOWN, MOST, question},
    view::iso,
};

/// What can be done to several users at once.
const ACTIONS: [&str; 6] = ["activate", "deactivate", "end-sessions", "send-reset", "reset-access", "delete"];

/// Where the job is kept.
const KEY: &str = "admin-bulk";

/// Users after whom the job is written down.
const AT_ONCE: u32 = 20;

/// A job of which nothing was heard for so long has stopped.
const PATIENCE: time::Duration = time::Duration::minutes(2);

/// So many refusals are kept word by word.
const TOLD: usize = 50;

/// The longest query of a list that a job is about, in bytes.
const LONGEST_QUERY: usize = 2000;

/// The most users that one job is about.
const MOST_MATCHING: u32 = 10_000_000;

async fn apply(operator: &Operator, action: &str, user: &User) -> Result<(), Refused> {
    match action {
        "activate" => operator.set_active(user, true).await,
        "deactivate" => operator.set_active(user, false).await,
        "end-sessions" => operator.end_sessions(user).await,
        "send-reset" => operator.send_reset(user).await,
        "reset-access" => operator.reset_access(user).await,
        _ => operator.delete(user).await,
    }
}

/// Why it was not done, for people; nothing where it was so already.
fn why(done: &Result<(), Refused>) -> Option<String> {
    done.as_ref().err().filter(|why| **why != Refused::Nothing).map(ToString::to_string)
}

pub(crate) async fn bulk(ask: Ask) -> Answer {
    let action = ask.field("action").to_owned();
    if !ACTIONS.contains(&action.as_str()) {
        return Err(ask.stop(Stop::bad("There is no such action.")));
    }
    if ask.ticked("all") {
        return all(ask, action).await;
    }
    let ids: Vec<i64> = ask.fields("id").filter_map(|id| id.parse().ok()).take(MOST as usize + 1).collect();
    if ids.is_empty() || ids.len() > MOST as usize {
        return Err(ask.refused(say("Choose 1 to %(most)s users first.").with("most", MOST), "/users"));
    }
    let mut users = Vec::new();
    for id in ids {
        let found = ask.gate().store().user_by_id(id).await.map_err(|error| ask.stop(error.into()))?;
        users.extend(found);
    }
    if !ask.ticked("confirm") {
        let list: Vec<Value> = users.iter().map(|user| json!({"id": user.id, "email": user.email})).collect();
        return Ok(ask.page("admin/confirm.html", "users", object(json!({"action": action, "subjects": list}))));
    }
    let mut results = Vec::new();
    for user in &users {
        let done = apply(&ask.operator, &action, user).await;
        let error = why(&done).map(|why| Text::from(why).to(&ask.operator));
        results.push(json!({"id": user.id, "email": user.email, "done": done.is_ok(), "error": error}));
    }
    let count = results.iter().filter(|one| one["done"] == true).count();
    let values = json!({"action": action, "results": results, "changed": count});
    Ok(ask.page("admin/results.html", "users", object(values)))
}

/// The users whom the query of a list asks for, by their ids. A word that no list knows would mean everybody.
fn matching(query: &str) -> Result<UserQuery, Stop> {
    if query.len() > LONGEST_QUERY {
        return Err(Stop::bad("This is too much."));
    }
    let query: Pairs = pairs(query.as_bytes());
    let unknown = query.iter().find(|(name, _)| !KNOWN.contains(&name.as_str()));
    if let Some((name, _)) = unknown.filter(|(name, _)| !matches!(name.as_str(), "after" | "before")) {
        return Err(Stop::bad(say("No list of users can be asked for %(name)s.").with("name", name)));
    }
    let asked = question(&query)?;
    Ok(UserQuery { sort: UserSort::Id, descending: false, after: None, before: None, limit: AT_ONCE, ..asked })
}

/// Everybody in a list: asks first, naming how many they are; then begins a job.
async fn all(ask: Ask, action: String) -> Answer {
    let list = ask.field("matching").to_owned();
    let made = async {
        let (store, query) = (ask.gate().store(), matching(&list)?);
        if store.users_page(&query).await?.cut {
            return Ok(ask.refused("Too many match to be changed by a beginning of a name. Type more of it.", "/users"));
        }
        let count = store.count_users_matching(&query, MOST_MATCHING).await?;
        if count == 0 {
            return Ok(ask.refused("Nobody matches.", "/users"));
        }
        if !ask.ticked("confirm") {
            let values = json!({"action": action, "count": count, "matching": list});
            return Ok(ask.page("admin/confirm.html", "users", object(values)));
        }
        // Whoever comes later is not meant.
        let last = UserQuery { limit: 1, descending: true, ..UserQuery::default() };
        let until = store.users_page(&last).await?.items.first().map_or(0, |user| user.id);
        let job = json!({
            "id": ask.operator.request_id(), "action": action, "matching": list, "by": ask.operator.name(),
            "state": "running", "total": count, "seen": 0, "changed": 0, "not_changed": 0, "until": until,
            "after": null, "refused": [], "begun_at": iso(ask.gate().now()), "at": ask.gate().now().unix_timestamp(),
        });
        let before = store.meta_get(KEY).await?;
        let runs = before.as_deref().is_some_and(|text| is_alive(&read(text), ask.gate().now()));
        if runs || !swap(&ask.operator, before.as_deref(), &job).await? {
            return Ok(
                ask.refused("Another change of many is running. Wait for it, or cancel it.", "/users/bulk/progress")
            );
        }
        ask.operator.note_own(&format!("began to {action} {count} users: {list}")).await;
        start(&ask.operator, job);
        Ok(ask.done("The change has begun.", "/users/bulk/progress", json!({"total": count})))
    };
    made.await.map_err(|stop: Stop| ask.stop(stop))
}

fn read(text: &str) -> Value {
    serde_json::from_str::<serde_json::Map<_, _>>(text).unwrap_or_default().into()
}

/// Whether a job is running.
pub(crate) async fn runs(ask: &Ask) -> Result<bool, Stop> {
    let job = ask.gate().store().meta_get(KEY).await?;
    Ok(job.is_some_and(|text| is_alive(&read(&text), ask.gate().now())))
}

fn is_alive(job: &Value, now: OffsetDateTime) -> bool {
    let heard = job["at"].as_i64().unwrap_or_default();
    job["state"] == "running" && now.unix_timestamp() - heard <= PATIENCE.whole_seconds()
}

/// Writes the job down in the place of what was read before; `false` if somebody else has written since.
async fn swap(operator: &Operator, before: Option<&str>, job: &Value) -> Result<bool, Stop> {
    let store = operator.gate().store();
    let mut batch = store.batch();
    if let Some(before) = before {
        batch.meta_take(KEY, before);
    }
    batch.meta_set(KEY, &job.to_string());
    match store.commit(batch).await {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind(), lychgate::store::ErrorKind::Unmet(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn start(operator: &Operator, job: Value) {
    let operator = operator.clone();
    tokio::spawn(async move {
        if run(&operator, job).await.is_err() {
            tracing::warn!("a change of many users stopped; the panel can go on with it");
        }
    });
}

/// Works the job off until it is done, cancelled or taken over, or its administrator is none any more.
async fn run(operator: &Operator, mut job: Value) -> Result<(), Stop> {
    let store = operator.gate().store();
    let action = job["action"].as_str().unwrap_or_default().to_owned();
    let base = matching(job["matching"].as_str().unwrap_or_default())?;
    let until = job["until"].as_i64().unwrap_or_default();
    while job["state"] == "running" {
        // The request that began it may be hours ago; what is done counts from when it is done.
        let operator = &operator.later();
        let before = job.to_string();
        let page =
            store.users_page(&UserQuery { after: job["after"].as_str().map(str::to_owned), ..base.clone() }).await?;
        let may = may_still(operator).await?;
        for user in page.items.iter().filter(|user| may && user.id <= until) {
            let done = apply(operator, &action, user).await;
            let count = if done.is_ok() { "changed" } else { "not_changed" };
            job["seen"] = (job["seen"].as_i64().unwrap_or_default() + 1).into();
            job[count] = (job[count].as_i64().unwrap_or_default() + 1).into();
            if let (Some(why), Some(list)) =
                (why(&done), job["refused"].as_array_mut().filter(|list| list.len() < TOLD))
            {
                list.push(json!({"email": user.email, "error": why}));
            }
        }
        let is_last = page.next.is_none() || page.items.last().is_none_or(|user| user.id >= until);
        job["after"] = page.next.into();
        job["at"] = operator.gate().now().unix_timestamp().into();
        job["state"] = if !may {
            "stopped"
        } else if is_last {
            "done"
        } else {
            "running"
        }
        .into();
        if !swap(operator, Some(&before), &job).await? {
            return Ok(());
        }
        // Others have their turn, whatever this thread does.
        tokio::task::yield_now().await;
    }
    let said = format!("{action} of many ended: {} changed, {} not", job["changed"], job["not_changed"]);
    operator.note_own(&said).await;
    Ok(())
}

/// Whether whoever began it is an administrator still.
async fn may_still(operator: &Operator) -> Result<bool, Stop> {
    let gate = operator.gate();
    let Some(user) = gate.store().user_by_id(operator.user().id()).await? else { return Ok(false) };
    Ok(user.has_role(gate.admin_role()) && gate.accounts().standing(&user).await?.status == AccountStatus::Active)
}

/// The job that is kept, with its text as it was read.
async fn kept(ask: &Ask) -> Result<(String, Value), Stop> {
    let text = ask.gate().store().meta_get(KEY).await?.ok_or_else(Stop::missing)?;
    let mut job = read(&text);
    if job["state"] == "running" && !is_alive(&job, ask.gate().now()) {
        job["state"] = "stopped".into();
    }
    Ok((text, job))
}

pub(crate) async fn progress(ask: Ask) -> Answer {
    let (_, mut job) = kept(&ask).await.map_err(|stop| ask.stop(stop))?;
    let heard = job["at"].as_i64().and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
    job["at"] = heard.and_then(iso).into();
    for one in job["refused"].as_array_mut().into_iter().flatten() {
        let said = one["error"].as_str().unwrap_or_default().to_owned();
        one["error"] = Text::from(said).to(&ask.operator).into();
    }
    Ok(ask.page("admin/progress.html", "users", object(json!({"job": job}))))
}

/// Ends the job after the few users whom it is at.
pub(crate) async fn cancel(ask: Ask) -> Answer {
    change(ask, "running", "cancelled").await
}

/// Goes on with a job that stopped or was cancelled, in the name of whoever asks for that.
pub(crate) async fn resume(ask: Ask) -> Answer {
    change(ask, "stopped", "running").await
}

async fn change(ask: Ask, from: &str, to: &str) -> Answer {
    let made = async {
        // The job writes as well; whoever loses looks again.
        for _ in 0..50 {
            let (before, mut job) = kept(&ask).await?;
            let fits = job["state"] == from || (from == "stopped" && job["state"] == "cancelled");
            if !fits {
                break;
            }
            job["state"] = to.into();
            job["at"] = ask.gate().now().unix_timestamp().into();
            let resumed = to == "running";
            if resumed {
                job["by"] = ask.operator.name().into();
            }
            if swap(&ask.operator, Some(&before), &job).await? {
                let word = if resumed { "went on with" } else { "cancelled" };
                ask.operator.note_own(&format!("{word} the change of many users")).await;
                if resumed {
                    start(&ask.operator, job);
                    return Ok(ask.done("The change goes on.", "/users/bulk/progress", json!({})));
                }
                return Ok(ask.done(
                    "The change is cancelled. What is done stays done.",
                    "/users/bulk/progress",
                    json!({}),
                ));
            }
        }
        Ok(ask.refused("There is nothing to be done about it any more.", "/users/bulk/progress"))
    };
    made.await.map_err(|stop: Stop| ask.stop(stop))
}
