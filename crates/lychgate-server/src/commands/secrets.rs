//! `lychgate secrets`: what is still in use of which key, and encrypting anew.
//!
//! Keys are read from the settings file, the data folder and the environment, never from arguments, which other users of
//! the machine can see. None is printed.

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use lychgate::{KeyUse, Lychgate};
use serde_json::json;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    cli::Global,
    exit::Exit,
    open,
    output::{self, done},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Secrets {
    Status(Status),
    Rewrap(Rewrap),
    Make(Make),
}

/// Say what is still in use of which key
///
/// An old key may go when nothing needs it any more. It reads all users and changes nothing.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Encrypt stored secrets of one-time codes and recovery codes with today's keys
///
/// To be run after a new tag in totp_secrets, a new first key in multi_factor_recovery_codes_keys, or a new secret_key.
/// It works while the server runs, may be stopped at any time, and does what is left when it is run again.
#[derive(Debug, Args)]
pub(crate) struct Rewrap {}

/// Print a new random secret, for the settings file
#[derive(Debug, Args)]
pub(crate) struct Make {}

impl Secrets {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Exit> {
        if let Self::Make(_) = self {
            output::line(crate::secrets::random_text()?);
            return Ok(());
        }
        let gate = open::gate(global, None, false).await?;
        let result = match self {
            Self::Status(status) => status.run(&gate).await,
            Self::Rewrap(_) => rewrap(&gate).await,
            Self::Make(_) => Ok(()),
        };
        open::closing(&gate, result).await
    }
}

impl Status {
    async fn run(self, gate: &Lychgate) -> Result<(), Exit> {
        let bar = bar(gate).await?;
        let found = gate.rotation().in_use(|read| bar.set_position(read)).await;
        bar.finish_and_clear();
        let found = found?;
        if self.json {
            output::json(&view(&found));
            return Ok(());
        }
        let rows = rows(&found).into_iter().map(|(name, uses, advice)| vec![name.to_owned(), uses, advice]);
        output::table(&["KEY", "IN USE", "WHAT NOW"], rows);
        Ok(())
    }
}

async fn rewrap(gate: &Lychgate) -> Result<(), Exit> {
    let bar = bar(gate).await?;
    let finished = gate.rotation().rewrap(|read| bar.set_position(read)).await;
    bar.finish_and_clear();
    let all = finished?;
    done(format_args!(
        "Encrypted anew: one-time codes of {} users, recovery codes of {} users.",
        all.totp, all.recovery
    ));
    if all.changed_meanwhile > 0 {
        output::already(format_args!("{} users changed meanwhile: run it again.", all.changed_meanwhile));
    }
    if all.lost > 0 {
        return Err(Exit::failed(format!(
            "{} users have something that no key of the settings opens; it was left as it is",
            all.lost
        )));
    }
    Ok(())
}

async fn bar(gate: &Lychgate) -> Result<ProgressBar, Exit> {
    let users = u64::try_from(gate.store().count_users().await?).unwrap_or(0);
    let style = ProgressStyle::with_template("{pos}/{len} users, {elapsed}");
    Ok(ProgressBar::new(users).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
}

/// Name, what uses it, and what to do.
fn rows(found: &KeyUse) -> Vec<(&'static str, String, String)> {
    let mut rows = Vec::new();
    let since = |at: Option<OffsetDateTime>| at.map_or("an unknown time".to_owned(), |at| at.date().to_string());
    let secret_key = format!(
        "in use since {}, {} earlier; {} sessions began before it",
        since(found.secret_key_since),
        found.secret_key_fallbacks,
        found.older_sessions
    );
    let advice = match (found.secret_key_fallbacks, found.older_sessions, found.older_sessions_end) {
        (0, ..) => "nothing to do".to_owned(),
        (_, 0, _) => {
            "no session needs the earlier keys; links and remember-me cookies may until they expire".to_owned()
        }
        (.., end) => format!("keep secret_key_fallbacks until {}", stamp(end).unwrap_or_default()),
    };
    rows.push(("secret_key", secret_key, advice));
    let older = found.older_passwords.map_or("an unknown number".to_owned(), |count| count.to_string());
    let salt = format!(
        "in use since {}, {} earlier; {older} of {} passwords may need them",
        since(found.password_salt_since),
        found.password_salt_fallbacks,
        found.passwords
    );
    let advice = match (found.password_salt_fallbacks, found.older_passwords) {
        (0, _) => "nothing to do",
        (_, Some(0)) => "password_salt_fallbacks can go",
        _ => "keep password_salt_fallbacks: who signs in is hashed anew",
    };
    rows.push(("password_salt", salt, advice.to_owned()));
    for (name, current, older, lost) in [
        ("totp_secrets", found.totp_current, found.totp_older, found.totp_lost),
        ("recovery codes", found.recovery_current, found.recovery_older, found.recovery_lost),
    ] {
        let advice = match (older, lost) {
            (_, 1..) => "a key is missing in the settings: put it back",
            (0, 0) => "earlier keys can go",
            _ => "lychgate secrets rewrap",
        };
        rows.push((
            name,
            format!("{current} with today's, {older} with earlier ones, {lost} with none"),
            advice.to_owned(),
        ));
    }
    if found.jwt_keys > 0 {
        let advice = match (found.jwt_keys, found.jwt_wait) {
            (1, _) => "nothing to do".to_owned(),
            (_, Some(seconds)) => format!("an earlier key can go {seconds} seconds after it last signed"),
            (_, None) => "tokens do not expire: whoever holds one of an earlier key has to get another".to_owned(),
        };
        rows.push(("jwt", format!("{} keys, the first signs", found.jwt_keys), advice));
    }
    rows
}

fn view(found: &KeyUse) -> serde_json::Value {
    json!({
        "secret_key": {
            "since": stamp(found.secret_key_since),
            "fallbacks": found.secret_key_fallbacks,
            "older_sessions": found.older_sessions,
            "older_sessions_end": stamp(found.older_sessions_end),
        },
        "password_salt": {
            "since": stamp(found.password_salt_since),
            "fallbacks": found.password_salt_fallbacks,
            "passwords": found.passwords,
            "older_passwords": found.older_passwords,
        },
        "totp_secrets": {"current": found.totp_current, "older": found.totp_older, "lost": found.totp_lost},
        "recovery_codes": {
            "current": found.recovery_current,
            "older": found.recovery_older,
            "lost": found.recovery_lost,
        },
        "jwt": {"keys": found.jwt_keys, "seconds_to_wait": found.jwt_wait},
    })
}

fn stamp(at: Option<OffsetDateTime>) -> Option<String> {
    at.and_then(|at| at.format(&Rfc3339).ok())
}
