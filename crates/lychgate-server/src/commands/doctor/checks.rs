//! What is looked at on this machine and in the database.

use std::time::{Duration, SystemTime};

use lychgate::{Profile, settings::Source};
use lychgate_store::{CreateMode, DatabaseKind, DatabaseUrl, OpenOptions, Store};
use time::OffsetDateTime;

use super::Report;
use crate::{
    config::{self, Config},
    files,
};

/// Secrets of this many bytes cannot be guessed.
const LONG_ENOUGH: usize = 32;
/// Years outside of which a clock is certainly wrong.
const YEARS: std::ops::Range<i32> = 2026..2100;
/// How far in the future a file may seem to have been written.
const DRIFT: Duration = Duration::from_secs(300);
/// The key that is written and taken away again to see whether the database can be written.
const PROBE: &str = "doctor";

pub(super) fn settings(report: &mut Report, config: &Config) {
    let settings = &config.settings;
    let profile = match settings.profile() {
        Profile::Modern => "modern",
        Profile::Flask => "flask",
    };
    let file = config.file.as_ref().map_or_else(|| "no settings file".to_owned(), |file| file.display().to_string());
    let given =
        settings.rows().filter(|row| *row.source != Source::Default && !config::is_built_in(row.source)).count();
    report.ok(
        "settings",
        format!("profile {profile}, {} environment, {given} settings given, {file}", settings.text("environment")),
    );
    for warning in settings.warnings() {
        report.warn("settings", warning, None);
    }
}

pub(super) fn secrets(report: &mut Report, config: &Config) {
    let settings = &config.settings;
    if config.secrets.must_be_kept(settings) {
        report.ok("secrets", format!("none yet; the first start makes {}", config.secrets.name()));
        return;
    }
    for name in ["secret_key", "password_salt"] {
        let Some(secret) = settings.text_opt(name) else { continue };
        let (length, source) = (secret.len(), settings.source(name));
        if length >= LONG_ENOUGH {
            report.ok("secrets", format!("{name}: {length} bytes, from {source}"));
        } else {
            let advice = if name == "secret_key" {
                "choose a longer one and put the old one into secret_key_fallbacks"
            } else {
                "nothing, if passwords were stored with it: they would be lost"
            };
            report.warn("secrets", format!("{name}: only {length} bytes, from {source}"), Some(advice));
        }
    }
    for (path, mode) in config.open_files() {
        let path = path.display();
        report.problem(
            "secrets",
            format!("{path} can be read by others (mode {mode:03o})"),
            format!("chmod 600 {path}"),
        );
    }
}

pub(super) async fn database(report: &mut Report, config: &Config) {
    let section = "database";
    let Some(url) = config.settings.text_opt("database_url") else {
        return report.problem(
            section,
            "no database is named",
            "set database_url, such as \"sqlite:////path/to/app.db\"",
        );
    };
    let url: DatabaseUrl = match url.parse() {
        Ok(url) => url,
        Err(error) => return report.problem(section, format!("{error}"), "put database_url right"),
    };
    if let Some(file) = url.file() {
        if !file.exists() && config.has_own_database() {
            return report.ok(section, format!("none yet; the first start makes {}", file.display()));
        }
        let folder_is_open = file.parent().is_none_or(|folder| files::open_to_others(folder).is_some());
        if let Some(mode) = files::open_to_others(file)
            && folder_is_open
        {
            let text =
                format!("{} can be read by others (mode {mode:03o}), and it holds password hashes", file.display());
            report.warn(
                section,
                text,
                Some(&format!("chmod 600 {}, unless another program of the group needs it", file.display())),
            );
        }
    }
    let options = OpenOptions::new(url).create(CreateMode::Never);
    let store = match Store::open(options).await {
        Ok(store) => store,
        Err(error) => {
            let advice = "see that the database runs, and that database_url and its rights are as they should be";
            return report.problem(section, format!("{error}"), advice);
        }
    };
    inspect(report, &store, config.settings.flag("webauthn")).await;
    store.close().await;
}

async fn inspect(report: &mut Report, store: &Store, passkeys: bool) {
    let section = "database";
    let found = store.describe();
    let kind = match found.kind {
        DatabaseKind::Sqlite => "SQLite",
        DatabaseKind::Postgres => "PostgreSQL",
    };
    report.ok(section, format!("{kind}: {}, schema {}, tables {}", found.url, found.version, found.tables.join(", ")));
    for warning in &found.warnings {
        report.warn(section, warning, None);
    }
    if !found.missing_columns.is_empty() {
        let text = format!("columns that features may need are missing: {}", found.missing_columns.join(", "));
        report.warn(section, text, Some("add them before you switch on what needs them"));
    }
    if passkeys && !store.can_hold_passkeys() {
        report.problem(
            section,
            "webauthn is on, but there is no table web_authn or users have no column fs_webauthn_user_handle",
            "add what is missing, or switch webauthn off; nothing starts before",
        );
    }
    match (store.count_users().await, store.roles().await, store.any_user_with_role("admin").await) {
        (Ok(users), Ok(roles), Ok(admin)) => {
            report.ok(section, format!("users: {users}, roles: {}", roles.len()));
            if !admin {
                let advice = "`lychgate users create --admin EMAIL`, or the link that `lychgate serve` prints";
                report.warn(section, "nobody has the role \"admin\"", Some(advice));
            }
        }
        (Err(error), ..) | (_, Err(error), _) | (.., Err(error)) => {
            report.problem(
                section,
                format!("cannot be read: {error}"),
                "see that its tables are whole and may be read",
            );
        }
    }
    let now = OffsetDateTime::now_utc().unix_timestamp_nanos().to_string();
    let written = match store.meta_set(PROBE, &now).await {
        Ok(()) => store.meta_take(PROBE, &now).await.map(drop),
        Err(error) => Err(error),
    };
    match written {
        Ok(()) => report.ok(section, "can be written"),
        Err(error) => {
            let advice = "see that the disk has room and that this user may write there";
            report.problem(section, format!("cannot be written: {error}"), advice);
        }
    }
}

pub(super) fn clock(report: &mut Report, config: &Config) {
    let now = OffsetDateTime::now_utc();
    if !YEARS.contains(&now.year()) {
        let advice = "set the clock; time-limited links and codes depend on it";
        return report.problem("clock", format!("this machine says that the year is {}", now.year()), advice);
    }
    let database = config.settings.text_opt("database_url").and_then(|url| url.parse::<DatabaseUrl>().ok());
    let file = database.as_ref().and_then(DatabaseUrl::file);
    let written = file.and_then(|file| std::fs::metadata(file).ok()?.modified().ok());
    if written.is_some_and(|written| written > SystemTime::now() + DRIFT) {
        let advice = "set the clock: either it is late now, or it was early before";
        return report.problem("clock", "the database was written in the future", advice);
    }
    let date = now.format(&time::format_description::well_known::Rfc3339).unwrap_or_default();
    report.ok("clock", format!("{date}; compare it with a watch, codes of authenticator apps depend on it"));
}
