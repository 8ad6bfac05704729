//! Proof that a request was meant: a signed token that only our own pages know.
//!
//! Three places check it. The *application-wide* check runs before routing reaches a handler; a *guard* checks by the
//! mechanism that authenticated; a *form* checks its own field. What one has checked, the next does not repeat.

use lychgate_signing::{
    csrf::{CsrfCodec, CsrfError},
    session::Value,
};

use super::{body::Submitted, exchange::Exchange, form::Form, identify::Mechanism, session::key};
use crate::{
    failure::Failure,
    messages::{self, MessageKey},
};

/// What is settled about this request.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// A token was checked, or none is needed.
    settled: bool,
    /// The token that replies carry; one for all of a reply.
    wire: Option<String>,
}

impl Exchange {
    /// The token for pages and replies of this request.
    pub(crate) fn csrf_token(&self) -> String {
        if let Some(wire) = self.csrf.lock().wire.clone() {
            return wire;
        }
        let field = self.config().csrf.field;
        let raw = self.session(|session| match session.text(field) {
            Some(raw) => raw.to_owned(),
            None => {
                let raw = CsrfCodec::mint().unwrap_or_else(|_| crate::random::id());
                session.set(field, raw.clone());
                raw
            }
        });
        // A session's token that is no token of ours cannot be signed, and will be refused as a missing one.
        let wire = self.gate.csrf_codec().sign(&raw, self.now.unix()).unwrap_or_default();
        self.csrf.lock().wire = Some(wire.clone());
        wire
    }

    /// Replaces the token at sign-in. Forms that are open in other tabs stay good until their tokens expire: the old
    /// one counts for as long, if it was written before now.
    pub(crate) fn rotate_csrf(&self) {
        let field = self.config().csrf.field;
        let now = self.now.unix();
        self.session(|session| {
            if let Some(Value::Str(old)) = session.remove(field) {
                session.set(key::CSRF_BEFORE, Value::Tuple(vec![Value::Str(old), Value::Int(now.into())]));
                session.set(field, CsrfCodec::mint().unwrap_or_else(|_| crate::random::id()));
            }
        });
        self.csrf.lock().wire = None;
    }

    /// Before any handler: the check of the whole application, where it is switched on.
    pub(crate) async fn csrf_application_wide(&self, matched: Option<&str>) -> Result<(), Failure> {
        let config = &self.config().csrf;
        if config.check_origin {
            self.check_origin()?;
        }
        if config.enabled && config.protect && config.check_default && !self.is_setup_link(matched) {
            // No page of somebody else can send a key that counts.
            match self.by(Mechanism::ApiKey).await? {
                Some(_) => self.csrf.lock().settled = true,
                None => self.protect()?,
            }
        }
        Ok(())
    }

    /// The link for the first administrator is a secret of its own.
    fn is_setup_link(&self, matched: Option<&str>) -> bool {
        let prefix = self.gate.settings().text_opt("url_prefix").unwrap_or_default().trim_end_matches('/');
        self.gate.0.hooks.setup_link && matched.and_then(|path| path.strip_prefix(prefix)) == Some("/setup/{token}")
    }

    /// On a route whose caller was authenticated by `mechanism`.
    pub(crate) fn csrf_for(&self, mechanism: Mechanism) -> Result<(), Failure> {
        let config = &self.config().csrf;
        if !config.enabled || !config.protect || config.check_default {
            return Ok(());
        }
        // A JSON Web Token in a cookie that needs no CSRF token beside it is as good as a session here.
        let by_cookie = mechanism == Mechanism::Jwt && !self.jwt_proves_intent();
        if config.mechanisms.contains(&mechanism) || by_cookie {
            return self.protect();
        }
        self.csrf.lock().settled = true;
        Ok(())
    }

    /// On a route that anybody may call.
    pub(crate) async fn csrf_unauthenticated(&self) -> Result<(), Failure> {
        let config = &self.config().csrf;
        if !config.enabled {
            return Ok(());
        }
        if config.ignore_unauthenticated && self.current().await?.is_none() {
            self.csrf.lock().settled = true;
            return Ok(());
        }
        if config.protect && !config.check_default { self.protect() } else { Ok(()) }
    }

    /// The check of a form itself; the error is that of its `csrf_token` field.
    pub(crate) fn csrf_of_form(&self, form: &mut Form) {
        if !self.config().csrf.enabled || self.csrf.lock().settled {
            return;
        }
        match self.check_token(self.field_token()) {
            Ok(()) => self.csrf.lock().settled = true,
            Err(message) => form.field_error(self.config().csrf.field, message),
        }
    }

    /// The same for a form of the application.
    pub(crate) fn csrf_of_request(&self) -> Result<(), Failure> {
        if !self.config().csrf.enabled || self.csrf.lock().settled {
            return Ok(());
        }
        // With the application-wide check installed a header is as good as a field.
        let sent = if self.config().csrf.protect { self.sent_token() } else { self.field_token() };
        self.check_token(sent).map_err(Failure::Csrf)?;
        self.csrf.lock().settled = true;
        Ok(())
    }

    fn field_token(&self) -> Option<&str> {
        match &self.submitted {
            Submitted::Json(map) => map.get(self.config().csrf.field).and_then(|value| value.as_str()),
            Submitted::Form(_) => self.form_value(self.config().csrf.field),
            _ => None,
        }
    }

    /// The full check: method, token, and on https the page that the request comes from.
    pub(crate) fn protect(&self) -> Result<(), Failure> {
        let config = &self.config().csrf;
        if self.csrf.lock().settled || !config.methods.contains(&self.method) {
            return Ok(());
        }
        match (self.check_token(self.sent_token()), &self.submitted) {
            (Ok(()), _) => {}
            // The token may stand in the body that could not be read; that is what went wrong.
            (Err(messages::CSRF_MISSING), Submitted::Broken(why)) => return Err(why.failure()),
            (Err(message), _) => return Err(Failure::Csrf(message)),
        }
        if self.is_https() && config.ssl_strict {
            self.check_referer()?;
        }
        self.csrf.lock().settled = true;
        Ok(())
    }

    fn form_value(&self, name: &str) -> Option<&str> {
        let Submitted::Form(pairs) = &self.submitted else { return None };
        pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Where a token may stand: the field, a field of a prefixed form, a header; in the modern profile a JSON member.
    fn sent_token(&self) -> Option<&str> {
        let field = self.config().csrf.field;
        if let Some(value) = self.form_value(field).filter(|value| !value.is_empty()) {
            return Some(value);
        }
        if let Submitted::Form(pairs) = &self.submitted
            && let Some((_, value)) = pairs.iter().find(|(key, value)| key.ends_with(field) && !value.is_empty())
        {
            return Some(value);
        }
        if let Submitted::Json(map) = &self.submitted
            && !self.config().as_flask
            && let Some(value) = map.get(field).and_then(|value| value.as_str())
        {
            return Some(value);
        }
        self.headers().csrf.iter().filter_map(|value| value.to_str().ok()).find(|value| !value.is_empty())
    }

    fn check_token(&self, wire: Option<&str>) -> Result<(), MessageKey> {
        let config = &self.config().csrf;
        let now = self.now.unix();
        let (current, before) = self.session(|session| {
            let before = match session.map().get(key::CSRF_BEFORE) {
                Some(Value::Tuple(pair)) => match pair.as_slice() {
                    [Value::Str(raw), Value::Int(at)] => i64::try_from(*at).ok().map(|at| (raw.clone(), at)),
                    _ => None,
                },
                _ => None,
            };
            (session.text(config.field).map(str::to_owned), before)
        });
        let codec = self.gate.csrf_codec();
        let wire = wire.unwrap_or_default();
        let result = codec.validate(wire, current.as_deref(), now, config.time_limit);
        if result == Err(CsrfError::Mismatch)
            && let Some((raw, replaced_at)) = before
            && codec.validate(wire, Some(&raw), now, config.time_limit).is_ok()
            // Seen from the moment of its replacement, a token written later comes from the future.
            && codec.validate(wire, Some(&raw), replaced_at, Some(i64::MAX)).is_ok()
        {
            return Ok(());
        }
        result.map_err(|error| match error {
            CsrfError::Missing => messages::CSRF_MISSING,
            CsrfError::SessionMissing => messages::CSRF_NO_SESSION,
            CsrfError::Expired => messages::CSRF_EXPIRED,
            CsrfError::Invalid => messages::CSRF_INVALID,
            _ => messages::CSRF_MISMATCH,
        })
    }

    fn check_referer(&self) -> Result<(), Failure> {
        let referer = self.headers().referer.as_ref().and_then(|value| value.to_str().ok());
        let Some(referer) = referer else { return Err(Failure::Csrf(messages::CSRF_REFERER_MISSING)) };
        if origin_of(referer) == Some(("https", self.host())) {
            Ok(())
        } else {
            Err(Failure::Csrf(messages::CSRF_REFERER_MISMATCH))
        }
    }

    /// A browser says where an unsafe request comes from; another site is refused, whatever token it carries.
    fn check_origin(&self) -> Result<(), Failure> {
        if !self.config().csrf.methods.contains(&self.method) {
            return Ok(());
        }
        let header =
            |value: &Option<http::HeaderValue>| value.as_ref().map(|value| value.to_str().unwrap_or("null").to_owned());
        if let Some(site) = header(&self.headers().fetch_site)
            && matches!(site.as_str(), "same-origin" | "none")
        {
            return Ok(());
        }
        match header(&self.headers().origin) {
            Some(origin) if self.is_own_origin(&origin) => Ok(()),
            Some(_) => Err(Failure::Csrf(messages::CSRF_FOREIGN_ORIGIN)),
            None => Ok(()),
        }
    }

    fn is_own_origin(&self, origin: &str) -> bool {
        let Some((scheme, host)) = origin_of(origin) else { return false };
        // A page that came unencrypted may be anybody's, whatever host it names.
        host == self.host() && (scheme == "https" || !self.is_https())
            || self.config().base_url.as_deref().is_some_and(|base| base == origin)
            || self.config().cors.as_ref().is_some_and(|cors| cors.allows(origin))
    }

    /// Sends, renews or removes the cookie from which scripts read the token.
    pub(crate) fn settle_csrf_cookie(&self) {
        let config = &self.config().csrf;
        let Some((name, attributes)) = &config.cookie else { return };
        if !config.enabled {
            return;
        }
        let state = self.session(|session| session.text(key::CSRF_COOKIE).map(str::to_owned));
        let renew = match state.as_deref() {
            Some("clear") => {
                self.session(|session| session.remove(key::CSRF_COOKIE));
                self.set_cookie(attributes.set(name, "", super::cookie::Keep::Remove, self.is_https()));
                return;
            }
            Some("set") => true,
            Some("sent") => config.cookie_each_request || self.sent_cookie_expired(name),
            _ => return,
        };
        if renew {
            let token = self.csrf_token();
            self.session(|session| session.set(key::CSRF_COOKIE, "sent"));
            self.set_cookie(attributes.set(name, &token, super::cookie::Keep::Session, self.is_https()));
        }
    }

    fn sent_cookie_expired(&self, name: &str) -> bool {
        let raw = self.session(|session| session.text(self.config().csrf.field).map(str::to_owned));
        let (now, limit) = (self.now.unix(), self.config().csrf.time_limit);
        let good =
            |value: &str| self.gate.csrf_codec().validate(value, raw.as_deref(), now, limit).is_ok().then_some(());
        self.has_cookie(name) && self.cookie(name, good).is_none()
    }
}

/// Scheme and host of a URL.
fn origin_of(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    Some((scheme, rest.get(..end)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins() {
        assert_eq!(origin_of("https://a:8443/x?y#z"), Some(("https", "a:8443")));
        assert_eq!(origin_of("https://a"), Some(("https", "a")));
        assert_eq!(origin_of("null"), None);
    }
}
