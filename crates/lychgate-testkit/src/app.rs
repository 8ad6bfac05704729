//! An application to test.

use std::{
    path::Path,
    sync::{Arc, LazyLock},
};

use axum::{Json, Router, routing::any};
use lychgate::{
    Builder, Clock as _, CurrentUser, Event, Lychgate, ManualClock, Settings,
    mail::Message,
    messages::{self, MessageKey},
    sms::TextMessage,
};
use lychgate_signing::session::SessionCodec;
use lychgate_store::{OpenOptions, Store, User, UserPatch, testing::PgServer};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tempfile::TempDir;
use time::OffsetDateTime;

use crate::{Browser, Inbox, Phone, seed};

/// One server for all tests of a file.
static SERVER: LazyLock<PgServer> = LazyLock::new(|| PgServer::start().unwrap());

/// What every test application starts from; what a test says comes later and wins.
const BASE: &str = r#"
profile = "flask"
secret_key = "a key of the test applications, 37 bytes"
[security]
password_salt = "a salt of the test applications, 38 bytes"
password_length_min = 8
password_check_breached = false
username_min_length = 3
password_hash_passlib_options = { argon2__memory_cost = 64, argon2__time_cost = 1, argon2__parallelism = 1 }
"#;

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Database {
    /// A file in a folder of its own.
    #[default]
    Sqlite,
    /// A new database on a private server.
    Postgres,
}

type Configure = Box<dyn FnOnce(Builder) -> Builder>;
type Routes = Box<dyn FnOnce(&Lychgate, Router) -> Router>;

/// Puts a [`TestApp`] together; made by [`TestApp::builder`].
#[must_use]
pub struct AppBuilder {
    database: Database,
    toml: Vec<String>,
    configure: Vec<Configure>,
    routes: Vec<Routes>,
    empty: bool,
    sql: Vec<String>,
    real_texts: bool,
    shared: Option<(String, ManualClock)>,
    real_mail: bool,
    real_texting: bool,
}

impl AppBuilder {
    /// The kind of database; a file without this.
    pub fn on(self, database: Database) -> Self {
        Self { database, ..self }
    }

    /// Settings as a text of TOML. Later texts win.
    pub fn toml(mut self, text: &str) -> Self {
        self.toml.push(text.to_owned());
        self
    }

    /// Anything else that a gate is made of.
    pub fn configure(mut self, configure: impl FnOnce(Builder) -> Builder + 'static) -> Self {
        self.configure.push(Box::new(configure));
        self
    }

    /// Routes of the application beside `/whoami`.
    pub fn routes(mut self, routes: impl FnOnce(Router) -> Router + 'static) -> Self {
        self.routes.push(Box::new(|_, router| routes(router)));
        self
    }

    /// Routes of a crate that are made for a gate.
    pub fn mount(mut self, routes: impl FnOnce(&Lychgate) -> Router + 'static) -> Self {
        self.routes.push(Box::new(|gate, router| router.merge(routes(gate))));
        self
    }

    /// Messages as people read them. Without this each text is its key, `INVALID_PASSWORD` for one.
    pub fn real_texts(self) -> Self {
        Self { real_texts: true, ..self }
    }

    /// Mails go where the settings say, not to [`TestApp::inbox`].
    pub fn real_mail(self) -> Self {
        Self { real_mail: true, ..self }
    }

    /// Text messages go where the settings say, not to [`TestApp::phone`].
    pub fn real_texting(self) -> Self {
        Self { real_texting: true, ..self }
    }

    /// The database and the clock of `app`, as if this were another process or the one after a restart.
    pub fn sharing(self, app: &TestApp) -> Self {
        Self { shared: Some((app.url.clone(), app.clock.clone())), empty: true, ..self }
    }

    /// A statement that the new database sees before the application does, such as one that adds a column.
    pub fn sql(mut self, statement: &str) -> Self {
        self.sql.push(statement.to_owned());
        self
    }

    /// Without users and roles.
    pub fn empty(self) -> Self {
        Self { empty: true, ..self }
    }

    /// Opens the database, fills it and puts the routes together.
    pub async fn start(self) -> TestApp {
        let folder = TempDir::new().unwrap();
        let (shared, clock) = self.shared.unzip();
        let url = match self.database {
            _ if shared.is_some() => shared.unwrap(),
            Database::Sqlite => format!("sqlite:///{}", folder.path().join("app.db").display()),
            Database::Postgres => SERVER.fresh_database().unwrap(),
        };
        if !self.sql.is_empty() {
            prepare(&url, &self.sql).await;
        }
        let mut settings = Settings::builder().toml("base", BASE);
        if !self.real_texts {
            for key in MessageKey::all() {
                // The one text that says something: codes come by it.
                let code = if key == messages::USE_CODE { " %(code)s" } else { "" };
                settings = settings.set(&format!("messages.{key}"), format!("{}{code}", key.name()));
            }
        }
        for text in &self.toml {
            settings = settings.toml("test", text);
        }
        let settings = settings.set("database_url", url.as_str()).build().unwrap_or_else(|errors| panic!("{errors}"));
        let clock = clock.unwrap_or_else(|| ManualClock::at(1_750_000_000));
        let events = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&events);
        let builder = Lychgate::builder()
            .settings(settings)
            .clock(clock.clone())
            // Tests say when the outbox is emptied.
            .outbox_worker(false)
            .user_payload(|user| json!({"email": user.email}))
            .on(move |event| {
                // Every request has one; a test that wants them listens itself.
                if !matches!(event, Event::IdentityLoaded { .. }) {
                    heard.lock().push(event.clone());
                }
            });
        let inbox = Inbox::default();
        let builder = if self.real_mail { builder } else { builder.mailer(inbox.clone()) };
        let phone = Phone::default();
        let builder = if self.real_texting { builder } else { builder.sms_sender(phone.clone()) };
        let builder = self.configure.into_iter().fold(builder, |builder, configure| configure(builder));
        let gate = builder.build().await.unwrap();
        let now = OffsetDateTime::from_unix_timestamp(clock.now_micros() / 1_000_000).unwrap();
        if !self.empty {
            seed::fill(&gate, now).await;
        }
        let routes = Router::new().route("/whoami", any(whoami));
        let routes = self.routes.into_iter().fold(routes, |routes, more| more(&gate, routes));
        let router = gate.mount(routes.merge(gate.routes()).layer(gate.layer()));
        TestApp { gate, clock, router, events, inbox, phone, url, folder }
    }
}

impl std::fmt::Debug for AppBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AppBuilder").field("database", &self.database).field("toml", &self.toml).finish_non_exhaustive()
    }
}

/// Makes the tables and runs the statements.
async fn prepare(url: &str, statements: &[String]) {
    Store::open(OpenOptions::new(url.parse().unwrap())).await.unwrap().close().await;
    for statement in statements {
        execute(url, statement);
    }
}

/// Runs a statement as another program would.
fn execute(url: &str, statement: &str) {
    match url.strip_prefix("sqlite:///") {
        Some(file) => {
            let connection = rusqlite::Connection::open(file).unwrap();
            connection.busy_timeout(std::time::Duration::from_secs(20)).unwrap();
            connection.execute_batch(statement).unwrap();
        }
        None => SERVER.execute(url, statement).unwrap(),
    }
}

/// Who is asking, and how they proved it.
async fn whoami(user: Option<CurrentUser>) -> Json<Value> {
    Json(json!({
        "email": user.as_ref().map(CurrentUser::email),
        "mechanism": user.as_ref().map(|user| user.mechanism().name()),
    }))
}

/// A small application with a database of its own, in the flask profile unless a test says otherwise.
///
/// Its users are `matt` (admin), `joe` (editor), `dave` (both), `jill` (author), `gene` (simple), `tiya` (inactive),
/// `jess` (no password) and `gal` (second factor), each `@lp.com`, all with [`PASSWORD`](crate::PASSWORD).
#[derive(Debug)]
pub struct TestApp {
    gate: Lychgate,
    clock: ManualClock,
    router: Router,
    events: Arc<Mutex<Vec<Event>>>,
    inbox: Inbox,
    phone: Phone,
    url: String,
    folder: TempDir,
}

impl TestApp {
    /// Begins to put an application together.
    pub fn builder() -> AppBuilder {
        AppBuilder {
            database: Database::default(),
            toml: vec![],
            configure: vec![],
            routes: vec![],
            empty: false,
            sql: vec![],
            real_texts: false,
            shared: None,
            real_mail: false,
            real_texting: false,
        }
    }

    /// A browser without cookies.
    #[must_use]
    pub fn browser(&self) -> Browser {
        Browser::new(self.router.clone())
    }

    /// The gate.
    #[must_use]
    pub fn gate(&self) -> &Lychgate {
        &self.gate
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> &Store {
        self.gate.store()
    }

    /// Runs a statement in the database, behind the application's back.
    pub fn execute(&self, statement: &str) {
        execute(&self.url, statement);
    }

    /// A folder that is removed with the application.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Moves the clock.
    pub fn advance(&self, seconds: i64) {
        self.clock.advance(seconds);
    }

    /// What the clock shows.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.clock.now_micros()) * 1000).unwrap()
    }

    /// The events since the last call, but for `IdentityLoaded`.
    #[must_use]
    pub fn take_events(&self) -> Vec<Event> {
        std::mem::take(&mut *self.events.lock())
    }

    /// Where mails arrive.
    #[must_use]
    pub fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    /// The mails since the last call; those that are due in the outbox are sent first.
    pub async fn mails(&self) -> Vec<Message> {
        self.gate.deliver_due().await.unwrap();
        self.inbox.take()
    }

    /// Where text messages arrive.
    #[must_use]
    pub fn phone(&self) -> &Phone {
        &self.phone
    }

    /// The text messages since the last call; those that are due in the outbox are sent first.
    pub async fn texts(&self) -> Vec<TextMessage> {
        self.gate.deliver_due().await.unwrap();
        self.phone.take()
    }

    /// The path of the one link that leads below `folder` in the one mail since the last call.
    pub async fn mailed_link(&self, folder: &str) -> String {
        let mails = self.mails().await;
        let [mail] = mails.as_slice() else { panic!("{} mails: {mails:?}", mails.len()) };
        crate::link_in(mail, folder).unwrap_or_else(|| panic!("no link to {folder}: {:?}", mail.text))
    }

    /// The messages that the next page shows this browser.
    #[must_use]
    pub fn flashes(&self, browser: &Browser) -> Vec<String> {
        let session = self.session_of(browser);
        let all = session.get("_flashes").and_then(|all| all.as_items()).unwrap_or_default();
        all.iter().map(|flash| flash.as_items().unwrap()[1].as_str().unwrap().to_owned()).collect()
    }

    /// A user's row.
    pub async fn user(&self, email: &str) -> Arc<User> {
        self.store().user_by_identity("email", email, true).await.unwrap().unwrap()
    }

    /// Changes a user's row.
    pub async fn update(&self, email: &str, patch: UserPatch) {
        let user = self.user(email).await;
        self.store().update_user(user.id, patch, self.now()).await.unwrap();
    }

    /// An auth token of a user, whose second factor is not asked for.
    pub async fn auth_token(&self, email: &str) -> String {
        let mut browser = self.browser();
        let token = browser.get_json("/login").await.csrf_token();
        let fields = json!({"email": email, "password": crate::PASSWORD, "csrf_token": token});
        let call = browser.call("POST", "/login?include_auth_token").header("x-csrftoken", &token);
        call.json(&fields).send().await.response()["user"]["authentication_token"].as_str().unwrap().to_owned()
    }

    /// What signs and opens session cookies with `key`.
    #[must_use]
    pub fn session_codec(key: &str) -> SessionCodec {
        SessionCodec::new(&lychgate_signing::KeyRing::new(key).unwrap(), SessionCodec::SALT)
    }

    /// What signs and opens this application's session cookies.
    #[must_use]
    pub fn sessions(&self) -> SessionCodec {
        Self::session_codec(self.gate.settings().text("secret_key"))
    }

    /// What a browser's session cookie holds.
    #[must_use]
    pub fn session_of(&self, browser: &Browser) -> lychgate_signing::session::Map {
        let cookie = browser.cookie(self.gate.settings().text("session.cookie_name"));
        let now = self.now().unix_timestamp();
        cookie.map(|cookie| self.sessions().decode(cookie, now, i64::MAX).unwrap()).unwrap_or_default()
    }
}
