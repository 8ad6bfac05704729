//! What goes into the log, and what comes out.

use lychgate_signing::audit::{Content, commitment};
use lychgate_store::{AuditEntry, AuditRow};
use serde_json::{Map, Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::Keeper;
use crate::{clock::Moment, flow::audit::Context};

/// The longest text of a detail, in characters.
const LONGEST: usize = 256;

/// The most details of one entry.
const MOST: usize = 24;

/// Something to be entered in the audit log.
#[derive(Clone, Debug)]
#[must_use = "it is entered by `note` or `enter`"]
pub struct Audited {
    kind: String,
    about: Option<i64>,
    by: By,
    details: Map<String, Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// Whoever makes the request.
    Whoever,
    User(i64),
    /// Nobody who has proved anything.
    Nobody,
}

impl Audited {
    /// Something that happened: a word such as `role-added`, of at most 64 bytes.
    pub fn new(kind: impl Into<String>) -> Self {
        Self { kind: kind.into(), about: None, by: By::Whoever, details: Map::new() }
    }

    /// Whose account it is about.
    pub fn about(mut self, user_id: i64) -> Self {
        self.about = Some(user_id);
        self
    }

    /// Who did it; without this, the current user of the request, or the program.
    pub fn by(mut self, user_id: i64) -> Self {
        self.by = By::User(user_id);
        self
    }

    /// Nobody who has proved anything did it.
    pub(crate) fn by_nobody(mut self) -> Self {
        self.by = By::Nobody;
        self
    }

    /// More to say. No secrets: everybody who may read the log reads it. Texts are cut to 256 characters, and of more than
    /// 24 details the later ones are left out.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        if self.details.len() < MOST {
            self.details.insert(cut(name), bounded(value.into()));
        }
        self
    }

    pub(crate) fn is_by_nobody(&self, context: &Context) -> bool {
        match self.by {
            By::Nobody => true,
            By::User(_) => false,
            By::Whoever => context.is_of_request() && context.user_id().is_none(),
        }
    }

    pub(crate) fn into_entry(self, keeper: &Keeper, context: &Context, now: Moment) -> AuditEntry {
        let mut details = self.details;
        context.describe(&mut details);
        let (actor, actor_id) = match (self.by, context.user_id()) {
            (By::User(id), _) | (By::Whoever, Some(id)) => ("user", Some(id)),
            (By::Nobody, _) => ("visitor", None),
            (By::Whoever, None) if context.is_of_request() => ("visitor", None),
            (By::Whoever, None) => (keeper.program.as_str(), None),
        };
        let (salt, text) = (crate::random::text(16), Value::Object(details).to_string());
        let mut entry = AuditEntry {
            id: crate::random::text(16),
            at: now.datetime(),
            kind: self.kind,
            actor: actor.to_owned(),
            actor_id,
            user_id: self.about,
            request_id: context.request_id(),
            commitment: commitment(&salt, &text),
            details: Some((salt, text)),
            mac: String::new(),
        };
        entry.mac = keeper.signer.sign_entry(&content(&entry));
        entry
    }
}

/// The parts of an entry that are signed and chained.
pub(super) fn content(entry: &AuditEntry) -> Content<'_> {
    Content {
        id: &entry.id,
        at: micros(entry.at),
        kind: &entry.kind,
        actor: &entry.actor,
        actor_id: entry.actor_id,
        user_id: entry.user_id,
        request_id: entry.request_id.as_deref(),
        commitment: &entry.commitment,
    }
}

/// Microseconds since 1970.
pub(super) fn micros(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

/// A value of bounded size: texts are cut, and lists become one text.
fn bounded(value: Value) -> Value {
    match value {
        Value::String(text) => cut(&text).into(),
        Value::Array(_) | Value::Object(_) => cut(&value.to_string()).into(),
        other => other,
    }
}

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AuditRecord {
    /// Its number, for paging.
    pub number: i64,
    /// Its place in the chain; none until it is sealed, which takes a few seconds.
    pub place: Option<i64>,
    /// When.
    pub at: OffsetDateTime,
    /// What: `sign-in`, `role-added` …
    pub kind: String,
    /// What kind of somebody did it: `user`, `visitor`, `system`, `command-line`.
    pub actor: String,
    /// Who did it, if it was a user.
    pub actor_id: Option<i64>,
    /// Whose account it is about.
    pub user_id: Option<i64>,
    /// In which request.
    pub request_id: Option<String>,
    /// More: `address`, `browser`, `session`, `path` and what belongs to this kind; none if they were erased.
    pub details: Option<Map<String, Value>>,
    proof: Proof,
}

#[derive(Clone, Debug, PartialEq)]
struct Proof {
    id: String,
    details: Option<(String, String)>,
    commitment: String,
    mac: String,
    link: Option<String>,
}

impl AuditRecord {
    pub(super) fn of(row: AuditRow) -> Self {
        let AuditRow { seq, place, link, entry } = row;
        let details = entry.details.as_ref().and_then(|(_, text)| serde_json::from_str(text).ok());
        Self {
            number: seq,
            place,
            at: entry.at,
            kind: entry.kind,
            actor: entry.actor,
            actor_id: entry.actor_id,
            user_id: entry.user_id,
            request_id: entry.request_id,
            details,
            proof: Proof { id: entry.id, details: entry.details, commitment: entry.commitment, mac: entry.mac, link },
        }
    }

    /// A detail as text; empty if there is none of this name.
    #[must_use]
    pub fn detail(&self, name: &str) -> String {
        match self.details.as_ref().and_then(|details| details.get(name)) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        }
    }

    /// As JSON, for people and programs that read the log.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "number": self.number,
            "place": self.place,
            "at": self.at.format(&Rfc3339).unwrap_or_default(),
            "kind": self.kind,
            "actor": self.actor,
            "actor_id": self.actor_id,
            "user_id": self.user_id,
            "request_id": self.request_id,
            "details": self.details,
        })
    }

    /// As JSON with everything that the chain is made of, so that it can be checked elsewhere.
    #[must_use]
    pub fn to_json_with_proof(&self) -> Value {
        let mut value = self.to_json();
        let (salt, text) = self.proof.details.clone().unzip();
        if let Value::Object(members) = &mut value {
            let at = micros(self.at);
            let proof = json!({
                "id": self.proof.id, "at": at, "salt": salt, "details": text, "commitment": self.proof.commitment,
                "mac": self.proof.mac, "link": self.proof.link,
            });
            members.insert("proof".to_owned(), proof);
        }
        value
    }
}
