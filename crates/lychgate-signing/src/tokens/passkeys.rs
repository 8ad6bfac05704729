//! State kept by the client during a passkey ceremony.
//!
//! Both ceremonies use one salt. Their payloads differ in shape, and each reader takes its own shape only, so
//! the state of a registration, which lives longer, is no state for signing in.

use super::{
    Binding, MINUTE, Purpose, PurposeInfo,
    shape::{Members, bound},
};
use crate::json::Value;

const CHALLENGE: &str = "challenge";
const USER_VERIFICATION: &str = "user_verification";

/// Carries the challenge of a registration.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct WebauthnRegister;

/// What the state of a registration says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WebauthnRegisterPayload {
    /// The challenge, as text.
    pub challenge: String,
    /// The user's name for the key.
    pub name: String,
    /// `first` or `secondary`.
    pub usage: String,
    /// Whether the user must be verified, not just present.
    pub user_verification: bool,
    /// Who may present the state; the reference leaves it out.
    pub binding: Option<Binding>,
}

impl Purpose for WebauthnRegister {
    type Payload = WebauthnRegisterPayload;

    const INFO: PurposeInfo = PurposeInfo::new("passkey registration", "WAN_SALT", "wan-salt")
        .lifetime("WAN_REGISTER_WITHIN", 30 * MINUTE)
        .meant_for("the page that registers a passkey", "the user and the session that began the registration");

    fn to_json(payload: &WebauthnRegisterPayload) -> Value {
        let members = [
            (CHALLENGE, payload.challenge.as_str().into()),
            ("name", payload.name.as_str().into()),
            ("usage", payload.usage.as_str().into()),
            (USER_VERIFICATION, payload.user_verification.into()),
        ];
        bound(members, payload.binding.as_ref())
    }

    fn from_json(json: Value) -> Option<WebauthnRegisterPayload> {
        let mut members = Members::of(json)?;
        let payload = WebauthnRegisterPayload {
            challenge: members.text(CHALLENGE)?,
            name: members.text("name")?,
            usage: members.text("usage")?,
            user_verification: members.truth(USER_VERIFICATION)?,
            binding: members.binding()?,
        };
        members.end()?;
        Some(payload)
    }
}

/// Carries the challenge of a sign-in or a renewed proof.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct WebauthnSignin;

/// What the state of a sign-in says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WebauthnSigninPayload {
    /// The challenge, as text.
    pub challenge: String,
    /// Whether the user must be verified, not just present.
    pub user_verification: bool,
    /// Who may present the state; the reference leaves it out.
    pub binding: Option<Binding>,
}

impl Purpose for WebauthnSignin {
    type Payload = WebauthnSigninPayload;

    const INFO: PurposeInfo = PurposeInfo::new("passkey sign-in", "WAN_SALT", "wan-salt")
        .lifetime("WAN_SIGNIN_WITHIN", MINUTE)
        .meant_for("the page that signs in with a passkey", "the session that began the sign-in");

    fn to_json(payload: &WebauthnSigninPayload) -> Value {
        let members =
            [(CHALLENGE, payload.challenge.as_str().into()), (USER_VERIFICATION, payload.user_verification.into())];
        bound(members, payload.binding.as_ref())
    }

    fn from_json(json: Value) -> Option<WebauthnSigninPayload> {
        let mut members = Members::of(json)?;
        let payload = WebauthnSigninPayload {
            challenge: members.text(CHALLENGE)?,
            user_verification: members.truth(USER_VERIFICATION)?,
            binding: members.binding()?,
        };
        members.end()?;
        Some(payload)
    }
}
