//! `lychgate sessions`: who is signed in, and ending that.

use std::collections::{HashMap, hash_map::Entry};

use clap::{Args, Subcommand};
use lychgate::{Lychgate, Operator};
use lychgate_store::SessionRecord;
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::users::{self, BY};
use crate::{
    cli::Global,
    exit::Exit,
    open,
    output::{self, done},
};

/// What names a session here is no secret: it does not sign anybody in.
#[derive(Debug, Subcommand)]
pub(crate) enum Sessions {
    List(List),
    End(End),
}

/// List sessions that can be used, the last to sign in first
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Whose: e-mail address, username …; everybody's without it
    user: Option<String>,
    /// At most so many
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// End a session of a user, or all
///
/// It counts at the next request. With all sessions go remember-me cookies, tokens and API keys.
#[derive(Debug, Args)]
pub(crate) struct End {
    /// Whose: e-mail address, username …
    user: String,
    /// The session's ID, as the list shows it; all without it
    #[arg(allow_hyphen_values = true)]
    id: Option<String>,
}

impl Sessions {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Exit> {
        let gate = open::gate(global, None, false).await?;
        let result = match self {
            Self::List(list) => list.run(&gate).await,
            Self::End(end) => end.run(&gate).await,
        };
        open::closing(&gate, result).await
    }
}

impl List {
    async fn run(self, gate: &Lychgate) -> Result<(), Exit> {
        let (store, now) = (gate.store(), gate.now());
        let mut found = match &self.user {
            Some(identity) => store.sessions_of(users::find(gate, identity).await?.id).await?,
            None => store.live_sessions(None, self.limit, now).await?,
        };
        found.retain(|one| one.is_live(now));
        found.truncate(self.limit as usize);
        let mut owners: HashMap<i64, String> = HashMap::new();
        for one in &found {
            if let Entry::Vacant(place) = owners.entry(one.user_id) {
                let owner = store.user_by_id(one.user_id).await?;
                place.insert(owner.map_or_else(String::new, |owner| owner.email.clone()));
            }
        }
        let owner = |one: &SessionRecord| owners.get(&one.user_id).cloned().unwrap_or_default();
        if self.json {
            output::json(&found.iter().map(|one| view(one, &owner(one))).collect());
            return Ok(());
        }
        let rows = found.iter().map(|one| {
            vec![
                Operator::public_session_id(&one.sid),
                owner(one),
                one.via.clone(),
                one.address.clone().unwrap_or_default(),
                stamp(one.created_at),
                stamp(one.last_seen_at),
            ]
        });
        output::table(&["ID", "USER", "SIGNED IN BY", "FROM", "SIGNED IN", "LAST SEEN"], rows);
        Ok(())
    }
}

impl End {
    async fn run(self, gate: &Lychgate) -> Result<(), Exit> {
        let user = users::find(gate, &self.user).await?;
        let Some(id) = &self.id else {
            gate.accounts().by(BY).end_sessions(&user).await?;
            done(format_args!("All sessions of \"{}\" have ended.", output::printable(&self.user)));
            return Ok(());
        };
        if !gate.accounts().by(BY).end_session(user.id, id).await? {
            return Err(Exit::usage("This user has no such session that could be used."));
        }
        done(format_args!("The session {} has ended.", output::printable(id)));
        Ok(())
    }
}

fn view(one: &SessionRecord, owner: &str) -> Value {
    json!({
        "id": Operator::public_session_id(&one.sid),
        "user_id": one.user_id,
        "user": owner,
        "via": one.via,
        "address": one.address,
        "user_agent": one.user_agent,
        "remembered": one.remembered,
        "signed_in_at": stamp(one.created_at),
        "last_seen_at": stamp(one.last_seen_at),
        "expires_at": stamp(one.expires_at),
    })
}

fn stamp(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}
