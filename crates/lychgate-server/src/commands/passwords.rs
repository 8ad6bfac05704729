//! `lychgate passwords`: what new passwords are compared with.

use std::{
    fs::File,
    io::{BufReader, BufWriter, Read, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use lychgate_passwords::breached::{List, ListError, Source};

use crate::{exit::Exit, output};

#[derive(Debug, Subcommand)]
pub(crate) enum Passwords {
    List(MakeList),
}

/// Make the file that `password_breached_list` names
///
/// It takes about 18 bits a password, on disk and in the server's memory, and refuses one other password in 65,536.
#[derive(Debug, Args)]
pub(crate) struct MakeList {
    /// Lines of `SHA1` or `SHA1:COUNT`, as the downloader of Have I Been Pwned writes them; - for standard input
    source: PathBuf,
    /// The file to make
    target: PathBuf,
    /// The source has one password a line
    #[arg(long, conflicts_with = "least_count")]
    plain: bool,
    /// Leave out passwords that were seen less often
    #[arg(long, value_name = "N", default_value_t = 1)]
    least_count: u64,
}

impl Passwords {
    pub(crate) fn run(self) -> Result<(), Exit> {
        match self {
            Self::List(make) => make.run(),
        }
    }
}

impl MakeList {
    fn run(self) -> Result<(), Exit> {
        let kind = if self.plain { Source::Plain } else { Source::Sha1 { least: self.least_count } };
        let bar = ProgressBar::new_spinner();
        bar.set_style(
            ProgressStyle::with_template("{spinner} {human_pos} lines, {elapsed}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner()),
        );
        bar.enable_steady_tick(Duration::from_millis(200));
        let failed = |path: &Path, error: &ListError| Exit::failed(format!("{}: {error}", path.display()));
        let source: Box<dyn Read> = if self.source.as_os_str() == "-" {
            Box::new(std::io::stdin())
        } else {
            Box::new(File::open(&self.source).map_err(|error| failed(&self.source, &error.into()))?)
        };
        let list = List::build(BufReader::with_capacity(1 << 20, source), kind, |lines| bar.set_position(lines))
            .map_err(|error| failed(&self.source, &error))?;
        bar.finish_and_clear();
        // A server must never read half a file.
        let mut beside = self.target.clone().into_os_string();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        write(&list, &beside).map_err(|error| failed(&beside, &error))?;
        std::fs::rename(&beside, &self.target).map_err(|error| failed(&self.target, &error.into()))?;
        output::done(format_args!("{} passwords are listed in {}", list.passwords(), self.target.display()));
        Ok(())
    }
}

fn write(list: &List, path: &Path) -> Result<(), ListError> {
    let mut file = BufWriter::new(File::create(path)?);
    list.write(&mut file)?;
    file.flush()?;
    file.get_ref().sync_all()?;
    Ok(())
}
