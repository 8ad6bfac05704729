//! Where the database is: SQLAlchemy's URLs and plain paths.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::error::OpenError;

/// A parsed `database_url`.
///
/// Accepted are `sqlite:////absolute/path`, `sqlite:///relative`, `sqlite://` (in memory), a plain path, and
/// `postgresql://user:password@host:port/name?sslmode=verify-full&sslrootcert=ca.pem` with the schemes `postgres`,
/// `postgresql` and SQLAlchemy's driver suffixes (`postgresql+psycopg2`, …), which are ignored.
/// Neither `Debug` nor `Display` shows a password.
///
/// ```
/// use lychgate_store::DatabaseUrl;
/// let url: DatabaseUrl = "postgresql+psycopg://joe:secret@db.example/app".parse().unwrap();
/// assert_eq!(url.to_string(), "postgresql://joe:***@db.example/app");
/// ```
#[derive(Clone)]
pub struct DatabaseUrl {
    pub(crate) target: Target,
    shown: String,
}

#[derive(Clone)]
pub(crate) enum Target {
    Memory,
    File(PathBuf),
    Postgres(Box<PostgresTarget>),
}

#[derive(Clone)]
pub(crate) struct PostgresTarget {
    pub(crate) config: tokio_postgres::Config,
    pub(crate) tls: TlsMode,
    pub(crate) root_cert: Option<PathBuf>,
}

/// How the connection is protected, as libpq's `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TlsMode {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl DatabaseUrl {
    /// The SQLite database in this file.
    #[must_use]
    pub fn sqlite_path(path: &Path) -> Self {
        Self { shown: path.display().to_string(), target: Target::File(path.to_owned()) }
    }

    /// The file of an SQLite database that is not in memory.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match &self.target {
            Target::File(path) => Some(path),
            _ => None,
        }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({})", self.shown)
    }
}

impl FromStr for DatabaseUrl {
    type Err = OpenError;

    fn from_str(text: &str) -> Result<Self, OpenError> {
        if text.trim().is_empty() {
            return Err(wrong("it is empty"));
        }
        if text.len() > 4096 || text.contains('\0') {
            return Err(wrong("it is too long or holds a NUL character"));
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return plain(text);
        };
        let (dialect, driver) = match scheme.split_once('+') {
            Some((dialect, driver)) => (dialect, Some(driver)),
            None => (scheme, None),
        };
        match dialect {
            "sqlite" => sqlite(rest),
            "postgresql" | "postgres" => postgres(rest),
            _ => Err(wrong(&format!(
                "the scheme \"{}\" is not known; use sqlite:///file, sqlite:////absolute/file or postgresql://user@host/name{}",
                printable(dialect),
                if driver.is_some() { " (the driver after + is ignored)" } else { "" },
            ))),
        }
    }
}

fn wrong(text: &str) -> OpenError {
    OpenError::Url(text.to_owned())
}

fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}

fn plain(text: &str) -> Result<DatabaseUrl, OpenError> {
    match text {
        ":memory:" => sqlite(""),
        _ if text.starts_with("sqlite:") || text.starts_with("postgres") && text.contains(':') => {
            Err(wrong("the scheme has to be followed by ://"))
        }
        _ => Ok(DatabaseUrl::sqlite_path(Path::new(text))),
    }
}

fn sqlite(rest: &str) -> Result<DatabaseUrl, OpenError> {
    let (location, query) = rest.split_once('?').unwrap_or((rest, ""));
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let name = pair.split('=').next().unwrap_or_default();
        // These two only steer Python's driver.
        if !matches!(name, "check_same_thread" | "timeout") {
            return Err(wrong(&format!("the option \"{}\" is not known for sqlite", printable(name))));
        }
    }
    let path = match location.strip_prefix('/') {
        None if location.is_empty() => "",
        None => {
            return Err(wrong("sqlite takes three slashes before a relative path and four before an absolute one"));
        }
        Some(path) => path,
    };
    if path.starts_with("file:") {
        return Err(wrong("sqlite \"file:\" URIs are not supported; give the path"));
    }
    Ok(match path {
        "" | ":memory:" => DatabaseUrl { target: Target::Memory, shown: "sqlite://".to_owned() },
        path => DatabaseUrl::sqlite_path(Path::new(path)),
    })
}

fn postgres(rest: &str) -> Result<DatabaseUrl, OpenError> {
    let (location, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut tls = TlsMode::Prefer;
    let mut root_cert = None;
    let mut kept = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) =
            pair.split_once('=').ok_or_else(|| wrong(&format!("the option \"{}\" has no value", printable(pair))))?;
        match name {
            "sslmode" => {
                tls = match value {
                    "disable" => TlsMode::Disable,
                    // libpq's "allow" would start in the clear; asking for TLS first is never worse.
                    "allow" | "prefer" => TlsMode::Prefer,
                    "require" => TlsMode::Require,
                    "verify-ca" => TlsMode::VerifyCa,
                    "verify-full" => TlsMode::VerifyFull,
                    _ => {
                        return Err(wrong("sslmode is one of disable, prefer, require, verify-ca, verify-full"));
                    }
                };
            }
            "sslrootcert" if value == "system" => {}
            "sslrootcert" => root_cert = Some(PathBuf::from(decode(value)?)),
            "sslcert" | "sslkey" | "sslpassword" => {
                return Err(wrong("client certificates are not supported"));
            }
            _ => kept.push(pair),
        }
    }
    // libpq: a root certificate turns "require" into a check of the chain.
    if root_cert.is_some() && tls == TlsMode::Require {
        tls = TlsMode::VerifyCa;
    }
    let mut url = format!("postgresql://{location}");
    if !kept.is_empty() {
        url.push('?');
        url.push_str(&kept.join("&"));
    }
    let mut config: tokio_postgres::Config = url.parse().map_err(|error: tokio_postgres::Error| {
        let reason = std::error::Error::source(&error).map(ToString::to_string);
        wrong(&format!("not a PostgreSQL URL: {}", printable(&reason.unwrap_or_else(|| error.to_string()))))
    })?;
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        config.host("localhost");
    }
    config.ssl_mode(match tls {
        TlsMode::Disable => tokio_postgres::config::SslMode::Disable,
        TlsMode::Prefer => tokio_postgres::config::SslMode::Prefer,
        TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => tokio_postgres::config::SslMode::Require,
    });
    Ok(DatabaseUrl {
        shown: redact(location),
        target: Target::Postgres(Box::new(PostgresTarget { config, tls, root_cert })),
    })
}

/// The URL without options (one may be a password) and with the password starred.
fn redact(location: &str) -> String {
    match location.rsplit_once('@') {
        None => format!("postgresql://{location}"),
        Some((account, host)) => {
            let user = account.split(':').next().unwrap_or_default();
            let stars = if account.contains(':') { ":***" } else { "" };
            format!("postgresql://{user}{stars}@{host}")
        }
    }
}

fn decode(text: &str) -> Result<String, OpenError> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        match (digit(bytes.next()), digit(bytes.next())) {
            (Some(high), Some(low)) => out.push(u8::try_from(high * 16 + low).unwrap_or_default()),
            _ => return Err(wrong("a % is not followed by two hexadecimal digits")),
        }
    }
    String::from_utf8(out).map_err(|_| wrong("an option is not UTF-8"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn parse(text: &str) -> DatabaseUrl {
        text.parse().unwrap()
    }

    #[rstest]
    #[case("sqlite:////srv/app.db", "/srv/app.db")]
    #[case("sqlite:///app.db", "app.db")]
    #[case("sqlite+pysqlite:///dir/app.db?timeout=5", "dir/app.db")]
    #[case("/srv/app.db", "/srv/app.db")]
    #[case("app.db", "app.db")]
    fn files(#[case] text: &str, #[case] path: &str) {
        assert_eq!(parse(text).file().unwrap(), Path::new(path));
    }

    #[rstest]
    #[case("sqlite://")]
    #[case("sqlite:///:memory:")]
    #[case(":memory:")]
    fn memory(#[case] text: &str) {
        assert!(matches!(parse(text).target, Target::Memory));
    }

    #[rstest]
    #[case("postgresql+psycopg2://joe:s%40crt@db.example:6432/app")]
    #[case("postgresql+psycopg://joe:s%40crt@db.example:6432/app")]
    #[case("postgres://joe:s%40crt@db.example:6432/app")]
    #[case("postgresql://joe:s%40crt@db.example:6432/app?application_name=x")]
    fn servers(#[case] text: &str) {
        let url = parse(text);
        let Target::Postgres(target) = &url.target else {
            panic!("not PostgreSQL");
        };
        assert_eq!(target.config.get_user(), Some("joe"));
        assert_eq!(target.config.get_password(), Some(&b"s@crt"[..]));
        assert_eq!(target.config.get_dbname(), Some("app"));
        assert_eq!(target.config.get_ports(), [6432]);
        assert_eq!(url.to_string(), "postgresql://joe:***@db.example:6432/app");
        assert!(!format!("{url:?}").contains("s%40crt"));
    }

    #[rstest]
    #[case("", TlsMode::Prefer)]
    #[case("?sslmode=disable", TlsMode::Disable)]
    #[case("?sslmode=require", TlsMode::Require)]
    #[case("?sslmode=require&sslrootcert=/a%20b.pem", TlsMode::VerifyCa)]
    #[case("?sslmode=verify-full&sslrootcert=system", TlsMode::VerifyFull)]
    fn tls_modes(#[case] query: &str, #[case] expected: TlsMode) {
        let url = parse(&format!("postgresql://joe@db/app{query}"));
        let Target::Postgres(target) = &url.target else {
            panic!("not PostgreSQL");
        };
        assert_eq!(target.tls, expected);
        if query.contains("pem") {
            assert_eq!(target.root_cert.as_deref(), Some(Path::new("/a b.pem")));
        }
    }

    #[test]
    fn a_socket_folder_may_be_an_option() {
        let url = parse("postgresql://joe@/app?host=/run/pg");
        let Target::Postgres(target) = &url.target else {
            panic!("not PostgreSQL");
        };
        assert_eq!(target.config.get_hosts(), [tokio_postgres::config::Host::Unix("/run/pg".into())]);
    }

    #[rstest]
    #[case("", "it is empty")]
    #[case("mysql://joe@db/app", "the scheme \"mysql\" is not known")]
    #[case("sqlite:app.db", "followed by ://")]
    #[case("postgresql:joe@db/app", "followed by ://")]
    #[case("sqlite://app.db", "three slashes")]
    #[case("sqlite:///file:app.db?mode=ro", "\"mode\" is not known")]
    #[case("sqlite:///file:app.db", "give the path")]
    #[case("postgresql://joe@db/app?sslmode=maybe", "sslmode is one of")]
    #[case("postgresql://joe@db:port/app", "not a PostgreSQL URL")]
    #[case("postgresql://joe@db/app?sslcert=x", "client certificates")]
    #[case("postgresql://joe@db/app?colour=red", "not a PostgreSQL URL")]
    fn wrong_ones_say_why(#[case] text: &str, #[case] reason: &str) {
        let error = text.parse::<DatabaseUrl>().unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
        assert_eq!(error.lines().count(), 1);
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in "(sqlite|postgresql|x)?(://|:)?[ -~]{0,60}") {
            let _ = text.parse::<DatabaseUrl>();
        }

        #[test]
        fn a_password_is_never_shown(password in "[a-zA-Z0-9]{8,20}") {
            if let Ok(url) = format!("postgresql://u:{password}@h/d?password={password}").parse::<DatabaseUrl>() {
                let shown = format!("{url} {url:?}");
                prop_assert!(!shown.contains(&password));
            }
        }
    }
}
