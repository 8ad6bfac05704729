//! State kept by the client while a code method is set up.

use std::fmt;

use super::{
    Binding, MINUTE, Purpose, PurposeInfo,
    shape::{Members, bound},
};
use crate::json::Value;

const BOUND_TO: &str = "the user and the session that began the set-up";

/// Carries a new second factor until its first code is proved.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TwoFactorSetup;

/// What the state of a second factor's set-up says. `Debug` does not show the secret.
#[derive(Clone, Eq, PartialEq)]
pub struct TwoFactorSetupPayload {
    /// The encrypted key, as it will be stored.
    pub totp_secret: String,
    /// `authenticator`, `email` or `sms`.
    pub method: String,
    /// The number for `sms`.
    pub phone: Option<String>,
    /// Who may present the state; the reference leaves it out.
    pub binding: Option<Binding>,
}

impl fmt::Debug for TwoFactorSetupPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TwoFactorSetupPayload").field("method", &self.method).finish_non_exhaustive()
    }
}

impl Purpose for TwoFactorSetup {
    type Payload = TwoFactorSetupPayload;

    const INFO: PurposeInfo = PurposeInfo::new("two-factor set-up", "TWO_FACTOR_SETUP_SALT", "tf-setup-salt")
        .lifetime("TWO_FACTOR_SETUP_WITHIN", 30 * MINUTE)
        .meant_for("the page that finishes the set-up", BOUND_TO);

    fn to_json(payload: &TwoFactorSetupPayload) -> Value {
        let members = [
            ("totp_secret", payload.totp_secret.as_str().into()),
            ("method", payload.method.as_str().into()),
            ("phone", payload.phone.as_deref().into()),
        ];
        bound(members, payload.binding.as_ref())
    }

    fn from_json(json: Value) -> Option<TwoFactorSetupPayload> {
        let mut members = Members::of(json)?;
        let payload = TwoFactorSetupPayload {
            totp_secret: members.text("totp_secret")?,
            method: members.text("method")?,
            phone: members.text_or_null("phone")?,
            binding: members.binding()?,
        };
        members.end()?;
        Some(payload)
    }
}

/// Carries a new method of unified sign-in until its first code is proved.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct UnifiedSetup;

/// What the state of a unified sign-in's set-up says. `Debug` does not show the secret.
#[derive(Clone, Eq, PartialEq)]
pub struct UnifiedSetupPayload {
    /// The encrypted key, as it will be stored.
    pub totp_secret: String,
    /// `authenticator`, `email` or `sms`.
    pub chosen_method: String,
    /// The number for `sms`.
    pub phone_number: Option<String>,
    /// Who may present the state; the reference leaves it out.
    pub binding: Option<Binding>,
}

impl fmt::Debug for UnifiedSetupPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnifiedSetupPayload").field("chosen_method", &self.chosen_method).finish_non_exhaustive()
    }
}

impl Purpose for UnifiedSetup {
    type Payload = UnifiedSetupPayload;

    const INFO: PurposeInfo = PurposeInfo::new("unified sign-in set-up", "US_SETUP_SALT", "us-setup-salt")
        .lifetime("US_SETUP_WITHIN", 30 * MINUTE)
        .meant_for("the page that finishes the set-up", BOUND_TO);

    fn to_json(payload: &UnifiedSetupPayload) -> Value {
        let members = [
            ("totp_secret", payload.totp_secret.as_str().into()),
            ("chosen_method", payload.chosen_method.as_str().into()),
            ("phone_number", payload.phone_number.as_deref().into()),
        ];
        bound(members, payload.binding.as_ref())
    }

    fn from_json(json: Value) -> Option<UnifiedSetupPayload> {
        let mut members = Members::of(json)?;
        let payload = UnifiedSetupPayload {
            totp_secret: members.text("totp_secret")?,
            chosen_method: members.text("chosen_method")?,
            phone_number: members.text_or_null("phone_number")?,
            binding: members.binding()?,
        };
        members.end()?;
        Some(payload)
    }
}
