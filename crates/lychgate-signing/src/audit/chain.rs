//! Walking along a chain.

use std::fmt;

use super::{AuditSigner, Checkpoint, Content, Origin, Purpose, commitment, link};

/// An entry that has its place in the chain.
#[derive(Clone, Copy, Debug)]
pub struct Linked<'a> {
    /// Its number in the table.
    pub seq: i64,
    /// Its place.
    pub place: i64,
    /// Its link.
    pub link: &'a str,
    /// What it says.
    pub content: Content<'a>,
    /// The MAC that it was made with.
    pub mac: &'a str,
    /// Salt and text of the personal details, unless they were erased.
    pub details: Option<(&'a str, &'a str)>,
}

/// Something that is not as it was written.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Finding {
    /// Entries are not there any more.
    Missing {
        /// The place of the first one.
        from: i64,
        /// The place of the last one.
        to: i64,
    },
    /// An entry stands where another one was before.
    Repeated {
        /// Its place.
        place: i64,
    },
    /// An entry does not say what it said when it was chained, or was moved, or what stood before it was.
    Changed {
        /// Its place.
        place: i64,
    },
    /// An entry was not made with any of the keys.
    Forged {
        /// Its place; none if it is not chained yet.
        place: Option<i64>,
        /// Its number in the table.
        seq: i64,
    },
    /// The details of an entry are not those that it was made with.
    DetailsChanged {
        /// Its place; none if it is not chained yet.
        place: Option<i64>,
        /// Its number in the table.
        seq: i64,
    },
    /// A checkpoint was not signed with any of the keys.
    CheckpointForged {
        /// Its place.
        place: i64,
    },
    /// The chain does not go through a checkpoint: what is up to there was made anew.
    CheckpointMissed {
        /// Its place.
        place: i64,
    },
    /// There are entries whose places are none of the chain's.
    Beside {
        /// How many.
        count: u64,
    },
    /// What says where the chain begins or ends is missing or not signed.
    EndsForged,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entry = |place: &Option<i64>, seq: &i64| match place {
            Some(place) => format!("entry {place}"),
            None => format!("the entry with number {seq}, which is not sealed yet,"),
        };
        match self {
            Self::Missing { from, to } if from == to => write!(f, "entry {from} is missing"),
            Self::Missing { from, to } => write!(f, "entries {from} to {to} are missing"),
            Self::Repeated { place } => write!(f, "there is more than one entry {place}"),
            Self::Changed { place } => write!(f, "entry {place} was changed, moved or put in"),
            Self::Forged { place, seq } => write!(f, "{} was not signed with a key that is known", entry(place, seq)),
            Self::DetailsChanged { place, seq } => write!(f, "{} has other details than it had", entry(place, seq)),
            Self::CheckpointForged { place } => {
                write!(f, "the checkpoint of entry {place} was not signed with a key that is known")
            }
            Self::CheckpointMissed { place } => write!(f, "the log differs from the checkpoint of entry {place}"),
            Self::Beside { count } => write!(f, "{count} entries stand beside the chain"),
            Self::EndsForged => f.write_str("the signed beginning or end of the log is missing or not genuine"),
        }
    }
}

/// Looks at the entries of a log in the order of their places, one after the other.
#[derive(Debug)]
pub struct Verifier<'a> {
    signer: &'a AuditSigner,
    place: i64,
    link: String,
}

impl<'a> Verifier<'a> {
    /// Begins where the chain begins.
    #[must_use]
    pub fn new(signer: &'a AuditSigner, origin: Origin) -> Self {
        Self { signer, place: origin.place, link: origin.link }
    }

    /// The place of the entry that was looked at last.
    #[must_use]
    pub fn place(&self) -> i64 {
        self.place
    }

    /// Its link.
    #[must_use]
    pub fn link(&self) -> &str {
        &self.link
    }

    /// Looks at the next entry. After a finding the walk goes on from what the entry says of itself, so that one change
    /// is not found again at every later entry.
    pub fn entry(&mut self, entry: &Linked<'_>) -> Vec<Finding> {
        let mut found = Vec::new();
        let next = self.place.saturating_add(1);
        if entry.place > next {
            found.push(Finding::Missing { from: next, to: entry.place - 1 });
        } else if entry.place < next {
            found.push(Finding::Repeated { place: entry.place });
        }
        if entry.link != link(&self.link, entry.place, entry.seq, &entry.content, entry.mac) && entry.place <= next {
            found.push(Finding::Changed { place: entry.place });
        }
        found.extend(self.unchained(Some(entry.place), entry.seq, &entry.content, entry.mac, entry.details));
        self.place = self.place.max(entry.place);
        entry.link.clone_into(&mut self.link);
        found
    }

    /// Looks at an entry that has no place yet: its MAC and its details.
    #[must_use]
    pub fn unchained(
        &self,
        place: Option<i64>,
        seq: i64,
        content: &Content<'_>,
        mac: &str,
        details: Option<(&str, &str)>,
    ) -> Vec<Finding> {
        let mut found = Vec::new();
        if !self.signer.is_of_entry(content, mac) {
            found.push(Finding::Forged { place, seq });
        }
        if details.is_some_and(|(salt, text)| commitment(salt, text) != content.commitment) {
            found.push(Finding::DetailsChanged { place, seq });
        }
        found
    }

    /// Looks at a checkpoint; it has to be that of the entry that was looked at last.
    #[must_use]
    pub fn checkpoint(&self, given: &Checkpoint) -> Option<Finding> {
        if !self.signer.is_checkpoint(Purpose::Reached, given) {
            return Some(Finding::CheckpointForged { place: given.place });
        }
        let missed = given.place != self.place || given.link != self.link;
        missed.then_some(Finding::CheckpointMissed { place: given.place })
    }
}
