//! Questions: passwords, which are never shown, and yes or no.

use std::{
    io::{self, BufRead, BufReader, IsTerminal as _, Read as _, Write as _},
    path::{Path, PathBuf},
};

use dialoguer::Password;
use lychgate::Settings;

use crate::{exit::Exit, files, output};

/// The variable that a password may come from.
const VARIABLE: &str = "LYCHGATE_PASSWORD";
/// The longest line that is read, in bytes.
const LINE_MAX: u64 = 4096;

// Where a password comes from, as far as the command line says.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct PasswordSource {
    /// The password. Unsafe: every user of the machine can see it, and the shell remembers it. Refused unless
    /// `cli_password_argument` is on, as it is in the flask profile
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["password_stdin", "password_file"])]
    password: Option<String>,
    /// Read the password from the first line of standard input
    #[arg(long, conflicts_with = "password_file")]
    password_stdin: bool,
    /// Read the password from the first line of this file
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

/// What is said of a password among the arguments.
const SEEN: &str = "\
--password shows the password to every user of this machine and to the shell's history, so it is not taken. Leave it out \
to be asked, or use --password-stdin, --password-file FILE or the variable LYCHGATE_PASSWORD. (Scripts written for \
Flask-Security can have it with cli_password_argument = true in the settings.)";

impl PasswordSource {
    /// The password: from standard input, a file, `LYCHGATE_PASSWORD`, asked for twice, or given where the settings let it.
    pub(crate) async fn get(mut self, settings: &Settings) -> Result<String, Exit> {
        if let Some(password) = self.password.take() {
            if !settings.flag("cli_password_argument") {
                return Err(Exit::usage(SEEN));
            }
            output::complain("Warning: other users of this machine could see the password; use --password-stdin.");
            return Ok(password);
        }
        self.unseen().await
    }

    /// The password from where nobody else sees it.
    pub(crate) async fn unseen(self) -> Result<String, Exit> {
        if self.password_stdin {
            return line()?.ok_or_else(|| Exit::usage("--password-stdin: standard input is empty"));
        }
        if let Some(file) = &self.password_file {
            return from_file(file);
        }
        match std::env::var(VARIABLE) {
            Ok(password) => return Ok(password),
            Err(std::env::VarError::NotUnicode(_)) => return Err(Exit::usage(format!("{VARIABLE} is not Unicode"))),
            Err(std::env::VarError::NotPresent) => {}
        }
        if io::stdin().is_terminal() { ask().await } else { read_twice() }
    }
}

/// The first line of a file.
fn from_file(path: &Path) -> Result<String, Exit> {
    let failed = |error: io::Error| Exit::failed(format!("{}: {error}", path.display()));
    let mut file = BufReader::new(std::fs::File::open(path).map_err(failed)?);
    if let Some(mode) = files::open_to_others(path) {
        let path = path.display();
        output::complain(format_args!("Warning: {path} can be read by others (mode {mode:03o}): chmod 600 {path}"));
    }
    match line_of(&mut file).map_err(failed)? {
        None => Err(Exit::usage(format!("--password-file: {} is empty", path.display()))),
        Some(line) => line.ok_or_else(too_long),
    }
}

fn too_long() -> Exit {
    Exit::usage("the line is too long")
}

/// A line without its end; `None` if nothing is left, the inner one if it is too long.
fn line_of(from: &mut impl BufRead) -> io::Result<Option<Option<String>>> {
    let mut text = String::new();
    Ok(match from.take(LINE_MAX + 1).read_line(&mut text)? {
        0 => None,
        _ if text.len() as u64 > LINE_MAX => Some(None),
        _ => Some(Some(text.trim_end_matches(['\r', '\n']).to_owned())),
    })
}

/// Asks on the terminal. Ctrl-C would end the process while the terminal hides what is typed, so it is caught.
async fn ask() -> Result<String, Exit> {
    let terminal = Terminal::save();
    let (answer, answered) = tokio::sync::oneshot::channel();
    // A thread of its own: the runtime would wait for one of its threads, even if nobody ever answers.
    std::thread::spawn(move || {
        let asked = Password::new()
            .with_prompt("Password")
            .with_confirmation("Repeat for confirmation", "The two entered values do not match.")
            .report(false)
            .interact();
        let _ = answer.send(asked);
    });
    tokio::select! {
        answered = answered => answered.ok().and_then(Result::ok).ok_or(Exit::Aborted),
        _ = tokio::signal::ctrl_c() => {
            terminal.restore();
            output::complain("");
            Err(Exit::Aborted)
        }
    }
}

/// How the terminal was before a question.
struct Terminal {
    #[cfg(unix)]
    modes: Option<rustix::termios::Termios>,
}

impl Terminal {
    #[cfg(unix)]
    fn save() -> Self {
        Self { modes: rustix::termios::tcgetattr(io::stdin()).ok() }
    }

    #[cfg(unix)]
    fn restore(&self) {
        if let Some(modes) = &self.modes {
            let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, modes);
        }
    }

    #[cfg(not(unix))]
    fn save() -> Self {
        Self {}
    }

    #[cfg(not(unix))]
    fn restore(&self) {}
}

/// Two equal lines; asks again until they are, or nothing is left to read.
fn read_twice() -> Result<String, Exit> {
    loop {
        let first = line()?.ok_or(Exit::Aborted)?;
        if first.is_empty() {
            continue;
        }
        if line()?.ok_or(Exit::Aborted)? == first {
            return Ok(first);
        }
        output::complain("Error: The two entered values do not match.");
    }
}

/// A line of standard input without its end; `None` if nothing is left.
fn line() -> Result<Option<String>, Exit> {
    // One lock for the whole line; what follows it stays in the shared buffer.
    let read = line_of(&mut io::stdin().lock()).map_err(|error| Exit::failed(format!("standard input: {error}")))?;
    read.map(|line| line.ok_or_else(too_long)).transpose()
}

/// Asks a question that destroys something; anything but yes ends the command.
pub(crate) fn confirm(question: &str) -> Result<(), Exit> {
    let mut err = io::stderr().lock();
    let _ = write!(err, "{question} [y/N]: ").and_then(|()| err.flush());
    drop(err);
    match line()?.map(|answer| answer.trim().to_ascii_lowercase()).as_deref() {
        Some("y" | "yes") => Ok(()),
        _ => Err(Exit::Aborted),
    }
}
