//! The session of a request: Flask's signed cookie, opened when first asked for and written back when changed.

use lychgate_signing::session::{Map, Value};

/// Keys that Lychgate and the reference keep in the session.
pub(crate) mod key {
    pub(crate) const USER: &str = "_user_id";
    pub(crate) const FRESH: &str = "_fresh";
    pub(crate) const IDENTIFIER: &str = "_id";
    pub(crate) const PERMANENT: &str = "_permanent";
    pub(crate) const FLASHES: &str = "_flashes";
    pub(crate) const CSRF_COOKIE: &str = "fs_cc";
    pub(crate) const PRIMARY_AUTH_AT: &str = "fs_paa";
    pub(crate) const GRACE_UNTIL: &str = "fs_gexp";
    pub(crate) const TF_USER: &str = "tf_user_id";
    pub(crate) const TF_STATE: &str = "tf_state";
    pub(crate) const TF_METHOD: &str = "tf_primary_method";
    pub(crate) const TF_SECRET: &str = "tf_totp_secret";
    pub(crate) const TF_REMEMBER: &str = "tf_remember_login";
    pub(crate) const TF_SELECT: &str = "tf_select";
    /// Our own: the number of a second factor that is being set up at sign-in.
    pub(crate) const TF_PHONE: &str = "lg_tf_phone";
    /// Our own: which sign-in waits for its second factor, since when, and by which first one.
    pub(crate) const TF_PENDING: &str = "lg_tf";
    /// The state of the second factor that somebody signed in began to set up last.
    pub(crate) const TF_CHANGE: &str = "lg_tf_change";
    /// Our own: what was proved when, by name.
    pub(crate) const PROOFS: &str = "lg_proofs";
    /// Our own: the steps that were taken, one a line.
    pub(crate) const STEPS: &str = "lg_steps";
    /// Our own: the session's id in the registry.
    pub(crate) const SESSION_ID: &str = "lg_sid";
    /// Our own: an administrator acts as somebody else; their own session, and until when.
    pub(crate) const IMPERSONATION: &str = "lg_imp";
    /// Our own: the passkey ceremonies that are under way.
    pub(crate) const PASSKEY_MARKS: &str = "lg_wan";
    /// Our own: the CSRF token from before sign-in and when it was replaced.
    pub(crate) const CSRF_BEFORE: &str = "lg_csrf_before";
}

/// What a session cookie holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Session {
    map: Map,
    /// Whether the request brought a cookie, valid or not.
    pub(crate) had_cookie: bool,
    pub(crate) modified: bool,
}

impl Session {
    pub(crate) fn new(map: Map, had_cookie: bool) -> Self {
        Self { map, had_cookie, modified: false }
    }

    pub(crate) fn map(&self) -> &Map {
        &self.map
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        match self.map.get(key) {
            Some(Value::Str(text)) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn number(&self, key: &str) -> Option<f64> {
        match self.map.get(key) {
            Some(Value::Float(number)) => Some(*number),
            #[allow(clippy::cast_precision_loss)] // unix seconds
            Some(Value::Int(number)) => Some(*number as f64),
            _ => None,
        }
    }

    pub(crate) fn map_of(&self, key: &str) -> Option<&Map> {
        match self.map.get(key) {
            Some(Value::Map(map)) => Some(map),
            _ => None,
        }
    }

    pub(crate) fn flag(&self, key: &str) -> bool {
        matches!(self.map.get(key), Some(Value::Bool(true)))
    }

    pub(crate) fn set(&mut self, key: &str, value: impl Into<Value>) {
        let value = value.into();
        if self.map.get(key) != Some(&value) {
            self.map.insert(key.to_owned(), value);
            self.modified = true;
        }
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<Value> {
        let removed = self.map.remove(key);
        self.modified |= removed.is_some();
        removed
    }

    /// Stores a message for the next page.
    pub(crate) fn flash(&mut self, category: &str, text: &str) {
        let mut flashes = match self.map.remove(key::FLASHES) {
            Some(Value::List(list)) => list,
            _ => Vec::new(),
        };
        if flashes.len() < MAX_FLASHES {
            flashes.push(Value::Tuple(vec![Value::Str(category.to_owned()), Value::Str(text.to_owned())]));
        }
        self.map.insert(key::FLASHES.to_owned(), Value::List(flashes));
        self.modified = true;
    }

    /// Takes the stored messages, which are shown once.
    pub(crate) fn take_flashes(&mut self) -> Vec<(String, String)> {
        let Some(Value::List(list)) = self.remove(key::FLASHES) else { return Vec::new() };
        list.into_iter()
            .filter_map(|flash| match flash {
                Value::Tuple(pair) | Value::List(pair) => match <[Value; 2]>::try_from(pair) {
                    Ok([Value::Str(category), Value::Str(text)]) => Some((category, text)),
                    _ => None,
                },
                _ => None,
            })
            .collect()
    }
}

/// A cookie holds 4 kB; messages that nobody fetches must not push out the sign-in.
const MAX_FLASHES: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flashes_are_shown_once() {
        let mut session = Session::default();
        session.flash("error", "no");
        session.flash("info", "yes");
        assert!(session.modified);
        let pairs = [("error", "no"), ("info", "yes")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(session.take_flashes(), pairs);
        assert_eq!(session.take_flashes(), []);
    }

    #[test]
    fn setting_the_same_value_is_no_change() {
        let mut session = Session::default();
        session.set("a", true);
        session.modified = false;
        session.set("a", true);
        assert!(!session.modified);
        session.set("a", false);
        assert!(session.modified);
    }
}
