//! `lychgate keys`: the API keys of users. They are made on the account page alone, where their owner proves who they are.

use std::collections::{HashMap, hash_map::Entry};

use clap::{Args, Subcommand};
use lychgate::Lychgate;
use lychgate_store::ApiKey;
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::users;
use crate::{
    cli::Global,
    exit::Exit,
    open,
    output::{self, done},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// List API keys, the newest first
    List(List),
    /// Take an API key back; its next request is refused
    Revoke(Revoke),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Whose: e-mail address, username …; everybody's without it
    user: Option<String>,
    /// Also those that were taken back or have expired
    #[arg(long)]
    all: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// The key's ID, as the list shows it
    #[arg(allow_hyphen_values = true)]
    id: String,
}

impl Keys {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Exit> {
        let gate = open::gate(global, None, false).await?;
        let result = match self {
            Self::List(list) => list.run(&gate).await,
            Self::Revoke(revoke) => revoke.run(&gate).await,
        };
        open::closing(&gate, result).await
    }
}

impl List {
    async fn run(self, gate: &Lychgate) -> Result<(), Exit> {
        let user = match &self.user {
            Some(identity) => Some(users::find(gate, identity).await?),
            None => None,
        };
        let now = OffsetDateTime::now_utc();
        let mut keys = gate.accounts().api_keys(user.as_deref()).await?;
        keys.retain(|key| self.all || key.is_live(now));
        let mut owners: HashMap<i64, String> = HashMap::new();
        for key in &keys {
            if let Entry::Vacant(place) = owners.entry(key.user_id) {
                let owner = gate.store().user_by_id(key.user_id).await?;
                place.insert(owner.map_or_else(String::new, |owner| owner.email.clone()));
            }
        }
        let owner = |key: &ApiKey| owners.get(&key.user_id).cloned().unwrap_or_default();
        if self.json {
            output::json(&keys.iter().map(|key| view(key, &owner(key), now)).collect());
            return Ok(());
        }
        let rows = keys.iter().map(|key| {
            vec![
                key.id.clone(),
                owner(key),
                output::printable(&key.name),
                key.hint.clone(),
                key.scopes.join(", "),
                state(key, now).to_owned(),
                day(key.expires_at),
                day(key.last_used_at),
            ]
        });
        output::table(&["ID", "OWNER", "NAME", "BEGINS", "MAY", "STATE", "EXPIRES", "LAST USED"], rows);
        Ok(())
    }
}

impl Revoke {
    async fn run(self, gate: &Lychgate) -> Result<(), Exit> {
        if !gate.accounts().revoke_api_key(&self.id).await? {
            return Err(Exit::usage("There is no API key of this ID that could be taken back."));
        }
        done(format_args!("The API key {} has been taken back.", output::printable(&self.id)));
        Ok(())
    }
}

fn view(key: &ApiKey, owner: &str, now: OffsetDateTime) -> Value {
    let stamp = |at: Option<OffsetDateTime>| at.and_then(|at| at.format(&Rfc3339).ok());
    json!({
        "id": key.id,
        "user_id": key.user_id,
        "owner": owner,
        "name": key.name,
        "hint": key.hint,
        "scopes": key.scopes,
        "state": state(key, now),
        "created_at": stamp(Some(key.created_at)),
        "expires_at": stamp(key.expires_at),
        "last_used_at": stamp(key.last_used_at),
        "last_used_from": key.last_used_from,
        "revoked_at": stamp(key.revoked_at),
    })
}

fn state(key: &ApiKey, now: OffsetDateTime) -> &'static str {
    match key.revoked_at {
        Some(_) => "taken back",
        None if key.is_live(now) => "good",
        None => "expired",
    }
}

fn day(at: Option<OffsetDateTime>) -> String {
    at.map(|at| at.date().to_string()).unwrap_or_default()
}
