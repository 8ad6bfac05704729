//! Who may do something, and why somebody was refused.

use lychgate::{Need, Permission};
use serde_json::{Value, json};

use crate::{
    ask::{Answer, Ask, Stop, object},
    texts::say,
    view::iso,
};

/// People on a page.
const MOST: usize = 50;

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
                .map(|one| json!({"id": one.user.id, "email": one.user.email, "why": one.why.to_json(), "text": one.why.to_string()}))
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
