//! `lychgate users export` and `import`: accounts as tables, by the same code as the panel's.

use std::{
    io::{IsTerminal as _, Read as _, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use lychgate::Lychgate;
use lychgate_admin::tables::{self, Columns};
use lychgate_store::UserQuery;

use super::filter::Filter;
use crate::{
    exit::Exit,
    output::{self, done},
};

/// Users that are read at once.
const AT_ONCE: u32 = 500;

/// The most accounts in a table, and its most bytes.
const MOST: usize = 100_000;
const LONGEST: u64 = 64 << 20;

/// Write users as a table (CSV), all or those who are asked for
///
/// The table goes to standard output, or to a file, which is made anew. A field that a spreadsheet would compute gets an
/// apostrophe before it. Passwords and secrets are in no column.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The file to make
    file: Option<PathBuf>,
    /// Only these columns besides the address: id, username, status, confirmed, roles, second_factor, last_sign_in, created
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    columns: Vec<String>,
    #[command(flatten)]
    filter: Filter,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

/// Make accounts from a table (CSV)
///
/// The first line names the columns: email, and username, active, confirmed, roles as wished (roles separated by spaces).
/// Every line is looked at first; with one mistake nothing is made, and each mistake is told with its line. Accounts have no
/// password: their owners choose one by a mailed link.
///
///   lychgate users import people.csv --dry-run     look only
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Import {
    /// The file, or - for standard input
    file: PathBuf,
    /// Look at the table, and make nothing
    #[arg(long)]
    dry_run: bool,
}

/// A bar on a terminal, nothing elsewhere.
fn bar(most: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{wide_bar} {human_pos}/{human_len} {eta}");
    ProgressBar::new(most).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn failed(file: &Path, error: &std::io::Error) -> Exit {
    Exit::failed(format!("{}: {error}", file.display()))
}

impl Export {
    pub(super) async fn run(self, gate: &Lychgate) -> Result<(), Exit> {
        let columns = Columns::named(self.columns.iter().map(String::as_str))
            .ok_or_else(|| Exit::usage(format!("Columns are {}.", Columns::all().join(", "))))?;
        let Some(file) = &self.file else {
            let out = std::io::stdout().lock();
            // A reader that has gone away, as in `… | head`, is no error.
            return self.write(gate, out, &columns).await.map(drop).or_else(|error| match error {
                Trouble::Gone => Ok(()),
                Trouble::Exit(exit) => Err(exit),
            });
        };
        if file.exists() && !self.force {
            return Err(Exit::usage(format!("{} is there already; --force replaces it", file.display())));
        }
        // Nobody finds half a table.
        let mut beside = file.clone().into_os_string();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        let made = crate::files::open_private(&beside).map_err(|error| failed(&beside, &error))?;
        let count = self.write(gate, std::io::BufWriter::new(made), &columns).await.map_err(|trouble| match trouble {
            Trouble::Gone => Exit::failed(format!("{}: it cannot be written", beside.display())),
            Trouble::Exit(exit) => exit,
        });
        let count = count.and_then(|count| {
            std::fs::rename(&beside, file).map_err(|error| failed(file, &error))?;
            Ok(count)
        });
        if count.is_err() {
            let _ = std::fs::remove_file(&beside);
        }
        let count = count?;
        done(format_args!("{count} users are in {}", file.display()));
        Ok(())
    }

    async fn write(&self, gate: &Lychgate, mut out: impl Write, columns: &Columns) -> Result<u64, Trouble> {
        let mut query = UserQuery { limit: AT_ONCE, ..self.filter.query() };
        let store = gate.store();
        let all = store.count_users_matching(&query, u32::MAX).await.map_err(Exit::from)?;
        let bar = if self.file.is_some() { bar(all.unsigned_abs()) } else { ProgressBar::hidden() };
        out.write_all(columns.head().as_bytes())?;
        let mut count = 0_u64;
        loop {
            let page = store.users_page(&query).await.map_err(Exit::from)?;
            for user in &page.items {
                out.write_all(columns.line(user).as_bytes())?;
            }
            count += page.items.len() as u64;
            bar.set_position(count);
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        out.flush()?;
        bar.finish_and_clear();
        Ok(count)
    }
}

/// Why a table was not written.
enum Trouble {
    /// It could not be written where it was to go.
    Gone,
    Exit(Exit),
}

impl From<std::io::Error> for Trouble {
    fn from(_: std::io::Error) -> Self {
        Self::Gone
    }
}

impl From<Exit> for Trouble {
    fn from(exit: Exit) -> Self {
        Self::Exit(exit)
    }
}

impl Import {
    pub(super) async fn run(self, gate: &Lychgate) -> Result<(), Exit> {
        let text = self.read()?;
        let mut lines = tables::check(gate, &text, MOST).await.map_err(Exit::failed)?;
        let wrong = told(&lines);
        if wrong > 0 {
            output::complain(format_args!("Error: {wrong} of {} lines have a mistake; nothing is made.", lines.len()));
            return Err(Exit::Reported);
        }
        if self.dry_run {
            done(format_args!("{} accounts can be made; none is, as this only looks.", lines.len()));
            return Ok(());
        }
        let (bar, mut made) = (bar(lines.len() as u64), 0);
        for line in &mut lines {
            match gate.accounts().create(&line.account).await {
                Ok(_) => made += 1,
                // Somebody took the name meanwhile.
                Err(error) => line.problem = Some(error.to_string()),
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        let wrong = told(&lines);
        done(format_args!("{made} accounts have been made."));
        if wrong > 0 { Err(Exit::Reported) } else { Ok(()) }
    }

    fn read(&self) -> Result<String, Exit> {
        let mut text = Vec::new();
        let read = if self.file.as_os_str() == "-" {
            std::io::stdin().lock().take(LONGEST + 1).read_to_end(&mut text)
        } else {
            std::fs::File::open(&self.file).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut text))
        };
        read.map_err(|error| failed(&self.file, &error))?;
        if text.len() as u64 > LONGEST {
            return Err(Exit::failed(format!("{}: a table has at most {} MiB", self.file.display(), LONGEST >> 20)));
        }
        String::from_utf8(text).map_err(|_| Exit::failed(format!("{}: it is not UTF-8", self.file.display())))
    }
}

/// Prints each mistake with its line; says how many there are.
fn told(lines: &[tables::Line]) -> usize {
    let wrong = lines.iter().filter_map(|line| Some((line, line.problem.as_ref()?)));
    wrong
        .inspect(|(line, problem)| {
            let (email, problem) = (output::printable(&line.account.email), output::printable(problem));
            output::complain(format_args!("Line {}: {email}: {problem}", line.number));
        })
        .count()
}
