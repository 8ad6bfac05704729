//! Questions: passwords, which are never shown, and yes or no.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};

use dialoguer::Password;

use crate::{exit::Exit, output};

/// The variable that a password may come from.
const VARIABLE: &str = "LYCHGATE_PASSWORD";
/// The longest line that is read, in bytes.
const LINE_MAX: u64 = 4096;

// Where a password comes from, as far as the command line says.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct PasswordSource {
    /// The password. Unsafe: other users of the machine can see it, and the shell remembers it
    #[arg(long, value_name = "TEXT", conflicts_with = "password_stdin")]
    password: Option<String>,
    /// Read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
}

impl PasswordSource {
    /// The password: given, from standard input, from `LYCHGATE_PASSWORD`, or asked for twice.
    pub(crate) async fn get(self) -> Result<String, Exit> {
        if let Some(password) = self.password {
            output::complain("Warning: other users of this machine could see the password; use --password-stdin.");
            return Ok(password);
        }
        if self.password_stdin {
            return line()?.ok_or_else(|| Exit::usage("--password-stdin: standard input is empty"));
        }
        match std::env::var(VARIABLE) {
            Ok(password) => return Ok(password),
            Err(std::env::VarError::NotUnicode(_)) => return Err(Exit::usage(format!("{VARIABLE} is not Unicode"))),
            Err(std::env::VarError::NotPresent) => {}
        }
        if io::stdin().is_terminal() { ask().await } else { read_twice() }
    }
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
    let mut text = String::new();
    // One lock for the whole line; what follows it stays in the shared buffer.
    let read = io::stdin().lock().take(LINE_MAX + 1).read_line(&mut text);
    match read.map_err(|error| Exit::failed(format!("standard input: {error}")))? {
        0 => Ok(None),
        _ if text.len() as u64 > LINE_MAX => Err(Exit::usage("the line is too long")),
        _ => Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned())),
    }
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
