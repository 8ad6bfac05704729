//! `lychgate users`: accounts.

mod bulk;
mod create;
mod entry;
mod filter;
mod list;
mod show;
mod states;
mod table;

pub(crate) use states::BY;
use std::sync::Arc;

use clap::{Args, Subcommand};
use lychgate::{AccountError, AccountStatus, Lychgate};
use lychgate_store::{Batch, ErrorKind, User};

use crate::{
    cli::Global,
    exit::Exit,
    open,
    output::{self, already, done},
    prompt::{self, PasswordSource},
};

#[derive(Debug, Subcommand)]
#[command(rename_all = "snake_case")]
pub(crate) enum Users {
    Create(create::Create),
    /// Let a user sign in
    Activate(One),
    /// Keep a user from signing in, at once and everywhere
    Deactivate(One),
    /// End all sessions and tokens of a user and remove second factors, passkeys and recovery codes; the password stays
    ResetAccess(One),
    ChangePassword(ChangePassword),
    Invite(entry::Invite),
    /// Take the invitation of an address back
    Uninvite(Address),
    /// List invitations, the newest first
    Invitations,
    /// List accounts that wait to be approved, the oldest first
    Waiting,
    /// List suspended accounts
    Suspended,
    /// Approve an account that waits or was declined; its owner is told by mail
    Approve(One),
    Decline(states::Decline),
    Suspend(states::Suspend),
    /// End a suspension before its time; the owner is told by mail
    Unsuspend(One),
    Lock(states::Lock),
    /// Open a locked account again; the owner is told by mail
    Unlock(One),
    List(list::List),
    Show(show::Show),
    /// Change many users at once, with progress
    ///
    /// `users list` shows first who is meant by the same options. Each user is changed by itself, and every few
    /// the place is written down. Ctrl-C stops after the few at hand; what is done stays done, and `resume` goes
    /// on, here or in the panel of administrators, which shows the same job. There is one job at a time.
    ///
    ///   lychgate users bulk begin deactivate --role guest
    ///   lychgate users bulk begin send-reset --search @old.example --dry-run
    ///   lychgate users bulk resume
    #[command(subcommand, verbatim_doc_comment)]
    Bulk(bulk::Bulk),
    /// Mail a user a link to choose a new password
    SendReset(One),
    Export(table::Export),
    Import(table::Import),
    Delete(Delete),
    /// Delete the users who asked for it on their account page and whose time of grace is over
    Purge,
}

#[derive(Debug, Args)]
pub(crate) struct One {
    /// Whom: e-mail address, username …
    user: String,
}

#[derive(Debug, Args)]
pub(crate) struct Address {
    /// The address that was invited
    email: String,
}

/// Give a user a new password and end all sessions
///
/// The password is asked for, unless an option or the variable LYCHGATE_PASSWORD gives it.
#[derive(Debug, Args)]
pub(crate) struct ChangePassword {
    /// Whom: e-mail address, username …
    user: String,
    #[command(flatten)]
    password: PasswordSource,
}

/// Delete a user with everything that belongs to it; the last administrator stays
#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// Whom: e-mail address, username …
    user: String,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

impl Users {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Exit> {
        let gate = open::gate(global, None, false).await?;
        let result = self.run_with(&gate).await;
        open::closing(&gate, result).await
    }

    async fn run_with(self, gate: &Lychgate) -> Result<(), Exit> {
        match self {
            Self::Create(create) => create.run(gate).await,
            Self::Activate(One { user }) => set_active(gate, &user, true).await,
            Self::Deactivate(One { user }) => set_active(gate, &user, false).await,
            Self::ResetAccess(One { user }) => {
                gate.accounts().reset_access(&*find(gate, &user).await?).await?;
                done(format_args!("User \"{user}\" authentication credentials have been reset."));
                Ok(())
            }
            Self::ChangePassword(change) => change_password(gate, change).await,
            Self::Invite(invite) => invite.run(gate).await,
            Self::Uninvite(Address { email }) => entry::uninvite(gate, &email).await,
            Self::Invitations => entry::invitations(gate).await,
            Self::Waiting => states::list(gate, AccountStatus::Waiting).await,
            Self::Suspended => states::list(gate, AccountStatus::Suspended).await,
            Self::Approve(One { user }) => states::approve(gate, &user).await,
            Self::Decline(decline) => decline.run(gate).await,
            Self::Suspend(suspend) => suspend.run(gate).await,
            Self::Unsuspend(One { user }) => states::unsuspend(gate, &user).await,
            Self::Lock(lock) => lock.run(gate).await,
            Self::Unlock(One { user }) => states::unlock(gate, &user).await,
            Self::List(list) => list.run(gate).await,
            Self::Show(show) => show.run(gate).await,
            Self::Bulk(bulk) => bulk.run(gate).await,
            Self::SendReset(One { user }) => {
                gate.accounts().by(BY).send_reset(&*find(gate, &user).await?).await?;
                done(format_args!(
                    "A mail to choose a new password is on its way to \"{}\".",
                    output::printable(&user)
                ));
                Ok(())
            }
            Self::Export(export) => export.run(gate).await,
            Self::Import(import) => import.run(gate).await,
            Self::Delete(delete) => delete_user(gate, delete).await,
            Self::Purge => {
                let deleted = gate.accounts().delete_due().await?;
                done(format_args!("{deleted} {} been deleted.", if deleted == 1 { "user has" } else { "users have" }));
                Ok(())
            }
        }
    }
}

/// The user that is meant.
pub(crate) async fn find(gate: &Lychgate, identity: &str) -> Result<Arc<User>, Exit> {
    let found = gate.accounts().find(identity).await?;
    found.ok_or_else(|| Exit::usage("User not found."))
}

async fn set_active(gate: &Lychgate, identity: &str, active: bool) -> Result<(), Exit> {
    let user = find(gate, identity).await?;
    let state = if active { "activated" } else { "deactivated" };
    // Not the row alone: a suspended account is off for a time, and is to stay so.
    match gate.accounts().by(states::BY).set_active(&user, active).await? {
        true => done(format_args!("User \"{identity}\" has been {state}.")),
        false => already(format_args!("User \"{identity}\" was already {state}.")),
    }
    Ok(())
}

/// Commits a change of the user who was found before.
pub(crate) async fn commit(gate: &Lychgate, batch: Batch) -> Result<(), Exit> {
    gate.store().commit(batch).await.map(drop).map_err(|error| match error.kind() {
        ErrorKind::Unmet(_) => Exit::usage("User not found."),
        ErrorKind::Referenced => Exit::failed("rows of other tables refer to this user; deactivate the user instead"),
        _ => error.into(),
    })
}

async fn change_password(gate: &Lychgate, change: ChangePassword) -> Result<(), Exit> {
    let user = find(gate, &change.user).await?;
    let password = change.password.get(gate.settings()).await?;
    gate.accounts().change_password(&user, &password).await.map_err(|error| match error {
        AccountError::Invalid(errors) => {
            Exit::usage(format!("Error changing password. {}", output::errors_by_field(&errors)))
        }
        other => other.into(),
    })
}

async fn delete_user(gate: &Lychgate, delete: Delete) -> Result<(), Exit> {
    let user = find(gate, &delete.user).await?;
    if !delete.yes {
        let email = output::printable(&user.email);
        prompt::confirm(&format!("Delete the user \"{email}\" with all sessions, passkeys and roles?"))?;
    }
    if !gate.accounts().by(BY).delete(&user).await? {
        return Err(Exit::usage("User not found."));
    }
    done(format_args!("User \"{}\" has been deleted.", delete.user));
    Ok(())
}
