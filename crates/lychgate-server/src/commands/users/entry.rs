//! `lychgate users invite` and the like: who may have an account.

use clap::Args;
use lychgate::Lychgate;
use time::OffsetDateTime;

use crate::{
    exit::Exit,
    output::{self, done},
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
