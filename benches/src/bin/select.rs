//! The least that a checked session costs: one indexed SELECT by the cookie's key, on the calling worker.
//!
//! The key is the user's `fs_uniquifier`. Its sign-in is as plain: one SELECT by address, the hash on a blocking thread,
//! one row that notes the session.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::{
    Json, Router,
    http::{HeaderMap, StatusCode, header},
    response::{AppendHeaders, IntoResponse, Response},
    routing::{get, post},
};
use benches::plain::{self, Arguments, Credentials};
use rusqlite::OptionalExtension as _;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TABLE: &str = "CREATE TABLE IF NOT EXISTS plain_session (id TEXT PRIMARY KEY, key TEXT NOT NULL) WITHOUT ROWID";
const CHECK: &str = "SELECT email FROM \"user\" WHERE fs_uniquifier = ? AND active";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::read()?;
    plain::use_database(arguments.config);
    plain::with_database(|connection| connection.execute_batch(TABLE))?;
    let app = Router::new().route("/profile", get(profile)).route("/login", post(login));
    plain::serve(app, arguments.listen).await?;
    Ok(())
}

async fn profile(headers: HeaderMap) -> Response {
    let cookie = headers.get(header::COOKIE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some(key) = cookie.strip_prefix("key=") else { return StatusCode::UNAUTHORIZED.into_response() };
    let found = plain::with_database(|connection| {
        connection.prepare_cached(CHECK)?.query_row([key], |row| row.get::<_, String>(0)).optional()
    });
    match found {
        Ok(Some(email)) => email.into_response(),
        Ok(None) => StatusCode::UNAUTHORIZED.into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn login(Json(given): Json<Credentials>) -> Response {
    let Ok(Some((key, stored))) = plain::user_by_email(&given.email) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let matches = tokio::task::spawn_blocking(move || plain::verify(&given.password, &stored)).await;
    if !matches.unwrap_or(false) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let entered = plain::with_database(|connection| {
        connection.prepare_cached("INSERT INTO plain_session VALUES (?, ?)")?.execute((&new_id(), &key))
    });
    match entered {
        Ok(_) => (AppendHeaders([(header::SET_COOKIE, format!("key={key}; HttpOnly; Path=/"))]), "{}").into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// An id that no other session has. It only has to be new: this server guards nothing.
fn new_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let start = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_nanos();
    format!("{start:024x}{:08x}", NEXT.fetch_add(1, Ordering::Relaxed))
}
