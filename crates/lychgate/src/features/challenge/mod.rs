//! Where programs, and pages that were open for long, fetch the work that a form asks for.

pub(crate) mod openapi;
pub(crate) mod settings;

use http::{HeaderValue, Method, StatusCode, header};
use serde_json::json;

use crate::{
    challenge::is_door,
    failure::Failure,
    gate::Lychgate,
    messages,
    settings::Settings,
    web::{
        answer::{Reply, envelope},
        routes::{Call, Routes},
    },
};

pub(crate) fn endpoints(settings: &Settings) -> Vec<(&'static str, String)> {
    let url = settings.text_opt("challenge.url").filter(|_| settings.flag("challenge.enabled"));
    url.map(|url| ("challenge", url.to_owned())).into_iter().collect()
}

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(gate: &Lychgate, routes: &mut Routes<S>) {
    for (name, url) in endpoints(gate.settings()) {
        routes.add(name, &[Method::GET], &url, "anyone", get);
    }
}

/// A calculation for a form.
async fn get(call: Call) -> Result<Reply, Failure> {
    let door = call.query("for").filter(|door| is_door(door));
    let door = door.ok_or_else(|| Failure::bad(StatusCode::BAD_REQUEST, messages::BAD_REQUEST))?;
    let needed = call.is_challenged(&door).await;
    let members = json!({"challenge": call.offer_challenge(&door)?, "needed": needed});
    let mut response = envelope(StatusCode::OK, members);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(Reply::Other(response))
}
