//! The audit log: who did what to whom, the last first.

use lychgate::store::AuditQuery;
use serde_json::{Value, json};

use crate::{
    ask::{Answer, Ask, Stop, object},
    texts::say,
};

/// Entries on a page.
const PER_PAGE: u32 = 50;

fn number(ask: &Ask, name: &'static str) -> Result<Option<i64>, Stop> {
    match ask.query(name) {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| Stop::bad(say("%(name)s is a number").with("name", name))),
    }
}

pub(crate) async fn list(ask: Ask) -> Answer {
    let made = async {
        let audit = ask.gate().audit();
        let text = |name| Some(ask.query(name).to_owned()).filter(|text| !text.is_empty());
        let query = AuditQuery {
            involving: number(&ask, "user")?,
            kinds: text("kind").into_iter().collect(),
            request_id: text("request"),
            before: number(&ask, "before")?,
            limit: PER_PAGE,
            ..AuditQuery::default()
        };
        let found = audit.page(&query).await?;
        let full = found.len() == PER_PAGE as usize;
        let next = found.last().filter(|_| full).map(|last| last.number);
        let entries: Vec<Value> = found
            .iter()
            .map(|record| {
                let mut value = record.to_json();
                value["ago"] = ask.operator.ago(record.at).into();
                value["said"] = ["what", "detail", "by", "needed", "address", "path"]
                    .map(|name| record.detail(name))
                    .into_iter()
                    .filter(|text| !text.is_empty())
                    .collect::<Vec<_>>()
                    .join(" · ")
                    .into();
                value
            })
            .collect();
        let next_url = next.map(|next| {
            let mut to = form_urlencoded::Serializer::new(String::new());
            for name in ["user", "kind", "request"] {
                to.extend_pairs(text(name).map(|value| (name, value)));
            }
            format!("?{}", to.append_pair("before", &next.to_string()).finish())
        });
        Ok::<_, Stop>(json!({
            "entries": entries,
            "next": next,
            "next_url": next_url,
            "on": audit.is_on(),
            "asked_user": ask.query("user"),
            "asked_kind": ask.query("kind"),
            "asked_request": ask.query("request"),
        }))
    };
    let values = made.await.map_err(|stop| ask.stop(stop))?;
    Ok(ask.page("admin/audit.html", "audit", object(values)))
}
