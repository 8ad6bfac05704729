//! `lychgate init`: a settings file to start from.

use std::path::PathBuf;

use clap::Args;
use lychgate::settings::sample_toml;
use toml::Table;

use crate::{
    cli::Global,
    config::FILE_NAME,
    exit::Exit,
    files, output,
    secrets::{Secrets, random_text},
};

/// Write a commented lychgate.toml with fresh secrets
///
/// Or the file that --config names: the settings that are changed most, explained.
///
/// Secrets that the installation has already, in its data folder or in a file that --force replaces, are kept: with others
/// nobody could sign in any more.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

impl Init {
    pub(crate) fn run(self, global: &Global) -> Result<(), Exit> {
        let path = global.config.clone().unwrap_or_else(|| PathBuf::from(FILE_NAME));
        if path.exists() && !self.force {
            return Err(Exit::usage(format!("{} is there already; --force replaces it", path.display())));
        }
        let earlier = match std::fs::read_to_string(&path) {
            Ok(text) => text.parse::<Table>().map_err(|_| {
                let text = "holds no TOML, so its secrets cannot be kept; move it away first";
                Exit::failed(format!("{} {text}", path.display()))
            })?,
            Err(_) => Table::new(),
        };
        let installed = Secrets::read(&global.data)?;
        let installed_table =
            if installed.exists() { installed.text().parse().unwrap_or_default() } else { Table::new() };
        let known = |pick: fn(&Table) -> Option<&toml::Value>| {
            let found = pick(&earlier).or_else(|| pick(&installed_table));
            found.and_then(toml::Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let key = known(|table| table.get("secret_key"));
        let salt = known(|table| table.get("security")?.get("password_salt"));
        let kept = key.is_some() || salt.is_some();
        let text = sample_toml(&key.map_or_else(random_text, Ok)?, &salt.map_or_else(random_text, Ok)?);
        let written =
            if self.force { files::replace_private(&path, &text) } else { files::create_private(&path, &text) };
        written.map_err(|error| Exit::failed(format!("cannot write {}: {error}", path.display())))?;
        let secrets = if kept { "the secrets that were here" } else { "fresh secrets" };
        output::done(format_args!("{} is written, with {secrets}. `lychgate doctor` checks it.", path.display()));
        Ok(())
    }
}
