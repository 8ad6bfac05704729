//! Headers that tell a browser what a page may do: Content-Security-Policy, Strict-Transport-Security and their like.
//!
//! They are put on every reply, errors and preflights too. What a handler or a [`SecurityHeaders`](route::SecurityHeaders)
//! layer has set stays.

pub(crate) mod https;
pub(crate) mod nonce;
mod policy;
pub(crate) mod route;

use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use self::{https::Redirect, policy::Policy, route::Without};
use super::exchange::Exchange;
use crate::{
    gate::Lychgate,
    settings::{RawValue, Settings},
};

/// What the settings in `[headers]` ask for.
#[derive(Debug)]
pub(crate) struct SecurityConfig {
    /// Those that are the same on every reply.
    fixed: Vec<(HeaderName, HeaderValue)>,
    policy: Option<Policy>,
    /// Strict-Transport-Security (RFC 6797), which counts over https only.
    transport: Option<HeaderValue>,
    redirect: Option<Redirect>,
    /// Whether caches keep nothing that is for one person.
    private: bool,
}

/// What a reply is about.
#[derive(Clone, Copy, Debug)]
struct About<'a> {
    https: bool,
    /// The nonce that its page carries, if it carries one.
    nonce: Option<&'a str>,
    /// Whether it was made for somebody who is signed in.
    personal: bool,
}

impl SecurityConfig {
    /// Nothing where the headers are switched off.
    ///
    /// # Errors
    ///
    /// One line that names the setting that cannot be used.
    pub(crate) fn from_settings(settings: &Settings) -> Result<Option<Self>, String> {
        if !settings.flag("headers.enabled") {
            return Ok(None);
        }
        let frame = frame_options(settings)?;
        let text = |name: &'static str| (name, settings.text_opt(name).unwrap_or_default().to_owned());
        let table = |name: &'static str, between: &str, after: &str| (name, joined(settings.map(name), between, after));
        let on = |name: &'static str, value: &str| (name, if settings.flag(name) { value } else { "" }.to_owned());
        let wanted = [
            ("x-frame-options", ("headers.frame_options", frame.clone())),
            ("referrer-policy", text("headers.referrer_policy")),
            ("cross-origin-opener-policy", text("headers.cross_origin_opener_policy")),
            ("cross-origin-resource-policy", text("headers.cross_origin_resource_policy")),
            ("cross-origin-embedder-policy", text("headers.cross_origin_embedder_policy")),
            ("permissions-policy", table("headers.permissions_policy", "=", ", ")),
            ("document-policy", table("headers.document_policy", "=", ", ")),
            ("feature-policy", table("headers.feature_policy", " ", "; ")),
            ("x-content-type-options", on("headers.x_content_type_options", "nosniff")),
            ("x-xss-protection", on("headers.x_xss_protection", "1; mode=block")),
            ("x-download-options", on("headers.force_file_save", "noopen")),
        ];
        let sent = wanted.into_iter().filter(|(_, (_, value))| !value.is_empty());
        let fixed = sent.map(|(name, (setting, value))| match value.parse() {
            Ok(value) => Ok((HeaderName::from_static(name), value)),
            Err(_) => Err(format!("{setting}: it cannot stand in a header")),
        });
        Ok(Some(Self {
            fixed: fixed.collect::<Result<_, _>>()?,
            policy: Policy::from_settings(settings, &frame)?,
            transport: transport(settings),
            redirect: Redirect::from_settings(settings),
            private: settings.flag("headers.private_replies"),
        }))
    }

    /// Adds what is not there yet.
    fn add(&self, about: About<'_>, status: StatusCode, headers: &mut HeaderMap) {
        for (name, value) in &self.fixed {
            headers.entry(name).or_insert_with(|| value.clone());
        }
        if let Some(policy) = &self.policy {
            headers.entry(policy.name()).or_insert_with(|| policy.value(about.nonce));
        }
        if let Some(transport) = self.transport.as_ref().filter(|_| about.https) {
            headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert_with(|| transport.clone());
        }
        let failed = status.is_client_error() || status.is_server_error();
        if self.private && (failed || about.personal || headers.contains_key(header::SET_COOKIE)) {
            headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-store"));
        }
    }
}

fn frame_options(settings: &Settings) -> Result<String, String> {
    let from = settings.text_opt("headers.frame_options_allow_from");
    match (settings.text_opt("headers.frame_options").unwrap_or_default(), from) {
        ("ALLOW-FROM", Some(from)) => Ok(format!("ALLOW-FROM {from}")),
        ("ALLOW-FROM", None) => Err("headers.frame_options_allow_from: ALLOW-FROM needs an origin".to_owned()),
        (known @ ("" | "DENY" | "SAMEORIGIN"), _) => Ok(known.to_owned()),
        (other, _) => {
            Err(format!("headers.frame_options: {other:?} is none of DENY, SAMEORIGIN, ALLOW-FROM, or empty for none"))
        }
    }
}

/// A value of a table, as it stands in a header.
fn written(value: &RawValue) -> String {
    match value {
        RawValue::Text(text) | RawValue::Written(text) => text.clone(),
        RawValue::Int(number) => number.to_string(),
        RawValue::List(items) => items.iter().map(written).collect::<Vec<_>>().join(" "),
        _ => String::new(),
    }
}

fn joined(map: &[(String, RawValue)], between: &str, after: &str) -> String {
    map.iter().map(|(name, value)| format!("{name}{between}{}", written(value))).collect::<Vec<_>>().join(after)
}

fn transport(settings: &Settings) -> Option<HeaderValue> {
    if !settings.flag("headers.strict_transport_security") {
        return None;
    }
    let mut text = format!("max-age={}", settings.int("headers.strict_transport_security_max_age"));
    if settings.flag("headers.strict_transport_security_include_subdomains") {
        text.push_str("; includeSubDomains");
    }
    if settings.flag("headers.strict_transport_security_preload") {
        text.push_str("; preload");
    }
    text.parse().ok()
}

impl Exchange {
    /// Adds the headers of the settings to a reply, but for those that its route does without.
    pub(crate) fn add_headers(&self, without: Option<Without>, response: &mut Response) {
        if let Some(config) = &self.config().headers {
            let personal = self.acting_user_id().is_some();
            let about = About { https: self.is_https(), nonce: self.taken_nonce(), personal };
            config.add(about, response.status(), response.headers_mut());
        }
        for name in without.unwrap_or_default().0 {
            response.headers_mut().remove(name);
        }
    }
}

impl Lychgate {
    /// A reply that was made outside of [`layer`](Self::layer), with the security headers of the settings; what it has
    /// already stays. Inside the layer replies have them.
    #[must_use]
    pub fn with_headers(&self, mut response: Response) -> Response {
        if let Some(config) = &self.web().headers {
            let about = About { https: self.web().tls, nonce: None, personal: false };
            config.add(about, response.status(), response.headers_mut());
        }
        response
    }
}
