//! Where a followed link ends: a page of ours with a message, or a page of a single-page application with a query.

use http::StatusCode;
use lychgate_store::User;

use crate::{
    failure::Failure,
    messages,
    web::{answer::Reply, exchange::Exchange, form::Message},
};

impl Exchange {
    /// Whether links lead to pages of a single-page application.
    pub(crate) fn is_spa(&self) -> bool {
        self.gate.settings().text_opt("redirect_behavior") == Some("spa")
    }

    /// What a setting names, at `redirect_host` where there is one and it is no endpoint: pages of a single-page
    /// application may be served from another host than ours.
    pub(crate) fn landing_view(&self, setting: &str) -> Option<String> {
        let settings = self.gate.settings();
        let is_endpoint = settings.text_opt(setting).is_some_and(|text| self.gate.endpoint_url(text).is_some());
        let target = self.view(setting)?;
        Some(match settings.text_opt("redirect_host").filter(|_| !is_endpoint) {
            Some(host) => on_host(&target, host),
            None => target,
        })
    }

    /// Ends at the view that a setting names, else at `fallback`, with a message: as a flash, or for a single-page
    /// application as a query, beside the address of `who` where one may be told.
    pub(crate) fn landed(&self, message: Message, view: &str, fallback: String, who: Option<&User>) -> Reply {
        let (category, text) = (self.gate.category(message.key), self.text(&message));
        match self.landing_view(view) {
            Some(target) if self.is_spa() => {
                let identity = who.map(|user| crate::flow::account::identity_text(&self.gate, user));
                let mut query = vec![(category, text.as_str())];
                query.extend(who.map(|user| ("email", user.email.as_str())));
                query.extend(identity.as_deref().map(|identity| ("identity", identity)));
                Reply::Redirect(with_query(&target, &query))
            }
            target => {
                self.flash(message);
                Reply::Redirect(target.unwrap_or(fallback))
            }
        }
    }

    /// Refuses a request whose host cannot stand in a link. Asked for every route that may write a mail, before it is
    /// known whether it will.
    pub(crate) fn check_host(&self) -> Result<(), Failure> {
        let config = self.config();
        if config.base_url.is_some() || config.server_name.is_some() || is_plain_host(self.host()) {
            return Ok(());
        }
        Err(Failure::bad(StatusCode::BAD_REQUEST, messages::API_ERROR))
    }

    /// An absolute link to a path of ours.
    pub(crate) fn link_to(&self, path: &str) -> String {
        format!("{}{path}", self.origin())
    }

    /// The path of a mailed link: the endpoint's own path and the token; the slash at its end is kept.
    pub(crate) fn token_path(&self, endpoint: &str, token: &str) -> String {
        let base = self.gate.url(endpoint);
        if base.ends_with('/') { format!("{base}{token}/") } else { format!("{base}/{token}") }
    }
}

/// The axum pattern of the path of a mailed link below `url`.
pub(crate) fn token_route(url: &str) -> String {
    if url.ends_with('/') { format!("{url}{{token}}/") } else { format!("{url}/{{token}}") }
}

/// Whether a host is a name or an address, with or without a port, and nothing more (RFC 9110, 7.2).
fn is_plain_host(host: &str) -> bool {
    let plain = host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b));
    let Some(authority) = host.parse::<http::uri::Authority>().ok().filter(|_| plain) else { return false };
    let port = host.strip_prefix(authority.host()).unwrap_or_default();
    !authority.host().is_empty() && (port.is_empty() || authority.port_u16().is_some())
}

/// `target` at another host; its scheme stays, if it has one.
fn on_host(target: &str, host: &str) -> String {
    let (scheme, rest) = match target.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|b| b.is_ascii_alphanumeric()) => (format!("{scheme}:"), Some(rest)),
        _ => (String::new(), target.strip_prefix("//")),
    };
    let path =
        rest.map_or(target, |rest| rest.find(['/', '?', '#']).map_or("", |at| rest.get(at..).unwrap_or_default()));
    let slash = if path.is_empty() || path.starts_with(['/', '?', '#']) { "" } else { "/" };
    format!("{scheme}//{host}{slash}{path}")
}

/// `target` with more query parameters behind those it has.
pub(crate) fn with_query(target: &str, more: &[(&str, &str)]) -> String {
    let (head, fragment) = target.split_once('#').map_or((target, None), |(head, tail)| (head, Some(tail)));
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(more).finish();
    let separator = if head.contains('?') { '&' } else { '?' };
    let fragment = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
    format!("{head}{separator}{query}{fragment}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_added_behind_what_is_there() {
        assert_eq!(with_query("/done", &[("error", "no way")]), "/done?error=no+way");
        assert_eq!(with_query("/done?a=1#f", &[("b", "&")]), "/done?a=1&b=%26#f");
    }

    #[test]
    fn targets_move_to_another_host() {
        for (target, moved) in [
            ("/done?a=1#f", "//spa:8080/done?a=1#f"),
            ("done", "//spa:8080/done"),
            ("", "//spa:8080"),
            ("?a=http://b/c", "//spa:8080?a=http://b/c"),
            ("http://here/done", "http://spa:8080/done"),
            ("https://here", "https://spa:8080"),
            ("//here?a", "//spa:8080?a"),
        ] {
            assert_eq!(on_host(target, "spa:8080"), moved);
        }
    }

    #[test]
    fn hosts_are_names_and_ports() {
        for host in
            ["lp.com", "lp.com:8080", "127.0.0.1:80", "[::1]:80", "[::1]", "xn--bcher-kva.de", "a_b", "localhost"]
        {
            assert!(is_plain_host(host), "{host}");
        }
        for host in [
            "",
            "a b",
            "lp.com/x",
            "lp.com?x",
            "lp.com#x",
            "u@lp.com",
            "lp.com\\@x",
            "[::1",
            "lp.com:x",
            "lp.com:99999",
            "\u{fc}.de",
            "a\"b",
            ":80",
        ] {
            assert!(!is_plain_host(host), "{host}");
        }
    }

    #[test]
    fn routes_of_links() {
        assert_eq!(token_route("/reset"), "/reset/{token}");
        assert_eq!(token_route("/reset/"), "/reset/{token}/");
    }
}
