//! What is to be sent, and what could not be.

use lychgate::store::{Batch, ErrorKind, OutboxItem, OutboxState};
use serde_json::{Value, json};

use crate::{
    ask::{Answer, Ask, Stop, object},
    texts::say,
    view::iso,
};

/// Items on the page.
const MOST: u32 = 100;

/// What is shown of an item; never its payload, which may hold links that sign somebody in.
fn value(ask: &Ask, item: &OutboxItem) -> Value {
    json!({
        "id": item.id,
        "kind": item.kind,
        "recipient": item.recipient,
        "state": item.state.as_str(),
        "attempts": item.attempts,
        "error": item.last_error,
        "created_at": iso(item.created_at),
        "created": ask.operator.ago(item.created_at),
        "due_at": iso(item.due_at),
        "sent_at": item.sent_at.and_then(iso),
    })
}

pub(crate) async fn list(ask: Ask) -> Answer {
    let state = match ask.query("state") {
        "" => None,
        "waiting" => Some(OutboxState::Waiting),
        "sent" => Some(OutboxState::Sent),
        "dead" => Some(OutboxState::Dead),
        _ => return Err(ask.stop(Stop::bad("state is waiting, sent or dead"))),
    };
    let found = ask.gate().store().outbox_list(state, MOST).await.map_err(|error| ask.stop(error.into()))?;
    let items: Vec<Value> = found.iter().map(|item| value(&ask, item)).collect();
    let values = json!({"items": items, "state": state.map(OutboxState::as_str)});
    Ok(ask.page("admin/outbox.html", "outbox", object(values)))
}

pub(crate) async fn retry(ask: Ask) -> Answer {
    let mut batch = ask.gate().store().batch();
    batch.retry_item(ask.field("id"), ask.operator.now());
    settle(ask, batch, "set a dead letter going again", "It is tried again.").await
}

pub(crate) async fn discard(ask: Ask) -> Answer {
    let mut batch = ask.gate().store().batch();
    batch.drop_item(ask.field("id"));
    settle(ask, batch, "dropped a dead letter", "It is dropped.").await
}

/// Commits what is done to a dead letter, with a note of it.
async fn settle(ask: Ask, mut batch: Batch, noted: &str, text: &'static str) -> Answer {
    ask.operator.note_own_in(&mut batch, &format!("{noted}: {}", ask.field("id")));
    match ask.gate().store().commit(batch).await {
        Ok(_) => Ok(ask.done(text, "/outbox", json!({}))),
        Err(error) if matches!(error.kind(), ErrorKind::Unmet(_)) => {
            Ok(ask.refused("It is not dead, or not there any more.", "/outbox"))
        }
        Err(error) => Err(ask.stop(error.into())),
    }
}

/// Sends a mail to the administrator's own address.
pub(crate) async fn test(ask: Ask) -> Answer {
    match ask.operator.send_test_mail().await {
        Ok(to) => Ok(ask.done(say("A mail to %(to)s was sent.").with("to", &to), "/outbox", json!({"to": to}))),
        Err(why) => Ok(ask.refused(say("The mail was not sent: %(why)s").with("why", why), "/outbox")),
    }
}

/// Asks the mail server whether it would take mails.
pub(crate) async fn check(ask: Ask) -> Answer {
    match ask.gate().check_mail().await {
        Ok(to) => Ok(ask.done(say("Mails can be sent: %(to)s").with("to", &to), "/outbox", json!({"to": to}))),
        Err(why) => Ok(ask.refused(say("Mails cannot be sent: %(why)s").with("why", why), "/outbox")),
    }
}
