//! From settings to an open gate, making on the first start what is not there yet.

use lychgate::Lychgate;

use crate::{cli::Global, config::Config, exit::Exit, files, output};

/// Opens the database that the settings name and keeps fresh secrets.
///
/// With `serves` it also empties the outbox and forgets what is over; a program for one command leaves that to the server.
pub(crate) async fn gate(global: &Global, listen: Option<&str>, serves: bool) -> Result<Lychgate, Exit> {
    // Two first starts at once: the slower one runs with the secrets of the faster one.
    for _ in 0..2 {
        let config = Config::load(global, listen)?;
        for (path, mode) in config.open_files() {
            tracing::warn!("{} can be read by others (mode {mode:03o}): chmod 600 {}", path.display(), path.display());
        }
        if let Some(gate) = attempt(config, serves).await? {
            return Ok(gate);
        }
    }
    Err(Exit::failed("the secrets are being changed by another process; try again"))
}

async fn attempt(config: Config, serves: bool) -> Result<Option<Lychgate>, Exit> {
    if config.has_own_database() {
        files::make_private_folder(&config.data)
            .map_err(|error| Exit::failed(format!("cannot make the folder {}: {error}", config.data.display())))?;
    }
    let must_be_kept = config.secrets.must_be_kept(&config.settings);
    let fresh_salt = config.secrets.runs_with_fresh(&config.settings, "password_salt");
    let acts = if serves { "system" } else { "command-line" };
    let builder = Lychgate::builder().settings(config.settings).setup_link(true).outbox_worker(serves).acts_as(acts);
    let gate = builder.build().await?;
    if fresh_salt && gate.store().count_users().await? > 0 {
        gate.store().close().await;
        return Err(Exit::Settings(format!(
            "settings: the database has users, but password_salt is nowhere to be found, and without it no password of \
             theirs can be checked: restore {}, or write the password_salt and secret_key that they were made with \
             into lychgate.toml",
            config.secrets.name()
        )));
    }
    if must_be_kept && !config.secrets.keep()? {
        gate.store().close().await;
        return Ok(None);
    }
    Ok(Some(gate))
}

/// Ends the use of a gate: what was entered in the audit log is sealed, and the database is closed.
pub(crate) async fn closing<T>(gate: &Lychgate, result: Result<T, Exit>) -> Result<T, Exit> {
    let sealed = gate.audit().finish().await;
    gate.store().close().await;
    result.and_then(|done| sealed.map(|()| done).map_err(Exit::from))
}

/// Prints the reason for which a command ends.
pub(crate) fn report(exit: &Exit) {
    match exit {
        Exit::Usage(text) | Exit::Failed(text) => output::complain(format_args!("Error: {text}")),
        Exit::Settings(lines) => output::complain(lines),
        Exit::Aborted => output::complain("Aborted!"),
        Exit::Reported => {}
    }
}
