//! Reading a `Cookie` header and writing `Set-Cookie`, with the attribute order that Werkzeug uses.

use std::fmt::Write as _;

use time::{OffsetDateTime, format_description::well_known::Rfc2822};

/// What browsers keep of a cookie at least (RFC 6265, 6.1); a longer one is dropped without a word.
pub(crate) const LONGEST_COOKIE: usize = 4096;

/// Attributes that a cookie is set with.
#[derive(Clone, Debug, Default)]
pub(crate) struct CookieAttributes {
    pub(crate) domain: Option<String>,
    pub(crate) path: String,
    pub(crate) secure: Secure,
    pub(crate) http_only: bool,
    pub(crate) same_site: Option<String>,
    pub(crate) partitioned: bool,
}

/// When a cookie carries `Secure`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Secure {
    #[default]
    Never,
    Always,
    /// When the request came by https.
    Auto,
}

/// How long the browser keeps a cookie.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Keep {
    /// Until the browser closes.
    Session,
    /// Until this unix time; only `Expires` is written, as Flask-Login does.
    Until(i64),
    /// Until this unix time, which is in so many seconds; both are written, as Werkzeug does.
    For { until: i64, seconds: i64 },
    /// Not at all: the cookie is removed.
    Remove,
}

impl CookieAttributes {
    /// The value of a `Set-Cookie` header that removes the cookie: only name, domain and path say which.
    pub(crate) fn remove(&self, name: &str) -> String {
        let bare = Self { domain: self.domain.clone(), path: self.path.clone(), ..Self::default() };
        bare.set(name, "", Keep::Remove, false)
    }

    /// The value of a `Set-Cookie` header.
    pub(crate) fn set(&self, name: &str, value: &str, keep: Keep, https: bool) -> String {
        let mut out = format!("{name}={value}");
        if let Some(domain) = &self.domain {
            let _ = write!(out, "; Domain={domain}");
        }
        match keep {
            Keep::Session => {}
            Keep::Until(at) => {
                let _ = write!(out, "; Expires={}", http_date(at));
            }
            Keep::For { until, seconds } => {
                let _ = write!(out, "; Expires={}; Max-Age={seconds}", http_date(until));
            }
            Keep::Remove => out.push_str("; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0"),
        }
        if self.secure == Secure::Always || (self.secure == Secure::Auto && https) {
            out.push_str("; Secure");
        }
        if self.http_only {
            out.push_str("; HttpOnly");
        }
        let _ = write!(out, "; Path={}", if self.path.is_empty() { "/" } else { &self.path });
        if let Some(same_site) = &self.same_site {
            let _ = write!(out, "; SameSite={same_site}");
        }
        if self.partitioned {
            out.push_str("; Partitioned");
        }
        out
    }
}

/// The values of every cookie called `name`, in the order of the header.
pub(crate) fn values<'a>(header: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    header.split(';').filter_map(move |pair| {
        let (key, value) = pair.split_once('=')?;
        (key.trim() == name).then(|| value.trim().trim_matches('"'))
    })
}

/// A unix time as an HTTP date (RFC 9110, 5.6.7).
pub(crate) fn http_date(unix: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(unix).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    at.format(&Rfc2822).map_or_else(|_| String::new(), |date| date.replace("+0000", "GMT"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_come_in_a_fixed_order() {
        let cookie = CookieAttributes {
            domain: Some("lp.com".into()),
            path: "/x".into(),
            secure: Secure::Always,
            http_only: true,
            same_site: Some("Lax".into()),
            partitioned: true,
        };
        assert_eq!(
            cookie.set("a", "b", Keep::Until(1_750_000_060), false),
            "a=b; Domain=lp.com; Expires=Sun, 15 Jun 2025 15:07:40 GMT; Secure; HttpOnly; Path=/x; \
             SameSite=Lax; Partitioned"
        );
    }

    #[test]
    fn secure_follows_the_scheme_when_automatic() {
        let cookie = CookieAttributes { secure: Secure::Auto, ..CookieAttributes::default() };
        assert_eq!(cookie.set("a", "", Keep::Session, false), "a=; Path=/");
        assert_eq!(cookie.set("a", "", Keep::Session, true), "a=; Secure; Path=/");
    }

    #[test]
    fn reads_each_cookie_of_a_name() {
        let header = "a=1; session=x.y; b=\"2\"; session=z; broken";
        assert_eq!(values(header, "session").collect::<Vec<_>>(), ["x.y", "z"]);
        assert_eq!(values(header, "b").collect::<Vec<_>>(), ["2"]);
        assert_eq!(values(header, "c").count(), 0);
    }

    #[test]
    fn dates_are_rfc_9110() {
        assert_eq!(http_date(1_750_000_000), "Sun, 15 Jun 2025 15:06:40 GMT");
        assert_eq!(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
    }
}
