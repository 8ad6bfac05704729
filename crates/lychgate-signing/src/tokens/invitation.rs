//! Links by which somebody who is invited makes an account.

use super::{DAY, Purpose, PurposeInfo, shape::Members};
use crate::json::Value;

/// Lets whoever it is mailed to make an account.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Invite;

/// What an invitation says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InvitePayload {
    /// The invitation's id in the database, which knows the address and the roles.
    pub invitation: String,
}

impl Purpose for Invite {
    type Payload = InvitePayload;

    const INFO: PurposeInfo = PurposeInfo::new("invitation", "INVITATION_SALT", "invitation-salt")
        .lifetime("INVITATION_WITHIN", 7 * DAY)
        .meant_for("whoever has the mailbox that is invited, at registration", "the invitation in the database");

    fn to_json(payload: &InvitePayload) -> Value {
        Value::from_iter([("invitation", Value::from(payload.invitation.as_str()))])
    }

    fn from_json(json: Value) -> Option<InvitePayload> {
        let mut members = Members::of(json)?;
        let payload = InvitePayload { invitation: members.text("invitation")? };
        members.end()?;
        Some(payload)
    }
}
