//! `lychgate outbox`: mails and text messages, those that could not be sent above all.

use clap::{Args, Subcommand, ValueEnum};
use lychgate::{Lychgate, audit::Audited};
use lychgate_store::{ErrorKind, OutboxItem, OutboxState};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    cli::Global,
    exit::Exit,
    open,
    output::{self, done},
};

/// What a message says is never shown, as it may hold a link that signs somebody in.
#[derive(Debug, Subcommand)]
pub(crate) enum Outbox {
    List(List),
    /// Show one message: where it stands and why it was not sent
    Show(Show),
    /// Try dead messages again
    Retry(Which),
    /// Forget dead messages
    Drop(Which),
    /// Ask the mail server whether it would take mails; none is sent
    Test,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum State {
    /// To be sent
    Waiting,
    /// Sent
    Sent,
    /// Given up
    Dead,
}

/// List messages, the newest first
///
/// A server sends what waits, and tries again ever later; after some days a message is dead and stays here.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those in this state
    #[arg(long)]
    state: Option<State>,
    /// At most so many
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The message's ID, as the list shows it
    #[arg(allow_hyphen_values = true)]
    id: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Which {
    /// IDs, as the list shows them
    #[arg(required_unless_present = "all", conflicts_with = "all", allow_hyphen_values = true)]
    ids: Vec<String>,
    /// All that are dead
    #[arg(long)]
    all: bool,
}

impl Outbox {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Exit> {
        let gate = open::gate(global, None, false).await?;
        let result = match self {
            Self::List(list) => list.run(&gate).await,
            Self::Show(show) => show.run(&gate).await,
            Self::Retry(which) => which.each(&gate, true).await,
            Self::Drop(which) => which.each(&gate, false).await,
            Self::Test => test(&gate).await,
        };
        open::closing(&gate, result).await
    }
}

impl List {
    async fn run(self, gate: &Lychgate) -> Result<(), Exit> {
        let state = self.state.map(|state| match state {
            State::Waiting => OutboxState::Waiting,
            State::Sent => OutboxState::Sent,
            State::Dead => OutboxState::Dead,
        });
        let items = gate.store().outbox_list(state, self.limit).await?;
        if self.json {
            output::json(&items.iter().map(view).collect());
            return Ok(());
        }
        let rows = items.iter().map(|item| {
            vec![
                item.id.clone(),
                item.kind.clone(),
                item.recipient.clone(),
                item.state.as_str().to_owned(),
                item.attempts.to_string(),
                stamp(item.created_at),
                item.last_error.clone().unwrap_or_default(),
            ]
        });
        output::table(&["ID", "KIND", "TO", "STATE", "ATTEMPTS", "ENTERED", "WHY NOT"], rows);
        Ok(())
    }
}

impl Show {
    async fn run(self, gate: &Lychgate) -> Result<(), Exit> {
        let item = gate.store().outbox_item(&self.id).await?.ok_or_else(missing)?;
        let value = view(&item);
        if self.json {
            output::json(&value);
            return Ok(());
        }
        let rows =
            value.as_object().into_iter().flatten().map(|(name, value)| {
                vec![name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)]
            });
        output::table(&["WHAT", "VALUE"], rows);
        Ok(())
    }
}

impl Which {
    /// Sets each going again, or drops it; the first that cannot be ends it.
    async fn each(self, gate: &Lychgate, again: bool) -> Result<(), Exit> {
        let store = gate.store();
        let (mut ids, mut count) = (self.ids, 0_u64);
        loop {
            if self.all {
                ids = store.outbox_list(Some(OutboxState::Dead), 1000).await?.into_iter().map(|item| item.id).collect();
            }
            for id in &ids {
                let changed = settle(gate, id, again).await?;
                if !changed && !self.all {
                    return Err(missing());
                }
                count += u64::from(changed);
            }
            if !self.all || ids.is_empty() {
                break;
            }
        }
        let messages = if count == 1 { "message" } else { "messages" };
        match again {
            true => done(format_args!("{count} {messages} will be tried again by the next server that runs.")),
            false => done(format_args!("{count} {messages} dropped.")),
        }
        Ok(())
    }
}

/// Sets a dead message going again or drops it, with an entry in the audit log; `false` if it is not dead.
async fn settle(gate: &Lychgate, id: &str, again: bool) -> Result<bool, Exit> {
    let mut batch = gate.store().batch();
    let kind = match again {
        true => {
            batch.retry_item(id, gate.now());
            "message-retried"
        }
        false => {
            batch.drop_item(id);
            "message-dropped"
        }
    };
    gate.audit().note(&mut batch, Audited::new(kind).with("message", id));
    match gate.store().commit(batch).await {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::Unmet(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

async fn test(gate: &Lychgate) -> Result<(), Exit> {
    match gate.check_mail().await {
        Ok(to) => {
            done(format_args!("Mails can be sent: {}", output::printable(&to)));
            Ok(())
        }
        Err(why) => Err(Exit::failed(format!("mails cannot be sent: {}", output::printable(&why)))),
    }
}

fn missing() -> Exit {
    Exit::usage("There is no such message, or it is not dead; `lychgate outbox list --state dead` lists those.")
}

fn view(item: &OutboxItem) -> Value {
    json!({
        "id": item.id,
        "kind": item.kind,
        "to": item.recipient,
        "state": item.state.as_str(),
        "attempts": item.attempts,
        "entered_at": stamp(item.created_at),
        "due_at": stamp(item.due_at),
        "sent_at": item.sent_at.map(stamp),
        "error": item.last_error,
    })
}

fn stamp(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}
