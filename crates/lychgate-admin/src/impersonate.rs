//! Acting as somebody else, to see what they see.

use std::sync::Arc;

use lychgate::{Refused, store::User};
use serde_json::{Value, json};

use crate::{
    ask::{Answer, Ask, Stop},
    texts::{Text, say},
    view::iso,
};

/// Whether the administrator may act as the user, and why not; nothing where the settings have switched it off.
pub(crate) async fn may(ask: &Ask, user: &Arc<User>) -> Result<Value, Stop> {
    Ok(match ask.operator.impersonation_refused(user).await {
        Ok(None) => json!({"may": true}),
        Ok(Some(Refused::Off)) => Value::Null,
        Ok(Some(why)) | Err(why) => json!({"may": false, "why": reason(&why).to(&ask.operator)}),
    })
}

fn reason(why: &Refused) -> Text {
    match why {
        Refused::MoreRights(more) => {
            say("This account may do what you may not: %(what)s").with("what", more.join(", "))
        }
        other => other.to_string().into(),
    }
}

pub(crate) async fn begin(ask: Ask) -> Answer {
    let user = ask.subject().await?;
    match ask.operator.impersonate(&user, ask.field("reason")).await {
        Ok(until) if ask.json => {
            let more = json!({"until": iso(until), "csrf_token": ask.csrf_token()});
            Ok(ask.done("You act as this user now.", "", more))
        }
        Ok(_) => Ok(ask.leave(&ask.operator.landing_of(&user))),
        Err(why) => Ok(ask.refused(reason(&why), &format!("/users/{}", user.id))),
    }
}
