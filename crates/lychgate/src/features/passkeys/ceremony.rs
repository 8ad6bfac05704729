//! What all ceremonies share: the site that passkeys belong to, the challenge, and the state between the two steps.
//!
//! The state is signed and kept by the client. It is bound to the session that began the ceremony and to the user it is
//! for, expires, and does its work once.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use lychgate_signing::tokens::{Binding, RedeemError, WebauthnRegisterPayload, WebauthnSigninPayload, fingerprint};
use lychgate_store::{Batch, User};
use lychgate_webauthn::{Descriptor, RequestOptions, UserVerification};
use serde_json::Value;

use super::hints::Hint;
use crate::{
    failure::Failure,
    flow::{letters::within, passkeys::SECONDARY},
    messages,
    settings::Settings,
    web::{
        exchange::Exchange,
        form::Message,
        identify::{Authenticated, Mechanism},
        session::key,
    },
};

/// The site that passkeys belong to, as this request sees it.
#[derive(Debug)]
pub(super) struct Site {
    /// The relying party's domain.
    pub(super) rp_id: String,
    /// The origins on which a passkey may have been used.
    pub(super) origins: Vec<String>,
}

impl Site {
    pub(super) fn of(call: &Exchange) -> Self {
        let settings = call.gate.settings();
        let host = call.host().to_ascii_lowercase();
        let rp_id = settings.text_opt("wan_rp_id").unwrap_or_else(|| without_port(&host)).to_owned();
        let own =
            settings.text_opt("webauthn.origin").map_or_else(|| format!("{}://{host}", call.scheme()), str::to_owned);
        let related = settings.list("wan_related_origins").iter().cloned();
        Self { rp_id, origins: std::iter::once(own).chain(related).collect() }
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

/// A new challenge, as text.
pub(super) fn challenge(settings: &Settings) -> String {
    if let Some(fixed) = settings.text_opt("webauthn.challenge") {
        return fixed.to_owned();
    }
    let length = settings.int_opt("wan_challenge_bytes").and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(32);
    crate::random::text(length)
}

/// Whether the authenticator is to verify its user. A second factor is asked for as little as possible.
pub(super) fn user_verification<T: AsRef<str>>(settings: &Settings, usages: &[T]) -> UserVerification {
    match settings.text_opt("webauthn.user_verification") {
        Some("required") => UserVerification::Required,
        Some("preferred") => UserVerification::Preferred,
        Some(_) => UserVerification::Discouraged,
        None if usages.iter().any(|usage| usage.as_ref() == SECONDARY) => UserVerification::Discouraged,
        None => UserVerification::Preferred,
    }
}

/// What a ceremony is for. A state for one is no state for another.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose<'a> {
    /// A new passkey of this user, who is signed in.
    Register(&'a Authenticated),
    /// A sign-in; who it is the passkey will say.
    First,
    /// The second factor of this user, whose first is proved.
    Second(&'a User),
    /// A renewed proof by this user, who is signed in.
    Again(&'a Authenticated),
}

impl Purpose<'_> {
    fn binding(self, mark: &str) -> Binding {
        Binding::to(&self.parts(mark))
    }

    fn parts<'p>(&'p self, mark: &'p str) -> [&'p str; 3] {
        match self {
            Purpose::Register(who) => ["register", &who.user.fs_uniquifier, mark],
            Purpose::First => ["first", "", mark],
            Purpose::Second(user) => ["second", &user.fs_uniquifier, mark],
            Purpose::Again(who) => ["again", &who.user.fs_uniquifier, mark],
        }
    }

    /// Whether the caller keeps a session. A program with a token need not: its state is bound to its user alone.
    fn has_session(self) -> bool {
        match self {
            Purpose::Register(who) | Purpose::Again(who) => who.via == Mechanism::Session,
            Purpose::First | Purpose::Second(_) => true,
        }
    }
}

/// How many ceremonies one session may have under way: the tabs of a browser.
const MARKS: usize = 8;

/// What a new state is bound to: its purpose, its user, and a mark that is left in the session.
pub(super) fn bind(call: &Exchange, purpose: Purpose<'_>) -> Binding {
    if !purpose.has_session() {
        return purpose.binding("");
    }
    let mark = crate::random::short_id();
    call.session(|session| {
        let known = session.text(key::PASSKEY_MARKS).unwrap_or_default();
        let mut marks: Vec<&str> = known.split(',').filter(|mark| !mark.is_empty()).collect();
        marks.drain(..marks.len().saturating_sub(MARKS - 1));
        marks.push(&mark);
        let marks = marks.join(",");
        session.set(key::PASSKEY_MARKS, marks);
    });
    purpose.binding(&mark)
}

/// Whether a state was bound to this purpose, this user and this session.
fn is_bound(call: &Exchange, purpose: Purpose<'_>, binding: Option<&Binding>) -> bool {
    let Some(binding) = binding else { return false };
    if !purpose.has_session() {
        return binding.matches(&purpose.parts(""));
    }
    let marks = call.session(|session| session.text(key::PASSKEY_MARKS).unwrap_or_default().to_owned());
    marks.split(',').any(|mark| !mark.is_empty() && binding.matches(&purpose.parts(mark)))
}

/// Begins to use a passkey: the options for the browser and the state.
pub(super) fn begin<T: AsRef<str>>(
    call: &Exchange,
    purpose: Purpose<'_>,
    usages: &[T],
    allow: &[Hint],
) -> Result<(Value, String), Failure> {
    let settings = call.gate.settings();
    let (site, challenge) = (Site::of(call), challenge(settings));
    let user_verification = user_verification(settings, usages);
    let allow: Vec<_> = allow.iter().map(|hint| Descriptor { id: &hint.id, transports: &hint.transports }).collect();
    let options = RequestOptions {
        rp_id: &site.rp_id,
        challenge: &challenge,
        timeout: milliseconds(settings, "wan_signin_timeout"),
        allow: &allow,
        user_verification,
    };
    let options = options.to_json();
    let payload = WebauthnSigninPayload {
        challenge,
        user_verification: user_verification == UserVerification::Required,
        binding: Some(bind(call, purpose)),
    };
    let state = call.gate.passkeys().signin.mint(&payload, call.now.unix()).map_err(Failure::internal)?;
    Ok((options, state.into_string()))
}

/// What the state of a sign-in or a renewed proof says, if it is this caller's; else what is wrong with it.
pub(super) fn open_signin(
    call: &Exchange,
    purpose: Purpose<'_>,
    state: &str,
) -> Result<WebauthnSigninPayload, Message> {
    let opened = call.gate.passkeys().signin.redeem(state, call.now.unix());
    let payload = opened.map_err(|error| problem(call, &error, "wan_signin_within"))?.payload;
    let bound = is_bound(call, purpose, payload.binding.as_ref());
    if bound { Ok(payload) } else { Err(messages::API_ERROR.into()) }
}

/// The same for the state of a registration.
pub(super) fn open_registration(
    call: &Exchange,
    purpose: Purpose<'_>,
    state: &str,
) -> Result<WebauthnRegisterPayload, Message> {
    let opened = call.gate.passkeys().register.redeem(state, call.now.unix());
    let payload = opened.map_err(|error| problem(call, &error, "wan_register_within"))?.payload;
    let bound = is_bound(call, purpose, payload.binding.as_ref());
    if bound { Ok(payload) } else { Err(messages::API_ERROR.into()) }
}

fn problem<T>(call: &Exchange, error: &RedeemError<T>, setting: &str) -> Message {
    match error {
        RedeemError::Expired(_) => {
            Message::from(messages::WEBAUTHN_EXPIRED).with("within", within(call.gate.settings(), setting))
        }
        _ => messages::API_ERROR.into(),
    }
}

/// Makes a batch fail, at its first step, unless this is the only one that uses the state.
pub(super) fn use_up(call: &Exchange, batch: &mut Batch, state: &str, setting: &str) {
    let seconds = call.gate.settings().duration(setting).map_or(0, |within| within.as_secs());
    let key = URL_SAFE_NO_PAD.encode(fingerprint(state));
    let expires = call.now.datetime() + time::Duration::seconds(seconds.max(0)) + time::Duration::MINUTE;
    batch.redeem_once("passkey", &key, expires, call.now.datetime());
}

/// Where a form with this state is sent to; it keeps the `next` of the page.
pub(super) fn action(call: &Exchange, endpoint: &str, state: &str) -> String {
    let url = call.token_path(endpoint, state);
    call.query("next").map_or(url.clone(), |next| call.with_next(&url, &next))
}

/// A setting in milliseconds.
pub(super) fn milliseconds(settings: &Settings, name: &str) -> u64 {
    u64::try_from(settings.int(name)).unwrap_or(0)
}

/// The options as pages hand them to the script: a call of `function` with the JSON in single quotes. Nothing in it can
/// end the quotes or the element around it.
pub(super) fn for_script(function: &str, options: &Value) -> String {
    let mut text = format!("{function}('");
    for c in options.to_string().chars() {
        match c {
            '<' | '>' | '&' | '\'' => text.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => text.push(c),
        }
    }
    text.push_str("')");
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn hosts_lose_their_ports() {
        for (host, name) in [
            ("example.com", "example.com"),
            ("localhost:5000", "localhost"),
            ("[::1]:80", "[::1]"),
            ("[::1]", "[::1]"),
            ("example.com:", "example.com"),
        ] {
            assert_eq!(without_port(host), name);
        }
    }

    #[test]
    fn options_cannot_leave_their_quotes() {
        let options = json!({"name": "O'Neil </script> & \" \\ \u{2028}"});
        let text = for_script("handleRegister", &options);
        let inner = text.strip_prefix("handleRegister('").unwrap().strip_suffix("')").unwrap();
        assert!(!inner.contains(['\'', '<', '>', '&']));
        assert_eq!(serde_json::from_str::<Value>(inner).unwrap(), options);
    }
}
