//! Puts a gate together.

use std::{collections::BTreeMap, future::Future, path::PathBuf, sync::Arc};

use lychgate_otp::Wallet;
use lychgate_passwords::Context;
use lychgate_signing::KeyRing;
use lychgate_store::{CreateMode, DatabaseUrl, OpenError, OpenOptions, Store, User};

use crate::{
    audit::Keeper,
    challenge::Challenges,
    clock::{Clock, SystemClock},
    events::Events,
    features,
    flow::recovery::Vault,
    gate::{Codecs, Hooks, Inner, Lychgate, RegisterField, SignUp},
    hashing::{self, Hashing},
    identity_rules,
    limits::Limits,
    mail::{AnyMailer, Desk, Mailer},
    messages::{Library, Messages},
    passwords::breached::Breached,
    principal::{Need, Permission},
    render::{Renderer, Sources},
    settings::{RawValue, Settings},
    sms::{self, AnySmsSender, SmsSender},
    web::{
        config::WebConfig,
        guard::Guard,
        jwt,
        refused::{RefusedRequest, ReplyHook},
    },
};

/// Puts a [`Lychgate`] together; made by [`Lychgate::builder`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct Builder {
    settings: Option<Settings>,
    store: Option<Store>,
    create: CreateMode,
    clock: Arc<dyn Clock>,
    hooks: Hooks,
    events: Events,
    sources: Sources,
    catalogues: Vec<(String, String)>,
    endpoints: BTreeMap<String, String>,
    max_waiting: Option<usize>,
    mailer: Option<AnyMailer>,
    sms_sender: Option<AnySmsSender>,
    outbox_worker: bool,
    program: String,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            settings: None,
            store: None,
            create: CreateMode::IfEmpty,
            clock: Arc::new(SystemClock),
            hooks: Hooks::default(),
            events: Events::default(),
            sources: Sources::default(),
            catalogues: Vec::new(),
            endpoints: BTreeMap::new(),
            max_waiting: None,
            mailer: None,
            sms_sender: None,
            outbox_worker: true,
            program: "system".to_owned(),
        }
    }
}

/// Why a gate could not be put together; each line says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// No settings were given.
    #[error("no settings were given; call `.settings(Settings::load()?)`")]
    NoSettings,
    /// Settings are missing or cannot be used: a line for each, with where it was written.
    #[error("{0}")]
    Setting(String),
    /// The database cannot be opened.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// The hashing pool cannot be started.
    #[error("the hashing pool cannot be started: {0}")]
    Threads(String),
}

impl Builder {
    /// The settings.
    pub fn settings(self, settings: Settings) -> Self {
        Self { settings: Some(settings), ..self }
    }

    /// A database that is already open; otherwise `database_url` is opened.
    pub fn store(self, store: Store) -> Self {
        Self { store: Some(store), ..self }
    }

    /// Whether the tables are made in an empty database, which is the default, or must be there.
    pub fn create_tables(self, create: bool) -> Self {
        Self { create: if create { CreateMode::IfEmpty } else { CreateMode::Never }, ..self }
    }

    /// Where the time comes from.
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// Passwords that may wait to be hashed at once; beyond it a request is answered with 503. Without it,
    /// `server.hashing_queue` of the settings.
    pub fn max_waiting_hashes(self, max_waiting: usize) -> Self {
        Self { max_waiting: Some(max_waiting), ..self }
    }

    /// What JSON replies tell a user about themselves (`response.user`); by default nothing.
    pub fn user_payload(mut self, payload: impl Fn(&User) -> serde_json::Value + Send + Sync + 'static) -> Self {
        self.hooks.user_payload = Some(Arc::new(payload));
        self
    }

    /// Needs that a user provides beside those of their roles; asked once a request, when first needed.
    pub fn needs<F, Fut>(mut self, loader: F) -> Self
    where
        F: Fn(Arc<User>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Vec<Need>> + Send + 'static,
    {
        self.hooks.needs.push(Arc::new(move |user| Box::pin(loader(user))));
        self
    }

    /// As [`needs`](Self::needs), but what the loader gives is kept across requests for as long as `version` gives the
    /// same text for a user, such as a column of the application's own that changes with their rights. The latest ten
    /// thousand answers are kept, in memory.
    pub fn needs_by_version<F, Fut>(self, version: impl Fn(&User) -> String + Send + Sync + 'static, loader: F) -> Self
    where
        F: Fn(Arc<User>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Vec<Need>> + Send + 'static,
    {
        let kept: moka::sync::Cache<(String, String), Vec<Need>> = moka::sync::Cache::new(10_000);
        self.needs(move |user: Arc<User>| {
            let (kept, key) = (kept.clone(), (user.fs_uniquifier.clone(), version(&user)));
            let loaded = match kept.get(&key) {
                Some(needs) => Ok(needs),
                None => Err(loader(user)),
            };
            async move {
                match loaded {
                    Ok(needs) => needs,
                    Err(loading) => {
                        let needs = loading.await;
                        kept.insert(key, needs.clone());
                        needs
                    }
                }
            }
        })
    }

    /// Reads the rights of a user to many items of one type at once, for [`Lychgate::preload`].
    pub fn item_needs<F, Fut>(mut self, kind: impl Into<String>, loader: F) -> Self
    where
        F: Fn(Arc<User>, Vec<i64>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Vec<Need>> + Send + 'static,
    {
        self.hooks.items.insert(kind.into(), Arc::new(move |user, ids| Box::pin(loader(user, ids))));
        self
    }

    /// The type of a user, such as `sponsor`: it becomes `auth_type` of the identity and of the events about it, instead
    /// of the mechanism by which it was proved.
    pub fn user_type(mut self, kind: impl Fn(&User) -> Option<String> + Send + Sync + 'static) -> Self {
        self.hooks.user_type = Some(Arc::new(kind));
        self
    }

    /// Names a permission, for `can("…")` in templates, `lychgate explain` and the question who gains or loses it.
    pub fn permission(mut self, name: impl Into<String>, permission: impl Into<Permission>) -> Self {
        self.hooks.permissions.insert(name.into(), permission.into());
        self
    }

    /// Says which guard stands before a path of the application, for `lychgate explain` and the question who gains or
    /// loses it. It puts no guard there: that is the router's.
    pub fn guarded(mut self, path: impl Into<String>, guard: &Guard) -> Self {
        self.hooks.guards.push((path.into(), guard.clone()));
        self
    }

    /// A reply of the application's own to requests that are refused, anywhere; `None` leaves it to Lychgate.
    pub fn replies(
        self,
        reply: impl Fn(&RefusedRequest<'_>) -> Option<axum::response::Response> + Send + Sync + 'static,
    ) -> Self {
        self.replies_below("", reply)
    }

    /// As [`replies`](Self::replies), for one part of the site: paths below `prefix`, by whole segments. The longest
    /// prefix is asked first.
    pub fn replies_below(
        mut self,
        prefix: impl Into<String>,
        reply: impl Fn(&RefusedRequest<'_>) -> Option<axum::response::Response> + Send + Sync + 'static,
    ) -> Self {
        self.hooks.replies.push(ReplyHook { below: prefix.into(), reply: Arc::new(reply) });
        self
    }

    /// Further claims of a user's JSON Web Tokens, asked for when one is handed out. Claims that tokens live by (`sub`,
    /// `exp`, `jti`, `type` …) stay as they are.
    pub fn jwt_claims<F, Fut>(mut self, claims: F) -> Self
    where
        F: Fn(Arc<User>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = serde_json::Map<String, serde_json::Value>> + Send + 'static,
    {
        self.hooks.jwt_claims = Some(Arc::new(move |user| Box::pin(claims(user))));
        self
    }

    /// Where to send somebody who lacks a right for `path`; nothing means a 403 page. Without it, `unauthorized_view`.
    pub fn unauthorized_view(mut self, view: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        self.hooks.unauthorized_view = Some(Arc::new(view));
        self
    }

    /// When a user's auth tokens end, unix seconds; 0 leaves it to `token_max_age`.
    pub fn token_expiry(mut self, expiry: impl Fn(&User) -> i64 + Send + Sync + 'static) -> Self {
        self.hooks.token_expiry = Some(Arc::new(expiry));
        self
    }

    /// Asks for more on the registration form: a text column of the application's own in the user table.
    pub fn register_field(mut self, name: &'static str, label: &'static str, required: bool) -> Self {
        self.hooks.register_fields.push(RegisterField { name, label, required });
        self
    }

    /// Adds a registration page at `path` (below `url_prefix`) whose accounts get `roles`, which are made if they are missing; what the client sends decides
    /// none of them. It is the page of `register_url` in all else, and needs `registerable`.
    ///
    /// ```
    /// use lychgate::Lychgate;
    ///
    /// let builder = Lychgate::builder().sign_up("/signupsponsor", ["sponsor"]).sign_up("/signupeditor", ["editor"]);
    /// ```
    pub fn sign_up<R: Into<String>>(mut self, path: impl Into<String>, roles: impl IntoIterator<Item = R>) -> Self {
        let roles = roles.into_iter().map(Into::into).collect();
        self.hooks.sign_ups.push(SignUp { path: path.into(), roles });
        self
    }

    /// Where a user is sent after signing in or signing up, unless they asked for a page; nothing leaves it to
    /// `post_login_view` and `post_register_view`.
    pub fn landing(mut self, landing: impl Fn(&User) -> Option<String> + Send + Sync + 'static) -> Self {
        self.hooks.landing = Some(Arc::new(landing));
        self
    }

    /// Who acts where there is no request, as the audit log says it: a word such as `command-line`; `system` without this.
    pub fn acts_as(mut self, program: &str) -> Self {
        self.program = program.chars().take(64).collect();
        self
    }

    /// Offers the link by which the first administrator is set up; see [`Lychgate::new_setup_link`].
    pub fn setup_link(mut self, offered: bool) -> Self {
        self.hooks.setup_link = offered;
        self
    }

    /// Who sends mails; without it, the mail server of the settings in `[mail]`.
    pub fn mailer(self, mailer: impl Mailer) -> Self {
        Self { mailer: Some(AnyMailer::new(mailer)), ..self }
    }

    /// Who sends text messages; without it, the gateway that `sms_service` names.
    pub fn sms_sender(self, sender: impl SmsSender) -> Self {
        Self { sms_sender: Some(AnySmsSender::new(sender)), ..self }
    }

    /// Whether this process empties the outbox, which is the default. A program that runs for one command may leave that
    /// to the server.
    pub fn outbox_worker(self, outbox_worker: bool) -> Self {
        Self { outbox_worker, ..self }
    }

    /// Calls `listener` for every event.
    pub fn on(self, listener: impl Fn(&crate::Event) + Send + Sync + 'static) -> Self {
        self.events.on(listener);
        self
    }

    /// A folder whose templates override the embedded ones by file name, and hold the application's own.
    pub fn templates(mut self, folder: impl Into<PathBuf>) -> Self {
        self.sources.folders.push(folder.into());
        self
    }

    /// One template, by name.
    pub fn template(mut self, name: impl Into<String>, source: impl Into<String>) -> Self {
        self.sources.named.insert(name.into(), source.into());
        self
    }

    /// A catalogue of a language, as TOML: it adds the language `tag`, such as `fr` or `pt-BR`, or replaces texts of it.
    /// `languages` of the settings says which ones visitors can choose.
    pub fn catalogue(mut self, tag: impl Into<String>, toml: impl Into<String>) -> Self {
        self.catalogues.push((tag.into(), toml.into()));
        self
    }

    /// Names a path of the application, so that settings such as `post_login_view` and templates can.
    pub fn endpoint(mut self, name: impl Into<String>, path: impl Into<String>) -> Self {
        self.endpoints.insert(name.into(), path.into());
        self
    }

    /// Whether the settings can be used, as far as that is known without the database: the files that they name are
    /// looked at. Nothing is begun.
    ///
    /// # Errors
    ///
    /// [`BuildError`], as [`build`](Self::build).
    pub fn check(mut self) -> Result<(), BuildError> {
        let settings = self.settings.take().ok_or(BuildError::NoSettings)?;
        self.parts(&settings).map(drop)
    }

    /// What is made of the settings alone; all that is wrong with them is told at once.
    fn parts(&mut self, settings: &Settings) -> Result<Parts, BuildError> {
        let mut wrong = Wrong { settings, lines: Vec::new() };
        let web = wrong.unless(WebConfig::from_settings(settings));
        let gateway = wrong.unless(sms::gateway(settings, self.sms_sender.take())).flatten();
        let desk = wrong.unless(Desk::new(settings, self.mailer.take(), gateway));
        let breached = wrong.unless(Breached::from_settings(settings));
        let contexts = wrong.unless(crate::passwords::contexts(settings));
        let keys = wrong.unless(key_ring(settings.text_opt("secret_key"), settings.list("secret_key_fallbacks")));
        let csrf_keys = match settings.text_opt("csrf.secret_key") {
            Some(key) => wrong.unless(key_ring(Some(key), &[])),
            None => keys.clone(),
        };
        let recovery = wrong.unless(Vault::from_settings(settings));
        let library = wrong.unless(Library::load(settings, &self.catalogues));
        let languages = library.as_ref().and_then(|library| wrong.unless(offered(settings, library)));
        let jwt = wrong.unless(jwt::config::keys(settings));
        let wallet = wrong.unless(wallet(settings));
        let made = || {
            Some(Parts {
                web: web?,
                desk: desk?,
                breached: breached?,
                contexts: contexts?,
                keys: keys?,
                csrf_keys: csrf_keys?,
                recovery: recovery?,
                library: library?,
                languages: languages?,
                jwt: jwt?,
                wallet: wallet?,
            })
        };
        made().filter(|_| wrong.lines.is_empty()).ok_or_else(|| BuildError::Setting(wrong.lines.join("\n")))
    }

    /// Opens the database, starts the hashing pool and reads the settings for good.
    ///
    /// # Errors
    ///
    /// [`BuildError`]: what is wrong, a line for each setting.
    pub async fn build(mut self) -> Result<Lychgate, BuildError> {
        let settings = self.settings.take().ok_or(BuildError::NoSettings)?;
        for warning in settings.warnings() {
            tracing::warn!("{warning}");
        }
        let wrong = |text: String| BuildError::Setting(placed(&settings, &text));
        let Parts { web, desk, breached, contexts, keys, csrf_keys, recovery, library, languages, jwt, wallet } =
            self.parts(&settings)?;
        let store = match self.store.take() {
            Some(store) => store,
            None => open(&settings, self.create).await?,
        };
        if settings.flag("webauthn") && !store.can_hold_passkeys() {
            let text = "webauthn is on, but the database has no table web_authn, or its users have no column \
                        fs_webauthn_user_handle; `lychgate doctor` says what it found";
            return Err(wrong(text.to_owned()));
        }
        if settings.flag("multi_factor_recovery_codes") && !store.has_user_column("mf_recovery_codes") {
            let missing = "multi_factor_recovery_codes needs the column mf_recovery_codes in the table of users";
            return Err(wrong(missing.to_owned()));
        }
        check_jwt(&settings, &store).map_err(wrong)?;
        let count = |name: &str| usize::try_from(settings.int(name)).unwrap_or(usize::MAX);
        let at_once = match count("server.hashing_threads") {
            0 => {
                let cores = std::thread::available_parallelism().map_or(1, usize::from);
                let cost_kib = contexts.first().map_or(0, lychgate_passwords::Context::memory_kib);
                hashing::affordable(cores, count("server.hashing_memory"), cost_kib)
            }
            chosen => chosen,
        };
        let max_waiting = self.max_waiting.unwrap_or_else(|| count("server.hashing_queue"));
        let hashing =
            Hashing::new(contexts, at_once, max_waiting).map_err(|error| BuildError::Threads(error.to_string()))?;
        let mut endpoints = self.endpoints;
        endpoints.extend(features::endpoints(&settings));
        let codecs = Codecs::new(&keys, &csrf_keys, &settings, &web, jwt);
        let renderer = renderer(&settings, &web, self.sources, &endpoints);
        let limits = Limits::from_settings(&settings, &store).map_err(wrong)?;
        let challenges = Challenges::from_settings(&settings, &keys, limits.counting).map_err(wrong)?;
        let gate = Lychgate(Arc::new(Inner {
            challenges,
            limits,
            identity_rules: identity_rules::from_settings(&settings),
            default_language: languages.first().cloned().unwrap_or_else(|| Messages::of(&settings, &library)),
            languages,
            hashing,
            breached,
            codecs,
            renderer,
            web,
            store,
            clock: self.clock,
            events: self.events,
            hooks: self.hooks,
            desk,
            wallet,
            recovery,
            endpoints,
            refusals: crate::flow::refusals::Refusals::new(crate::random::number()),
            audit: Keeper::new(&settings, &keys, self.program),
            beside: parking_lot::RwLock::default(),
            has_layer: std::sync::atomic::AtomicBool::default(),
            settings,
        }));
        crate::flow::audit::hear(&gate);
        crate::measure::hear(&gate);
        make_roles(&gate).await.map_err(|text| BuildError::Setting(format!("settings: {text}")))?;
        if self.outbox_worker {
            gate.start_worker();
            gate.start_upkeep();
            gate.start_sealer();
            crate::rotation::note_keys(&gate).await;
            let store = gate.store().clone();
            tokio::spawn(async move {
                if let Err(error) = crate::flow::names::record_all(&store).await {
                    tracing::warn!(%error, "names that look alike were not all recorded; the next start tries again");
                }
            });
        }
        Ok(gate)
    }
}

/// What is made of the settings alone.
struct Parts {
    web: WebConfig,
    desk: Desk,
    breached: Breached,
    contexts: Vec<Context>,
    keys: KeyRing,
    csrf_keys: KeyRing,
    recovery: Vault,
    library: Library,
    languages: Vec<Messages>,
    jwt: Option<lychgate_signing::jwt::Keys>,
    wallet: Option<Wallet>,
}

/// What is wrong so far.
struct Wrong<'a> {
    settings: &'a Settings,
    lines: Vec<String>,
}

impl Wrong<'_> {
    fn unless<T>(&mut self, made: Result<T, String>) -> Option<T> {
        made.map_err(|text| self.lines.push(placed(self.settings, &text))).ok()
    }
}

/// A line about a setting, with where it was written.
fn placed(settings: &Settings, text: &str) -> String {
    match settings.place_of(text) {
        Some(source) => format!("{source}: {text}"),
        None => format!("settings: {text}"),
    }
}

/// Makes the roles that sign-up pages give, where they are missing.
async fn make_roles(gate: &Lychgate) -> Result<(), String> {
    let (store, now) = (gate.store(), crate::clock::Moment::of(gate.clock()).datetime());
    for role in gate.sign_ups().iter().flat_map(|sign_up| &sign_up.roles) {
        let missing = store.role_by_name(role).await.map(|found| found.is_none());
        let made = match missing {
            Ok(true) => store.create_role(role, None, None, now).await.map(drop),
            other => other.map(drop),
        };
        // Another process may have made it at the same moment.
        made.or_else(|error| if error.conflict().is_some() { Ok(()) } else { Err(error) })
            .map_err(|error| format!("the role {role} of a sign-up page cannot be made: {error}"))?;
    }
    Ok(())
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").finish_non_exhaustive()
    }
}

/// The languages of the settings, in their order.
fn offered(settings: &Settings, library: &Library) -> Result<Vec<Messages>, String> {
    let known = library.tags();
    let all = Messages::of(settings, library);
    let one = |tag: &String| {
        if known.contains(tag) {
            return Ok(all.in_locale(tag));
        }
        Err(format!("languages: there is no catalogue for {tag:?}, only for {}; see `i18n_dirname`", known.join(", ")))
    };
    settings.list("languages").iter().map(one).collect()
}

async fn open(settings: &Settings, create: CreateMode) -> Result<Store, BuildError> {
    let Some(url) = settings.text_opt("database_url") else {
        let text = "settings: no database is named; set `database_url`, such as \"sqlite:////path/to/app.db\"";
        return Err(BuildError::Setting(text.to_owned()));
    };
    let wrong = |error| BuildError::Setting(placed(settings, &format!("database_url: {error}")));
    let url: DatabaseUrl = url.parse().map_err(wrong)?;
    Ok(Store::open(OpenOptions::new(url).create(create)).await?)
}

/// Whether the column that names the bearers of JSON Web Tokens is there.
fn check_jwt(settings: &Settings, store: &Store) -> Result<(), String> {
    let column = settings.text("jwt.identity_column");
    let known = matches!(column, "id" | "fs_uniquifier") || store.has_user_column(column);
    let secret = matches!(
        column,
        "password" | "fs_token_uniquifier" | "tf_totp_secret" | "us_totp_secrets" | "mf_recovery_codes"
    );
    if settings.flag("jwt.enabled") && (secret || !known) {
        return Err(format!("jwt.identity_column: users cannot be named by the column {column:?}"));
    }
    Ok(())
}

fn key_ring(key: Option<&str>, fallbacks: &[String]) -> Result<KeyRing, String> {
    let missing = || "secret_key is empty; `lychgate init` makes one".to_owned();
    let ring = KeyRing::new(key.ok_or_else(missing)?).map_err(|_| missing())?;
    ring.with_fallbacks(fallbacks.iter().map(String::as_str)).map_err(|_| missing())
}

/// What encrypts the secrets of one-time codes.
fn wallet(settings: &Settings) -> Result<Option<Wallet>, String> {
    let secrets = settings.map("totp_secrets").iter().filter_map(|(tag, secret)| match secret {
        RawValue::Text(secret) => Some((tag.as_str(), secret.as_str())),
        _ => None,
    });
    let mut secrets = secrets.peekable();
    if secrets.peek().is_none() {
        return Ok(None);
    }
    Wallet::new(secrets).map(Some).map_err(|error| format!("totp_secrets: {error}"))
}

fn renderer(
    settings: &Settings,
    web: &WebConfig,
    mut sources: Sources,
    endpoints: &BTreeMap<String, String>,
) -> Renderer {
    sources.folders.extend(settings.text_opt("templates").map(PathBuf::from));
    let (root, blueprint) = (web.application_root.clone(), settings.text("blueprint_name").to_owned());
    let endpoints = endpoints.clone();
    let assets = format!(
        "{root}{}{}",
        settings.text_opt("url_prefix").unwrap_or_default().trim_end_matches('/'),
        settings.text("static_folder_url").trim_end_matches('/'),
    );
    let url = move |name: &str| {
        let path = match name.strip_prefix('.') {
            Some(short) => endpoints.get(&format!("{blueprint}.{short}")),
            None => endpoints.get(name),
        };
        path.map(|path| format!("{root}{path}"))
    };
    Renderer::new(settings, sources, url, assets, |url, next| {
        let separator = if url.contains('?') { '&' } else { '?' };
        format!("{url}{separator}next={}", crate::flow::next::as_query_value(next))
    })
}
