//! Removing a passkey.

use lychgate_store::ErrorKind;
use serde_json::json;

use super::{admit_fresh, names};
use crate::{
    events::Event,
    failure::Failure,
    flow::{
        activity::What,
        notices::Notice,
        passkeys::{FIRST, is_not_the_only_way_in},
    },
    messages,
    web::{
        answer::Reply,
        exchange::Exchange,
        form::{Field, Form, Kind, Message},
        routes::Call,
    },
};

fn form(call: &Exchange) -> Form {
    let name = Field::new("name", Kind::Text, "Name").required();
    Form::new(
        "wan_delete_form",
        call.gate.settings().text("wan_register_template"),
        call.gate.url("wan_delete"),
        vec![name],
    )
}

pub(super) async fn get(call: Call) -> Result<Reply, Failure> {
    admit_fresh(&call).await?;
    if call.wants_json() {
        return Ok(Reply::Json(call.members(json!({}))));
    }
    Ok(Reply::Redirect(call.gate.url("wan_register")))
}

pub(super) async fn post(call: Call) -> Result<Reply, Failure> {
    let who = admit_fresh(&call).await?;
    let mut form = form(&call);
    form.fill(&call.submitted)?;
    let name = names::read(&call.gate, &mut form);
    call.csrf_of_form(&mut form);
    if let Some(name) = name.filter(|_| !form.has_errors()) {
        match remove(&call, &who.user, &name).await? {
            None if call.wants_json() => return Ok(Reply::Json(call.members(json!({})))),
            None => call.flash(Message::from(messages::WEBAUTHN_CREDENTIAL_DELETED).with("name", name)),
            Some(problem) => form.field_error("name", problem),
        }
    }
    super::refused(&call, form, "wan_register")
}

/// Removes the passkey of this name, unless nothing would be left to sign in with; says why it did not.
async fn remove(call: &Call, user: &lychgate_store::User, name: &str) -> Result<Option<Message>, Failure> {
    let store = call.gate.store();
    let mine = store.credentials_of(user.id).await?;
    let missing = || Some(Message::from(messages::WEBAUTHN_NAME_NOT_FOUND).with("name", name));
    let Some(goes) = mine.iter().find(|credential| credential.name == name) else { return Ok(missing()) };
    let mut batch = store.batch();
    batch.delete_credential(user.id, name);
    if goes.usage == FIRST && !is_not_the_only_way_in(&call.gate, user) {
        batch.require_credential(user.id, FIRST);
    }
    call.note(&mut batch, user.id, What::PasskeyRemoved, Some(name));
    let mut post = call.post();
    let removed = Message::from(messages::NOTICE_PASSKEY_REMOVED).with("name", name);
    call.notify(&mut post, user, &Notice::Access(removed))?;
    match call.commit_and_send(batch, post).await {
        Ok(_) => {}
        Err(error) => match error.kind() {
            ErrorKind::Unmet(0) => return Ok(missing()),
            ErrorKind::Unmet(_) => return Ok(Some(messages::WEBAUTHN_LAST_WAY_IN.into())),
            _ => return Err(error.into()),
        },
    }
    call.gate.events().send(&Event::PasskeyRemoved { user_id: user.id, name: name.to_owned() });
    Ok(None)
}
