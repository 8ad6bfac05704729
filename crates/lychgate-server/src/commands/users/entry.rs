//! `lychgate users invite`, `approve` and the like: who may have an account.

use clap::Args;
use lychgate::Lychgate;
use time::OffsetDateTime;

use super::find;
use crate::{
    exit::Exit,
    output::{self, already, done},
};

/// The most that is listed.
const MOST: u32 = 1000;

/// Invite somebody by mail to make an account with this address
#[derive(Debug, Args)]
pub(crate) struct Invite {
    /// The address to invite
    email: String,
    /// A role that the account gets; may be given several times
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// Who invites, as the mail says it
    #[arg(long, value_name = "NAME")]
    from: Option<String>,
}

impl Invite {
    pub(super) async fn run(self, gate: &Lychgate) -> Result<(), Exit> {
        let link = gate.accounts().invite(&self.email, &self.roles, self.from.as_deref()).await?;
        done(format_args!("An invitation is on its way to {}. Its link:", output::printable(&self.email)));
        output::line(link);
        Ok(())
    }
}

pub(super) async fn uninvite(gate: &Lychgate, email: &str) -> Result<(), Exit> {
    if !gate.accounts().uninvite(email).await? {
        return Err(Exit::usage("There is no open invitation of this address."));
    }
    done(format_args!("The invitation of {} has been taken back.", output::printable(email)));
    Ok(())
}

pub(super) async fn invitations(gate: &Lychgate) -> Result<(), Exit> {
    let now = OffsetDateTime::now_utc();
    let rows = gate.store().invitations(MOST).await?.into_iter().map(|invitation| {
        let state = match &invitation {
            used if used.used_at.is_some() => "used",
            revoked if revoked.revoked_at.is_some() => "taken back",
            open if open.is_open(now) => "open",
            _ => "ended",
        };
        let by = invitation.invited_by.as_deref().unwrap_or_default();
        vec![
            output::printable(&invitation.email),
            state.to_owned(),
            invitation.roles.join(", "),
            output::printable(by),
            invitation.created_at.date().to_string(),
            invitation.expires_at.date().to_string(),
        ]
    });
    output::table(&["Address", "State", "Roles", "By", "Written", "Ends"], rows);
    Ok(())
}

pub(super) async fn waiting(gate: &Lychgate) -> Result<(), Exit> {
    let mut rows = Vec::new();
    for state in gate.store().marked_accounts("waiting", MOST).await? {
        let Some(user) = gate.store().user_by_id(state.user_id).await? else { continue };
        let since = state.marked_at.map(|at| at.date().to_string()).unwrap_or_default();
        let username = user.username.as_deref().unwrap_or_default();
        let confirmed = if user.confirmed_at.is_some() { "yes" } else { "no" };
        rows.push(vec![output::printable(&user.email), output::printable(username), confirmed.to_owned(), since]);
    }
    output::table(&["Address", "Username", "Confirmed", "Since"], rows);
    Ok(())
}

pub(super) async fn approve(gate: &Lychgate, identity: &str) -> Result<(), Exit> {
    if gate.accounts().approve(&*find(gate, identity).await?).await? {
        done(format_args!("User \"{identity}\" has been approved."));
    } else {
        already(format_args!("User \"{identity}\" does not wait to be approved."));
    }
    Ok(())
}

pub(super) async fn decline(gate: &Lychgate, identity: &str) -> Result<(), Exit> {
    if gate.accounts().decline(&*find(gate, identity).await?).await? {
        done(format_args!("User \"{identity}\" has been declined and deleted."));
    } else {
        already(format_args!("User \"{identity}\" does not wait to be approved."));
    }
    Ok(())
}
