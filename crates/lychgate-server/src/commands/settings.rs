//! `lychgate settings`: the settings as they run, and where each came from.

use clap::Args;
use lychgate::settings::Source;
use serde_json::json;

use crate::{
    cli::Global,
    config::{Config, is_built_in},
    exit::Exit,
    output,
};

/// Show the settings as they run, with where each came from; secrets are dotted out
///
///   lychgate settings                what was given, and not left as it is by default
///   lychgate settings lockout        all whose name or meaning holds this word, and what they do
///   lychgate settings --all --json   all, for a program
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Settings {
    /// Only those whose name or meaning holds this
    word: Option<String>,
    /// Also those that nobody has given
    #[arg(long)]
    all: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Settings {
    pub(crate) fn run(self, global: &Global) -> Result<(), Exit> {
        let config = Config::load(global, None)?;
        let wanted = self.word.as_deref().unwrap_or_default().to_lowercase();
        let meant = |name: &str, meaning: &str| name.contains(&wanted) || meaning.to_lowercase().contains(&wanted);
        let all = self.all || self.word.is_some();
        let rows = config.settings.rows().filter(|row| all || *row.source != Source::Default);
        let rows: Vec<_> = rows.filter(|row| meant(row.name, row.setting.meaning())).collect();
        if rows.is_empty() {
            return Err(Exit::usage(match self.word {
                Some(word) => format!("No setting has \"{word}\" in its name or meaning; --all lists all."),
                None => "Nothing is set; --all shows the defaults.".to_owned(),
            }));
        }
        if self.json {
            let profile = format!("{:?}", config.settings.profile()).to_lowercase();
            let rows: Vec<_> = rows
                .iter()
                .map(|row| {
                    json!({"name": row.name, "value": row.value, "source": row.source.to_string(),
                        "secret": row.setting.is_secret(), "meaning": row.setting.meaning()})
                })
                .collect();
            output::json(&json!({"profile": profile, "settings": rows, "warnings": config.settings.warnings()}));
            return Ok(());
        }
        let from = |source: &Source| if is_built_in(source) { "the server".to_owned() } else { source.to_string() };
        let table = rows.iter().map(|row| vec![row.name.to_owned(), row.value.clone(), from(row.source)]);
        output::table(&["SETTING", "VALUE", "FROM"], table);
        if self.word.is_some() {
            output::line("");
            for row in &rows {
                output::line(format_args!("{}: {}", row.name, row.setting.meaning()));
            }
        }
        for warning in config.settings.warnings() {
            output::complain(format_args!("Warning: {warning}"));
        }
        Ok(())
    }
}
