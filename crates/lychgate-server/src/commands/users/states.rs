//! `lychgate users approve`, `suspend`, `lock` and back.

use clap::Args;
use lychgate::{AccountStatus, Lychgate, settings::SignedSeconds};
use time::{Date, Duration, OffsetDateTime, Time, format_description::well_known::Rfc3339, macros::format_description};

use super::find;
use crate::{
    exit::Exit,
    output::{self, already, done},
};

/// Who did it, as it is noted.
pub(crate) const BY: &str = "command line";
/// The most that is listed.
const MOST: u32 = 1000;

/// Decline an account that waits; its owner is told by mail
///
/// It is kept for `account_declined_within` and can be approved still; then it is deleted.
#[derive(Debug, Args)]
pub(crate) struct Decline {
    /// Whom: e-mail address, username …
    user: String,
    /// Why; the owner reads it
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Suspend an account: it stops at once and everywhere, and its owner is told by mail
///
/// When the suspension is over, sessions and tokens go on. A suspended account gets the new time and reason.
#[derive(Debug, Args)]
pub(crate) struct Suspend {
    /// Whom: e-mail address, username …
    user: String,
    /// When it ends by itself: a day (2026-12-24), a moment (2026-12-24T18:00:00Z) or a span ("3 days")
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    /// Why; the owner reads it
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Lock an account for safety: all its sessions, tokens and links end for good, and its owner is told by mail
#[derive(Debug, Args)]
pub(crate) struct Lock {
    /// Whom: e-mail address, username …
    user: String,
    /// Why; the owner reads it
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// The moment that `text` names, midnight UTC for a day.
fn moment(text: &str) -> Result<OffsetDateTime, Exit> {
    if let Ok(day) = Date::parse(text, format_description!("[year]-[month]-[day]")) {
        return Ok(day.with_time(Time::MIDNIGHT).assume_utc());
    }
    if let Ok(moment) = OffsetDateTime::parse(text, &Rfc3339) {
        return Ok(moment);
    }
    let span = SignedSeconds::parse(text).map(|span| Duration::seconds(span.as_secs()));
    span.and_then(|span| OffsetDateTime::now_utc().checked_add(span)).ok_or_else(|| {
        Exit::usage(format!("\"{text}\" is no time: write a day (2026-12-24), a moment or a span (\"3 days\")"))
    })
}

impl Decline {
    pub(super) async fn run(self, gate: &Lychgate) -> Result<(), Exit> {
        let user = find(gate, &self.user).await?;
        let declined = gate.accounts().by(BY).decline(&user, self.reason.as_deref()).await?;
        say(declined, &self.user, "has been declined", "does not wait to be approved");
        Ok(())
    }
}

impl Suspend {
    pub(super) async fn run(self, gate: &Lychgate) -> Result<(), Exit> {
        let until = self.until.as_deref().map(moment).transpose()?;
        let user = find(gate, &self.user).await?;
        let suspended = gate.accounts().by(BY).suspend(&user, until, self.reason.as_deref()).await?;
        say(suspended, &self.user, "has been suspended", "cannot sign in anyhow");
        Ok(())
    }
}

impl Lock {
    pub(super) async fn run(self, gate: &Lychgate) -> Result<(), Exit> {
        let user = find(gate, &self.user).await?;
        let locked = gate.accounts().by(BY).lock(&user, self.reason.as_deref()).await?;
        say(locked, &self.user, "has been locked, and everything has ended", "cannot sign in anyhow");
        Ok(())
    }
}

pub(super) async fn approve(gate: &Lychgate, identity: &str) -> Result<(), Exit> {
    let approved = gate.accounts().by(BY).approve(&*find(gate, identity).await?).await?;
    say(approved, identity, "has been approved", "does not wait to be approved");
    Ok(())
}

pub(super) async fn unsuspend(gate: &Lychgate, identity: &str) -> Result<(), Exit> {
    let ended = gate.accounts().by(BY).unsuspend(&*find(gate, identity).await?).await?;
    say(ended, identity, "is no longer suspended", "is not suspended");
    Ok(())
}

pub(super) async fn unlock(gate: &Lychgate, identity: &str) -> Result<(), Exit> {
    let opened = gate.accounts().by(BY).unlock(&*find(gate, identity).await?).await?;
    say(opened, identity, "is no longer locked", "is not locked");
    Ok(())
}

pub(super) async fn list(gate: &Lychgate, status: AccountStatus) -> Result<(), Exit> {
    let rows = gate.accounts().in_state(status, MOST).await?.into_iter().map(|(user, standing)| {
        let day = |at: Option<OffsetDateTime>| at.map(|at| at.date().to_string()).unwrap_or_default();
        let confirmed = if user.confirmed_at.is_some() { "yes" } else { "no" };
        vec![
            output::printable(&user.email),
            output::printable(user.username.as_deref().unwrap_or_default()),
            confirmed.to_owned(),
            day(standing.since),
            day(standing.until),
            output::printable(standing.reason.as_deref().unwrap_or_default()),
            output::printable(standing.by.as_deref().unwrap_or_default()),
        ]
    });
    output::table(&["Address", "Username", "Confirmed", "Since", "Until", "Reason", "By"], rows);
    Ok(())
}

fn say(changed: bool, identity: &str, yes: &str, no: &str) {
    let identity = output::printable(identity);
    match changed {
        true => done(format_args!("User \"{identity}\" {yes}.")),
        false => already(format_args!("User \"{identity}\" {no}.")),
    }
}
