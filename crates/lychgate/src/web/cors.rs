//! Pages of other origins: which may call, and what they may send and read (Fetch standard, CORS protocol).
//!
//! Origins are compared whole. A pattern such as `https://*.example.com` stands for one or more labels and is anchored at
//! both ends, so that nobody gets in by a longer name.

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::settings::Settings;

/// What the settings allow; none if no other origin may call.
#[derive(Debug)]
pub(crate) struct Cors {
    origins: Vec<String>,
    resources: Vec<String>,
    methods: String,
    allow_headers: Vec<String>,
    expose_headers: Option<HeaderValue>,
    credentials: bool,
    max_age: Option<HeaderValue>,
    wildcard: bool,
    private_network: bool,
    preflight_status: StatusCode,
}

impl Cors {
    pub(crate) fn from_settings(settings: &Settings) -> Option<Self> {
        let origins = settings.list("cors.origins").to_vec();
        if origins.is_empty() {
            return None;
        }
        let mut methods = settings.list("cors.methods").to_vec();
        methods.sort_unstable();
        let expose = settings.list("cors.expose_headers").join(", ");
        let max_age = settings.duration("cors.max_age").map(|seconds| seconds.as_secs().to_string());
        Some(Self {
            origins,
            resources: settings.list("cors.resources").to_vec(),
            methods: methods.join(", "),
            allow_headers: settings.list("cors.allow_headers").iter().map(|name| name.to_ascii_lowercase()).collect(),
            expose_headers: Some(expose).filter(|text| !text.is_empty()).and_then(|text| text.parse().ok()),
            credentials: settings.flag("cors.supports_credentials"),
            max_age: max_age.and_then(|text| text.parse().ok()),
            wildcard: settings.flag("cors.send_wildcard"),
            private_network: settings.flag("cors.allow_private_network"),
            preflight_status: match settings.int("cors.preflight_status") {
                204 => StatusCode::NO_CONTENT,
                _ => StatusCode::OK,
            },
        })
    }

    /// Whether a page of `origin` may call at all.
    pub(crate) fn allows(&self, origin: &str) -> bool {
        self.origins.iter().any(|pattern| pattern == "*" || matches(pattern, origin))
    }

    fn covers(&self, path: &str) -> bool {
        self.resources.iter().any(|pattern| matches_path(pattern, path))
    }

    /// Whether this is a browser asking what it may send.
    pub(crate) fn is_preflight(&self, method: &Method, path: &str, headers: &HeaderMap) -> bool {
        method == Method::OPTIONS
            && headers.contains_key(header::ORIGIN)
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
            && self.covers(path)
    }

    /// The status of the answer to a preflight.
    pub(crate) fn preflight_status(&self) -> StatusCode {
        self.preflight_status
    }

    /// Adds what the browser needs to hand the reply to its page; to a page that may not call, nothing.
    pub(crate) fn answer(&self, path: &str, request: &HeaderMap, preflight: bool, reply: &mut HeaderMap) {
        if !self.covers(path) {
            return;
        }
        reply.append(header::VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = request.get(header::ORIGIN) else { return };
        if !origin.to_str().is_ok_and(|origin| self.allows(origin)) {
            return;
        }
        let shown = if self.wildcard && !self.credentials { HeaderValue::from_static("*") } else { origin.clone() };
        reply.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, shown);
        if self.credentials {
            reply.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        if let Some(expose) = &self.expose_headers {
            reply.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, expose.clone());
        }
        if preflight {
            self.answer_preflight(request, reply);
        }
    }

    fn answer_preflight(&self, request: &HeaderMap, reply: &mut HeaderMap) {
        if let Ok(methods) = HeaderValue::from_str(&self.methods) {
            reply.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        }
        let asked = request.get(header::ACCESS_CONTROL_REQUEST_HEADERS).and_then(|value| value.to_str().ok());
        let mut allowed: Vec<&str> = asked
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)))
            .filter(|name| self.allow_headers.iter().any(|known| known == "*" || known.eq_ignore_ascii_case(name)))
            .take(MAX_HEADERS)
            .collect();
        allowed.sort_unstable();
        if let Ok(headers) = HeaderValue::from_str(&allowed.join(", "))
            && !allowed.is_empty()
        {
            reply.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, headers);
        }
        if let Some(max_age) = &self.max_age {
            reply.insert(header::ACCESS_CONTROL_MAX_AGE, max_age.clone());
        }
        if self.private_network && request.contains_key("access-control-request-private-network") {
            reply.insert("access-control-allow-private-network", HeaderValue::from_static("true"));
        }
    }
}

/// Most header names that a preflight is answered for.
const MAX_HEADERS: usize = 64;

/// Whether `origin` is `pattern`, in which `*` stands for labels of a host.
fn matches(pattern: &str, origin: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern.eq_ignore_ascii_case(origin),
        Some((head, tail)) => {
            let (origin, head, tail) =
                (origin.to_ascii_lowercase(), head.to_ascii_lowercase(), tail.to_ascii_lowercase());
            let labels = origin.strip_prefix(&head).and_then(|rest| rest.strip_suffix(&tail));
            labels.is_some_and(|labels| {
                !labels.is_empty() && labels.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
            })
        }
    }
}

/// Whether `path` is `pattern`, whose `*` at the end stands for anything.
fn matches_path(pattern: &str, path: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(head) => path.starts_with(head),
        None => pattern == path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_compared_whole() {
        assert!(matches("https://app.example", "https://app.example"));
        assert!(matches("https://App.example", "https://app.example"));
        for other in ["https://app.example.evil", "http://app.example", "https://app.example:8443", "null", ""] {
            assert!(!matches("https://app.example", other), "{other}");
        }
    }

    #[test]
    fn patterns_are_anchored_at_both_ends() {
        assert!(matches("https://*.example.com", "https://a.example.com"));
        assert!(matches("https://*.example.com", "https://a.b.example.com"));
        for other in [
            "https://example.com",
            "https://a.example.com.evil.org",
            "https://evil.org/.example.com",
            "https://evil.org#.example.com",
            "http://a.example.com",
        ] {
            assert!(!matches("https://*.example.com", other), "{other}");
        }
    }

    #[test]
    fn paths() {
        assert!(matches_path("/*", "/x"));
        assert!(matches_path("/api/*", "/api/x"));
        assert!(!matches_path("/api/*", "/apix"));
        assert!(!matches_path("/api", "/api/x"));
    }
}
