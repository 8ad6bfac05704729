//! What pages call a session.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

/// What pages call a session: its id is a secret, and this tells nothing of it.
pub(crate) fn public_id(sid: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(b"lychgate: a session on the account page\0");
    hash.update(sid.as_bytes());
    let digest = hash.finalize();
    URL_SAFE_NO_PAD.encode(digest.get(..16).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #[test]
    fn ids_on_pages_tell_nothing() {
        let (one, two) = (super::public_id("a"), super::public_id("b"));
        assert_ne!(one, two);
        assert_eq!(one.len(), 22);
    }
}
