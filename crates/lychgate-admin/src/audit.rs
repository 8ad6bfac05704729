//! The audit log: who did what to whom, the last first.

use std::collections::HashMap;

use lychgate::store::AuditQuery;
use serde_json::{Value, json};

use crate::{
    ask::{Answer, Ask, Stop, object},
    kinds::{kind, kinds},
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
        // Deleted accounts have no name any more.
        let mut names: HashMap<i64, String> = HashMap::new();
        let ids: Vec<i64> = found.iter().flat_map(|record| [record.actor_id, record.user_id]).flatten().collect();
        for id in ids {
            if !names.contains_key(&id)
                && let Some(user) = ask.gate().store().user_by_id(id).await?
            {
                names.insert(id, user.email.clone());
            }
        }
        let name = |id: Option<i64>| id.and_then(|id| names.get(&id));
        let entries: Vec<Value> = found
            .iter()
            .map(|record| {
                let mut value = record.to_json();
                value["actor_email"] = name(record.actor_id).cloned().into();
                value["user_email"] = name(record.user_id).cloned().into();
                value["label"] = kind(&record.kind).map(|text| text.to(&ask.operator)).into();
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
        let mut values = json!({
            "entries": entries,
            "next": next,
            "next_url": next_url,
            "on": audit.is_on(),
            "asked_user": ask.query("user"),
            "asked_kind": ask.query("kind"),
            "asked_request": ask.query("request"),
        });
        if !ask.json {
            let all = kinds().map(|(word, text)| json!({"word": word, "text": text.to(&ask.operator)}));
            values["kinds"] = all.collect::<Vec<_>>().into();
        }
        Ok::<_, Stop>(values)
    };
    let values = made.await.map_err(|stop| ask.stop(stop))?;
    Ok(ask.page("admin/audit.html", "audit", object(values)))
}
