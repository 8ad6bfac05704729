//! `lychgate audit`: the audit log.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use lychgate::{
    Lychgate,
    audit::{AuditRecord, AuditReport},
    store::AuditQuery,
};
use lychgate_signing::audit::Checkpoint;
use serde_json::json;
use time::{Date, OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

use crate::{cli::Global, exit::Exit, files, open, output};

/// Entries that the database gives at once.
const PAGE: u32 = 1000;

/// The longest file of checkpoints that is read, in bytes.
const LONGEST: u64 = 64 << 20;

#[derive(Debug, Subcommand)]
#[command(rename_all = "snake_case")]
pub(crate) enum Audit {
    Verify(Verify),
    List(List),
    /// Write the whole log as JSON lines, with all that is needed to check it elsewhere
    Export,
}

/// Look whether an entry was changed, removed, moved or put in
///
/// Only somebody who kept a checkpoint elsewhere can see that the end of the log was cut off or that all of it was made
/// anew: hand those in that were kept.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// A checkpoint that was kept; may be given several times
    #[arg(long = "checkpoint", value_name = "TEXT")]
    checkpoints: Vec<String>,
    /// A file of such checkpoints, one a line, as `audit_checkpoint_file` writes it
    #[arg(long, value_name = "FILE")]
    checkpoint_file: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// List entries, the last first
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only what this user did, or what is about them: e-mail address, username …, or the id of one who is gone
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Only entries of this kind, such as sign-in; may be given several times
    #[arg(long = "what", value_name = "KIND")]
    kinds: Vec<String>,
    /// Only from this day or time on (UTC): 2026-11-22, 2026-11-22T13:00:00Z
    #[arg(long, value_name = "TIME", value_parser = read_time)]
    since: Option<OffsetDateTime>,
    /// Only before this day or time (UTC)
    #[arg(long, value_name = "TIME", value_parser = read_time)]
    until: Option<OffsetDateTime>,
    /// Only what happened in the request with this id
    #[arg(long, value_name = "ID")]
    request: Option<String>,
    /// At most so many
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    limit: u32,
    /// As JSON
    #[arg(long)]
    json: bool,
}

fn read_time(text: &str) -> Result<OffsetDateTime, String> {
    let day = || Date::parse(text, format_description!("[year]-[month]-[day]")).map(|day| day.midnight().assume_utc());
    OffsetDateTime::parse(text, &Rfc3339)
        .or_else(|_| day())
        .map_err(|_| "no day and no time as in 2026-11-22T13:00:00Z".into())
}

impl Audit {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Exit> {
        let gate = open::gate(global, None, false).await?;
        let result = match self {
            Self::Verify(verify) => verify.run(&gate).await,
            Self::List(list) => list.run(&gate).await,
            Self::Export => export(&gate).await,
        };
        gate.store().close().await;
        result
    }
}

impl Verify {
    async fn run(self, gate: &Lychgate) -> Result<(), Exit> {
        let mut held = Vec::new();
        let read = |text: &str| {
            Checkpoint::from_text(text).ok_or_else(|| Exit::usage("This is no checkpoint: ".to_owned() + text))
        };
        for text in &self.checkpoints {
            held.push(read(text)?);
        }
        if let Some(path) = &self.checkpoint_file {
            let text = files::read_bounded(path, LONGEST)
                .map_err(|error| Exit::failed(format!("{}: {error}", path.display())))?;
            for line in text.lines().filter(|line| !line.trim().is_empty()) {
                held.push(read(line)?);
            }
        }
        let report = gate.audit().verify(&held).await?;
        if self.json {
            output::json(&to_json(&report));
        } else {
            tell(&report);
        }
        if report.is_whole() { Ok(()) } else { Err(Exit::Reported) }
    }
}

fn to_json(report: &AuditReport) -> serde_json::Value {
    json!({
        "whole": report.is_whole(),
        "findings": report.findings,
        "more_findings": report.more_findings,
        "sealed": report.sealed,
        "waiting": report.waiting,
        "erased": report.erased,
        "checkpoints": report.checkpoints,
        "forgotten_checkpoints": report.forgotten_checkpoints,
        "first": report.first,
        "checkpoint": report.checkpoint,
    })
}

fn tell(report: &AuditReport) {
    for finding in &report.findings {
        output::complain(format_args!("Found: {}", output::printable(finding)));
    }
    if report.more_findings > 0 {
        output::complain(format_args!("Found: {} things more", report.more_findings));
    }
    output::line(format_args!(
        "{} sealed entries, {} that wait to be sealed, {} without their details, {} checkpoints.",
        report.sealed, report.waiting, report.erased, report.checkpoints
    ));
    if report.forgotten_checkpoints > 0 {
        output::line(format_args!("{} checkpoints are of entries that were forgotten.", report.forgotten_checkpoints));
    }
    if let Some(first) = report.first.filter(|first| *first > 1) {
        output::line(format_args!("It begins with entry {first}: earlier ones were forgotten because they were old."));
    }
    if report.is_whole() {
        output::done("The audit log is as it was written.");
    }
    if let Some(checkpoint) = &report.checkpoint {
        output::line("Keep this checkpoint elsewhere; it shows later whether the log was cut or made anew:");
        output::line(checkpoint);
    }
}

impl List {
    async fn run(self, gate: &Lychgate) -> Result<(), Exit> {
        let involving = match &self.user {
            None => None,
            Some(text) => Some(user_id(gate, text).await?),
        };
        let mut query = AuditQuery {
            involving,
            kinds: self.kinds,
            since: self.since,
            until: self.until,
            request_id: self.request,
            ..AuditQuery::default()
        };
        let (mut left, mut records) = (self.limit, Vec::new());
        while left > 0 {
            query.limit = left.min(PAGE);
            let page = gate.audit().page(&query).await?;
            let count = u32::try_from(page.len()).unwrap_or(PAGE);
            let last = count < query.limit;
            left -= count.min(left);
            query.before = page.last().map(|record| record.number);
            records.extend(page);
            if last {
                break;
            }
        }
        if self.json {
            output::json(&records.iter().map(AuditRecord::to_json).collect());
            return Ok(());
        }
        let id = |id: Option<i64>| id.map(|id| id.to_string()).unwrap_or_default();
        let rows = records.iter().map(|record| {
            let at = record.at.format(format_description!("[year]-[month]-[day] [hour]:[minute]:[second]"));
            vec![
                record.place.map_or_else(|| "-".to_owned(), |place| place.to_string()),
                at.unwrap_or_default(),
                record.kind.clone(),
                if record.actor_id.is_some() { id(record.actor_id) } else { record.actor.clone() },
                id(record.user_id),
                record.detail("address"),
                record.request_id.clone().unwrap_or_default(),
            ]
        });
        output::table(&["PLACE", "TIME (UTC)", "WHAT", "WHO", "WHOM", "FROM", "REQUEST"], rows);
        Ok(())
    }
}

async fn user_id(gate: &Lychgate, text: &str) -> Result<i64, Exit> {
    match gate.accounts().find(text).await? {
        Some(user) => Ok(user.id),
        None => text.parse().map_err(|_| Exit::usage("User not found.")),
    }
}

async fn export(gate: &Lychgate) -> Result<(), Exit> {
    let mut last = None;
    loop {
        let page = gate.audit().after(last.as_ref()).await?;
        for record in &page {
            output::try_line(record.to_json_with_proof())
                .map_err(|error| Exit::failed(format!("the export ends early: {error}")))?;
        }
        match page.into_iter().next_back() {
            Some(record) => last = Some(record),
            None => return Ok(()),
        }
    }
}
