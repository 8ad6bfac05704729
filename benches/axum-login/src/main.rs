//! axum-login as its documentation shows it, with the SQLite session store, on the same user table as the others.

use argon2::{Argon2, PasswordHash, PasswordVerifier as _};
use axum::{
    Json, Router,
    http::StatusCode,
    routing::{get, post},
};
use axum_login::{AuthManagerLayerBuilder, AuthUser, AuthnBackend, UserId, login_required};
use serde::Deserialize;
use sqlx::{FromRow, SqlitePool, sqlite::SqliteConnectOptions};
use tower_sessions::{Expiry, SessionManagerLayer};
use tower_sessions_sqlx_store::SqliteStore;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Clone, Debug, FromRow)]
struct User {
    id: i64,
    email: String,
    password: String,
}

impl AuthUser for User {
    type Id = i64;

    fn id(&self) -> i64 {
        self.id
    }

    fn session_auth_hash(&self) -> &[u8] {
        self.password.as_bytes()
    }
}

#[derive(Clone, Debug)]
struct Backend(SqlitePool);

#[derive(Debug, Deserialize)]
struct Credentials {
    email: String,
    password: String,
}

impl AuthnBackend for Backend {
    type User = User;
    type Credentials = Credentials;
    type Error = sqlx::Error;

    async fn authenticate(&self, given: Credentials) -> Result<Option<User>, sqlx::Error> {
        let user: Option<User> = sqlx::query_as("SELECT id, email, password FROM \"user\" WHERE email = ? AND active")
            .bind(&given.email)
            .fetch_optional(&self.0)
            .await?;
        let checked = tokio::task::spawn_blocking(move || user.filter(|user| matches(&given.password, &user.password)));
        Ok(checked.await.unwrap_or(None))
    }

    async fn get_user(&self, id: &UserId<Self>) -> Result<Option<User>, sqlx::Error> {
        sqlx::query_as("SELECT id, email, password FROM \"user\" WHERE id = ? AND active")
            .bind(id)
            .fetch_optional(&self.0)
            .await
    }
}

fn matches(password: &str, stored: &str) -> bool {
    PasswordHash::new(stored).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

type Session = axum_login::AuthSession<Backend>;

async fn login(mut session: Session, Json(given): Json<Credentials>) -> StatusCode {
    let user = match session.authenticate(given).await {
        Ok(Some(user)) => user,
        Ok(None) => return StatusCode::UNAUTHORIZED,
        Err(_) => return StatusCode::INTERNAL_SERVER_ERROR,
    };
    match session.login(&user).await {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

async fn profile(session: Session) -> Result<String, StatusCode> {
    session.user.map(|user| user.email).ok_or(StatusCode::UNAUTHORIZED)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let given: Vec<String> = std::env::args().collect();
    let [_, _, database, _, listen] = given.as_slice() else { return Err("--config DATABASE --listen ADDRESS".into()) };
    let options = SqliteConnectOptions::new()
        .filename(database)
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
        .busy_timeout(std::time::Duration::from_secs(10));
    let pool = SqlitePool::connect_with(options).await?;
    let store = SqliteStore::new(pool.clone());
    store.migrate().await?;
    let sessions = SessionManagerLayer::new(store)
        .with_secure(false)
        .with_expiry(Expiry::OnInactivity(tower_sessions::cookie::time::Duration::days(1)));
    let app = Router::new()
        .route("/profile", get(profile).route_layer(login_required!(Backend)))
        .route("/login", post(login))
        .layer(AuthManagerLayerBuilder::new(Backend(pool), sessions).build());
    axum::serve(tokio::net::TcpListener::bind(listen).await?, app).await?;
    Ok(())
}
