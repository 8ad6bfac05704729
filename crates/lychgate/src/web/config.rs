//! The settings that every request needs, read once at start.

use http::{HeaderName, Method};

use super::{
    addresses::AddressRules,
    body::BodyLimits,
    cookie::{CookieAttributes, Secure},
    cors::Cors,
    headers::SecurityConfig,
    identify::Mechanism,
    jwt::config::JwtConfig,
    proxy::ProxyConfig,
};
use crate::{
    flow::next::AllowedHosts,
    settings::{RawValue, Settings},
};

/// What the layer, the guards and the cookies go by.
#[derive(Debug)]
pub(crate) struct WebConfig {
    pub(crate) session: SessionConfig,
    pub(crate) remember: RememberConfig,
    pub(crate) csrf: CsrfConfig,
    pub(crate) token: TokenConfig,
    /// Nothing where JSON Web Tokens are switched off.
    pub(crate) jwt: Option<JwtConfig>,
    pub(crate) api_keys: ApiKeyConfig,
    /// Nothing where there are no refresh tokens.
    pub(crate) refresh: Option<RefreshConfig>,
    pub(crate) proxy: ProxyConfig,
    pub(crate) freshness: Freshness,
    pub(crate) trusted: TrustedConfig,
    pub(crate) body: BodyLimits,
    /// The longest body; nothing where there is no bound.
    pub(crate) most_bytes: Option<usize>,
    /// What the library's own routes accept.
    pub(crate) api_mechanisms: Vec<Mechanism>,
    /// What guards of the application accept that name none.
    pub(crate) guard_mechanisms: Vec<Mechanism>,
    pub(crate) allowed_hosts: AllowedHosts,
    pub(crate) base_url: Option<String>,
    pub(crate) server_name: Option<String>,
    /// The host that the routes answer on, where they are bound to a sub-domain.
    pub(crate) route_host: Option<String>,
    /// Path under which everything is mounted, without a slash at its end.
    pub(crate) application_root: String,
    pub(crate) cors: Option<Cors>,
    /// Nothing where security headers are switched off.
    pub(crate) headers: Option<SecurityConfig>,
    pub(crate) addresses: AddressRules,
    /// Whether our own listener speaks TLS.
    pub(crate) tls: bool,
    pub(crate) flash_messages: bool,
    pub(crate) realm: String,
    pub(crate) cache_control: Option<String>,
    pub(crate) language: LanguageConfig,
    /// Whether the reference's narrower readings are kept where a wider one is as safe.
    pub(crate) as_flask: bool,
}

#[derive(Debug)]
pub(crate) struct SessionConfig {
    pub(crate) name: String,
    pub(crate) cookie: CookieAttributes,
    /// Seconds that a session cookie is believed after it was written.
    pub(crate) lifetime: i64,
    /// How long a session goes on without a request, unless its browser is remembered.
    pub(crate) idle: Option<time::Duration>,
    /// How long a session goes on after its sign-in, whatever happens.
    pub(crate) absolute: Option<time::Duration>,
    pub(crate) refresh_each_request: bool,
    pub(crate) protection: Protection,
}

/// What happens to a session whose browser or address changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protection {
    Off,
    /// It goes on, but is not fresh.
    Basic,
    /// It ends.
    Strong,
}

#[derive(Debug)]
pub(crate) struct RememberConfig {
    pub(crate) name: String,
    pub(crate) cookie: CookieAttributes,
    pub(crate) seconds: i64,
    pub(crate) refresh_each_request: bool,
    /// Whether the cookie names its session.
    pub(crate) names_session: bool,
}

#[derive(Debug)]
pub(crate) struct CsrfConfig {
    pub(crate) enabled: bool,
    /// The whole application is checked, not only Lychgate's forms.
    pub(crate) protect: bool,
    pub(crate) check_default: bool,
    /// Seconds that a token is good for.
    pub(crate) time_limit: Option<i64>,
    pub(crate) field: &'static str,
    pub(crate) headers: Vec<HeaderName>,
    pub(crate) methods: Vec<Method>,
    pub(crate) ssl_strict: bool,
    pub(crate) mechanisms: Vec<Mechanism>,
    pub(crate) ignore_unauthenticated: bool,
    pub(crate) check_origin: bool,
    pub(crate) cookie: Option<(String, CookieAttributes)>,
    pub(crate) cookie_each_request: bool,
}

#[derive(Debug)]
pub(crate) struct TokenConfig {
    pub(crate) header: HeaderName,
    pub(crate) key: String,
    pub(crate) in_query: bool,
    pub(crate) max_age: i64,
    /// Whether a token names the session that it was handed out in, and ends with it.
    pub(crate) ends_with_session: bool,
}

#[derive(Debug)]
pub(crate) struct ApiKeyConfig {
    pub(crate) on: bool,
    /// Where a key may stand besides `Authorization`.
    pub(crate) header: HeaderName,
}

#[derive(Debug)]
pub(crate) struct RefreshConfig {
    /// The cookie that carries the token; without one it goes by the body.
    pub(crate) cookie: Option<(String, CookieAttributes)>,
    pub(crate) max_age: time::Duration,
    pub(crate) max_idle: time::Duration,
    /// How long the token before the last gives the same successor.
    pub(crate) grace: time::Duration,
    pub(crate) cleans_expired: bool,
    pub(crate) cleans_ended: bool,
    /// Whether a refresh counts as a proof of identity.
    pub(crate) is_fresh: bool,
}

/// The cookie of a browser that need not be asked for the second factor for a while.
#[derive(Debug)]
pub(crate) struct TrustedConfig {
    pub(crate) name: String,
    pub(crate) cookie: CookieAttributes,
    pub(crate) seconds: i64,
}

/// How the language of a request is found.
#[derive(Debug)]
pub(crate) struct LanguageConfig {
    /// Whether there is more than one.
    pub(crate) is_chosen: bool,
    /// Whether replies say which language they are in.
    pub(crate) is_told: bool,
    pub(crate) cookie_name: String,
    pub(crate) cookie: CookieAttributes,
    /// The column of the user table that holds it.
    pub(crate) column: Option<String>,
}

/// How long a proof of identity counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Freshness {
    /// Seconds; negative means that proofs do not age.
    pub(crate) within: f64,
    pub(crate) grace: f64,
    pub(crate) allow_token: bool,
}

impl WebConfig {
    pub(crate) fn from_settings(settings: &Settings) -> Result<Self, String> {
        let seconds = |name: &str| settings.duration(name).map(|s| s.as_secs_f64());
        #[allow(clippy::cast_possible_truncation)]
        let whole = |name: &str| seconds(name).map(|s| s as i64);
        let text = |name: &str| settings.text_opt(name).map(str::to_owned);
        let count = |name: &str| usize::try_from(settings.int(name)).unwrap_or(0);
        let most_bytes = settings.int_opt("max_content_length").and_then(|most| usize::try_from(most).ok());
        let header = |setting: &str, name: &str| {
            let wrong = |_| format!("{setting}: {name:?} cannot be the name of a header");
            name.parse::<HeaderName>().map_err(wrong)
        };
        let header_of = |setting: &str| header(setting, settings.text(setting));
        let root = settings.text("application_root").trim_end_matches('/').to_owned();
        let mut csrf_headers = settings.list("csrf.headers").to_vec();
        csrf_headers.extend(text("csrf_header"));
        Ok(Self {
            session: SessionConfig {
                name: settings.text("session.cookie_name").to_owned(),
                cookie: CookieAttributes {
                    domain: text("session.cookie_domain"),
                    path: text("session.cookie_path").unwrap_or_else(|| settings.text("application_root").to_owned()),
                    secure: secure(settings.flag_or_auto("session.cookie_secure")),
                    http_only: settings.flag("session.cookie_httponly"),
                    same_site: text("session.cookie_samesite"),
                    partitioned: settings.flag("session.cookie_partitioned"),
                },
                lifetime: whole("session.permanent_lifetime").unwrap_or(31 * 86_400),
                idle: whole("session.idle_timeout").map(time::Duration::seconds),
                absolute: whole("session.absolute_timeout").map(time::Duration::seconds),
                refresh_each_request: settings.flag("session.refresh_each_request"),
                protection: match settings.text_opt("session.protection") {
                    Some("strong" | "strict") => Protection::Strong,
                    Some("basic") => Protection::Basic,
                    _ => Protection::Off,
                },
            },
            remember: RememberConfig {
                name: settings.text("remember.cookie_name").to_owned(),
                cookie: CookieAttributes {
                    domain: text("remember.cookie_domain"),
                    path: text("remember.cookie_path").unwrap_or_else(|| "/".to_owned()),
                    secure: secure(settings.flag_or_auto("remember.cookie_secure")),
                    http_only: settings.flag("remember.cookie_httponly"),
                    same_site: text("remember.cookie_samesite"),
                    partitioned: false,
                },
                seconds: whole("remember.cookie_duration").unwrap_or(365 * 86_400),
                refresh_each_request: settings.flag("remember.cookie_refresh_each_request"),
                names_session: settings.flag("remember.names_session"),
            },
            csrf: CsrfConfig {
                enabled: settings.flag("csrf.enabled"),
                protect: settings.flag("csrf.protect"),
                check_default: settings.flag("csrf.check_default"),
                time_limit: whole("csrf.time_limit"),
                // Read once at start and used as the name of a field, which the program knows for good.
                field: Box::leak(settings.text("csrf.field_name").to_owned().into_boxed_str()),
                headers: csrf_headers.iter().map(|name| header("csrf.headers", name)).collect::<Result<_, _>>()?,
                methods: settings
                    .list("csrf.methods")
                    .iter()
                    .map(|name| name.parse().map_err(|_| format!("csrf.methods: {name:?} is not an HTTP method")))
                    .collect::<Result<_, _>>()?,
                ssl_strict: settings.flag("csrf.ssl_strict"),
                mechanisms: mechanisms(settings.list("csrf_protect_mechanisms")),
                ignore_unauthenticated: settings.flag("csrf_ignore_unauth_endpoints"),
                check_origin: settings.flag("csrf.check_origin"),
                cookie: text("csrf_cookie_name").map(|name| (name, cookie_map(settings, "csrf_cookie"))),
                cookie_each_request: settings.flag("csrf_cookie_refresh_each_request"),
            },
            token: TokenConfig {
                header: header_of("token_authentication_header")?,
                key: settings.text("token_authentication_key").to_owned(),
                in_query: settings.flag("token_query_enabled"),
                max_age: whole("token_max_age").unwrap_or(900),
                ends_with_session: settings.flag("token_ends_with_session"),
            },
            jwt: JwtConfig::from_settings(settings)?,
            proxy: ProxyConfig::from_settings(settings)?,
            api_keys: ApiKeyConfig { on: settings.flag("api_keys"), header: header_of("api_key_header")? },
            refresh: settings.flag("refresh_token").then(|| {
                let span = |name: &str| time::Duration::seconds_f64(seconds(name).unwrap_or(0.0).clamp(0.0, 1e10));
                RefreshConfig {
                    cookie: text("refresh_token_cookie_name")
                        .filter(|name| !name.is_empty())
                        .map(|name| (name, cookie_map(settings, "refresh_token_cookie"))),
                    max_age: span("refresh_token_max_age"),
                    max_idle: span("refresh_token_max_idle"),
                    grace: span("refresh_token_grace"),
                    cleans_expired: settings.flag("refresh_token_cleanup_expired"),
                    cleans_ended: settings.flag("refresh_token_cleanup_revoked"),
                    is_fresh: settings.flag("refresh_token_is_fresh"),
                }
            }),
            freshness: Freshness {
                within: seconds("freshness").unwrap_or(-1.0),
                grace: seconds("freshness_grace_period").unwrap_or(0.0),
                allow_token: settings.flag("freshness_allow_auth_token"),
            },
            trusted: TrustedConfig {
                name: settings.text("two_factor_validity_cookie_name").to_owned(),
                cookie: cookie_map(settings, "two_factor_validity_cookie"),
                seconds: whole("two_factor_login_validity").unwrap_or(30 * 86_400),
            },
            body: BodyLimits {
                bytes: count("max_form_memory_size").min(most_bytes.unwrap_or(usize::MAX)),
                fields: count("max_form_parts"),
            },
            most_bytes,
            api_mechanisms: mechanisms(settings.list("api_enabled_methods"))
                .into_iter()
                .filter(|mechanism| *mechanism != Mechanism::ApiKey)
                .collect(),
            guard_mechanisms: mechanisms(settings.list("api_enabled_methods")),
            allowed_hosts: AllowedHosts {
                server_name: text("server_name").filter(|_| settings.flag("redirect_allow_subdomains")),
                base_domain: text("redirect_base_domain")
                    .map(|base| (base, settings.list("redirect_allowed_subdomains").to_vec())),
            },
            base_url: text("base_url").map(|url| url.trim_end_matches('/').to_owned()),
            route_host: text("subdomain")
                .zip(text("server_name"))
                .filter(|_| settings.flag("subdomain_matching"))
                .map(|(subdomain, server)| format!("{subdomain}.{server}")),
            server_name: text("server_name"),
            application_root: root,
            cors: Cors::from_settings(settings),
            headers: SecurityConfig::from_settings(settings)?,
            addresses: AddressRules::from_settings(settings)?,
            tls: settings.text_opt("server.tls_certificate").is_some()
                || !settings.list("server.acme_domains").is_empty(),
            flash_messages: settings.flag("flash_messages"),
            realm: settings.text("default_http_auth_realm").to_owned(),
            cache_control: cache_control(settings),
            language: LanguageConfig {
                is_chosen: settings.list("languages").len() > 1,
                is_told: settings.given("languages") || settings.profile() == crate::settings::Profile::Modern,
                cookie_name: text("language_cookie_name").unwrap_or_else(|| "language".to_owned()),
                cookie: CookieAttributes {
                    domain: text("session.cookie_domain"),
                    path: settings.text("application_root").to_owned(),
                    secure: secure(settings.flag_or_auto("session.cookie_secure")),
                    http_only: true,
                    same_site: Some("Lax".to_owned()),
                    partitioned: false,
                },
                column: text("language_column"),
            },
            as_flask: settings.profile() == crate::settings::Profile::Flask,
        })
    }
}

/// `None` is "auto".
fn secure(value: Option<bool>) -> Secure {
    match value {
        Some(true) => Secure::Always,
        Some(false) => Secure::Never,
        None => Secure::Auto,
    }
}

/// Mechanisms by name, in the order in which they are always tried.
fn mechanisms(names: &[String]) -> Vec<Mechanism> {
    [Mechanism::ApiKey, Mechanism::Token, Mechanism::Jwt, Mechanism::Session, Mechanism::Basic]
        .into_iter()
        .filter(|mechanism| names.iter().any(|name| name == mechanism.name()))
        .collect()
}

/// Cookie attributes out of a map such as `{samesite = "Strict", secure = true}`.
fn cookie_map(settings: &Settings, name: &str) -> CookieAttributes {
    let flag = |key: &str| matches!(settings.map_entry(name, key), Some(RawValue::Flag(true)));
    let text = |key: &str| match settings.map_entry(name, key) {
        Some(RawValue::Text(text) | RawValue::Written(text)) if !text.is_empty() => Some(text.clone()),
        _ => None,
    };
    CookieAttributes {
        domain: text("domain"),
        path: text("path").unwrap_or_else(|| "/".to_owned()),
        secure: match text("secure").as_deref() {
            Some("auto") => Secure::Auto,
            _ if flag("secure") => Secure::Always,
            _ => Secure::Never,
        },
        http_only: flag("httponly"),
        same_site: text("samesite"),
        partitioned: flag("partitioned"),
    }
}

/// The directives of `cache_control`, in the order of the setting; none switches the header off.
fn cache_control(settings: &Settings) -> Option<String> {
    let directives: Vec<String> = settings
        .map("cache_control")
        .iter()
        .filter_map(|(name, value)| match value {
            RawValue::Flag(true) => Some(name.clone()),
            RawValue::Int(number) => Some(format!("{name}={number}")),
            RawValue::Text(text) | RawValue::Written(text) => Some(format!("{name}={text}")),
            _ => None,
        })
        .collect();
    (!directives.is_empty()).then(|| directives.join(", "))
}
