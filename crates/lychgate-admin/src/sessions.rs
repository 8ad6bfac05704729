//! Who is signed in, and where.

use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    ask::{Answer, Ask, Stop, object},
    view::{iso, session},
};

/// Sessions on a page.
const PER_PAGE: u32 = 50;

pub(crate) async fn list(ask: Ask) -> Answer {
    let made = async {
        let before = match ask.query("before") {
            "" => None,
            text => Some(OffsetDateTime::parse(text, &Rfc3339).map_err(|_| Stop::bad("before is no time"))?),
        };
        let store = ask.gate().store();
        let found = store.live_sessions(before, PER_PAGE, ask.operator.now()).await?;
        let full = found.len() == PER_PAGE as usize;
        let next = found.last().filter(|_| full).and_then(|one| iso(one.created_at));
        let mut sessions = Vec::with_capacity(found.len());
        for one in &found {
            let mut value: Value = session(&ask.operator, one);
            value["email"] = store.user_by_id(one.user_id).await?.map(|user| user.email.clone()).into();
            sessions.push(value);
        }
        let url = next.as_ref().map(|next| {
            let query = form_urlencoded::Serializer::new(String::new()).append_pair("before", next).finish();
            format!("?{query}")
        });
        Ok::<_, Stop>(json!({"sessions": sessions, "next": next, "next_url": url}))
    };
    let values = made.await.map_err(|stop| ask.stop(stop))?;
    Ok(ask.page("admin/sessions.html", "sessions", object(values)))
}
