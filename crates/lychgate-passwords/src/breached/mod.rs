//! Passwords known from breaches: asked for without telling which one (k-anonymity), or in a [`List`] of one's own.
//!
//! The service of haveibeenpwned.com gets the first five hex digits of a SHA-1 and answers with all the rest it
//! knows. Making the request is left to the caller: this module says what to ask and reads the answer.

mod list;

pub use list::{List, ListError, Source};

use sha1::{Digest as _, Sha1};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::encoding::hex;

/// The longest answer that is read, in bytes. Real ones have about 100 KiB.
pub const MAX_REPLY: usize = 4 * 1024 * 1024;

/// A question to the service.
pub struct Query {
    digest: Zeroizing<String>,
}

impl std::fmt::Debug for Query {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Query").finish_non_exhaustive()
    }
}

/// The answer is not one of the service's.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the reply is not a list of SUFFIX:COUNT lines")]
pub struct BadReply;

impl Query {
    /// Prepares a question about a password, in the site's normal form.
    ///
    /// ```
    /// use lychgate_passwords::breached::Query;
    /// let query = Query::new("password");
    /// assert_eq!(query.prefix(), "5BAA6");
    /// assert_eq!(query.count(b"1E4C9B93F3F0682250B6CF8331B7EE68FD8:37\r\n"), Ok(37));
    /// ```
    pub fn new(password: &str) -> Self {
        let mut digest = Zeroizing::new(hex(&Sha1::digest(password)));
        digest.make_ascii_uppercase();
        Self { digest }
    }

    /// The five digits to ask for, the last part of the path `range/<prefix>`.
    pub fn prefix(&self) -> &str {
        self.digest.get(..5).unwrap_or_default()
    }

    /// How often the password was seen, from the service's reply: lines of `SUFFIX:COUNT`, with any line ends, with
    /// or without a byte-order mark. Zero when it is not listed.
    ///
    /// # Errors
    /// [`BadReply`] when a line has another form or the reply is above [`MAX_REPLY`].
    pub fn count(&self, reply: &[u8]) -> Result<u64, BadReply> {
        if reply.len() > MAX_REPLY {
            return Err(BadReply);
        }
        let suffix = self.digest.get(5..).unwrap_or_default();
        let reply = reply.strip_prefix(b"\xef\xbb\xbf").unwrap_or(reply);
        let reply = std::str::from_utf8(reply).map_err(|_| BadReply)?;
        let mut found = 0;
        for line in reply.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (listed, count) = line.split_once(':').ok_or(BadReply)?;
            if listed.len() != 35 || !listed.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(BadReply);
            }
            let count: u64 = count.trim().parse().map_err(|_| BadReply)?;
            if listed.eq_ignore_ascii_case(suffix) {
                found = count;
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_in_all_their_forms() {
        let query = Query::new("password");
        let other = "0018A45C4D1DEF81644B54AB7F969B88D65:1";
        let hit = "1e4c9b93f3f0682250b6cf8331b7ee68fd8:9545824";
        for reply in
            [format!("{other}\r\n{hit}"), format!("\u{feff}{hit}\r\n{other}\r\n"), format!("{other}\n\n{hit}\n")]
        {
            assert_eq!(query.count(reply.as_bytes()), Ok(9_545_824));
        }
        assert_eq!(query.count(other.as_bytes()), Ok(0));
        assert_eq!(query.count(b""), Ok(0));
    }

    #[test]
    fn other_replies_are_errors() {
        let query = Query::new("password");
        let long = vec![b'\n'; MAX_REPLY + 1];
        let replies: [&[u8]; 6] = [
            b"<html>",
            b"1E4C9B93F3F0682250B6CF8331B7EE68FD8",
            b"1E4C9B93F3F0682250B6CF8331B7EE68FD8:many",
            b"1E4C9:3",
            b"\xff\xfe",
            &long,
        ];
        for reply in replies {
            assert_eq!(query.count(reply), Err(BadReply));
        }
    }

    #[test]
    fn says_nothing_about_the_password() {
        assert_eq!(format!("{:?}", Query::new("password")), "Query { .. }");
    }
}
