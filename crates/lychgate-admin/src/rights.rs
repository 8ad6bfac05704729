//! Who may do something, and why somebody was refused.

use lychgate::{Asked, Explanation, Need, Origin, Permission};
use serde_json::{Value, json};

use crate::{
    ask::{Answer, Ask, Stop, object},
    texts::{Text, say},
    view::iso,
};

/// People on a page.
const MOST: usize = 50;

/// The deepest part that is set apart from the one above it.
const DEEPEST: usize = 6;

/// An explanation, a line for each of its parts, in the language of the reader.
fn lines(ask: &Ask, why: &Explanation) -> Vec<Value> {
    let mut all = Vec::new();
    add_lines(ask, why, 0, &mut all);
    all
}

fn add_lines(ask: &Ask, why: &Explanation, depth: usize, all: &mut Vec<Value>) {
    let from: Vec<String> = why.from.iter().map(|origin| source(origin).to(&ask.operator)).collect();
    let text = asked(why).to(&ask.operator);
    all.push(json!({"depth": depth.min(DEEPEST), "holds": why.holds, "text": text, "from": from}));
    for part in &why.parts {
        add_lines(ask, part, depth + 1, all);
    }
}

fn asked(why: &Explanation) -> Text {
    match &why.asked {
        Asked::Need(need) => {
            let name = need.value().to_string();
            if *need == Need::role(name.clone()) {
                say("role %(name)s").with("name", name)
            } else if *need == Need::permission(name.clone()) {
                say("permission %(name)s").with("name", name)
            } else {
                need.to_string().into()
            }
        }
        Asked::Any if why.parts.is_empty() => say("one of none"),
        Asked::Any => say("at least one of"),
        Asked::All if why.parts.is_empty() => say("all of none"),
        Asked::All => say("all of"),
        Asked::Not => say("not"),
        other => other.to_string().into(),
    }
}

fn source(origin: &Origin) -> Text {
    match origin {
        Origin::Account => say("the account itself"),
        Origin::Role(name) => say("role %(name)s").with("name", name),
        Origin::Application => say("the application"),
        other => other.to_string().into(),
    }
}

pub(crate) async fn show(ask: Ask) -> Answer {
    let made = async {
        let gate = ask.gate();
        let (permission, reference) = (ask.query("permission"), ask.query("refusal"));
        let mut values = json!({"permission": permission, "refusal": reference});
        if !permission.is_empty() {
            let asked = match (gate.named_permission(permission), permission.strip_prefix("role:")) {
                (Some(named), _) => named.clone(),
                (None, Some(role)) => Permission::from(Need::role(role.to_owned())),
                (None, None) => Permission::from(Need::permission(permission.to_owned())),
            };
            let after = Some(ask.query("after")).filter(|after| !after.is_empty());
            let found = gate.who_can(&asked, after, MOST).await.map_err(|error| Stop::bad(error.to_string()))?;
            let people: Vec<Value> = found
                .people
                .iter()
                .map(|one| json!({"id": one.user.id, "email": one.user.email, "why": one.why.to_json(), "lines": lines(&ask, &one.why)}))
                .collect();
            values["people"] = people.into();
            values["next"] = found.next.clone().into();
            values["next_url"] = found
                .next
                .map(|next| {
                    let mut to = form_urlencoded::Serializer::new(String::new());
                    format!("?{}", to.append_pair("permission", permission).append_pair("after", &next).finish())
                })
                .into();
        }
        if !reference.is_empty() {
            let found = gate.explain_refusal(reference).await.map_err(|error| Stop::bad(error.to_string()))?;
            let found = found.ok_or_else(|| {
                Stop::reply(http::StatusCode::NOT_FOUND, say("No refusal is known by this reference."))
            })?;
            values["refused"] = json!({
                "reference": found.refusal.id,
                "at": iso(found.refusal.at),
                "method": found.refusal.method,
                "path": found.refusal.path,
                "needed": found.refusal.needed,
                "missing": found.refusal.missing,
                "user": found.user.map(|user| json!({"id": user.id, "email": user.email})),
            });
        }
        Ok(values)
    };
    let values = made.await.map_err(|stop| ask.stop(stop))?;
    Ok(ask.page("admin/rights.html", "rights", object(values)))
}
