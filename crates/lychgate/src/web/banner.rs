//! The banner of an administrator who acts as somebody else, for pages that Lychgate does not render.

use std::{fmt, sync::Arc};

use axum::extract::FromRequestParts;
use http::request::Parts;
use minijinja::{Value, value::Serde};

use super::exchange::Exchange;
use crate::failure::{Error, Failure};

/// A piece of HTML to be put at the top of a page's body: who acts as whom, and a button that ends it. Empty where nobody
/// does. Pages that extend `security/base.html` have it already; other [`Page`](crate::Page)s take
/// `{% include "security/_impersonation.html" %}`.
///
/// ```
/// use axum::response::Html;
/// use lychgate::ImpersonationBanner;
///
/// async fn home(banner: ImpersonationBanner) -> Html<String> {
///     Html(format!("<!doctype html><title>Home</title><body>{banner}<h1>Hello</h1>"))
/// }
/// ```
#[derive(Clone, Debug, Default)]
pub struct ImpersonationBanner(String);

impl ImpersonationBanner {
    /// The HTML.
    #[must_use]
    pub fn html(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing to be shown.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for ImpersonationBanner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ImpersonationBanner {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let exchange = parts.extensions.get::<Arc<Exchange>>().cloned().ok_or(Error(Failure::MissingLayer))?;
        let Some(who) = exchange.current().await.map_err(Error)?.filter(|who| who.impersonator.is_some()) else {
            return Ok(Self::default());
        };
        let token = Arc::clone(&exchange);
        let context = [
            ("impersonator", Value::from(Serde(exchange.impersonator_view(&who)))),
            ("csrf_enabled", exchange.config().csrf.enabled.into()),
            ("csrf_field", exchange.config().csrf.field.into()),
            ("csrf_token", Value::from_function(move || token.csrf_token())),
        ];
        let context = context.map(|(name, value)| (name.to_owned(), value)).into();
        let html = exchange.gate.renderer().render("security/_impersonation.html", context, exchange.messages());
        html.map(Self).map_err(|error| Error(Failure::internal(error)))
    }
}
