//! Who waits to be let in, and who was invited.

use lychgate::{AccountStatus, store::Invitation};
use serde_json::{Value, json};

use crate::{
    ask::{Answer, Ask, Stop, object},
    texts::say,
    view::{briefs, iso},
};

/// The most that is listed of each.
const MOST: u32 = 200;

fn invitation(ask: &Ask, one: &Invitation) -> Value {
    let state = match (one.used_at, one.revoked_at) {
        (Some(_), _) => "used",
        (None, Some(_)) => "revoked",
        _ if one.is_open(ask.operator.now()) => "open",
        _ => "expired",
    };
    json!({
        "email": one.email,
        "roles": one.roles,
        "invited_by": one.invited_by,
        "created_at": iso(one.created_at),
        "created": ask.operator.ago(one.created_at),
        "expires_at": iso(one.expires_at),
        "state": state,
    })
}

pub(crate) async fn show(ask: Ask) -> Answer {
    let made = async {
        let store = ask.gate().store();
        let found = ask.gate().accounts().in_state(AccountStatus::Waiting, MOST).await?;
        let (users, standings): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        let mut waiting = briefs(&ask.operator, &users).await?;
        for (value, standing) in waiting.iter_mut().zip(standings) {
            value["since"] = standing.since.map(|at| ask.operator.ago(at)).into();
        }
        let invitations: Vec<Value> = store.invitations(MOST).await?.iter().map(|one| invitation(&ask, one)).collect();
        let roles: Vec<String> = store.roles().await?.iter().map(|role| role.name.clone()).collect();
        Ok::<_, Stop>(json!({
            "waiting_users": waiting,
            "invitations": invitations,
            "all_roles": roles,
            "can_invite": ask.gate().settings().flag("registerable"),
        }))
    };
    let values = made.await.map_err(|stop| ask.stop(stop))?;
    Ok(ask.page("admin/approvals.html", "approvals", object(values)))
}

async fn decide(ask: Ask, approve: bool) -> Answer {
    let found = match ask.field("id").parse::<i64>() {
        Ok(id) => ask.gate().store().user_by_id(id).await.map_err(|error| ask.stop(error.into()))?,
        Err(_) => None,
    };
    let Some(user) = found else { return Err(ask.stop(Stop::missing())) };
    let name = ask.operator.name();
    let reason = Some(ask.field("reason")).filter(|reason| !reason.is_empty());
    let accounts = ask.gate().accounts().by(&name);
    let done = if approve { accounts.approve(&user).await } else { accounts.decline(&user, reason).await };
    let (word, text) = match approve {
        true => ("approved", say("The account is approved, and its owner is told by mail.")),
        false => ("declined", say("The account is declined, and its owner is told by mail.")),
    };
    match done {
        Ok(true) => {
            ask.operator.remember_own(&format!("{word} {}", user.email)).await;
            Ok(ask.done(text, "/approvals", json!({})))
        }
        Ok(false) => Ok(ask.refused("This account does not wait any more.", "/approvals")),
        Err(error) => Ok(ask.refused(error.to_string(), "/approvals")),
    }
}

pub(crate) async fn approve(ask: Ask) -> Answer {
    decide(ask, true).await
}

pub(crate) async fn decline(ask: Ask) -> Answer {
    decide(ask, false).await
}

pub(crate) async fn invite(ask: Ask) -> Answer {
    let roles: Vec<String> = ask.fields("role").map(str::to_owned).collect();
    let (email, name) = (ask.field("email"), ask.operator.name());
    match ask.gate().accounts().invite(email, &roles, Some(&name)).await {
        Ok(_) => {
            ask.operator.remember_own(&format!("invited {email}")).await;
            Ok(ask.done("The invitation is on its way.", "/approvals", json!({})))
        }
        Err(error) => Ok(ask.refused(error.to_string(), "/approvals")),
    }
}

pub(crate) async fn uninvite(ask: Ask) -> Answer {
    let email = ask.field("email");
    match ask.gate().accounts().uninvite(email).await {
        Ok(true) => {
            ask.operator.remember_own(&format!("took back the invitation of {email}")).await;
            Ok(ask.done("The invitation is taken back.", "/approvals", json!({})))
        }
        Ok(false) => Ok(ask.refused("There is no open invitation of this address.", "/approvals")),
        Err(error) => Ok(ask.refused(error.to_string(), "/approvals")),
    }
}
