//! The list of users: a JSON array, with the next page in a `Link` header (RFC 8288).

use http::{HeaderValue, StatusCode, header};
use lychgate_store::{ErrorKind, UserQuery, UserSort};
use serde_json::Value;

use super::{May, bad, caller, view};
use crate::{
    failure::Failure,
    web::{
        answer::{Reply, plain_json},
        routes::Call,
    },
};

/// The most users on a page.
const MOST: u32 = 200;

/// The names of what a list is sorted by; a minus before one turns the order round.
const SORTS: [(&str, UserSort); 4] = [
    ("id", UserSort::Id),
    ("email", UserSort::Email),
    ("last_login", UserSort::LastSignIn),
    ("created", UserSort::Created),
];

pub(super) async fn get(call: Call) -> Result<Reply, Failure> {
    let who = caller(&call).await?;
    May::Read.asked(&call, &who)?;
    let query = query(&call)?;
    let page = call.gate.store().users_page(&query).await.map_err(|error| match error.kind() {
        ErrorKind::Invalid(_) => bad("There is no such page of this list"),
        _ => error.into(),
    })?;
    let users: Vec<Value> = page.items.iter().map(|user| view::of(&call, user)).collect();
    let mut response = plain_json(StatusCode::OK, &users.into());
    let links = [("next", "after", &page.next), ("prev", "before", &page.previous)];
    let links: Vec<String> = links
        .into_iter()
        .filter_map(|(rel, name, place)| Some(format!("<{}>; rel=\"{rel}\"", address(&call, name, place.as_ref()?))))
        .collect();
    if let Ok(links) = HeaderValue::try_from(links.join(", "))
        && !links.is_empty()
    {
        response.headers_mut().insert(header::LINK, links);
    }
    Ok(Reply::Other(response))
}

/// The same list from another place on.
fn address(call: &Call, name: &str, place: &str) -> String {
    let asked = call.uri.query().unwrap_or_default();
    let kept = form_urlencoded::parse(asked.as_bytes()).filter(|(key, _)| key != "after" && key != "before");
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).append_pair(name, place).finish();
    format!("{}?{query}", call.gate.url("users"))
}

fn query(call: &Call) -> Result<UserQuery, Failure> {
    let text = |name: &str| call.query(name).filter(|text| !text.is_empty());
    let flag = |name: &str| match text(name).as_deref() {
        None => Ok(None),
        Some("true" | "1") => Ok(Some(true)),
        Some("false" | "0") => Ok(Some(false)),
        Some(_) => Err(bad(&format!("{name} is true or false"))),
    };
    let limit = match text("limit").map(|limit| limit.parse::<u32>()) {
        None => 50,
        Some(Ok(limit)) if (1..=MOST).contains(&limit) => limit,
        Some(_) => return Err(bad(&format!("limit is a number from 1 to {MOST}"))),
    };
    let asked = text("sort").unwrap_or_else(|| "id".to_owned());
    let (name, descending) = asked.strip_prefix('-').map_or((asked.as_str(), false), |name| (name, true));
    let sort = SORTS.iter().find(|(known, _)| *known == name).map(|(_, sort)| *sort);
    let sort =
        sort.ok_or_else(|| bad("sort is id, email, last_login or created, with a minus for the other way round"))?;
    let (after, before) = (text("after"), text("before"));
    if after.is_some() && before.is_some() {
        return Err(bad("after and before do not go together"));
    }
    Ok(UserQuery {
        search: text("search"),
        role: text("role"),
        active: flag("active")?,
        confirmed: flag("confirmed")?,
        sort,
        descending,
        after,
        before,
        limit,
        ..UserQuery::default()
    })
}
