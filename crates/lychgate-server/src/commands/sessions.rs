//! `lychgate sessions`: who is signed in, and ending that.

use std::collections::{HashMap, hash_map::Entry};

use clap::{Args, Subcommand};
use lychgate::{Lychgate, Operator};
use lychgate_store::{AuditQuery, SessionRecord};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::users::{self, BY};
use crate::{
    cli::Global,
    exit::Exit,
    open,
    output::{self, done},
};

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
    /// Only those in which an administrator acts as somebody else
    #[arg(long)]
    acting: bool,
    /// At most so many
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// End a session of a user, or all
///
/// It counts at the next request. With all sessions go remember-me cookies, tokens and API keys. The ID may also be that of
/// refresh tokens, as `lychgate users show` lists them.
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
            None => store.live_sessions(None, if self.acting { MOST } else { self.limit }, now).await?,
        };
        found.retain(|one| one.is_live(now) && (!self.acting || one.via == ACTING));
        found.truncate(self.limit as usize);
        let mut owners: HashMap<i64, String> = HashMap::new();
        for one in &found {
            if let Entry::Vacant(place) = owners.entry(one.user_id) {
                let owner = store.user_by_id(one.user_id).await?;
                place.insert(owner.map_or_else(String::new, |owner| owner.email.clone()));
            }
        }
        let mut acting: HashMap<i64, String> = HashMap::new();
        for one in found.iter().filter(|one| one.via == ACTING) {
            if let Entry::Vacant(place) = acting.entry(one.user_id) {
                place.insert(who_acts(gate, one.user_id).await?);
            }
        }
        let actor = |one: &SessionRecord| acting.get(&one.user_id).filter(|_| one.via == ACTING).cloned();
        let owner = |one: &SessionRecord| owners.get(&one.user_id).cloned().unwrap_or_default();
        if self.json {
            output::json(&found.iter().map(|one| view(one, &owner(one), actor(one))).collect());
            return Ok(());
        }
        let rows = found.iter().map(|one| {
            vec![
                Operator::public_session_id(&one.sid),
                owner(one),
                actor(one).map_or_else(|| one.via.clone(), |who| format!("{} ({who})", one.via)),
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
        let accounts = gate.accounts().by(BY);
        if !accounts.end_session(user.id, id).await? && !accounts.end_refresh_family(user.id, id).await? {
            return Err(Exit::usage(
                "This user has no such session that could be used; `lychgate sessions list USER` lists them.",
            ));
        }
        done(format_args!("The session {} has ended.", output::printable(id)));
        Ok(())
    }
}

/// By what sessions are begun in which an administrator acts as somebody else.
const ACTING: &str = "support";
/// Sessions that are looked through for those.
const MOST: u32 = 1000;

/// Who acts as this user, as far as the audit log knows it.
async fn who_acts(gate: &Lychgate, user_id: i64) -> Result<String, Exit> {
    let kinds = vec!["support-began".to_owned()];
    let query = AuditQuery { about: Some(user_id), kinds, limit: 1, ..AuditQuery::default() };
    let page = gate.audit().page(&query).await?;
    let Some(entry) = page.into_iter().next() else { return Ok("an administrator".to_owned()) };
    let by = match entry.actor_id {
        Some(id) => gate.store().user_by_id(id).await?,
        None => None,
    };
    Ok(by.map_or_else(|| entry.actor.clone(), |by| by.email.clone()))
}

fn view(one: &SessionRecord, owner: &str, acting: Option<String>) -> Value {
    json!({
        "id": Operator::public_session_id(&one.sid),
        "user_id": one.user_id,
        "user": owner,
        "via": one.via,
        "acting": acting,
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
