//! From http to https.

use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};

use crate::{
    settings::Settings,
    web::exchange::{Exchange, is_loopback_host},
};

/// Which requests over http are led to https, and where.
#[derive(Debug)]
pub(super) struct Redirect {
    permanent: bool,
    /// The origin to lead to; without one, the host that was asked for.
    to: Option<String>,
    /// Whether requests that name this machine are left alone.
    not_here: bool,
}

impl Redirect {
    pub(super) fn from_settings(settings: &Settings) -> Option<Self> {
        let base = settings.text_opt("base_url").map(|url| url.trim_end_matches('/').to_owned());
        let base = base.filter(|url| url.starts_with("https://"));
        let asked = settings.flag_or_auto("headers.force_https");
        let forced = match asked {
            Some(forced) => forced && settings.text("environment") != "development",
            // A proxy that does not say how it was asked would be led in circles.
            None => base.is_some() && settings.int("proxy.x_proto") > 0,
        };
        let permanent = settings.flag("headers.force_https_permanent");
        forced.then_some(Self { permanent, to: base, not_here: asked.is_none() })
    }

    /// 307 and 308 keep the method of a request that sends something; the others are what monitors know.
    fn status(&self, safe: bool) -> StatusCode {
        match (self.permanent, safe) {
            (false, true) => StatusCode::FOUND,
            (true, true) => StatusCode::MOVED_PERMANENTLY,
            (false, false) => StatusCode::TEMPORARY_REDIRECT,
            (true, false) => StatusCode::PERMANENT_REDIRECT,
        }
    }

    /// The origin for a request to `host`; nothing if that is no host.
    fn origin(&self, host: &str) -> Option<String> {
        if let Some(origin) = &self.to {
            return Some(origin.clone());
        }
        let authority: http::uri::Authority = host.parse().ok().filter(|_| !host.contains('@'))?;
        Some(format!("https://{}", authority.host())).filter(|_| !authority.host().is_empty())
    }
}

impl Exchange {
    /// The redirect to https, where the settings want one and this request came without.
    pub(crate) fn led_to_https(&self) -> Option<Response> {
        let redirect = self.config().headers.as_ref()?.redirect.as_ref()?;
        if self.is_https() || redirect.not_here && is_loopback_host(self.host()) {
            return None;
        }
        let to = redirect.origin(self.host()).map(|origin| format!("{origin}{}", self.relative_url()));
        Some(match to.and_then(|to| HeaderValue::try_from(to).ok()) {
            Some(to) => (redirect.status(self.method.is_safe()), [(header::LOCATION, to)]).into_response(),
            None => StatusCode::BAD_REQUEST.into_response(),
        })
    }
}
