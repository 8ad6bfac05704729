//! Session cookies that were opened before: a browser sends the same one with every request until it changes.

use std::sync::Arc;

use lychgate_signing::session::{Map, SessionCodec};
use moka::sync::Cache;

/// Remembers what valid session cookies hold, by their whole text.
///
/// Only what was verified gets in, so a hit has a good signature; its age is checked again each time, and whether the
/// session may go on is not asked here.
#[derive(Debug)]
pub(crate) struct OpenedCookies(Cache<String, Arc<(Map, i64)>>);

/// Cookies that are remembered at most.
const CAPACITY: u64 = 10_000;

impl OpenedCookies {
    pub(crate) fn new() -> Self {
        Self(Cache::new(CAPACITY))
    }

    /// What `cookie` holds, if it is valid at `now` and not older than `lifetime` seconds.
    pub(crate) fn open(&self, codec: &SessionCodec, cookie: &str, now: i64, lifetime: i64) -> Option<Map> {
        if let Some(known) = self.0.get(cookie) {
            let (map, issued_at) = &*known;
            return (0..=lifetime).contains(&now.saturating_sub(*issued_at)).then(|| map.clone());
        }
        let opened = codec.decode_dated(cookie, now, lifetime).ok()?;
        let map = opened.0.clone();
        self.0.insert(cookie.to_owned(), Arc::new(opened));
        Some(map)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use lychgate_signing::{KeyRing, session::Value};

    use super::*;

    #[test]
    fn a_known_cookie_ages_like_an_unknown_one() {
        let codec = SessionCodec::new(&KeyRing::new("lychgate-test-secret-0001").unwrap(), "cookie-session");
        let map = Map::from([("a".to_owned(), Value::Int(1))]);
        let cookie = codec.encode(&map, 1000).unwrap();
        let opened = OpenedCookies::new();
        for _ in 0..2 {
            assert_eq!(opened.open(&codec, &cookie, 1060, 60), Some(map.clone()));
            assert_eq!(opened.open(&codec, &cookie, 1061, 60), None);
            assert_eq!(opened.open(&codec, &cookie, 999, 60), None);
        }
        let mut forged = cookie;
        forged.push('x');
        assert_eq!(opened.open(&codec, &forged, 1000, 60), None);
    }
}
