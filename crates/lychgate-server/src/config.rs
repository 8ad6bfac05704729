//! Where the settings come from: built in, the data folder's secrets, the file, the environment, the command line.

use std::path::{Path, PathBuf};

use lychgate::{Settings, settings::Source};

use crate::{cli::Global, exit::Exit, secrets::Secrets};

/// The file that is read if none is named and it is there.
pub(crate) const FILE_NAME: &str = "lychgate.toml";
/// What the settings call the weakest source.
const BUILT_IN: &str = "built-in settings";
/// Variables of the command line, which the settings need not know.
const OWN_VARIABLES: &[&str] = &["LYCHGATE_DATA", "LYCHGATE_PASSWORD"];

/// Settings, and what has to happen on the disk before they are used.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) settings: Settings,
    pub(crate) secrets: Secrets,
    /// The settings file, if there is one.
    pub(crate) file: Option<PathBuf>,
    pub(crate) data: PathBuf,
}

impl Config {
    /// Reads everything; writes nothing.
    pub(crate) fn load(global: &Global, listen: Option<&str>) -> Result<Self, Exit> {
        let data = std::path::absolute(&global.data)
            .map_err(|error| Exit::Settings(format!("--data {}: {error}", global.data.display())))?;
        let secrets = Secrets::read(&data)?;
        let file = settings_file(global);
        let mut builder = Settings::builder().toml(BUILT_IN, &built_in(&data)?).toml(&secrets.name(), secrets.text());
        if let Some(file) = &file {
            builder = builder.file(file);
        }
        let unicode = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| !OWN_VARIABLES.contains(&name.as_str()));
        builder = builder.env(unicode);
        if let Some(listen) = listen {
            builder = builder.set("listen", listen);
        }
        Ok(Self { settings: builder.build()?, secrets, file, data })
    }

    /// Whether the database is the one in the data folder, as nobody named another.
    pub(crate) fn has_own_database(&self) -> bool {
        is_built_in(self.settings.source("database_url"))
    }

    /// The files that hold secrets and that others may read, with their permissions.
    pub(crate) fn open_files(&self) -> Vec<(&Path, u32)> {
        let secrets = Some(self.secrets.path()).filter(|_| self.secrets.exists());
        let file = self.file.as_deref().filter(|file| {
            let secret = self.settings.rows().filter(|row| row.setting.is_secret());
            let name = file.display().to_string();
            secret.into_iter().any(|row| matches!(row.source, Source::File { name: from, .. } if *from == name))
        });
        let files = secrets.into_iter().chain(file);
        files.filter_map(|path| Some((path, crate::files::open_to_others(path)?))).collect()
    }
}

/// Whether nobody gave the value, but the server did.
pub(crate) fn is_built_in(source: &Source) -> bool {
    matches!(source, Source::File { name, .. } if name == BUILT_IN)
}

/// The file that is named, or the usual one if it is there.
pub(crate) fn settings_file(global: &Global) -> Option<PathBuf> {
    let usual = || Some(PathBuf::from(FILE_NAME)).filter(|path| path.exists());
    global.config.clone().or_else(usual)
}

fn built_in(data: &Path) -> Result<String, Exit> {
    let database = data.join("lychgate.db");
    let Some(database) = database.to_str() else {
        return Err(Exit::Settings(format!("--data {}: the path is not Unicode", data.display())));
    };
    let mut table = toml::Table::new();
    table.insert("listen".to_owned(), "127.0.0.1:5000".into());
    table.insert("database_url".to_owned(), database.into());
    Ok(table.to_string())
}
