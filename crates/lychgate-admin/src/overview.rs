//! How things are: a few numbers, and sign-ins and failures as a picture.

use lychgate::store::OutboxState;
use serde_json::json;
use time::Duration;

use crate::{
    ask::{Answer, Ask, Stop, object},
    chart,
};

/// Days in the picture.
const DAYS: i64 = 14;

pub(crate) async fn show(ask: Ask) -> Answer {
    let made = async {
        let (store, now) = (ask.gate().store(), ask.operator.now());
        let kinds = ["sign-in", "sign-in-failed"];
        let counts = store.activity_counts(&kinds, now - Duration::days(DAYS - 1), false).await?;
        let of = |kind: &str, day: &str| {
            counts.iter().find(|one| one.kind == kind && one.when == day).map_or(0, |one| one.count)
        };
        let days: Vec<chart::Day> = (0..DAYS)
            .rev()
            .map(|back| (now - Duration::days(back)).date().to_string())
            .map(|day| chart::Day { good: of("sign-in", &day), bad: of("sign-in-failed", &day), day })
            .collect();
        let hour = store.activity_counts(&kinds, now - Duration::HOUR, true).await?;
        let failed: i64 = hour.iter().filter(|one| one.kind == "sign-in-failed").map(|one| one.count).sum();
        let table: Vec<_> =
            days.iter().map(|day| json!({"day": day.day, "sign_ins": day.good, "failures": day.bad})).collect();
        Ok::<_, Stop>(json!({
            "users": store.count_users().await?,
            "waiting": store.count_marked("waiting").await?,
            "suspended": store.count_marked("suspended").await?,
            "signed_in_today": days.last().map_or(0, |day| day.good),
            "failed_last_hour": failed,
            "dead_letters": store.count_outbox(OutboxState::Dead).await?,
            "waiting_letters": store.count_outbox(OutboxState::Waiting).await?,
            "days": table,
            "chart": if ask.json { None } else { Some(chart::bars(&days)) },
        }))
    };
    let values = made.await.map_err(|stop| ask.stop(stop))?;
    Ok(ask.page("admin/overview.html", "overview", object(values)))
}
