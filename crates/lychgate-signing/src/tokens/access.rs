//! Tokens that stand for a signed-in user: auth tokens and refresh tokens.

use thiserror::Error;

use super::{
    DAY, MINUTE, Purpose, PurposeInfo,
    shape::{Members, items, seconds, text},
};
use crate::json::Value;

/// Sent with each request instead of a session.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AuthToken;

/// What an auth token says.
///
/// Tokens of versions 3 and 4, made by old releases of the reference, are read; only version 5 is minted.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AuthTokenPayload {
    /// The version that was read: 3, 4 or 5.
    pub version: u8,
    /// `fs_token_uniquifier`, or `fs_uniquifier` where users have no such column.
    pub user: String,
    /// When the user proved who they are, in seconds since 1970; 0 when unknown, which is never fresh.
    pub authenticated_at: f64,
    /// The last second at which the token is valid; 0 leaves that to the token's age.
    pub expires_at: i64,
    claims: Vec<(String, Value)>,
}

/// A claim has a name that auth tokens use themselves, or that was added before.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the claim's name is taken")]
#[non_exhaustive]
pub struct ReservedClaim;

const VERSION: &str = "ver";
const USER: &str = "uid";
const AUTHENTICATED_AT: &str = "fs_paa";
const EXPIRES_AT: &str = "exp";

impl AuthTokenPayload {
    /// A payload of version 5 without claims of the application.
    #[must_use]
    pub fn new(user: impl Into<String>, authenticated_at: f64, expires_at: i64) -> Self {
        Self { version: 5, user: user.into(), authenticated_at, expires_at, claims: Vec::new() }
    }

    /// Adds a claim of the application.
    ///
    /// # Errors
    /// [`ReservedClaim`] when the name is in use.
    pub fn with_claim(mut self, name: &str, value: Value) -> Result<Self, ReservedClaim> {
        let reserved = matches!(name, VERSION | USER | AUTHENTICATED_AT | EXPIRES_AT);
        if reserved || self.claim(name).is_some() {
            return Err(ReservedClaim);
        }
        self.claims.push((name.to_owned(), value));
        Ok(self)
    }

    /// A claim of the application.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.claims.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    fn old(version: u8, user: Value) -> Option<Self> {
        Some(Self { version, ..Self::new(text(user)?, 0.0, 0) })
    }
}

impl Purpose for AuthToken {
    type Payload = AuthTokenPayload;

    const INFO: PurposeInfo = PurposeInfo::new("auth token", "REMEMBER_SALT", "remember-salt")
        .lifetime("TOKEN_MAX_AGE", 15 * MINUTE)
        .meant_for("an API client, with each request", "the user's token uniquifier")
        .reusable();

    fn to_json(payload: &AuthTokenPayload) -> Value {
        let own = [
            (VERSION, Value::from("5")),
            (USER, Value::from(payload.user.as_str())),
            (AUTHENTICATED_AT, Value::from(payload.authenticated_at)),
            (EXPIRES_AT, Value::from(payload.expires_at)),
        ];
        let claims = payload.claims.iter().map(|(name, value)| (name.as_str(), value.clone()));
        own.into_iter().chain(claims).collect()
    }

    fn from_json(json: Value) -> Option<AuthTokenPayload> {
        let Value::List(list) = json else {
            let mut members = Members::of(json)?;
            if members.text(VERSION)? != "5" {
                return None;
            }
            return Some(AuthTokenPayload {
                version: 5,
                user: members.text(USER)?,
                expires_at: members.integer(EXPIRES_AT)?,
                authenticated_at: members.take(AUTHENTICATED_AT).map_or(Some(0.0), seconds)?,
                claims: members.rest(),
            });
        };
        match list.len() {
            1 => items(Value::List(list)).and_then(|[user]| AuthTokenPayload::old(4, user)),
            3 => items(Value::List(list)).and_then(|[_, _, user]| AuthTokenPayload::old(3, user)),
            _ => None,
        }
    }

    fn not_after(payload: &AuthTokenPayload) -> Option<i64> {
        (payload.expires_at != 0).then_some(payload.expires_at)
    }
}

/// Exchanged for a new pair of auth and refresh tokens.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RefreshToken;

/// What a refresh token says.
///
/// The times are for show: the row of the family in the database decides.
#[derive(Clone, Debug, PartialEq)]
pub struct RefreshTokenPayload {
    /// `fs_token_uniquifier`, or `fs_uniquifier` where users have no such column.
    pub user: String,
    /// When the family ends, in seconds since 1970.
    pub expires_at: f64,
    /// When the family was used last, in seconds since 1970.
    pub last_used_at: f64,
    /// A label; the reference always writes `default`.
    pub name: String,
    /// Which chain of tokens this is.
    pub family: String,
    /// Which token in the chain this is; only the last is valid.
    pub generation: i64,
}

impl Purpose for RefreshToken {
    type Payload = RefreshTokenPayload;

    const INFO: PurposeInfo = PurposeInfo::new("refresh token", "REFRESH_TOKEN_SALT", "refresh-token-salt")
        .lifetime("REFRESH_TOKEN_MAX_AGE", 90 * DAY)
        .meant_for("an API client, at the refresh endpoint", "family and generation in the database")
        .untimed();

    fn to_json(payload: &RefreshTokenPayload) -> Value {
        Value::from_iter([
            ("ver", Value::from("1")),
            ("uid", Value::from(payload.user.as_str())),
            ("expires_at", Value::from(payload.expires_at)),
            ("last_used_at", Value::from(payload.last_used_at)),
            ("name", Value::from(payload.name.as_str())),
            ("family", Value::from(payload.family.as_str())),
            ("gen", Value::from(payload.generation)),
        ])
    }

    fn from_json(json: Value) -> Option<RefreshTokenPayload> {
        let mut members = Members::of(json)?;
        if members.text("ver")? != "1" {
            return None;
        }
        let payload = RefreshTokenPayload {
            user: members.text("uid")?,
            expires_at: members.seconds("expires_at")?,
            last_used_at: members.seconds("last_used_at")?,
            name: members.text("name")?,
            family: members.text("family")?,
            generation: members.integer("gen")?,
        };
        members.end()?;
        Some(payload)
    }
}
