//! The secrets of an installation that nobody has configured: `secrets.toml` in the data folder.

use std::{
    io,
    path::{Path, PathBuf},
};

use lychgate::{
    Settings,
    settings::{Source, Status},
};
use toml::{Table, Value};

use crate::{exit::Exit, files};

const FILE_NAME: &str = "secrets.toml";
const HEAD: &str = "# The secrets of this installation, made by Lychgate. Keep them to yourself, and keep a copy:
# without `password_salt` no stored password can be checked, without `secret_key` everybody is signed out.
";
/// Features that encrypt what they store with `totp_secrets`.
const USERS_OF_TOTP: &[&str] = &["two_factor", "unified_signin", "multi_factor_recovery_codes"];
/// The longest file that is read, in bytes.
const FILE_MAX: u64 = 1 << 20;

/// What the file holds, completed with fresh secrets in memory.
#[derive(Debug)]
pub(crate) struct Secrets {
    path: PathBuf,
    text: String,
    exists: bool,
    fresh: Vec<&'static str>,
}

impl Secrets {
    /// Reads the file in `data`; what it lacks is made, but not yet written.
    pub(crate) fn read(data: &Path) -> Result<Self, Exit> {
        let path = data.join(FILE_NAME);
        let found = match std::fs::metadata(&path) {
            Ok(found) if found.len() > FILE_MAX => return Err(unreadable(&path, "it is too large")),
            Ok(_) => Some(std::fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(unreadable(&path, error)),
        };
        let exists = found.is_some();
        let found = found.unwrap_or_default();
        let Ok(mut table) = found.parse::<Table>() else {
            // The settings say in which line it is wrong.
            return Ok(Self { path, text: found, exists, fresh: Vec::new() });
        };
        let fresh = complete(&mut table)?;
        let text = if fresh.is_empty() { found } else { format!("{HEAD}{table}") };
        Ok(Self { path, text, exists, fresh })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn exists(&self) -> bool {
        self.exists
    }

    /// What messages call the file.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether `settings` run with the freshly made secret of this name.
    pub(crate) fn runs_with_fresh(&self, settings: &Settings, name: &str) -> bool {
        let from_here = matches!(settings.source(name), Source::File { name, .. } if *name == self.name());
        from_here && self.fresh.contains(&name)
    }

    /// Whether the file has to be written before `settings` may be used.
    pub(crate) fn must_be_kept(&self, settings: &Settings) -> bool {
        let encrypts = USERS_OF_TOTP.iter().any(|name| settings.flag(name));
        ["secret_key", "password_salt"].iter().any(|name| self.runs_with_fresh(settings, name))
            || encrypts && self.runs_with_fresh(settings, "totp_secrets")
    }

    /// Writes the file; `false` if another process was faster, so that its secrets count.
    pub(crate) fn keep(&self) -> Result<bool, Exit> {
        let failed = |error: io::Error| Exit::failed(format!("cannot write {}: {error}", self.path.display()));
        if let Some(folder) = self.path.parent() {
            files::make_private_folder(folder).map_err(failed)?;
        }
        if self.exists {
            return files::replace_private(&self.path, &self.text).map(|()| true).map_err(failed);
        }
        match files::create_private(&self.path, &self.text) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }
}

fn unreadable(path: &Path, why: impl std::fmt::Display) -> Exit {
    Exit::Settings(format!("{}: cannot be read: {why}", path.display()))
}

/// Adds what is missing, and says what that was.
fn complete(table: &mut Table) -> Result<Vec<&'static str>, Exit> {
    let mut fresh = Vec::new();
    if !table.contains_key("secret_key") {
        table.insert("secret_key".to_owned(), random_text()?.into());
        fresh.push("secret_key");
    }
    let security = table.entry("security").or_insert_with(|| Value::Table(Table::new()));
    let Some(security) = security.as_table_mut() else { return Ok(Vec::new()) };
    if !security.contains_key("password_salt") {
        security.insert("password_salt".to_owned(), random_text()?.into());
        fresh.push("password_salt");
    }
    if !security.contains_key("totp_secrets") && is_live("totp_secrets") {
        let mut tags = Table::new();
        tags.insert("1".to_owned(), random_text()?.into());
        security.insert("totp_secrets".to_owned(), tags.into());
        fresh.push("totp_secrets");
    }
    Ok(fresh)
}

/// Whether a setting does anything in this version.
fn is_live(name: &str) -> bool {
    Settings::declared().any(|setting| setting.name() == name && setting.status() == Status::Live)
}

/// 32 random bytes in hexadecimal.
pub(crate) fn random_text() -> Result<String, Exit> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| Exit::failed(format!("no random numbers: {error}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_is_there_stays() {
        let mut table: Table = "secret_key = \"old\"\n[security]\nfreshness = 5\n".parse().unwrap();
        let fresh = complete(&mut table).unwrap();
        assert!(fresh.contains(&"password_salt") && !fresh.contains(&"secret_key"));
        assert_eq!(table["secret_key"].as_str(), Some("old"));
        assert_eq!(table["security"]["freshness"].as_integer(), Some(5));
        assert_eq!(table["security"]["password_salt"].as_str().unwrap().len(), 64);
        assert!(complete(&mut table).unwrap().is_empty());
    }

    #[test]
    fn a_file_that_is_no_toml_is_left_to_the_settings() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE_NAME), "secret_key = ").unwrap();
        let secrets = Secrets::read(folder.path()).unwrap();
        assert_eq!(secrets.text(), "secret_key = ");
        assert!(secrets.fresh.is_empty());
    }

    #[test]
    fn the_faster_one_wins() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (Secrets::read(folder.path()).unwrap(), Secrets::read(folder.path()).unwrap());
        assert!(first.keep().unwrap());
        assert!(!second.keep().unwrap());
        let kept = Secrets::read(folder.path()).unwrap();
        assert_eq!(kept.text(), first.text());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
    }
}
