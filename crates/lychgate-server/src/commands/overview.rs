//! `lychgate overview`: how things are, in a few numbers.

use clap::Args;
use lychgate::Lychgate;
use lychgate_store::OutboxState;
use serde_json::{Value, json};
use time::Duration;

use crate::{cli::Global, exit::Exit, open, output};

/// The longest bar, in characters.
const WIDEST: i64 = 40;

/// Say how things are: users, sign-ins and failures of the last days, what waits for somebody
///
/// The numbers of sign-ins are there where the setting `activity` is on.
#[derive(Debug, Args)]
pub(crate) struct Overview {
    /// Days to look back
    #[arg(long, value_name = "NUMBER", default_value_t = 14, value_parser = clap::value_parser!(i64).range(1..=90))]
    days: i64,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Overview {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Exit> {
        let gate = open::gate(global, None, false).await?;
        let result = self.show(&gate).await;
        open::closing(&gate, result).await
    }

    async fn show(&self, gate: &Lychgate) -> Result<(), Exit> {
        let (store, now) = (gate.store(), gate.now());
        let kinds = ["sign-in", "sign-in-failed"];
        let counts = store.activity_counts(&kinds, now - Duration::days(self.days - 1), false).await?;
        let of = |kind: &str, day: &str| {
            counts.iter().find(|one| one.kind == kind && one.when == day).map_or(0, |one| one.count)
        };
        let days: Vec<(String, i64, i64)> = (0..self.days)
            .rev()
            .map(|back| (now - Duration::days(back)).date().to_string())
            .map(|day| (day.clone(), of(kinds[0], &day), of(kinds[1], &day)))
            .collect();
        let hour = store.activity_counts(&kinds, now - Duration::HOUR, true).await?;
        let failed: i64 = hour.iter().filter(|one| one.kind == kinds[1]).map(|one| one.count).sum();
        let table: Vec<Value> =
            days.iter().map(|(day, good, bad)| json!({"day": day, "sign_ins": good, "failures": bad})).collect();
        let values = json!({
            "users": store.count_users().await?,
            "waiting": store.count_marked("waiting").await?,
            "suspended": store.count_marked("suspended").await?,
            "signed_in_today": days.last().map_or(0, |(_, good, _)| *good),
            "failed_last_hour": failed,
            "dead_letters": store.count_outbox(OutboxState::Dead).await?,
            "waiting_letters": store.count_outbox(OutboxState::Waiting).await?,
            "days": table,
        });
        if self.json {
            output::json(&values);
            return Ok(());
        }
        for (name, text, advice) in [
            ("users", "Users", ""),
            ("waiting", "Wait to be approved", "lychgate users waiting"),
            ("suspended", "Suspended", "lychgate users suspended"),
            ("signed_in_today", "Sign-ins today (UTC)", ""),
            ("failed_last_hour", "Failed in the last hour", "lychgate audit list --what sign-in-failed"),
            ("waiting_letters", "Messages to be sent", "lychgate outbox list --state waiting"),
            ("dead_letters", "Messages given up", "lychgate outbox list --state dead"),
        ] {
            let number = values[name].as_i64().unwrap_or_default();
            let advice = if number == 0 { "" } else { advice };
            output::line(format!("{text:<25} {number:>9}   {advice}").trim_end());
        }
        let most = days.iter().map(|(_, good, bad)| good + bad).max().unwrap_or_default().max(1);
        output::line("");
        output::line("Day          sign-ins  failures");
        for (day, good, bad) in days {
            let bar = |count: i64, of: &str| of.repeat(usize::try_from(count * WIDEST / most).unwrap_or_default());
            output::line(format!("{day} {good:>10} {bad:>9}   {}{}", bar(good, "#"), bar(bad, "x")).trim_end());
        }
        Ok(())
    }
}
