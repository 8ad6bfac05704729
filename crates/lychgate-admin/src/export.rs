//! The list of users as a table, written page by page, so that a million take no more memory than a thousand.

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use futures_util::stream;
use http::{HeaderValue, header};
use lychgate::store::{Store, StoreError, User, UserQuery};

use crate::{
    ask::{Answer, Ask},
    csv,
    users::question,
    view::iso,
};

/// Users that are read at once.
const AT_ONCE: u32 = 500;

const COLUMNS: [&str; 9] =
    ["id", "email", "username", "active", "confirmed_at", "roles", "second_factor", "last_sign_in_at", "created_at"];

fn row(user: &User) -> String {
    let roles: Vec<&str> = user.roles.iter().map(|role| role.name.as_str()).collect();
    let at = |time: Option<time::OffsetDateTime>| time.and_then(iso).unwrap_or_default();
    csv::write(&[
        user.id.to_string(),
        user.email.clone(),
        user.username.clone().unwrap_or_default(),
        if user.active { "yes" } else { "no" }.to_owned(),
        at(user.confirmed_at),
        roles.join(" "),
        user.tf_primary_method.clone().unwrap_or_default(),
        at(user.current_login_at),
        at(user.create_datetime),
    ])
}

async fn part(store: &Store, query: &UserQuery) -> Result<(String, Option<String>), StoreError> {
    let page = store.users_page(query).await?;
    Ok((page.items.iter().map(|user| row(user)).collect(), page.next))
}

pub(crate) async fn users(ask: Ask) -> Answer {
    let query = question(&ask).map_err(|stop| ask.stop(stop))?;
    let query = UserQuery { limit: AT_ONCE, after: None, before: None, ..query };
    ask.operator.note_own("downloaded the list of users").await;
    let store = ask.gate().store().clone();
    // The first part before the reply, so that a mistake in the question has a status of its own.
    let head = csv::write(&COLUMNS.map(str::to_owned));
    let (first, next) = part(&store, &query).await.map_err(|error| ask.stop(error.into()))?;
    let rest = stream::unfold(next, move |next| {
        let (store, query) = (store.clone(), query.clone());
        async move {
            let query = UserQuery { after: Some(next?), ..query };
            Some(match part(&store, &query).await {
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
