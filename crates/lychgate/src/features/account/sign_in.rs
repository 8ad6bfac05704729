//! What every account has: an address, a password, perhaps a username. Other features add how they are changed.

use lychgate_store::User;

use crate::{
    failure::Failure,
    flow::{
        account_page::{PartFuture, Place, Row, Section},
        activity::What,
    },
    messages,
    web::{exchange::Exchange, form::Message},
};

pub(crate) fn account_part<'a>(call: &'a Exchange, user: &'a User) -> PartFuture<'a> {
    Box::pin(async move { Ok(Some(section(call, user).await?)) })
}

async fn section(call: &Exchange, user: &User) -> Result<Section, Failure> {
    let mut section = Section::at(Place::SignIn)
        .row(Row::new("email", call.text(&messages::ACCOUNT_EMAIL.into()), email(call, user)))
        .row(Row::new("password", call.text(&messages::ACCOUNT_PASSWORD.into()), password(call, user).await?));
    if call.gate.settings().flag("username_enable") {
        let value = user.username.clone().unwrap_or_else(|| call.text(&messages::ACCOUNT_NONE.into()));
        section = section.row(Row::new("username", call.text(&messages::ACCOUNT_USERNAME.into()), value));
    }
    Ok(section)
}

/// The address, and where that matters whether it is confirmed.
fn email(call: &Exchange, user: &User) -> String {
    let key = match user.confirmed_at {
        Some(_) => messages::ACCOUNT_EMAIL_CONFIRMED,
        None if call.gate.settings().flag("confirmable") => messages::ACCOUNT_EMAIL_UNCONFIRMED,
        None => return user.email.clone(),
    };
    call.text(&Message::from(key).with("email", user.email.clone()))
}

/// When the password was changed, if that is known.
async fn password(call: &Exchange, user: &User) -> Result<String, Failure> {
    if user.password.as_deref().is_none_or(str::is_empty) {
        return Ok(call.text(&messages::ACCOUNT_NONE.into()));
    }
    let kinds = [What::PasswordChanged.word(), What::PasswordReset.word()];
    let Some(change) = call.gate.store().latest_activity(user.id, &kinds).await? else { return Ok(String::new()) };
    let changed = Message::from(messages::ACCOUNT_PASSWORD_CHANGED).with("ago", call.ago(change.at));
    Ok(call.text(&changed))
}
