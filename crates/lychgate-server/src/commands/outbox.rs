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

#[derive(Debug, Subcommand)]
pub(crate) enum Outbox {
    List(List),
    /// Show one message: where it stands and why it was not sent
    Show(Show),
    /// Try dead messages again
    Retry(Which),
    /// Forget dead messages
    Drop(Which),
    Test(Test),
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
            Self::Test(test) => test.run(&gate).await,
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

/// Try out whether mails arrive: ask the mail server, or send a real mail and say what the server answered
///
/// The mail goes at once and beside the outbox, the way that all mails go, and says nothing but that mails arrive.
///
///   lychgate outbox test                         ask only; nothing is sent
///   lychgate outbox test --to ann@example.com    send one, to any address or to a user
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Test {
    /// Send a mail to this address, or to the user of this name
    #[arg(long, value_name = "ADDRESS|USER")]
    to: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Test {
    async fn run(self, gate: &Lychgate) -> Result<(), Exit> {
        let (to, said) = match &self.to {
            None => (None, gate.check_mail().await),
            Some(to) => {
                let address = match gate.accounts().find(to).await? {
                    Some(user) => user.email.clone(),
                    None if to.contains('@') => to.clone(),
                    None => return Err(Exit::usage("User not found; write an address to send a mail anywhere.")),
                };
                let said = gate.send_test_mail(&address).await;
                (Some(address), said)
            }
        };
        if self.json {
            let (answer, error) = (said.as_ref().ok(), said.as_ref().err());
            output::json(&json!({"to": to, "answer": answer, "error": error}));
            return if said.is_ok() { Ok(()) } else { Err(Exit::Reported) };
        }
        match (said, to) {
            (Ok(answer), None) => done(format_args!("Mails can be sent: {}", output::printable(&answer))),
            (Ok(answer), Some(to)) => {
                done(format_args!("A mail to {} was sent: {}", output::printable(&to), output::printable(&answer)));
            }
            (Err(why), None) => {
                return Err(Exit::failed(format!("mails cannot be sent: {}", output::printable(&why))));
            }
            (Err(why), Some(to)) => {
                let (to, why) = (output::printable(&to), output::printable(&why));
                return Err(Exit::failed(format!("the mail to {to} was not sent: {why}")));
            }
        }
        Ok(())
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
