//! Tokens in mailed links, and the cookie that stands for a passed second factor.

use std::fmt;

use super::{
    Binding, DAY, HOUR, MINUTE, Purpose, PurposeInfo,
    shape::{items, text, text_or_null},
};
use crate::json::Value;

/// Proves that an address receives mail.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ConfirmEmail;

/// What a confirmation link says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConfirmEmailPayload {
    /// `fs_uniquifier`.
    pub user: String,
    /// Hash of the address to confirm; compare it with the current one.
    pub email_hash: String,
}

impl Purpose for ConfirmEmail {
    type Payload = ConfirmEmailPayload;

    const INFO: PurposeInfo = PurposeInfo::new("confirm e-mail", "CONFIRM_SALT", "confirm-salt")
        .lifetime("CONFIRM_EMAIL_WITHIN", 2 * DAY)
        .meant_for("a mailed link", "fs_uniquifier, the current e-mail address");

    fn to_json(payload: &ConfirmEmailPayload) -> Value {
        Value::List(vec![payload.user.as_str().into(), payload.email_hash.as_str().into()])
    }

    fn from_json(json: Value) -> Option<ConfirmEmailPayload> {
        let [user, email_hash] = items(json)?;
        Some(ConfirmEmailPayload { user: text(user)?, email_hash: text(email_hash)? })
    }
}

/// Lets somebody who receives the user's mail choose a new password.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ResetPassword;

/// What a reset link says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ResetPasswordPayload {
    /// `fs_uniquifier`.
    pub user: String,
    /// Hash of the stored password hash; `None` for a user without password.
    pub password_hash: Option<String>,
}

impl Purpose for ResetPassword {
    type Payload = ResetPasswordPayload;

    const INFO: PurposeInfo = PurposeInfo::new("reset password", "RESET_SALT", "reset-salt")
        .lifetime("RESET_PASSWORD_WITHIN", DAY)
        .meant_for("a mailed link", "fs_uniquifier, the current password hash")
        .readable_when_expired();

    fn to_json(payload: &ResetPasswordPayload) -> Value {
        Value::List(vec![payload.user.as_str().into(), payload.password_hash.as_deref().into()])
    }

    fn from_json(json: Value) -> Option<ResetPasswordPayload> {
        let [user, password_hash] = items(json)?;
        Some(ResetPasswordPayload { user: text(user)?, password_hash: text_or_null(password_hash)? })
    }
}

/// Signs in without a password.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Passwordless;

/// What a sign-in link says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PasswordlessPayload {
    /// `fs_uniquifier`.
    pub user: String,
}

impl Purpose for Passwordless {
    type Payload = PasswordlessPayload;

    const INFO: PurposeInfo = PurposeInfo::new("passwordless sign-in", "LOGIN_SALT", "login-salt")
        .lifetime("LOGIN_WITHIN", DAY)
        .meant_for("a mailed link", "fs_uniquifier")
        .readable_when_expired();

    fn to_json(payload: &PasswordlessPayload) -> Value {
        Value::List(vec![payload.user.as_str().into()])
    }

    fn from_json(json: Value) -> Option<PasswordlessPayload> {
        let [user] = items(json)?;
        Some(PasswordlessPayload { user: text(user)? })
    }
}

/// Replaces the user's address by one that has been proved.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ChangeEmail;

/// What a change-of-address link says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChangeEmailPayload {
    /// `fs_uniquifier`.
    pub user: String,
    /// Hash of the address to replace; compare it with the current one.
    pub old_email_hash: String,
    /// The address to change to.
    pub new_email: String,
}

impl Purpose for ChangeEmail {
    type Payload = ChangeEmailPayload;

    const INFO: PurposeInfo = PurposeInfo::new("change e-mail", "CHANGE_EMAIL_SALT", "change-email-salt")
        .lifetime("CHANGE_EMAIL_WITHIN", 2 * HOUR)
        .meant_for("a link mailed to the new address", "fs_uniquifier, the current e-mail address");

    fn to_json(payload: &ChangeEmailPayload) -> Value {
        Value::List(vec![
            payload.user.as_str().into(),
            payload.old_email_hash.as_str().into(),
            payload.new_email.as_str().into(),
        ])
    }

    fn from_json(json: Value) -> Option<ChangeEmailPayload> {
        let [user, old_email_hash, new_email] = items(json)?;
        Some(ChangeEmailPayload {
            user: text(user)?,
            old_email_hash: text(old_email_hash)?,
            new_email: text(new_email)?,
        })
    }
}

/// Signs in with the code that stands in the same mail.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct UnifiedLink;

/// What the link beside a mailed code says. `Debug` does not show the code.
#[derive(Clone, Eq, PartialEq)]
pub struct UnifiedLinkPayload {
    /// The primary key of the user.
    pub user: i64,
    /// The code, which is used up by the link.
    pub code: String,
    /// To the user as they were when the code was sent.
    pub binding: Binding,
}

impl fmt::Debug for UnifiedLinkPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnifiedLinkPayload").field("user", &self.user).finish_non_exhaustive()
    }
}

impl Purpose for UnifiedLink {
    type Payload = UnifiedLinkPayload;

    const INFO: PurposeInfo = PurposeInfo::new("unified sign-in link", "US_LINK_SALT", "us-link-salt")
        .lifetime("US_TOKEN_VALIDITY", 2 * MINUTE)
        .meant_for("a mailed link", "fs_uniquifier, the current e-mail address, the code");

    fn to_json(payload: &UnifiedLinkPayload) -> Value {
        Value::List(vec![Value::Int(payload.user.into()), payload.code.as_str().into(), payload.binding.to_json()])
    }

    fn from_json(json: Value) -> Option<UnifiedLinkPayload> {
        let [user, code, binding] = items(json)?;
        let user = if let Value::Int(number) = user { i64::try_from(number).ok()? } else { return None };
        Some(UnifiedLinkPayload { user, code: text(code)?, binding: Binding::from_text(text(binding)?)? })
    }
}

/// Lets a browser skip the second factor for a while.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TwoFactorValidity;

/// What the validity cookie says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TwoFactorValidityPayload {
    /// `fs_uniquifier`.
    pub user: String,
}

impl Purpose for TwoFactorValidity {
    type Payload = TwoFactorValidityPayload;

    const INFO: PurposeInfo = PurposeInfo::new("two-factor validity", "TWO_FACTOR_VALIDITY_SALT", "tf-validity-salt")
        .lifetime("TWO_FACTOR_LOGIN_VALIDITY", 30 * DAY)
        .meant_for("a cookie of the browser that passed the second factor", "fs_uniquifier")
        .reusable();

    fn to_json(payload: &TwoFactorValidityPayload) -> Value {
        payload.user.as_str().into()
    }

    fn from_json(json: Value) -> Option<TwoFactorValidityPayload> {
        Some(TwoFactorValidityPayload { user: text(json)? })
    }
}
