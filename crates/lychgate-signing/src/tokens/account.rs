//! The link in the mail that says that an account is going to be deleted.

use super::{DAY, Purpose, PurposeInfo, shape::items};
use crate::json::Value;

/// Keeps an account whose deletion was asked for.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct KeepAccount;

/// What such a link says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeepAccountPayload {
    /// The primary key of the user.
    pub user: i64,
    /// When the deletion is due, in microseconds since 1970; another deletion is due at another time.
    pub due: i64,
}

impl Purpose for KeepAccount {
    type Payload = KeepAccountPayload;

    const INFO: PurposeInfo = PurposeInfo::new("keep account", "KEEP_ACCOUNT_SALT", "keep-account-salt")
        .lifetime("ACCOUNT_DELETION_GRACE", 14 * DAY)
        .meant_for("a mailed link", "the deletion that the mail told of");

    fn to_json(payload: &KeepAccountPayload) -> Value {
        Value::List(vec![Value::Int(payload.user.into()), Value::Int(payload.due.into())])
    }

    fn from_json(json: Value) -> Option<KeepAccountPayload> {
        let [user, due] = items(json)?;
        let whole = |json| if let Value::Int(number) = json { i64::try_from(number).ok() } else { None };
        Some(KeepAccountPayload { user: whole(user)?, due: whole(due)? })
    }
}
