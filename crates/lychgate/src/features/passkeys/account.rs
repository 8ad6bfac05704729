//! What passkeys add to the account page.

use lychgate_store::User;

use crate::{
    flow::{
        account_page::{Action, PartFuture, Place, Row, Section},
        passkeys::{FIRST, are_on},
    },
    messages,
    web::{exchange::Exchange, form::Message},
};

/// One row for each passkey, and the way to the page where they are added and removed.
pub(crate) fn account_part<'a>(call: &'a Exchange, user: &'a User) -> PartFuture<'a> {
    Box::pin(async move {
        if !are_on(&call.gate) {
            return Ok(None);
        }
        let mut section = Section::at(Place::Passkeys);
        let mine = call.gate.store().credentials_of(user.id).await?;
        for (at, passkey) in mine.iter().enumerate() {
            let purpose =
                if passkey.usage == FIRST { messages::ACCOUNT_PASSKEY_FIRST } else { messages::ACCOUNT_PASSKEY_SECOND };
            let used = Message::from(purpose).with("ago", call.ago(passkey.last_used_at));
            section = section.row(Row::new(at.to_string(), passkey.name.clone(), call.text(&used)));
        }
        let label = if mine.is_empty() { messages::ACCOUNT_PASSKEY_ADD } else { messages::ACCOUNT_PASSKEY_MANAGE };
        Ok(Some(section.action(Action::link(call.text(&label.into()), call.gate.url("wan_register")))))
    })
}
