//! Suspending and locking accounts, and ending that.

use lychgate::AccountError;
use serde_json::json;
use time::{Date, OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

use crate::{
    ask::{Answer, Ask, Stop},
    texts::say,
};

/// A day, which counts from its beginning in UTC, or a moment (RFC 3339); nothing stands for no end.
fn until(text: &str) -> Result<Option<OffsetDateTime>, Stop> {
    if text.is_empty() {
        return Ok(None);
    }
    let day = Date::parse(text, format_description!("[year]-[month]-[day]")).map(|day| day.midnight().assume_utc());
    let moment = day.or_else(|_| OffsetDateTime::parse(text, &Rfc3339));
    moment.map(Some).map_err(|_| Stop::bad("until is a day such as 2027-01-31"))
}

enum Act {
    Suspend,
    Unsuspend,
    Lock,
    Unlock,
}

async fn act(ask: Ask, act: Act) -> Answer {
    let user = ask.subject().await?;
    let to = format!("/users/{}", user.id);
    if user.id == ask.operator.user().id() {
        return Ok(ask.refused(lychgate::Refused::Yourself.to_string(), &to));
    }
    let name = ask.operator.name();
    let accounts = ask.gate().accounts().by(&name);
    let reason = Some(ask.field("reason")).filter(|reason| !reason.is_empty());
    let (done, what, text) = match act {
        Act::Suspend => {
            let until = until(ask.field("until")).map_err(|stop| ask.stop(stop))?;
            let done = accounts.suspend(&user, until, reason).await;
            (done, "suspended", say("The account is suspended, and its owner is told."))
        }
        Act::Unsuspend => {
            let done = accounts.unsuspend(&user).await;
            (done, "ended the suspension of", say("The suspension is over, and the owner is told."))
        }
        Act::Lock => {
            let done = accounts.lock(&user, reason).await;
            (done, "locked", say("The account is locked; all that was signed in has ended."))
        }
        Act::Unlock => (accounts.unlock(&user).await, "unlocked", say("The account is open again.")),
    };
    match done {
        Ok(true) => {
            ask.operator.remember_own(&format!("{what} {}", user.email)).await;
            Ok(ask.done(text, &to, json!({})))
        }
        Ok(false) => Ok(ask.refused(lychgate::Refused::Nothing.to_string(), &to)),
        Err(AccountError::Failed(text)) => Ok(ask.refused(text, &to)),
        Err(error) => Ok(ask.refused(error.to_string(), &to)),
    }
}

pub(crate) async fn suspend(ask: Ask) -> Answer {
    act(ask, Act::Suspend).await
}

pub(crate) async fn unsuspend(ask: Ask) -> Answer {
    act(ask, Act::Unsuspend).await
}

pub(crate) async fn lock(ask: Ask) -> Answer {
    act(ask, Act::Lock).await
}

pub(crate) async fn unlock(ask: Ask) -> Answer {
    act(ask, Act::Unlock).await
}
