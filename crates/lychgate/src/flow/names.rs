//! New names: nobody may have them, nor one that looks the same.

use lychgate_store::{Batch, ErrorKind, Name, NameOwner, Store, StoreError};

use crate::identity::look;

/// How many names are recorded in one transaction.
const AT_ONCE: u32 = 200;

/// Goes on only if `value` is free in `column`, and then makes it the user's.
pub(crate) fn take(batch: &mut Batch, column: &str, value: &str, user_id: i64) {
    let look = look::of(value);
    let name = Name { column, value, look: &look };
    batch.unclaimed(name);
    batch.claim(name, NameOwner::User(user_id));
}

/// Names of an account that is about to be made.
#[derive(Debug)]
pub(crate) struct NewNames {
    names: Vec<(&'static str, String, String)>,
    /// The batch's step that checks the first of them.
    first: usize,
}

impl NewNames {
    /// The address and, if there is one, the username.
    pub(crate) fn of(new: &lychgate_store::NewUser) -> Self {
        let username = new.username.as_deref().map(|username| ("username", username));
        let all = std::iter::once(("email", new.email.as_str())).chain(username);
        Self { names: all.map(|(column, value)| (column, value.to_owned(), look::of(value))).collect(), first: 0 }
    }

    fn names(&self) -> impl Iterator<Item = Name<'_>> {
        self.names.iter().map(|(column, value, look)| Name { column, value, look })
    }

    /// Goes on only if all are free; before the account is made.
    pub(crate) fn check(&mut self, batch: &mut Batch) {
        self.first = batch.len();
        for name in self.names() {
            batch.unclaimed(name);
        }
    }

    /// Makes them the account's, in the batch that made it.
    pub(crate) fn record(&self, batch: &mut Batch, fs_uniquifier: &str) {
        for name in self.names() {
            batch.claim(name, NameOwner::New(fs_uniquifier));
        }
    }

    /// Which name somebody else had, if that is what stopped the batch.
    pub(crate) fn taken(&self, error: &StoreError) -> Option<&'static str> {
        match error.kind() {
            ErrorKind::Unmet(step) => self.names.get(step.checked_sub(self.first)?).map(|(column, ..)| *column),
            ErrorKind::Conflict { column } => self.names.iter().map(|(name, ..)| *name).find(|name| name == column),
            _ => None,
        }
    }
}

/// Records the names of users whom another program made, such as a Flask application on the same database. Only names
/// outside ASCII need it.
pub(crate) async fn record_all(store: &Store) -> lychgate_store::Result<()> {
    for column in ["email", "username"] {
        let mut after = 0;
        loop {
            let found = store.names_outside_ascii(column, after, AT_ONCE).await?;
            let Some((last, _)) = found.last() else { break };
            after = *last;
            let mut batch = store.batch();
            for (id, value) in &found {
                batch.claim(Name { column, value, look: &look::of(value) }, NameOwner::User(*id));
            }
            store.commit(batch).await?;
        }
    }
    Ok(())
}
