//! `lychgate doctor`: what is wrong, and what to do about it.

mod checks;
mod mail;
mod tls;

use clap::Args;
use lychgate::Lychgate;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::{cli::Global, config::Config, exit::Exit, output};

/// Check settings, secrets, database, clock, certificate and mail, and say what to do
///
/// Ends with 0 if nothing has to be done, else with 1.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Ok,
    Warning,
    Problem,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug)]
struct Finding {
    section: &'static str,
    level: Level,
    text: String,
    advice: Option<String>,
}

/// What was found so far.
#[derive(Debug, Default)]
struct Report(Vec<Finding>);

impl Report {
    fn ok(&mut self, section: &'static str, text: impl Into<String>) {
        self.0.push(Finding { section, level: Level::Ok, text: text.into(), advice: None });
    }

    fn warn(&mut self, section: &'static str, text: impl Into<String>, advice: Option<&str>) {
        let advice = advice.map(str::to_owned);
        self.0.push(Finding { section, level: Level::Warning, text: text.into(), advice });
    }

    fn problem(&mut self, section: &'static str, text: impl Into<String>, advice: impl Into<String>) {
        self.0.push(Finding { section, level: Level::Problem, text: text.into(), advice: Some(advice.into()) });
    }

    fn problems(&self) -> usize {
        self.0.iter().filter(|finding| finding.level == Level::Problem).count()
    }

    fn print(&self) {
        let mut section = "";
        for finding in &self.0 {
            if finding.section != section {
                section = finding.section;
                output::line(section);
            }
            let mark = match finding.level {
                Level::Ok => output::painted("ok      ", "32"),
                Level::Warning => output::painted("warning ", "33"),
                Level::Problem => output::painted("problem ", "31"),
            };
            output::line(format_args!("  {mark} {}", output::printable(&finding.text)));
            if let Some(advice) = &finding.advice {
                output::line(format_args!("           what to do: {}", output::printable(advice)));
            }
        }
        match self.problems() {
            0 => output::line("Nothing has to be done."),
            1 => output::line("1 problem."),
            count => output::line(format_args!("{count} problems.")),
        }
    }

    fn json(&self) -> Value {
        let findings: Vec<Value> = self
            .0
            .iter()
            .map(|finding| {
                json!({
                    "section": finding.section,
                    "level": finding.level.name(),
                    "text": finding.text,
                    "what_to_do": finding.advice,
                })
            })
            .collect();
        json!({"ok": self.problems() == 0, "findings": findings})
    }
}

impl Doctor {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Exit> {
        let mut report = Report::default();
        match Config::load(global, None) {
            Ok(config) => {
                if let Err(error) = Lychgate::builder().settings(config.settings.clone()).check() {
                    wrong(&mut report, &error.to_string());
                }
                checks::settings(&mut report, &config);
                checks::secrets(&mut report, &config);
                checks::database(&mut report, &config).await;
                checks::clock(&mut report, &config);
                tls::check(&mut report, &config.settings, OffsetDateTime::now_utc());
                mail::check(&mut report, &config.settings).await;
            }
            Err(Exit::Settings(lines)) => {
                wrong(&mut report, &lines);
            }
            Err(other) => return Err(other),
        }
        if self.json {
            output::json(&report.json())
        } else {
            report.print()
        }
        if report.problems() == 0 { Ok(()) } else { Err(Exit::Reported) }
    }
}

/// A problem for each line about the settings.
fn wrong(report: &mut Report, lines: &str) {
    for line in lines.lines() {
        report.problem(
            "settings",
            line,
            "put it right in the file or variable named; `lychgate settings NAME` and docs/SETTINGS.md explain each",
        );
    }
}
