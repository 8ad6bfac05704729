//! `lychgate attack`: tries on a server of one's own what has gone wrong with others.
//!
//! It looks from outside, as a stranger does, and changes nothing: wrong requests, no right ones. With an account to test
//! with it also signs in and out. It wants proof that the server is the caller's own, and it is bounded in requests and
//! time.

mod account;
mod check;
mod headers;
mod input;
mod ownership;
mod paths;
mod protocol;
mod reply;
mod report;
mod target;
mod tls;
mod trust;

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

pub(crate) use ownership::{PATH as PROOF_PATH, proof};

use self::{
    check::{Check, Result as Checked, Stop},
    target::Target,
};
use crate::{exit::Exit, output, prompt};

/// Try on a server of your own what has gone wrong with others
///
/// It sends wrong requests and looks at the replies; it changes nothing and sends no mail. Prove first that the server is
/// yours: `lychgate attack --prepare attack.token` makes a file; name it in the settings of the server
/// (attack_token_file), then run `lychgate attack URL --token-file attack.token`. The code is 1 if something was found.
#[derive(Debug, Args)]
pub(crate) struct Attack {
    /// Where the server is, with the path below which its pages are: https://app.example or http://127.0.0.1:5000/auth
    #[arg(required_unless_present = "prepare")]
    url: Option<String>,
    /// Make the file that proves that the server is yours, and say what to do with it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["url", "token_file"])]
    prepare: Option<PathBuf>,
    /// The file that --prepare made
    #[arg(long, value_name = "FILE", required_unless_present = "prepare")]
    token_file: Option<PathBuf>,
    /// Also sign in as this user of yours, whose password is asked for (or is in LYCHGATE_PASSWORD)
    #[arg(long, value_name = "EMAIL")]
    account: Option<String>,
    /// Also see whether senders who do not go on are cut off within so many seconds
    #[arg(long, value_name = "SECONDS")]
    slow: Option<u64>,
    /// Certificates to trust beside the public ones, as PEM
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// How to print what was found
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// How many seconds a reply is waited for
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    patience: u64,
    /// The most requests that are sent
    #[arg(long, value_name = "NUMBER", default_value_t = 600)]
    most_requests: u32,
    /// The most seconds that it takes
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    most_time: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Table,
    Json,
    /// For tools that collect findings (SARIF 2.1.0)
    Sarif,
}

/// What is known of a user to sign in as.
#[derive(Debug)]
struct Account {
    email: String,
    password: String,
}

impl Attack {
    pub(crate) async fn run(self) -> Result<(), Exit> {
        if let Some(file) = &self.prepare {
            return ownership::prepare(file);
        }
        let (Some(url), Some(token_file)) = (&self.url, &self.token_file) else {
            return Err(Exit::usage("a URL and --token-file are needed"));
        };
        let limits = target::Limits {
            requests: self.most_requests,
            time: Duration::from_secs(self.most_time),
            reply: Duration::from_secs(self.patience),
            slow: self.slow.map(Duration::from_secs),
        };
        let target = Target::new(url, self.ca.as_deref(), limits)?;
        if self.account.is_some() && !target.is_https() && !target.is_here() {
            return Err(Exit::usage(
                "--account sends a password, which can be read on the way: name the server by https",
            ));
        }
        ownership::demand(&target, token_file)?;
        let account = match &self.account {
            Some(email) => {
                let password = prompt::PasswordSource::default().unseen().await?;
                Some(Account { email: email.clone(), password })
            }
            None => None,
        };
        let results: Vec<(Check, Checked)> = check::all()
            .map(|check| {
                let result = match (&check.needs, &account) {
                    (check::Needs::Account, None) => Err(Stop::skipped("it needs --account")),
                    _ => (check.run)(&target, account.as_ref()),
                };
                (check, result)
            })
            .collect();
        match self.format {
            Format::Table => report::table(&target, &results),
            Format::Json => output::json(&report::json(&target, &results)),
            Format::Sarif => output::json(&report::sarif(&target, &results)),
        }
        if results.iter().any(|(_, result)| check::is_finding(result)) { Err(Exit::Reported) } else { Ok(()) }
    }
}
