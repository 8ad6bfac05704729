//! Changes of many users in the background: one job at a time, for the panel and for whoever has no browser.
//!
//! A job is kept in the database: after each few users it writes down how far it is, by a write that fails if the job was
//! cancelled or taken over. So a cancelled job stops, two processes never do the same job, and one whose process went away
//! is seen as stopped and can be gone on with, from either place.

use lychgate::{
    AccountError, AccountStatus, Accounts, Lychgate, Operator, Refused,
    store::{Batch, ErrorKind, StoreError, User, UserQuery, UserSort},
};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::{
    ask::{Stop, pairs},
    texts::{Text, say},
    users::{KNOWN, question},
    view::iso,
};

/// What can be done to many users.
pub const ACTIONS: [&str; 6] = ["activate", "deactivate", "end-sessions", "send-reset", "reset-access", "delete"];

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
const MOST: u32 = 10_000_000;

/// Who does the work.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Hand {
    /// An administrator, as long as they are one.
    Operator(Box<Operator>),
    /// Whoever runs the program.
    CommandLine(Lychgate),
}

/// What the audit log calls whoever runs the program.
const COMMAND_LINE: &str = "command line";

/// A job, as it was read or written last.
#[derive(Clone, Debug)]
pub struct Job {
    value: Value,
    /// The text that is kept; nothing for one that is not kept yet.
    text: Option<String>,
}

/// A text that panels show in the language of their reader.
#[derive(Debug)]
pub struct Wording(Text);

/// Why a job is not begun, or not gone on with.
#[derive(Debug)]
#[non_exhaustive]
pub enum Obstacle {
    /// The question for users is none.
    Question(Wording),
    /// A beginning of a name that too many have.
    Cut,
    /// Nobody matches.
    Nobody,
    /// Another job is running.
    Busy,
    /// There is no job that this could be done with.
    NoJob,
    /// The database does not answer.
    Store(StoreError),
}

impl From<StoreError> for Obstacle {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Obstacle {
    pub(crate) fn text(&self) -> Text {
        match self {
            Self::Question(Wording(text)) => text.clone(),
            Self::Cut => say("Too many match to be changed by a beginning of a name. Type more of it."),
            Self::Nobody => say("Nobody matches."),
            Self::Busy => say("Another change of many is running. Wait for it, or cancel it."),
            Self::NoJob => say("There is nothing to be done about it any more."),
            Self::Store(error) => error.to_string().into(),
        }
    }
}

impl std::fmt::Display for Obstacle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&self.text(), f)
    }
}

fn refused(error: AccountError) -> Refused {
    Refused::Failed(error.to_string())
}

fn unless_nothing(done: Result<bool, AccountError>) -> Result<(), Refused> {
    if done.map_err(refused)? { Ok(()) } else { Err(Refused::Nothing) }
}

impl Hand {
    /// The gate.
    #[must_use]
    pub fn gate(&self) -> &Lychgate {
        match self {
            Self::Operator(operator) => operator.gate(),
            Self::CommandLine(gate) => gate,
        }
    }

    fn accounts(&self) -> Accounts<'_> {
        self.gate().accounts().by(COMMAND_LINE)
    }

    fn name(&self) -> String {
        match self {
            Self::Operator(operator) => operator.name(),
            Self::CommandLine(_) => COMMAND_LINE.to_owned(),
        }
    }

    /// The same at a later moment: what is done counts from when it is done, not from the request that began it.
    fn later(&self) -> Self {
        match self {
            Self::Operator(operator) => Self::Operator(Box::new(operator.later())),
            Self::CommandLine(gate) => Self::CommandLine(gate.clone()),
        }
    }

    pub(crate) async fn apply(&self, action: &str, user: &User) -> Result<(), Refused> {
        match self {
            Self::Operator(operator) => match action {
                "activate" => operator.set_active(user, true).await,
                "deactivate" => operator.set_active(user, false).await,
                "end-sessions" => operator.end_sessions(user).await,
                "send-reset" => operator.send_reset(user).await,
                "reset-access" => operator.reset_access(user).await,
                _ => operator.delete(user).await,
            },
            Self::CommandLine(_) => match action {
                "activate" => unless_nothing(self.accounts().set_active(user, true).await),
                "deactivate" => unless_nothing(self.accounts().set_active(user, false).await),
                "end-sessions" => self.accounts().end_sessions(user).await.map_err(refused),
                "send-reset" => self.accounts().send_reset(user).await.map_err(refused),
                "reset-access" => self.accounts().reset_access(user).await.map_err(refused),
                _ => unless_nothing(self.accounts().delete(user).await),
            },
        }
    }

    /// Whether whoever began it may go on.
    async fn may_still(&self) -> Result<bool, Obstacle> {
        let Self::Operator(operator) = self else { return Ok(true) };
        let gate = operator.gate();
        let Some(user) = gate.store().user_by_id(operator.user().id()).await? else { return Ok(false) };
        let active = gate.accounts().standing(&user).await.is_ok_and(|now| now.status == AccountStatus::Active);
        Ok(user.has_role(gate.admin_role()) && active)
    }

    /// Notes what was done about many.
    async fn note(&self, what: &str) {
        match self {
            Self::Operator(operator) => operator.note_own(what).await,
            Self::CommandLine(gate) => {
                let entry = lychgate::audit::Audited::new("administered").with("what", what);
                if let Err(error) = gate.audit().enter(entry.with("by_name", COMMAND_LINE)).await {
                    tracing::warn!(%error, what, "what was done was not noted");
                }
            }
        }
    }
}

/// Why it was not done, for people; nothing where it was so already.
pub(crate) fn why(done: &Result<(), Refused>) -> Option<String> {
    done.as_ref().err().filter(|why| **why != Refused::Nothing).map(ToString::to_string)
}

/// The users whom the query of a list asks for, by their ids. A word that no list knows would mean everybody.
fn matching(query: &str) -> Result<UserQuery, Obstacle> {
    let bad = |text: Text| Obstacle::Question(Wording(text));
    if query.len() > LONGEST_QUERY {
        return Err(bad(say("This is too much.")));
    }
    let query = pairs(query.as_bytes());
    let unknown = query.iter().find(|(name, _)| !KNOWN.contains(&name.as_str()));
    if let Some((name, _)) = unknown.filter(|(name, _)| !matches!(name.as_str(), "after" | "before")) {
        return Err(bad(say("No list of users can be asked for %(name)s.").with("name", name)));
    }
    let asked = question(&query).map_err(|stop| match stop {
        Stop::Reply(_, text) => bad(text),
        Stop::Error(_) => bad(say("users cannot be sorted by this")),
    })?;
    Ok(UserQuery { sort: UserSort::Id, descending: false, after: None, before: None, limit: AT_ONCE, ..asked })
}

/// How many users the query of a list is about.
///
/// # Errors
///
/// [`Obstacle`].
pub async fn count(gate: &Lychgate, query: &str) -> Result<i64, Obstacle> {
    let (store, asked) = (gate.store(), matching(query)?);
    if store.users_page(&asked).await?.cut {
        return Err(Obstacle::Cut);
    }
    match store.count_users_matching(&asked, MOST).await? {
        0 => Err(Obstacle::Nobody),
        count => Ok(count),
    }
}

impl Job {
    /// The job that is kept, whatever its state.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn kept(gate: &Lychgate) -> Result<Option<Self>, StoreError> {
        let Some(text) = gate.store().meta_get(KEY).await? else { return Ok(None) };
        let mut value: Value = serde_json::from_str::<serde_json::Map<_, _>>(&text).unwrap_or_default().into();
        if value["state"] == "running" && !is_alive(&value, gate.now()) {
            value["state"] = "stopped".into();
        }
        Ok(Some(Self { value, text: Some(text) }))
    }

    /// Begins a job about all whom the query of a list asks for now; whoever comes later is not meant. [`step`](Self::step)
    /// does the work.
    ///
    /// # Errors
    ///
    /// [`Obstacle`].
    pub async fn begin(hand: &Hand, id: &str, action: &str, query: &str) -> Result<Self, Obstacle> {
        let (gate, count) = (hand.gate(), count(hand.gate(), query).await?);
        let last = UserQuery { limit: 1, descending: true, ..UserQuery::default() };
        let until = gate.store().users_page(&last).await?.items.first().map_or(0, |user| user.id);
        let value = json!({
            "id": id, "action": action, "matching": query, "by": hand.name(),
            "state": "running", "total": count, "seen": 0, "changed": 0, "not_changed": 0, "until": until,
            "after": null, "refused": [], "begun_at": iso(gate.now()), "at": gate.now().unix_timestamp(),
        });
        let before = Self::kept(gate).await?;
        if before.as_ref().is_some_and(|job| job.state() == "running") {
            return Err(Obstacle::Busy);
        }
        let mut job = Self { value, text: before.and_then(|job| job.text) };
        if !job.write(gate).await? {
            return Err(Obstacle::Busy);
        }
        hand.note(&format!("began to {action} {count} users: {query}")).await;
        Ok(job)
    }

    /// `running`, `stopped`, `cancelled` or `done`.
    #[must_use]
    pub fn state(&self) -> &str {
        self.value["state"].as_str().unwrap_or_default()
    }

    /// A number of the job: `total`, `seen`, `changed` or `not_changed`.
    #[must_use]
    pub fn number(&self, name: &str) -> u64 {
        self.value[name].as_u64().unwrap_or_default()
    }

    /// All that is known of it.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Writes the job down in the place of what was read before; `false` if somebody else has written since.
    async fn write(&mut self, gate: &Lychgate) -> Result<bool, StoreError> {
        let mut batch = gate.store().batch();
        if let Some(before) = &self.text {
            batch.meta_take(KEY, before);
        }
        let text = self.value.to_string();
        batch.meta_set(KEY, &text);
        let committed = committed(gate, batch).await?;
        if committed {
            self.text = Some(text);
        }
        Ok(committed)
    }

    /// Does the next few users. `false` when there is nothing more to do here: the job is done, was cancelled or is in other
    /// hands, or its administrator is none any more.
    ///
    /// # Errors
    ///
    /// [`Obstacle`]; the job can be gone on with.
    pub async fn step(&mut self, hand: &Hand) -> Result<bool, Obstacle> {
        if self.state() != "running" {
            return Ok(false);
        }
        let hand = &hand.later();
        let (store, job) = (hand.gate().store(), &mut self.value);
        let action = job["action"].as_str().unwrap_or_default().to_owned();
        let until = job["until"].as_i64().unwrap_or_default();
        let query = UserQuery {
            after: job["after"].as_str().map(str::to_owned),
            ..matching(job["matching"].as_str().unwrap_or_default())?
        };
        let page = store.users_page(&query).await?;
        let may = hand.may_still().await?;
        for user in page.items.iter().filter(|user| may && user.id <= until) {
            let done = hand.apply(&action, user).await;
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
        job["at"] = hand.gate().now().unix_timestamp().into();
        job["state"] = match (may, is_last) {
            (false, _) => "stopped",
            (true, true) => "done",
            (true, false) => "running",
        }
        .into();
        if !self.write(hand.gate()).await? {
            // Cancelled, or taken over.
            if let Some(now) = Self::kept(hand.gate()).await? {
                *self = now;
            }
            return Ok(false);
        }
        if self.state() == "running" {
            return Ok(true);
        }
        let said =
            format!("{action} of many ended: {} changed, {} not", self.number("changed"), self.number("not_changed"));
        hand.note(&said).await;
        Ok(false)
    }

    /// Cancels the job that is running; what is done stays done.
    ///
    /// # Errors
    ///
    /// [`Obstacle`].
    pub async fn cancel(hand: &Hand) -> Result<Self, Obstacle> {
        Self::change(hand, &["running"], "cancelled").await
    }

    /// Leaves the job that is running to whoever goes on with it.
    ///
    /// # Errors
    ///
    /// [`Obstacle`].
    pub async fn leave(hand: &Hand) -> Result<Self, Obstacle> {
        Self::change(hand, &["running"], "stopped").await
    }

    /// Takes up a job that stopped or was cancelled, in the name of whoever asks for that; [`step`](Self::step) does the
    /// work.
    ///
    /// # Errors
    ///
    /// [`Obstacle`].
    pub async fn resume(hand: &Hand) -> Result<Self, Obstacle> {
        Self::change(hand, &["stopped", "cancelled"], "running").await
    }

    async fn change(hand: &Hand, from: &[&str], to: &str) -> Result<Self, Obstacle> {
        // The job writes as well; whoever loses looks again.
        for _ in 0..50 {
            let Some(mut job) = Self::kept(hand.gate()).await?.filter(|job| from.contains(&job.state())) else { break };
            job.value["state"] = to.into();
            job.value["at"] = hand.gate().now().unix_timestamp().into();
            if to == "running" {
                job.value["by"] = hand.name().into();
            }
            if job.write(hand.gate()).await? {
                let word = match to {
                    "running" => "went on with",
                    "cancelled" => "cancelled",
                    _ => "stopped",
                };
                hand.note(&format!("{word} the change of many users")).await;
                return Ok(job);
            }
        }
        Err(Obstacle::NoJob)
    }
}

fn is_alive(job: &Value, now: OffsetDateTime) -> bool {
    let heard = job["at"].as_i64().unwrap_or_default();
    now.unix_timestamp() - heard <= PATIENCE.whole_seconds()
}

/// Whether a batch with an expectation was committed.
async fn committed(gate: &Lychgate, batch: Batch) -> Result<bool, StoreError> {
    match gate.store().commit(batch).await {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::Unmet(_)) => Ok(false),
        Err(error) => Err(error),
    }
}
