//! The link in a notice that undoes what somebody else did, and the cookie by which a browser is known again.

use super::{
    DAY, Purpose, PurposeInfo,
    shape::{items, text},
};
use crate::json::Value;

/// Lets whoever reads the owner's mail say that it was not them.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct NotMe;

/// What such a link says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NotMePayload {
    /// The primary key of the user.
    pub user: i64,
    /// What no later user with the same key has.
    pub anchor: String,
    /// What the notice told of.
    pub event: String,
    /// The address that it was sent to.
    pub email: String,
    /// When the event happened, in microseconds since 1970: finer than the time of the signature, as of two events the
    /// earlier one has to be known.
    pub at: i64,
}

impl Purpose for NotMe {
    type Payload = NotMePayload;

    const INFO: PurposeInfo = PurposeInfo::new("not me", "NOT_ME_SALT", "not-me-salt")
        .lifetime("NOT_ME_WITHIN", 7 * DAY)
        .meant_for("a link in a notice", "the user's row and the event, and but for a moved account its address");

    fn to_json(payload: &NotMePayload) -> Value {
        Value::List(vec![
            Value::Int(payload.user.into()),
            payload.anchor.as_str().into(),
            payload.event.as_str().into(),
            payload.email.as_str().into(),
            Value::Int(payload.at.into()),
        ])
    }

    fn from_json(json: Value) -> Option<NotMePayload> {
        let [user, anchor, event, email, at] = items(json)?;
        let whole = |json| if let Value::Int(number) = json { i64::try_from(number).ok() } else { None };
        let (user, at) = (whole(user)?, whole(at)?);
        Some(NotMePayload { user, anchor: text(anchor)?, event: text(event)?, email: text(email)?, at })
    }
}

/// Lifts the waits after wrong passwords.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Unlock;

/// What such a link says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnlockPayload {
    /// The primary key of the user.
    pub user: i64,
    /// What no later user with the same key has.
    pub anchor: String,
    /// What makes this link another than the next one.
    pub id: String,
}

impl Purpose for Unlock {
    type Payload = UnlockPayload;

    const INFO: PurposeInfo = PurposeInfo::new("unlock", "UNLOCK_SALT", "unlock-salt")
        .lifetime("UNLOCK_WITHIN", DAY)
        .meant_for("a mailed link", "the user's row");

    fn to_json(payload: &UnlockPayload) -> Value {
        Value::List(vec![Value::Int(payload.user.into()), payload.anchor.as_str().into(), payload.id.as_str().into()])
    }

    fn from_json(json: Value) -> Option<UnlockPayload> {
        let [user, anchor, id] = items(json)?;
        let Value::Int(user) = user else { return None };
        Some(UnlockPayload { user: i64::try_from(user).ok()?, anchor: text(anchor)?, id: text(id)? })
    }
}

/// Tells a browser that an account was used in before from one that it was not.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct KnownDevice;

/// Whom a browser is known to.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct KnownDevicePayload {
    /// A mark for each user, the latest first.
    pub users: Vec<String>,
}

impl Purpose for KnownDevice {
    type Payload = KnownDevicePayload;

    const INFO: PurposeInfo = PurposeInfo::new("known device", "DEVICE_SALT", "device-salt")
        .lifetime("DEVICE_COOKIE_WITHIN", 365 * DAY)
        .meant_for("a cookie of a browser that somebody signed in with", "the user's row and its devices")
        .reusable();

    fn to_json(payload: &KnownDevicePayload) -> Value {
        Value::List(payload.users.iter().map(|user| user.as_str().into()).collect())
    }

    fn from_json(json: Value) -> Option<KnownDevicePayload> {
        let Value::List(users) = json else { return None };
        Some(KnownDevicePayload { users: users.into_iter().map(text).collect::<Option<_>>()? })
    }
}
