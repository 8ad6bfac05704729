//! `lychgate users bulk`: the same done to many, with progress.

use std::io::IsTerminal as _;

use clap::{Args, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use lychgate::Lychgate;
use lychgate_admin::jobs::{self, Hand, Job, Obstacle};
use serde_json::Value;

use super::filter::Filter;
use crate::{
    exit::Exit,
    output::{self, done},
    prompt,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Bulk {
    Begin(Begin),
    /// Go on with a job that was stopped or cancelled
    Resume,
    /// Cancel the job that is running, wherever it runs; what is done stays done
    Cancel,
    Status(Status),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Action {
    /// Let them sign in
    Activate,
    /// Keep them from signing in, at once and everywhere
    Deactivate,
    /// End their sessions, tokens and API keys
    EndSessions,
    /// Mail each a link to choose a new password
    SendReset,
    /// End all but the password: sessions, tokens, second factors, passkeys, recovery codes
    ResetAccess,
    /// Delete them with everything that belongs to them
    Delete,
}

/// Do something to everybody who is meant
#[derive(Debug, Args)]
pub(crate) struct Begin {
    /// What is done to each
    action: Action,
    #[command(flatten)]
    filter: Filter,
    /// Everybody: needed where no other option says who
    #[arg(long)]
    everybody: bool,
    /// Say only how many are meant, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

/// Say how far the last job is
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Action {
    fn word(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

fn stopped(obstacle: Obstacle) -> Exit {
    match obstacle {
        Obstacle::Store(error) => error.into(),
        Obstacle::Busy => Exit::usage(
            "Another change of many is running: `lychgate users bulk status` shows it, `cancel` ends it. (One whose \
             process was killed counts as stopped after two minutes; then `resume` goes on.)",
        ),
        Obstacle::NoJob => Exit::usage("There is no such job: `lychgate users bulk status` shows the last one."),
        other => Exit::usage(other.to_string()),
    }
}

impl Bulk {
    pub(super) async fn run(self, gate: &Lychgate) -> Result<(), Exit> {
        let hand = Hand::CommandLine(gate.clone());
        match self {
            Self::Begin(begin) => begin.run(gate, &hand).await,
            Self::Resume => work(&hand, Job::resume(&hand).await.map_err(stopped)?).await,
            Self::Cancel => {
                Job::cancel(&hand).await.map_err(stopped)?;
                done("The job is cancelled. What is done stays done.");
                Ok(())
            }
            Self::Status(status) => status.run(gate).await,
        }
    }
}

impl Begin {
    async fn run(self, gate: &Lychgate, hand: &Hand) -> Result<(), Exit> {
        if self.filter.is_everybody() != self.everybody {
            return Err(Exit::usage(match self.everybody {
                true => "--everybody stands alone: the other options say that not everybody is meant.",
                false => "Say who is meant, by --role, --state, --search … or --everybody.",
            }));
        }
        let (action, query) = (self.action.word(), self.filter.text());
        let count = jobs::count(gate, &query).await.map_err(stopped)?;
        if self.dry_run {
            done(format_args!("{} meant; nothing is done, as this only looks.", users_are(count)));
            return Ok(());
        }
        if !self.yes {
            prompt::confirm(&format!("{action}: {count} users. Do it?"))?;
        }
        work(hand, Job::begin(hand, &crate::secrets::random_text()?, &action, &query).await.map_err(stopped)?).await
    }
}

fn users_are(count: i64) -> String {
    if count == 1 { "1 user is".to_owned() } else { format!("{count} users are") }
}

/// Works a job off until it is done, or Ctrl-C stops it.
async fn work(hand: &Hand, mut job: Job) -> Result<(), Exit> {
    let bar =
        if std::io::stderr().is_terminal() { ProgressBar::new(job.number("total")) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {human_pos}/{human_len} {eta}") {
        bar.set_style(style);
    }
    let told = tokio::signal::ctrl_c();
    tokio::pin!(told);
    loop {
        bar.set_position(job.number("seen"));
        let mut interrupted = false;
        let more = {
            let step = job.step(hand);
            tokio::pin!(step);
            loop {
                // The few at hand are done to their end, so that the place that is written down is right.
                tokio::select! {
                    more = &mut step => break more,
                    _ = &mut told, if !interrupted => interrupted = true,
                }
            }
        };
        let more = more.map_err(|obstacle| {
            bar.finish_and_clear();
            output::complain("It stopped; `lychgate users bulk resume` goes on.");
            stopped(obstacle)
        })?;
        if !more {
            break;
        }
        if interrupted {
            job = Job::leave(hand).await.map_err(stopped)?;
            break;
        }
        tokio::task::yield_now().await;
    }
    bar.finish_and_clear();
    told_of(job.value());
    match job.state() {
        "done" => Ok(()),
        "stopped" => {
            output::complain("Stopped; `lychgate users bulk resume` goes on.");
            Err(Exit::Reported)
        }
        _ => {
            output::complain(format_args!("The job is {} now, by somebody else.", job.state()));
            Err(Exit::Reported)
        }
    }
}

/// Says what became of each.
fn told_of(job: &Value) {
    for one in job["refused"].as_array().into_iter().flatten() {
        let text = |name: &str| output::printable(one[name].as_str().unwrap_or_default());
        output::complain(format_args!("{}: {}", text("email"), text("error")));
    }
    let action = job["action"].as_str().unwrap_or_default();
    done(format_args!(
        "{}: {} of {} users; {} changed, {} were so already or could not be.",
        output::printable(action),
        job["seen"],
        job["total"],
        job["changed"],
        job["not_changed"]
    ));
}

impl Status {
    async fn run(self, gate: &Lychgate) -> Result<(), Exit> {
        let job = Job::kept(gate).await?;
        if self.json {
            output::json(job.as_ref().map_or(&Value::Null, Job::value));
            return Ok(());
        }
        let Some(job) = job else {
            output::line("There was no job yet.");
            return Ok(());
        };
        let by = job.value()["by"].as_str().unwrap_or_default();
        output::line(format_args!("The job of {} is {}.", output::printable(by), job.state()));
        told_of(job.value());
        Ok(())
    }
}
