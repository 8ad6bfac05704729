//! The settings of JSON Web Tokens, read once at start.

use http::{HeaderName, Method, StatusCode};
use lychgate_signing::jwt::{Algorithm, Key, Keys, Rules};
use time::Duration;

use super::{Kind, Place};
use crate::{
    settings::{RawValue, Settings},
    web::cookie::{CookieAttributes, Secure},
};

/// How tokens are carried and what is in them.
#[derive(Debug)]
pub(crate) struct JwtConfig {
    pub(crate) places: Vec<Place>,
    pub(crate) header: HeaderName,
    pub(crate) header_word: String,
    pub(crate) query: String,
    pub(crate) query_prefix: String,
    pub(crate) access: KindConfig,
    pub(crate) refresh: KindConfig,
    /// Whether tokens hold a CSRF token, which a request with the cookie has to repeat.
    pub(crate) csrf: bool,
    pub(crate) csrf_methods: Vec<Method>,
    pub(crate) csrf_in_cookies: bool,
    pub(crate) csrf_in_form: bool,
    /// Seconds that browsers keep the cookies; none until they are closed.
    pub(crate) cookie_seconds: Option<i64>,
    pub(crate) identity_claim: String,
    pub(crate) identity_column: String,
    pub(crate) roles_claim: Option<String>,
    pub(crate) audience: Option<String>,
    pub(crate) issuer: Option<String>,
    pub(crate) not_before: bool,
    pub(crate) rules: Rules,
    pub(crate) message_key: String,
    /// Whether a refresh token is good once, and how long it gives the same successor again.
    pub(crate) rotates: bool,
    pub(crate) grace: Duration,
    /// The status for what is no good token.
    pub(crate) refused: StatusCode,
}

/// What differs between access and refresh tokens.
#[derive(Debug)]
pub(crate) struct KindConfig {
    pub(crate) json_key: String,
    pub(crate) cookie_name: String,
    pub(crate) cookie: CookieAttributes,
    pub(crate) csrf_cookie_name: String,
    pub(crate) csrf_cookie: CookieAttributes,
    pub(crate) csrf_header: HeaderName,
    pub(crate) csrf_field: String,
    /// Seconds that a token lives; none for ever.
    pub(crate) seconds: Option<i64>,
}

impl JwtConfig {
    /// Nothing where tokens are switched off.
    pub(crate) fn from_settings(settings: &Settings) -> Result<Option<Self>, String> {
        if !settings.flag("jwt.enabled") {
            return Ok(None);
        }
        let text = |name: &str| settings.text(name).to_owned();
        let some = |name: &str| settings.text_opt(name).map(str::to_owned);
        let seconds = |name: &str| settings.duration(name).map(|span| span.as_secs());
        let header = |name: &str| {
            let text = settings.text(name);
            text.parse::<HeaderName>().map_err(|_| format!("{name}: {text:?} cannot be the name of a header"))
        };
        let places: Vec<Place> =
            settings.list("jwt.token_location").iter().filter_map(|name| Place::named(name)).collect();
        if places.is_empty() {
            return Err("jwt.token_location is empty: no request could carry a token".to_owned());
        }
        let cookie = |path: &str, http_only: bool| CookieAttributes {
            domain: some("jwt.cookie_domain"),
            path: settings.text(path).to_owned(),
            secure: if settings.flag("jwt.cookie_secure") { Secure::Always } else { Secure::Never },
            http_only,
            same_site: some("jwt.cookie_samesite"),
            partitioned: false,
        };
        let in_cookies = places.contains(&Place::Cookies);
        if in_cookies && settings.text("jwt.cookie_samesite") == "None" && !settings.flag("jwt.cookie_secure") {
            return Err(
                "jwt.cookie_samesite = \"None\" needs jwt.cookie_secure: browsers drop such a cookie".to_owned()
            );
        }
        let forever = (!settings.flag("jwt.session_cookie")).then_some(31_540_000);
        Ok(Some(Self {
            header: header("jwt.header_name")?,
            header_word: text("jwt.header_type"),
            query: text("jwt.query_string_name"),
            query_prefix: text("jwt.query_string_value_prefix"),
            access: KindConfig {
                json_key: text("jwt.json_key"),
                cookie_name: text("jwt.access_cookie_name"),
                cookie: cookie("jwt.access_cookie_path", true),
                csrf_cookie_name: text("jwt.access_csrf_cookie_name"),
                csrf_cookie: cookie("jwt.access_csrf_cookie_path", false),
                csrf_header: header("jwt.access_csrf_header_name")?,
                csrf_field: text("jwt.access_csrf_field_name"),
                seconds: seconds("jwt.access_token_expires"),
            },
            refresh: KindConfig {
                json_key: text("jwt.refresh_json_key"),
                cookie_name: text("jwt.refresh_cookie_name"),
                cookie: cookie("jwt.refresh_cookie_path", true),
                csrf_cookie_name: text("jwt.refresh_csrf_cookie_name"),
                csrf_cookie: cookie("jwt.refresh_csrf_cookie_path", false),
                csrf_header: header("jwt.refresh_csrf_header_name")?,
                csrf_field: text("jwt.refresh_csrf_field_name"),
                seconds: seconds("jwt.refresh_token_expires"),
            },
            csrf: in_cookies && settings.flag("jwt.cookie_csrf_protect"),
            csrf_methods: settings.list("jwt.csrf_methods").iter().filter_map(|name| name.parse().ok()).collect(),
            csrf_in_cookies: settings.flag("jwt.csrf_in_cookies"),
            csrf_in_form: settings.flag("jwt.csrf_check_form"),
            cookie_seconds: seconds("jwt.cookie_max_age").or(forever),
            identity_claim: text("jwt.identity_claim"),
            identity_column: text("jwt.identity_column"),
            roles_claim: some("jwt.roles_claim"),
            audience: some("jwt.encode_audience"),
            issuer: some("jwt.encode_issuer"),
            not_before: settings.flag("jwt.encode_nbf"),
            rules: Rules {
                leeway: seconds("jwt.decode_leeway").unwrap_or(0).clamp(0, 86_400),
                require_exp: settings.flag("jwt.require_exp"),
                // Who hands tokens out for somebody takes them back.
                audience: match settings.list("jwt.decode_audience") {
                    [] => some("jwt.encode_audience").into_iter().collect(),
                    named => named.to_vec(),
                },
                issuer: some("jwt.decode_issuer").into_iter().collect(),
                subject_is_text: settings.flag("jwt.verify_sub"),
            },
            message_key: text("jwt.error_message_key"),
            rotates: settings.flag("jwt.refresh_rotation"),
            grace: Duration::seconds(seconds("jwt.refresh_grace").unwrap_or(0).clamp(0, 3600)),
            refused: match settings.text("jwt.refused_status") {
                "422" => StatusCode::UNPROCESSABLE_ENTITY,
                _ => StatusCode::UNAUTHORIZED,
            },
            places,
        }))
    }

    pub(crate) fn of(&self, kind: Kind) -> &KindConfig {
        match kind {
            Kind::Access => &self.access,
            Kind::Refresh => &self.refresh,
        }
    }
}

/// The keys of the settings; the first one signs. Nothing where tokens are switched off.
pub(crate) fn keys(settings: &Settings) -> Result<Option<Keys>, String> {
    if !settings.flag("jwt.enabled") {
        return Ok(None);
    }
    let keys = match settings.any("jwt.keys") {
        Some(RawValue::List(list)) if !list.is_empty() => list
            .iter()
            .enumerate()
            .map(|(at, key)| of_table(key).map_err(|error| format!("jwt.keys[{at}]: {error}")))
            .collect(),
        Some(RawValue::List(_)) | None => of_settings(settings),
        Some(_) => Err("jwt.keys is a list of tables with algorithm and secret, private_key or public_key".to_owned()),
    };
    Keys::new(keys?).map(Some).map_err(|error| format!("jwt: {error}"))
}

fn algorithm(name: &str) -> Result<Algorithm, String> {
    Algorithm::named(name).ok_or_else(|| {
        format!("{name:?} is no algorithm; HS256, HS384, HS512, RS256, ES256 and EdDSA are some, \"none\" is not")
    })
}

/// The one key of `secret_key`, or of `private_key` and `public_key`, and older secrets.
fn of_settings(settings: &Settings) -> Result<Vec<Key>, String> {
    let named = algorithm(settings.text("jwt.algorithm")).map_err(|error| format!("jwt.algorithm: {error}"))?;
    let further = settings.list("jwt.decode_algorithms").iter().map(|name| algorithm(name));
    let further: Vec<Algorithm> =
        further.collect::<Result<_, _>>().map_err(|error| format!("jwt.decode_algorithms: {error}"))?;
    let id = settings.text_opt("jwt.key_id");
    let mut keys = Vec::new();
    if named.is_symmetric() {
        let own = settings.text_opt("jwt.secret_key");
        let older = if own.is_none() { settings.list("secret_key_fallbacks") } else { &[] };
        keys.push(Key::secret(id, named, own.unwrap_or(settings.text("secret_key")).as_bytes()));
        keys.extend(older.iter().map(|secret| Key::secret(None, named, secret.as_bytes())));
    } else {
        match (settings.text_opt("jwt.private_key"), settings.text_opt("jwt.public_key")) {
            (Some(private), _) => keys.push(Key::private_pem(id, named, &pem("jwt.private_key", private)?)),
            (None, Some(public)) => keys.push(Key::public_pem(id, named, &pem("jwt.public_key", public)?)),
            (None, None) => return Err(format!("jwt.private_key is missing, which {} signs with", named.name())),
        }
    }
    let ready = keys.into_iter().map(|key| key?.accepting(&further));
    ready.collect::<Result<_, _>>().map_err(|error| format!("jwt: {error}"))
}

/// `{ id = "2026-11", algorithm = "ES256", private_key = "…" }`.
fn of_table(key: &RawValue) -> Result<Key, String> {
    let RawValue::Map(entries) = key else { return Err("a key is a table".to_owned()) };
    let mut found: [Option<&str>; 5] = [None; 5];
    const NAMES: [&str; 5] = ["id", "algorithm", "secret", "private_key", "public_key"];
    for (name, value) in entries {
        let at = NAMES.iter().position(|known| known == name);
        let slot =
            at.and_then(|at| found.get_mut(at)).ok_or_else(|| format!("there is no {name:?}; known are {NAMES:?}"))?;
        let (RawValue::Text(text) | RawValue::Written(text)) = value else { return Err(format!("{name} is text")) };
        *slot = Some(text);
    }
    let [id, named, secret, private, public] = found;
    let named = algorithm(named.ok_or("algorithm is missing")?)?;
    let made = match (secret, private, public) {
        (Some(secret), None, None) => Key::secret(id, named, secret.as_bytes()),
        (None, Some(private), None) => Key::private_pem(id, named, &pem("private_key", private)?),
        (None, None, Some(public)) => Key::public_pem(id, named, &pem("public_key", public)?),
        _ => return Err("give one of secret, private_key and public_key".to_owned()),
    };
    made.map_err(|error| error.to_string())
}

/// A key in PEM: the text itself, or that of the file it names.
fn pem(name: &str, text: &str) -> Result<zeroize::Zeroizing<String>, String> {
    if text.contains("-----BEGIN ") {
        return Ok(text.to_owned().into());
    }
    let read = std::fs::read_to_string(text).map_err(|error| format!("{name}: {text}: {error}"))?;
    Ok(read.into())
}
