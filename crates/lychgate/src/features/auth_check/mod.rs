//! Forward authentication: a proxy asks about each request whether its sender may pass, and is told who that is.
//!
//! It looks and changes nothing: no freshness is extended, and cookies are set only where any other page would renew them.

pub(crate) mod openapi;
pub(crate) mod settings;

use std::{borrow::Cow, sync::Arc};

use axum::response::{IntoResponse as _, Response};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::{
    failure::Failure,
    flow::next,
    gate::Lychgate,
    messages,
    principal::{Identity, Need, Permission},
    settings::{RawValue, Settings},
    web::{
        answer::Reply,
        config::Freshness,
        identify::Authenticated,
        routes::{Call, Routes},
    },
};

/// What is written otherwise in a header: what ends it, what separates a list, what HTTP trims, and the sign itself.
const ESCAPED: &AsciiSet = &CONTROLS.add(b' ').add(b'%').add(b',');
/// Longest list in a header. Proxies have room for some kilobytes of headers, and refuse the reply beyond.
const MAX_LIST: usize = 3 * 1024;
/// Most roles or permissions that one question names.
const MAX_NAMES: usize = 32;

pub(crate) fn endpoints(settings: &Settings) -> Vec<(&'static str, String)> {
    let on = settings.flag("auth_check");
    settings.text_opt("auth_check_url").filter(|_| on).map(|url| ("auth_check", url.to_owned())).into_iter().collect()
}

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(gate: &Lychgate, routes: &mut Routes<S>) {
    for (name, url) in endpoints(gate.settings()) {
        let told = Arc::new(Told::from_settings(gate.settings()));
        routes.add(name, &[Method::GET], &url, "signed in", move |call: Call| {
            let told = Arc::clone(&told);
            async move {
                let mut response = check(&call, &told).await?;
                response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
                Ok(Reply::Other(response))
            }
        });
    }
}

/// The names of the headers.
#[derive(Debug)]
struct Told {
    user: Option<HeaderName>,
    email: Option<HeaderName>,
    roles: Option<HeaderName>,
    permissions: Option<HeaderName>,
    location: Option<HeaderName>,
}

impl Told {
    fn from_settings(settings: &Settings) -> Self {
        let name = |key: &str| match settings.map_entry("auth_check_headers", key) {
            Some(RawValue::Text(text) | RawValue::Written(text)) => text.parse().ok(),
            _ => None,
        };
        Self {
            user: name("user"),
            email: name("email"),
            roles: name("roles"),
            permissions: name("permissions"),
            location: name("location"),
        }
    }
}

/// What the proxy asks for beside somebody signed in.
#[derive(Debug, Default)]
struct Asked {
    roles: Vec<Need>,
    permissions: Vec<Need>,
    /// Seconds.
    fresh: Option<f64>,
    redirect: bool,
}

impl Asked {
    /// A parameter that is not known is a slip of the operator's. Passing over it would let everybody in.
    fn read(call: &Call) -> Result<Self, Failure> {
        let bad = || Failure::bad(StatusCode::BAD_REQUEST, messages::API_ERROR);
        let mut asked = Self::default();
        for (name, value) in form_urlencoded::parse(call.uri.query().unwrap_or_default().as_bytes()) {
            match &*name {
                "role" => asked.roles.push(Need::role(value.into_owned())),
                "permission" => asked.permissions.push(Need::permission(value.into_owned())),
                "fresh" => {
                    let within = match &*value {
                        "" => call.freshness().within,
                        text => f64::from(text.parse::<u32>().map_err(|_| bad())?),
                    };
                    asked.fresh = Some(asked.fresh.map_or(within, |other| other.min(within)));
                }
                "redirect" => asked.redirect = true,
                _ => return Err(bad()),
            }
        }
        if asked.roles.len() > MAX_NAMES || asked.permissions.len() > MAX_NAMES {
            return Err(bad());
        }
        Ok(asked)
    }

    /// One of the roles, if any are named, and one of the permissions, if any are named.
    fn permission(&self) -> Option<Permission> {
        let any = |needs: &[Need]| (!needs.is_empty()).then(|| Permission::any(needs.iter().cloned()));
        match (any(&self.roles), any(&self.permissions)) {
            (Some(role), Some(permission)) => Some(role.and(permission)),
            (one, other) => one.or(other),
        }
    }
}

async fn check(call: &Call, told: &Told) -> Result<Response, Failure> {
    let asked = Asked::read(call)?;
    let who = match call.admit(&call.config().guard_mechanisms, None).await {
        Err(Failure::Unauthenticated { realm }) => {
            let realm = realm.as_deref().map(str::to_owned);
            return Ok(unauthenticated(call, told, &asked, realm.as_deref()));
        }
        other => other?,
    };
    if let Some(within) = asked.fresh
        && !call.is_recent(&who, Freshness { within, ..call.freshness() })
    {
        return Ok(not_fresh(call, told, &asked));
    }
    if let Some(permission) = asked.permission()
        && !permission.allows(who.identity())
    {
        tracing::info!(
            request_id = call.request_id(),
            user_id = who.user.id,
            needed = %permission,
            "a proxy's request was refused"
        );
        return Ok(Failure::bad(StatusCode::FORBIDDEN, messages::UNAUTHORIZED).into_response());
    }
    Ok(passed(told, &who))
}

fn passed(told: &Told, who: &Authenticated) -> Response {
    let mut response = Response::default();
    let mut tell = |name: &Option<HeaderName>, value: &str| {
        if let (Some(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    };
    tell(&told.user, &who.user.id.to_string());
    tell(&told.email, &escaped(&who.user.email));
    let identity = who.identity();
    tell(&told.roles, &list("roles", identity, &Need::role("")));
    tell(&told.permissions, &list("permissions", identity, &Need::permission("")));
    response
}

/// The names of what the caller provides of the same kind as `like`, sorted; what the application's loader adds is among
/// it. A list that is too long for a header is empty: whoever goes by it refuses, and can ask by name instead.
fn list(what: &str, identity: &Identity, like: &Need) -> String {
    let provided = identity.provides.iter().filter(|need| need.method() == like.method() && need.item_kind().is_none());
    let mut names: Vec<String> = provided.map(|need| need.value().to_string()).collect();
    names.sort_unstable();
    names.dedup();
    let names: Vec<Cow<'_, str>> = names.iter().map(|name| escaped(name)).collect();
    let text = names.join(",");
    if text.len() <= MAX_LIST {
        return text;
    }
    tracing::warn!(
        what,
        bytes = text.len(),
        "a list is too long for a header; ask for names with ?role= or ?permission="
    );
    String::new()
}

fn escaped(text: &str) -> Cow<'_, str> {
    utf8_percent_encode(text, ESCAPED).into()
}

fn unauthenticated(call: &Call, told: &Told, asked: &Asked, realm: Option<&str>) -> Response {
    let mut response = refused(call, told, asked, "login", messages::UNAUTHENTICATED);
    let challenge = realm.map(|realm| format!("Basic realm=\"{}\"", realm.replace(['"', '\\'], "")));
    if let Some(value) = challenge.and_then(|challenge| HeaderValue::try_from(challenge).ok())
        && response.status() == StatusCode::UNAUTHORIZED
    {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    response
}

fn not_fresh(call: &Call, told: &Told, asked: &Asked) -> Response {
    if call.wants_json() {
        return Failure::NotFresh.into_response();
    }
    refused(call, told, asked, "verify", messages::REAUTHENTICATION_REQUIRED)
}

/// 401 with a header that says where a browser is let in, or a redirect there if the proxy asked for one.
fn refused(call: &Call, told: &Told, asked: &Asked, endpoint: &str, why: messages::MessageKey) -> Response {
    let way = way_in(call, endpoint).and_then(|way| HeaderValue::try_from(way).ok());
    if let Some(way) = way.clone().filter(|_| asked.redirect && !call.wants_json()) {
        return (StatusCode::FOUND, [(header::LOCATION, way)]).into_response();
    }
    let mut response = Failure::bad(StatusCode::UNAUTHORIZED, why).into_response();
    if let (Some(name), Some(way)) = (&told.location, way) {
        response.headers_mut().insert(name, way);
    }
    response
}

/// Where a browser is let in, and led back to the page that it asked the proxy for.
fn way_in(call: &Call, endpoint: &str) -> Option<String> {
    let url = call.gate.endpoint_url(&format!(".{endpoint}"))?;
    let asked_for = call.headers().forwarded.path();
    let home = call.config().base_url.as_deref();
    let (url, target) = match home.and_then(|home| Some((home, home.split_once("://")?.1))) {
        // The page is on another host than the sign-in page.
        Some((home, host)) if host != call.host() => {
            let target = asked_for.map(|path| format!("{}://{}{path}", call.scheme(), call.host()));
            (format!("{home}{url}"), target.filter(|target| next::is_allowed(target, host, allowed(call))))
        }
        _ => (url, asked_for.map(str::to_owned).filter(|path| next::is_allowed(path, call.host(), allowed(call)))),
    };
    Some(target.map_or_else(|| url.clone(), |target| call.with_next(&url, &target)))
}

fn allowed(call: &Call) -> &next::AllowedHosts {
    &call.config().allowed_hosts
}
