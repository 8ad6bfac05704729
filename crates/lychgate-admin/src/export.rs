//! The list of users as a table, written page by page, so that a million take no more memory than a thousand.

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use futures_util::stream;
use http::{HeaderValue, header};
use lychgate::store::{Store, StoreError, UserQuery};

use crate::{
    ask::{Answer, Ask},
    columns::{Column, chosen, headings, line},
    csv,
    users::question,
};

/// Users that are read at once.
const AT_ONCE: u32 = 500;

async fn part(store: &Store, query: &UserQuery, chosen: &[&Column]) -> Result<(String, Option<String>), StoreError> {
    let page = store.users_page(query).await?;
    Ok((page.items.iter().map(|user| csv::write(&line(user, chosen))).collect(), page.next))
}

pub(crate) async fn users(ask: Ask) -> Answer {
    let query = question(ask.asked()).map_err(|stop| ask.stop(stop))?;
    let chosen = chosen(&ask).map_err(|stop| ask.stop(stop))?;
    let query = UserQuery { limit: AT_ONCE, after: None, before: None, ..query };
    ask.operator.note_own("downloaded the list of users").await;
    let store = ask.gate().store().clone();
    // The first part before the reply, so that a mistake in the question has a status of its own.
    let head = csv::write(&headings(&chosen));
    let (first, next) = part(&store, &query, &chosen).await.map_err(|error| ask.stop(error.into()))?;
    let rest = stream::unfold(next, move |next| {
        let (store, query, chosen) = (store.clone(), query.clone(), chosen.clone());
        async move {
            let query = UserQuery { after: Some(next?), ..query };
            Some(match part(&store, &query, &chosen).await {
                Ok((text, next)) => (Ok(text), next),
                Err(error) => (Err(error), None),
            })
        }
    });
    let whole = futures_util::StreamExt::chain(stream::iter([Ok(head + &first)]), rest);
    let name = format!("attachment; filename=\"users-{}.csv\"", ask.operator.now().date());
    let mut response: Response = Body::from_stream(whole).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(name) = HeaderValue::try_from(name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}
