//! Tokens that are good for one purpose.
//!
//! Each purpose has its own salt, payload and lifetime, so that a token minted for one is refused for every
//! other. A [`TokenCodec`] mints and redeems tokens of one [`Purpose`].
//!
//! ```
//! use lychgate_signing::{KeyRing, tokens::{ConfirmEmail, ConfirmEmailPayload, RedeemError, ResetPassword, TokenCodec}};
//!
//! let keys = KeyRing::new("secret")?;
//! let codec = TokenCodec::<ConfirmEmail>::with_defaults(&keys);
//! let payload = ConfirmEmailPayload { user: "0123".into(), email_hash: "$5$…".into() };
//! let token = codec.mint(&payload, 1_750_000_000)?;
//!
//! let redeemed = codec.redeem(token.as_str(), 1_750_000_060)?;
//! assert_eq!(redeemed.payload, payload);
//! assert!(matches!(codec.redeem(token.as_str(), 1_750_172_801), Err(RedeemError::Expired(_))));
//! let reset = TokenCodec::<ResetPassword>::with_defaults(&keys);
//! assert!(matches!(reset.redeem(token.as_str(), 1_750_000_060), Err(RedeemError::Invalid(_))));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A signature proves who minted a token, not that it is unused or that its user may still use it: that the
//! caller checks against the database. [`fingerprint`] gives the key under which to remember a used token.

mod access;
mod account;
mod binding;
mod challenge;
mod codec;
mod invitation;
mod links;
mod notices;
mod passkeys;
mod setup;
mod shape;

pub use access::{AuthToken, AuthTokenPayload, RefreshToken, RefreshTokenPayload, ReservedClaim};
pub use account::{KeepAccount, KeepAccountPayload};
pub use binding::Binding;
pub use challenge::{Challenge, ChallengePayload};
pub use codec::{RedeemError, Redeemed, Token, TokenCodec, fingerprint};
pub use invitation::{Invite, InvitePayload};
pub use links::{
    ChangeEmail, ChangeEmailPayload, ConfirmEmail, ConfirmEmailPayload, Passwordless, PasswordlessPayload,
    ResetPassword, ResetPasswordPayload, TwoFactorValidity, TwoFactorValidityPayload, UnifiedLink, UnifiedLinkPayload,
};
pub use notices::{KnownDevice, KnownDevicePayload, NotMe, NotMePayload, Unlock, UnlockPayload};
pub use passkeys::{WebauthnRegister, WebauthnRegisterPayload, WebauthnSignin, WebauthnSigninPayload};
pub use setup::{TwoFactorSetup, TwoFactorSetupPayload, UnifiedSetup, UnifiedSetupPayload};

use crate::json::Value;

/// What a token is for.
///
/// An application may add purposes of its own; give each a salt that no other has.
pub trait Purpose {
    /// What the token says.
    type Payload: std::fmt::Debug;

    /// The facts about this purpose.
    const INFO: PurposeInfo;

    /// The payload as JSON, members in the order of the wire.
    fn to_json(payload: &Self::Payload) -> Value;

    /// The payload in `json`, or `None` if it has not exactly the right shape.
    fn from_json(json: Value) -> Option<Self::Payload>;

    /// The last second at which the payload itself says that it is valid.
    fn not_after(_payload: &Self::Payload) -> Option<i64> {
        None
    }
}

/// The facts about a [`Purpose`], for documentation and for tests that go through all of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PurposeInfo {
    /// A short name.
    pub name: &'static str,
    /// The setting that holds the salt.
    pub salt_setting: &'static str,
    /// The salt when the setting is left alone.
    pub default_salt: &'static str,
    /// Whether the token carries the time of its minting.
    pub timed: bool,
    /// The setting that holds the lifetime. For a purpose without a time the caller enforces it.
    pub lifetime_setting: Option<&'static str>,
    /// That lifetime in seconds when the setting is left alone.
    pub default_lifetime: Option<i64>,
    /// Who presents the token, and where.
    pub audience: &'static str,
    /// What must still be true of the user when the token is redeemed.
    pub bound_to: &'static str,
    /// Whether the caller must accept it once only.
    pub single_use: bool,
    /// Whether an expired token still tells its payload, so that a new one can be offered.
    pub readable_when_expired: bool,
}

impl PurposeInfo {
    /// The facts about a timed purpose that may be used once and tells nothing once expired; change the rest
    /// with the methods below.
    #[must_use]
    pub const fn new(name: &'static str, salt_setting: &'static str, default_salt: &'static str) -> Self {
        Self {
            name,
            salt_setting,
            default_salt,
            timed: true,
            lifetime_setting: None,
            default_lifetime: None,
            audience: "",
            bound_to: "",
            single_use: true,
            readable_when_expired: false,
        }
    }

    /// Sets the lifetime, in seconds, and the setting that changes it.
    #[must_use]
    pub const fn lifetime(mut self, setting: &'static str, seconds: i64) -> Self {
        self.lifetime_setting = Some(setting);
        self.default_lifetime = Some(seconds);
        self
    }

    /// Says who presents the token and what it is bound to.
    #[must_use]
    pub const fn meant_for(mut self, audience: &'static str, bound_to: &'static str) -> Self {
        self.audience = audience;
        self.bound_to = bound_to;
        self
    }

    /// The token carries no time.
    #[must_use]
    pub const fn untimed(mut self) -> Self {
        self.timed = false;
        self
    }

    /// The token may be used again and again within its lifetime.
    #[must_use]
    pub const fn reusable(mut self) -> Self {
        self.single_use = false;
        self
    }

    /// An expired token still tells its payload.
    #[must_use]
    pub const fn readable_when_expired(mut self) -> Self {
        self.readable_when_expired = true;
        self
    }
}

/// Every purpose of this library.
pub const ALL: &[PurposeInfo] = &[
    AuthToken::INFO,
    RefreshToken::INFO,
    ConfirmEmail::INFO,
    ResetPassword::INFO,
    Passwordless::INFO,
    ChangeEmail::INFO,
    NotMe::INFO,
    Unlock::INFO,
    Challenge::INFO,
    KnownDevice::INFO,
    KeepAccount::INFO,
    Invite::INFO,
    TwoFactorValidity::INFO,
    TwoFactorSetup::INFO,
    UnifiedLink::INFO,
    UnifiedSetup::INFO,
    WebauthnRegister::INFO,
    WebauthnSignin::INFO,
];

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
