//! The nonce by which a page's own scripts and styles are let in (CSP level 3, 2.3.1).

use std::sync::Arc;

use http::request::Parts;

use crate::{
    failure::{Error, Failure},
    web::exchange::Exchange,
};

/// The nonce of this reply, for scripts and styles that a handler writes into a page itself; empty where
/// `headers.content_security_policy_nonce_in` names no directive.
///
/// ```
/// use axum::response::Html;
/// use lychgate::CspNonce;
///
/// async fn page(nonce: CspNonce) -> Html<String> {
///     Html(format!("<script nonce=\"{}\">start()</script>", nonce.as_str()))
/// }
/// ```
#[derive(Clone, Debug)]
pub struct CspNonce(String);

impl CspNonce {
    /// As it stands in the attribute: letters, digits, `-` and `_`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for CspNonce {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let exchange = parts.extensions.get::<Arc<Exchange>>().ok_or(Error(Failure::MissingLayer))?;
        Ok(Self(exchange.csp_nonce().unwrap_or_default().to_owned()))
    }
}

impl Exchange {
    /// The nonce of this reply, made when first asked for; nothing where the settings want none.
    pub(crate) fn csp_nonce(&self) -> Option<&str> {
        let policy = self.config().headers.as_ref()?.policy.as_ref()?;
        policy.has_nonce().then(|| self.nonce.get_or_init(crate::random::id).as_str())
    }

    /// The nonce, if anything of this reply carries it.
    pub(super) fn taken_nonce(&self) -> Option<&str> {
        self.nonce.get().map(String::as_str)
    }
}
