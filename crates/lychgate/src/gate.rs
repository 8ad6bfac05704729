//! The gate: everything that requests share, behind one handle.

use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::Router;
use lychgate_otp::Wallet;
use lychgate_signing::{
    Derivation, KeyRing, Signer,
    csrf::CsrfCodec,
    jwt::Keys,
    remember::RememberCodec,
    session::{Map, SessionCodec},
    tokens::{
        AuthToken, AuthTokenPayload, KeepAccount, KnownDevice, NotMe, RefreshToken, TokenCodec, TwoFactorSetup,
        TwoFactorValidity, Unlock,
    },
};
use lychgate_store::{Store, User};
use parking_lot::RwLock;
use serde_json::Value;

use crate::{
    audit::Keeper,
    builder::Builder,
    challenge::Challenges,
    clock::{Clock, Moment},
    events::Events,
    failure::Failure,
    features,
    flow::{
        account, deletion, links::Links, passkeys::PasskeyCodecs, recovery::Vault, refresh::Vouched,
        refusals::Refusals, unified::UnifiedCodecs,
    },
    hashing::Hashing,
    identity::Rules,
    limits::Limits,
    mail::Desk,
    messages::{MessageKey, Messages},
    passwords::breached::Breached,
    principal::{Need, Permission},
    render::Renderer,
    settings::Settings,
    web::{
        config::WebConfig,
        exchange::Exchange,
        form::Message,
        guard::Guard,
        identify::{SECOND_FACTOR_CLAIM, SESSION_CLAIM},
        layer::GateLayer,
        opened::OpenedCookies,
        refused::ReplyHook,
        routes::{RouteInfo, Routes},
    },
};

/// A running Lychgate; cloning gives another handle to the same one.
///
/// ```no_run
/// use axum::{Router, routing::get};
/// use lychgate::{Lychgate, Settings, guard};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let gate = Lychgate::builder().settings(Settings::load()?).build().await?;
/// let app = Router::new()
///     .route("/profile", get(|| async { "profile" }).route_layer(guard::authenticated()))
///     .merge(gate.routes())
///     .layer(gate.layer());
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:5000").await?;
/// gate.serve(app, listener).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Lychgate(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) settings: Settings,
    pub(crate) web: WebConfig,
    pub(crate) store: Store,
    pub(crate) hashing: Hashing,
    pub(crate) breached: Breached,
    pub(crate) codecs: Codecs,
    pub(crate) identity_rules: Rules,
    /// The offered languages; the first is that of whoever did not choose.
    pub(crate) languages: Vec<Messages>,
    pub(crate) default_language: Messages,
    pub(crate) renderer: Renderer,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) events: Events,
    pub(crate) hooks: Hooks,
    pub(crate) desk: Desk,
    /// What encrypts the secrets of one-time codes.
    pub(crate) wallet: Option<Wallet>,
    /// What encrypts recovery codes.
    pub(crate) recovery: Vault,
    pub(crate) endpoints: BTreeMap<String, String>,
    pub(crate) refusals: Refusals,
    pub(crate) audit: Keeper,
    pub(crate) limits: Limits,
    pub(crate) challenges: Challenges,
    pub(crate) beside: RwLock<Beside>,
    /// Whether a layer was made.
    pub(crate) has_layer: AtomicBool,
}

/// What crates with pages of their own say of them.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    pub(crate) routes: Vec<RouteInfo>,
    /// Parts of an OpenAPI document.
    pub(crate) documents: Vec<Value>,
}

/// What signs and reads cookies and tokens.
pub(crate) struct Codecs {
    pub(crate) session: SessionCodec,
    opened: OpenedCookies,
    pub(crate) remember: RememberCodec,
    pub(crate) csrf: CsrfCodec,
    pub(crate) auth_token: TokenCodec<AuthToken>,
    refresh: TokenCodec<RefreshToken>,
    /// What signs JSON Web Tokens, where they are switched on.
    pub(crate) jwt: Option<Keys>,
    pub(crate) links: Links,
    pub(crate) keep_account: TokenCodec<KeepAccount>,
    /// The cookie of a browser that need not be asked for the second factor for a while.
    pub(crate) trusted: TokenCodec<TwoFactorValidity>,
    pub(crate) passkeys: PasskeyCodecs,
    relay: Signer,
    pub(crate) unified: UnifiedCodecs,
    not_me: TokenCodec<NotMe>,
    unlock: TokenCodec<Unlock>,
    device: TokenCodec<KnownDevice>,
    /// The state of a second factor that is being set up.
    pub(crate) second_factor_setup: TokenCodec<TwoFactorSetup>,
}

impl Codecs {
    pub(crate) fn new(
        keys: &KeyRing,
        csrf_keys: &KeyRing,
        settings: &Settings,
        web: &WebConfig,
        jwt: Option<Keys>,
    ) -> Self {
        let seconds = |name: &str| settings.duration(name).map(|span| span.as_secs());
        Self {
            jwt,
            session: SessionCodec::new(keys, "cookie-session"),
            opened: OpenedCookies::new(),
            remember: RememberCodec::new(keys),
            csrf: CsrfCodec::new(csrf_keys, CsrfCodec::SALT),
            links: Links::new(keys, settings),
            keep_account: TokenCodec::new(keys, settings.text("keep_account_salt"), deletion::link_lifetime(settings)),
            second_factor_setup: TokenCodec::new(
                keys,
                settings.text("two_factor_setup_salt"),
                settings.duration("two_factor_setup_within").map(|within| within.as_secs()),
            ),
            trusted: TokenCodec::new(keys, settings.text("two_factor_validity_salt"), Some(web.trusted.seconds)),
            passkeys: PasskeyCodecs::new(keys, settings),
            relay: Signer::new(keys, "relay-code", Derivation::Hmac),
            unified: UnifiedCodecs::new(keys, settings),
            not_me: TokenCodec::new(keys, settings.text("not_me_salt"), seconds("not_me_within")),
            unlock: TokenCodec::new(keys, settings.text("unlock_salt"), seconds("unlock_within")),
            device: TokenCodec::new(keys, settings.text("device_salt"), seconds("device_cookie_within")),
            auth_token: TokenCodec::new(keys, settings.text("remember_salt"), Some(web.token.max_age)),
            refresh: TokenCodec::new(keys, settings.text("refresh_token_salt"), None),
        }
    }
}

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
/// A function of the application.
type Hook<In, Out> = Arc<dyn Fn(&In) -> Out + Send + Sync>;
pub(crate) type ClaimsHook = Arc<dyn Fn(Arc<User>) -> Boxed<serde_json::Map<String, Value>> + Send + Sync>;
pub(crate) type NeedLoader = Arc<dyn Fn(Arc<User>) -> Boxed<Vec<Need>> + Send + Sync>;
pub(crate) type ItemLoader = Arc<dyn Fn(Arc<User>, Vec<i64>) -> Boxed<Vec<Need>> + Send + Sync>;

/// A field of the registration form that is a column of the application's own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RegisterField {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) required: bool,
}

/// A registration page of its own, for people who get roles with it.
#[derive(Clone, Debug)]
pub(crate) struct SignUp {
    /// Below `url_prefix`.
    pub(crate) path: String,
    pub(crate) roles: Vec<String>,
}

/// What the application puts in.
#[derive(Clone, Default)]
pub(crate) struct Hooks {
    pub(crate) user_payload: Option<Hook<User, Value>>,
    pub(crate) needs: Vec<NeedLoader>,
    pub(crate) items: BTreeMap<String, ItemLoader>,
    pub(crate) user_type: Option<Hook<User, Option<String>>>,
    pub(crate) permissions: BTreeMap<String, Permission>,
    pub(crate) guards: Vec<(String, Guard)>,
    pub(crate) replies: Vec<ReplyHook>,
    pub(crate) jwt_claims: Option<ClaimsHook>,
    pub(crate) unauthorized_view: Option<Hook<str, Option<String>>>,
    pub(crate) token_expiry: Option<Hook<User, i64>>,
    pub(crate) setup_link: bool,
    pub(crate) register_fields: Vec<RegisterField>,
    pub(crate) sign_ups: Vec<SignUp>,
    pub(crate) landing: Option<Hook<User, Option<String>>>,
}

impl Lychgate {
    /// Begins to put a gate together.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The routes of the features that the settings switch on; merge them into the application's router.
    pub fn routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        self.collect_routes().into_router()
    }

    /// The layer that everything of Lychgate needs; put it on last, around the merged router. What stands outside is found
    /// by [`checked`](Self::checked) before the first request.
    #[must_use]
    pub fn layer(&self) -> GateLayer {
        self.0.has_layer.store(true, Ordering::Relaxed);
        GateLayer(self.clone())
    }

    pub(crate) fn has_layer(&self) -> bool {
        self.0.has_layer.load(Ordering::Relaxed)
    }

    /// The routes as a list, for people and for tools.
    #[must_use]
    pub fn route_list(&self) -> Vec<RouteInfo> {
        let mut all = self.own_routes();
        all.extend(self.0.beside.read().routes.iter().cloned());
        all
    }

    /// The toolkit's own among them.
    pub(crate) fn own_routes(&self) -> Vec<RouteInfo> {
        self.collect_routes::<()>().into_infos()
    }

    /// Takes up what a crate that adds pages says of its routes, for lists and for the OpenAPI document, of which
    /// `document` is a part: `paths`, `tags` and `components`. What was taken up before is not taken up again.
    pub fn add_routes(&self, routes: Vec<RouteInfo>, document: Value) {
        let mut beside = self.0.beside.write();
        if routes.first().is_none_or(|first| !beside.routes.contains(first)) {
            beside.routes.extend(routes);
            beside.documents.push(document);
        }
    }

    /// The moment by the clock of the gate.
    #[must_use]
    pub fn now(&self) -> time::OffsetDateTime {
        crate::clock::Moment::of(self.clock()).datetime()
    }

    fn collect_routes<S: Clone + Send + Sync + 'static>(&self) -> Routes<S> {
        let prefix = self.settings().text_opt("url_prefix").unwrap_or_default();
        let settings = self.settings().clone();
        let kind_of = move |name: &str, method: &http::Method, path: &str| {
            features::limits::kind_of(&settings, name, method, path)
        };
        let mut routes = Routes::new(prefix, self.web().cache_control.as_deref(), Arc::new(kind_of));
        features::add_routes(self, &mut routes);
        routes
    }

    /// Whether a path pattern is that of one of our routes.
    pub(crate) fn is_own_route(&self, pattern: &str) -> bool {
        self.own_routes().iter().any(|route| route.path == pattern)
    }

    /// The settings as they run.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// Takes up templates of a crate that adds pages; those of the application's folder of the same name win. To be done
    /// before the first request.
    pub fn add_templates<'t>(&self, templates: impl IntoIterator<Item = (&'t str, &'t str)>) {
        for (name, source) in templates {
            self.renderer().add(name, source);
        }
    }

    /// Takes up catalogues of a crate that adds pages, each a language tag and a text as in `i18n_dirname`, with
    /// `[texts]` and `[plurals]`; an application's and the toolkit's own win. To be done before the first request. One that
    /// cannot be read is left out, and the log says why.
    pub fn add_texts<'t>(&self, catalogues: impl IntoIterator<Item = (&'t str, &'t str)>) {
        for (tag, text) in catalogues {
            if let Err(error) = self.0.default_language.add(tag, text) {
                tracing::error!("{error}");
            }
        }
    }

    /// Whether the panel of administrators is mounted.
    pub(crate) fn has_panel(&self) -> bool {
        self.renderer().exists("admin/user.html").unwrap_or(false)
    }

    /// Where to listen to events.
    #[must_use]
    pub fn events(&self) -> &Events {
        &self.0.events
    }

    /// The URL of an endpoint: one of Lychgate's own by its name (`login`, `security.login`), or one that the
    /// application named. An unknown name gives the root.
    #[must_use]
    pub fn url(&self, endpoint: &str) -> String {
        self.endpoint_url(endpoint)
            .or_else(|| self.endpoint_url(&format!(".{endpoint}")))
            .unwrap_or_else(|| format!("{}/", self.web().application_root))
    }

    /// The URL of an endpoint, if `name` is one: `security.login`, `.login`, or a name of the application.
    pub(crate) fn endpoint_url(&self, name: &str) -> Option<String> {
        let blueprint = self.settings().text("blueprint_name");
        let path = match name.strip_prefix('.') {
            Some(short) => self.0.endpoints.get(&format!("{blueprint}.{short}")),
            None => self.0.endpoints.get(name),
        };
        path.map(|path| format!("{}{path}", self.web().application_root))
    }

    pub(crate) fn web(&self) -> &WebConfig {
        &self.0.web
    }

    pub(crate) fn breached(&self) -> &Breached {
        &self.0.breached
    }

    pub(crate) fn hashing(&self) -> &Hashing {
        &self.0.hashing
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    pub(crate) fn renderer(&self) -> &Renderer {
        &self.0.renderer
    }

    pub(crate) fn desk(&self) -> &Desk {
        &self.0.desk
    }

    pub(crate) fn refusals(&self) -> &Refusals {
        &self.0.refusals
    }

    pub(crate) fn recovery_vault(&self) -> &Vault {
        &self.0.recovery
    }

    pub(crate) fn session_codec(&self) -> &SessionCodec {
        &self.0.codecs.session
    }

    /// What a session cookie holds, if it is one of ours and in time.
    pub(crate) fn open_session_cookie(&self, cookie: &str, now: i64, lifetime: i64) -> Option<Map> {
        self.0.codecs.opened.open(&self.0.codecs.session, cookie, now, lifetime)
    }

    pub(crate) fn remember_codec(&self) -> &RememberCodec {
        &self.0.codecs.remember
    }

    pub(crate) fn csrf_codec(&self) -> &CsrfCodec {
        &self.0.codecs.csrf
    }

    pub(crate) fn unified(&self) -> &UnifiedCodecs {
        &self.0.codecs.unified
    }

    pub(crate) fn trusted_codec(&self) -> &TokenCodec<TwoFactorValidity> {
        &self.0.codecs.trusted
    }

    pub(crate) fn second_factor_setup_codec(&self) -> &TokenCodec<TwoFactorSetup> {
        &self.0.codecs.second_factor_setup
    }

    /// What encrypts the secrets of one-time codes, where `totp_secrets` is set.
    pub(crate) fn wallet(&self) -> Option<&Wallet> {
        self.0.wallet.as_ref()
    }

    pub(crate) fn links(&self) -> &Links {
        &self.0.codecs.links
    }

    pub(crate) fn passkeys(&self) -> &PasskeyCodecs {
        &self.0.codecs.passkeys
    }

    pub(crate) fn relay_signer(&self) -> &Signer {
        &self.0.codecs.relay
    }

    pub(crate) fn not_me_codec(&self) -> &TokenCodec<NotMe> {
        &self.0.codecs.not_me
    }

    pub(crate) fn challenges(&self) -> &Challenges {
        &self.0.challenges
    }

    pub(crate) fn unlock_codec(&self) -> &TokenCodec<Unlock> {
        &self.0.codecs.unlock
    }

    pub(crate) fn device_codec(&self) -> &TokenCodec<KnownDevice> {
        &self.0.codecs.device
    }

    pub(crate) fn jwt_keys(&self) -> Option<&Keys> {
        self.0.codecs.jwt.as_ref()
    }

    pub(crate) fn register_fields(&self) -> &[RegisterField] {
        &self.0.hooks.register_fields
    }

    pub(crate) fn sign_ups(&self) -> &[SignUp] {
        &self.0.hooks.sign_ups
    }

    /// Where the application sends this user after signing in.
    pub(crate) fn landing_of(&self, user: &User) -> Option<String> {
        self.0.hooks.landing.as_ref().and_then(|landing| landing(user))
    }

    pub(crate) fn identity_rules(&self) -> &Rules {
        &self.0.identity_rules
    }

    /// What an auth token says, if it is one of ours and in time.
    pub(crate) fn open_auth_token(&self, text: &str, now: Moment) -> Option<AuthTokenPayload> {
        self.0.codecs.auth_token.redeem(text, now.unix()).ok().map(|redeemed| redeemed.payload)
    }

    pub(crate) fn refresh_codec(&self) -> &TokenCodec<RefreshToken> {
        &self.0.codecs.refresh
    }

    /// An auth token for `user` that tells this much of them.
    pub(crate) fn auth_token(&self, user: &User, vouched: Vouched<'_>, now: Moment) -> Result<String, Failure> {
        let expires = self.0.hooks.token_expiry.as_ref().map_or(0, |expiry| expiry(user));
        let uid = user.fs_token_uniquifier.as_ref().unwrap_or(&user.fs_uniquifier);
        let mut payload = AuthTokenPayload::new(uid.clone(), vouched.proved_at, expires);
        if let Some(sid) = vouched.sid {
            payload = payload.with_claim(SESSION_CLAIM, sid.into()).map_err(Failure::internal)?;
        }
        if let Some(at) = vouched.second_factor_at {
            payload = payload.with_claim(SECOND_FACTOR_CLAIM, at.into()).map_err(Failure::internal)?;
        }
        let token = self.0.codecs.auth_token.mint(&payload, now.unix()).map_err(Failure::internal)?;
        Ok(token.into_string())
    }

    /// The text of a message outside a request, in the language of whoever did not choose.
    pub(crate) fn text(&self, message: &Message) -> String {
        message.text(self.messages(0))
    }

    /// The languages that are offered, the default first.
    pub(crate) fn languages(&self) -> &[Messages] {
        &self.0.languages
    }

    /// The texts of an offered language; those of the default one if there are not so many.
    pub(crate) fn messages(&self, language: usize) -> &Messages {
        self.0.languages.get(language).unwrap_or(&self.0.default_language)
    }

    pub(crate) fn category(&self, key: MessageKey) -> &str {
        self.messages(0).category(key)
    }

    /// A password in the form in which it is hashed.
    pub(crate) fn normalize_password(&self, password: &str) -> zeroize::Zeroizing<String> {
        let form = self.settings().text_opt("password_normalize_form");
        crate::passwords::normalized(password, form)
    }

    pub(crate) fn user_payload(&self, user: &User) -> Value {
        self.0
            .hooks
            .user_payload
            .as_ref()
            .map_or_else(|| Value::Object(serde_json::Map::new()), |payload| payload(user))
    }

    pub(crate) async fn added_needs(&self, user: &Arc<User>) -> Result<Vec<Need>, Failure> {
        let mut needs = Vec::new();
        for loader in &self.0.hooks.needs {
            needs.extend(loader(Arc::clone(user)).await);
        }
        Ok(needs)
    }

    pub(crate) fn item_loader(&self, kind: &str) -> Option<&ItemLoader> {
        self.0.hooks.items.get(kind)
    }

    /// Whether the application's loaders add needs, so that anybody may have any.
    pub(crate) fn adds_needs(&self) -> bool {
        !self.0.hooks.needs.is_empty()
    }

    pub(crate) fn user_type(&self, user: &User) -> Option<String> {
        self.0.hooks.user_type.as_ref().and_then(|kind| kind(user))
    }

    pub(crate) fn permissions(&self) -> &BTreeMap<String, Permission> {
        &self.0.hooks.permissions
    }

    pub(crate) fn guards(&self) -> &[(String, Guard)] {
        &self.0.hooks.guards
    }

    pub(crate) fn reply_hooks(&self) -> &[ReplyHook] {
        &self.0.hooks.replies
    }

    /// Where to send somebody who lacks a right; nothing means a 403 page.
    pub(crate) fn unauthorized_view(&self, exchange: &Exchange) -> Option<String> {
        match &self.0.hooks.unauthorized_view {
            Some(view) => view(exchange.uri.path()),
            None => exchange.view("unauthorized_view"),
        }
    }

    /// The text by which pages and menus call a user.
    #[must_use]
    pub fn identity_text(&self, user: &User) -> String {
        account::identity_text(self, user)
    }

    /// Mounts `app` under `application_root`; everywhere else is a 404. Without a root it is `app` itself.
    pub fn mount(&self, app: Router) -> Router {
        crate::serve::mount(self, app)
    }

    /// Serves `app` until the process is told to stop (Ctrl-C or SIGTERM), then lets running requests finish.
    ///
    /// # Errors
    ///
    /// If the listener fails, or a guard of `app` stands outside of the layer: see [`checked`](Self::checked).
    pub async fn serve(&self, app: Router, listener: tokio::net::TcpListener) -> std::io::Result<()> {
        let app = self.checked(app).map_err(std::io::Error::other)?;
        crate::serve::serve(self, app, listener).await
    }
}

impl fmt::Debug for Lychgate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lychgate").field("store", &self.0.store).finish_non_exhaustive()
    }
}
