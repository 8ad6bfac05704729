//! Several users changed at once: some who were ticked, at once; or all whom a list holds, in the background, see [`jobs`].

use lychgate::store::User;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::{
    ask::{Answer, Ask, Stop, object},
    jobs::{self, ACTIONS, Hand, Job, Obstacle, why},
    texts::{Text, say},
    users::MOST,
    view::iso,
};

/// Where a job is seen.
const PROGRESS: &str = "/users/bulk/progress";

fn hand(ask: &Ask) -> Hand {
    Hand::Operator(Box::new(ask.operator.clone()))
}

/// The reply where nothing was begun or changed.
#[allow(clippy::result_large_err)] // a reply, as of every handler
fn stopped(ask: &Ask, obstacle: Obstacle) -> Answer {
    match obstacle {
        Obstacle::Store(error) => Err(ask.stop(error.into())),
        question @ Obstacle::Question(_) => Err(ask.stop(Stop::bad(question.text()))),
        Obstacle::Busy | Obstacle::NoJob => Ok(ask.refused(obstacle.text(), PROGRESS)),
        other => Ok(ask.refused(other.text(), "/users")),
    }
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
    let mut users: Vec<std::sync::Arc<User>> = Vec::new();
    for id in ids {
        let found = ask.gate().store().user_by_id(id).await.map_err(|error| ask.stop(error.into()))?;
        users.extend(found);
    }
    if !ask.ticked("confirm") {
        let list: Vec<Value> = users.iter().map(|user| json!({"id": user.id, "email": user.email})).collect();
        return Ok(ask.page("admin/confirm.html", "users", object(json!({"action": action, "subjects": list}))));
    }
    let mut results = Vec::new();
    let hand = hand(&ask);
    for user in &users {
        let done = hand.apply(&action, user).await;
        let error = why(&done).map(|why| Text::from(why).to(&ask.operator));
        results.push(json!({"id": user.id, "email": user.email, "done": done.is_ok(), "error": error}));
    }
    let count = results.iter().filter(|one| one["done"] == true).count();
    let values = json!({"action": action, "results": results, "changed": count});
    Ok(ask.page("admin/results.html", "users", object(values)))
}

/// Everybody in a list: asks first, naming how many they are; then begins a job.
async fn all(ask: Ask, action: String) -> Answer {
    let list = ask.field("matching").to_owned();
    if !ask.ticked("confirm") {
        return match jobs::count(ask.gate(), &list).await {
            Ok(count) => {
                let values = json!({"action": action, "count": count, "matching": list});
                Ok(ask.page("admin/confirm.html", "users", object(values)))
            }
            Err(obstacle) => stopped(&ask, obstacle),
        };
    }
    match Job::begin(&hand(&ask), ask.operator.request_id(), &action, &list).await {
        Ok(job) => {
            let total = job.number("total");
            start(hand(&ask), job);
            Ok(ask.done("The change has begun.", PROGRESS, json!({"total": total})))
        }
        Err(obstacle) => stopped(&ask, obstacle),
    }
}

fn start(hand: Hand, mut job: Job) {
    tokio::spawn(async move {
        loop {
            match job.step(&hand).await {
                // Others have their turn, whatever this thread does.
                Ok(true) => tokio::task::yield_now().await,
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(%error, "a change of many users stopped; the panel can go on with it");
                    break;
                }
            }
        }
    });
}

/// Whether a job is running.
pub(crate) async fn runs(ask: &Ask) -> Result<bool, Stop> {
    Ok(Job::kept(ask.gate()).await?.is_some_and(|job| job.state() == "running"))
}

pub(crate) async fn progress(ask: Ask) -> Answer {
    let kept = Job::kept(ask.gate()).await.map_err(|error| ask.stop(error.into()))?;
    let mut job = kept.ok_or_else(|| ask.stop(Stop::missing()))?.value().clone();
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
    match Job::cancel(&hand(&ask)).await {
        Ok(_) => Ok(ask.done("The change is cancelled. What is done stays done.", PROGRESS, json!({}))),
        Err(obstacle) => stopped(&ask, obstacle),
    }
}

/// Goes on with a job that stopped or was cancelled, in the name of whoever asks for that.
pub(crate) async fn resume(ask: Ask) -> Answer {
    match Job::resume(&hand(&ask)).await {
        Ok(job) => {
            start(hand(&ask), job);
            Ok(ask.done("The change goes on.", PROGRESS, json!({})))
        }
        Err(obstacle) => stopped(&ask, obstacle),
    }
}
