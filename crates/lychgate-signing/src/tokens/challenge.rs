//! The work that a sender proves before a form is looked at.

use super::{
    MINUTE, Purpose, PurposeInfo,
    shape::{items, text},
};
use crate::json::Value;

/// Work for whoever sends a form: cheap once, dear a million times.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Challenge;

/// What such work is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChallengePayload {
    /// What makes it another than the next one, and what is calculated with.
    pub id: String,
    /// The form that it lets through.
    pub door: String,
    /// The network that it was given to.
    pub network: String,
    /// How hard it is: zero bits that each hash begins with.
    pub bits: i64,
}

impl Purpose for Challenge {
    type Payload = ChallengePayload;

    const INFO: PurposeInfo = PurposeInfo::new("challenge", "CHALLENGE_SALT", "challenge-salt")
        .lifetime("CHALLENGE_WITHIN", 30 * MINUTE)
        .meant_for("a form that was asked for", "the form and the network that it was given to");

    fn to_json(payload: &ChallengePayload) -> Value {
        Value::List(vec![
            payload.id.as_str().into(),
            payload.door.as_str().into(),
            payload.network.as_str().into(),
            Value::Int(payload.bits.into()),
        ])
    }

    fn from_json(json: Value) -> Option<ChallengePayload> {
        let [id, door, network, bits] = items(json)?;
        let Value::Int(bits) = bits else { return None };
        let bits = i64::try_from(bits).ok()?;
        Some(ChallengePayload { id: text(id)?, door: text(door)?, network: text(network)?, bits })
    }
}
