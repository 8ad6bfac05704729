//! The arguments, and the way from them to a command.

use std::{ffi::OsString, future::Future, path::PathBuf, process::ExitCode};

use clap::{Args, Command as Parser, FromArgMatches as _, Subcommand};

use crate::{commands, config::Config, exit::Exit, open, usage};

const ABOUT: &str = "Sign-in, accounts and permissions for web applications";
const COMMON: &str = "Common options";
const HELP: &str = "\
First steps:
  lychgate serve                         start; it prints a link to set up the first administrator
  lychgate users create --admin EMAIL    or make one here; the password is asked for
  lychgate init                          write a commented lychgate.toml to change settings in
  lychgate doctor                        are settings, database, clock and mail in order?

Every day:
  lychgate overview                      how things are, and what waits for somebody
  lychgate users list --search joe       find people; `users show` says all about one
  lychgate explain joe@lp.com /admin     why somebody may do something, or may not
  lychgate audit list --user joe@lp.com  what happened

Exit codes: 0 done, also where it was so already
            1 it was tried and did not work
            2 it cannot be done as it was written
Settings come from lychgate.toml, then the environment (SECURITY_URL_PREFIX, DATABASE_URL …), then
options; `lychgate settings` shows where each came from.";

// What every command takes. (A doc comment would become the help of the command that flattens it.)
#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// The settings file [default: lychgate.toml if it is there]
    #[arg(long, global = true, help_heading = COMMON, value_name = "FILE", env = "LYCHGATE_CONFIG", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,
    /// The folder of the database and the secrets of an installation that names no others
    #[arg(long, global = true, help_heading = COMMON, value_name = "DIR", env = "LYCHGATE_DATA", default_value = "instance", hide_env_values = true)]
    pub(crate) data: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(commands::serve::Serve),
    Init(commands::init::Init),
    /// Create, change, list and delete users
    ///
    /// USER is an e-mail address, a username, or whatever else the settings let people sign in with. What the panel of
    /// administrators does is here as well; `--json` gives what a program reads.
    #[command(subcommand)]
    Users(commands::users::Users),
    /// Create, change, list and delete roles, and give them to users
    ///
    /// Names of roles tell upper case from lower case. --dry-run says of a change who would gain or lose what.
    #[command(subcommand)]
    Roles(commands::roles::Roles),
    /// List the API keys of users, and take them back
    ///
    /// They are made on the account page alone, where their owner proves who they are.
    #[command(subcommand)]
    Keys(commands::keys::Keys),
    /// List who is signed in, and end sessions
    ///
    /// What names a session here is no secret: it does not sign anybody in.
    ///
    /// Acting as somebody else is begun in the panel of administrators alone: it needs the administrator's own browser and a
    /// proof given there a moment ago. `list --acting` shows who does, and `end` ends it.
    #[command(subcommand)]
    Sessions(commands::sessions::Sessions),
    /// Mails and text messages: list them, try dead ones again or drop them, send one to try out
    ///
    /// What a message says is never shown, as it may hold a link that signs somebody in.
    #[command(subcommand)]
    Outbox(commands::outbox::Outbox),
    /// What is still in use of which key, and encrypting anew with today's
    #[command(subcommand)]
    Secrets(commands::secrets::Secrets),
    Overview(commands::overview::Overview),
    Settings(commands::settings::Settings),
    /// What new passwords are compared with
    #[command(subcommand)]
    Passwords(commands::passwords::Passwords),
    Explain(commands::explain::Explain),
    /// Read the audit log, and look whether it is as it was written
    ///
    /// It is written where the setting `audit` is on.
    #[command(subcommand)]
    Audit(commands::audit::Audit),
    Attack(commands::attack::Attack),
    Doctor(commands::doctor::Doctor),
    Routes(commands::routes::Routes),
    Openapi(commands::openapi::Openapi),
}

/// What the command groups for users and roles are called; nothing removes a group.
struct Groups {
    users: String,
    roles: String,
}

impl Groups {
    const USUAL: [&str; 2] = ["users", "roles"];

    /// From the settings, as far as they can be read: names are needed before anything can go wrong properly.
    fn read(args: &[OsString]) -> Self {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let find =
            |option: &str, name: &str| usage::value_of(option, args).or_else(|| variable(name)).map(PathBuf::from);
        let global = Global {
            config: find("--config", "LYCHGATE_CONFIG"),
            data: find("--data", "LYCHGATE_DATA").unwrap_or_else(|| "instance".into()),
        };
        match Config::load(&global, None) {
            Ok(Config { settings, .. }) => Self {
                users: settings.text("cli_users_name").to_owned(),
                roles: settings.text("cli_roles_name").to_owned(),
            },
            Err(_) => Self { users: Self::USUAL[0].to_owned(), roles: Self::USUAL[1].to_owned() },
        }
    }

    fn names(&self) -> [(&'static str, &str); 2] {
        [(Self::USUAL[0], &self.users), (Self::USUAL[1], &self.roles)]
    }
}

fn parser(groups: &Groups) -> Parser {
    let mut parser = Parser::new("lychgate")
        .version(env!("CARGO_PKG_VERSION"))
        .about(ABOUT)
        .after_help(HELP)
        .subcommand_required(true)
        .arg_required_else_help(true);
    parser = Command::augment_subcommands(Global::augment_args(parser));
    for (usual, name) in groups.names() {
        parser = match name {
            "" => parser.mut_subcommand(usual, |group| group.hide(true)),
            // The parser wants names that live as long as the program does, as these do.
            name => parser.mut_subcommand(usual, |group| group.name(&*name.to_owned().leak())),
        };
    }
    parser
}

/// Runs the command line.
pub(crate) fn run(args: Vec<OsString>) -> ExitCode {
    let groups = Groups::read(&args);
    let mut parser = parser(&groups);
    let matches = match parser.try_get_matches_from_mut(args) {
        Ok(matches) => matches,
        Err(error) => return usage::refuse(&error).into(),
    };
    let path = usage::path(&matches);
    let parsed = Global::from_arg_matches(&matches).and_then(|global| Ok((global, command(&groups, &matches)?)));
    let (global, command) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return usage::refuse(&error.format(&mut parser)).into(),
    };
    match execute(&global, command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => {
            match &exit {
                Exit::Usage(text) => usage::complain(&mut parser, &path, text),
                other => open::report(other),
            }
            exit.code().into()
        }
    }
}

fn command(groups: &Groups, matches: &clap::ArgMatches) -> Result<Command, clap::Error> {
    let Some((called, below)) = matches.subcommand() else {
        return Command::from_arg_matches(matches);
    };
    let group = groups.names().into_iter().find(|(_, name)| *name == called);
    match group {
        Some(("users", _)) => commands::users::Users::from_arg_matches(below).map(Command::Users),
        Some(("roles", _)) => commands::roles::Roles::from_arg_matches(below).map(Command::Roles),
        _ if Groups::USUAL.contains(&called) => Err(clap::Error::raw(
            clap::error::ErrorKind::InvalidSubcommand,
            format!("unrecognized subcommand '{called}': the settings remove this group"),
        )),
        _ => Command::from_arg_matches(matches),
    }
}

fn execute(global: &Global, command: Command) -> Result<(), Exit> {
    match command {
        Command::Serve(serve) => {
            serve.start_log();
            block_on(tokio::runtime::Builder::new_multi_thread(), serve.run(global))
        }
        other => {
            crate::log::start("error", false);
            let work = async {
                match other {
                    Command::Serve(_) => Ok(()),
                    Command::Init(init) => init.run(global),
                    Command::Users(users) => users.run(global).await,
                    Command::Roles(roles) => roles.run(global).await,
                    Command::Keys(keys) => keys.run(global).await,
                    Command::Sessions(sessions) => sessions.run(global).await,
                    Command::Outbox(outbox) => outbox.run(global).await,
                    Command::Overview(overview) => overview.run(global).await,
                    Command::Settings(settings) => settings.run(global),
                    Command::Passwords(passwords) => passwords.run(),
                    Command::Secrets(secrets) => secrets.run(global).await,
                    Command::Explain(explain) => explain.run(global).await,
                    Command::Audit(audit) => audit.run(global).await,
                    Command::Attack(attack) => attack.run().await,
                    Command::Doctor(doctor) => doctor.run(global).await,
                    Command::Routes(routes) => routes.run(global).await,
                    Command::Openapi(openapi) => openapi.run(global).await,
                }
            };
            block_on(tokio::runtime::Builder::new_current_thread(), work)
        }
    }
}

fn block_on(mut builder: tokio::runtime::Builder, work: impl Future<Output = Result<(), Exit>>) -> Result<(), Exit> {
    let runtime = builder.enable_all().build().map_err(|error| Exit::failed(format!("cannot start: {error}")))?;
    runtime.block_on(work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parser_is_sound() {
        parser(&Groups { users: "users".to_owned(), roles: "roles".to_owned() }).debug_assert();
        parser(&Groups { users: "people".to_owned(), roles: String::new() }).debug_assert();
    }
}
