//! Work that the sender of a form proves: cheap once, dear a million times.
//!
//! Eight numbers are to be found, each of which makes a SHA-256 hash begin with so many zero bits; eight, since the time
//! that one takes varies much. Checking them is eight hashes.

use lychgate_signing::{
    KeyRing,
    tokens::{Challenge, ChallengePayload, TokenCodec},
};
use lychgate_store::{Counting, RateRule};
use sha2::{Digest as _, Sha256};

use crate::{limits::parse, settings::Settings};

/// How many numbers are to be found.
pub(crate) const PIECES: u32 = 8;

/// The longest solution in bytes: eight numbers below 2^32 with their commas.
const LONGEST: usize = 96;

/// The endpoints of each form.
const DOORS: &[(&str, &[&str])] = &[
    ("register", &["register"]),
    ("login", &["login", "us_signin", "us_signin_send_code", "authenticate"]),
    ("recover", &["forgot_password", "recover_username"]),
    ("confirm", &["send_confirmation"]),
];

/// What is asked of senders.
pub(crate) struct Challenges {
    pub(crate) on: bool,
    doors: Vec<&'static str>,
    /// What passes without; empty if nothing does.
    pub(crate) free: Vec<RateRule>,
    bits: i64,
    pub(crate) codec: TokenCodec<Challenge>,
    /// Seconds.
    pub(crate) lifetime: i64,
    /// After so many seconds a form is taken without.
    pub(crate) wait: Option<i64>,
    pub(crate) waits: Vec<RateRule>,
}

impl Challenges {
    pub(crate) fn from_settings(settings: &Settings, keys: &KeyRing, counting: Counting) -> Result<Self, String> {
        let on = settings.list("challenge.on");
        let read = |name: &str| match settings.text(name).trim() {
            "" => Ok(Vec::new()),
            text => parse(text, counting).map_err(|error| format!("{name}: {error}")),
        };
        let lifetime = settings.duration("challenge_within").map_or(0, |within| within.as_secs());
        Ok(Self {
            on: settings.flag("challenge.enabled"),
            doors: DOORS.iter().map(|(door, _)| *door).filter(|door| on.iter().any(|name| name == door)).collect(),
            free: read("challenge.free")?,
            bits: settings.int("challenge.difficulty") - i64::from(PIECES.ilog2()),
            codec: TokenCodec::new(keys, settings.text("challenge_salt"), Some(lifetime)),
            lifetime,
            wait: settings.duration("challenge.wait").map(|wait| wait.as_secs()),
            waits: read("challenge.waits")?,
        })
    }

    /// The form that an endpoint belongs to, if work is asked there.
    pub(crate) fn door_of(&self, endpoint: &str) -> Option<&'static str> {
        let (door, _) = DOORS.iter().find(|(_, endpoints)| endpoints.contains(&endpoint))?;
        (self.on && self.doors.contains(door)).then_some(*door)
    }

    /// New work.
    pub(crate) fn payload(&self, door: &str, network: String) -> ChallengePayload {
        ChallengePayload { id: crate::random::hex(), door: door.to_owned(), network, bits: self.bits }
    }
}

/// Whether a text may name a form, of ours or of the application.
pub(crate) fn is_door(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    (1..=32).contains(&text.len()) && text.bytes().all(plain)
}

/// Whether the work is done. It costs eight hashes at most, whatever is sent.
pub(crate) fn is_solved(work: &ChallengePayload, solution: &str) -> bool {
    if solution.len() > LONGEST {
        return false;
    }
    let mut numbers = solution.split(',');
    let right = |number: &str, piece: u32| {
        let is_number = (1..=10).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
        is_number && i64::from(zeros(&format!("{}.{piece}.{number}", work.id))) >= work.bits
    };
    (0..PIECES).all(|piece| numbers.next().is_some_and(|number| right(number, piece))) && numbers.next().is_none()
}

/// The zero bits, up to 32, that the hash of a text begins with.
fn zeros(text: &str) -> u32 {
    let hash: [u8; 32] = Sha256::digest(text).into();
    let [a, b, c, d, ..] = hash;
    u32::from_be_bytes([a, b, c, d]).leading_zeros()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn solve(work: &ChallengePayload) -> Vec<String> {
        let one = |piece| (0_u32..).find(|n| i64::from(zeros(&format!("{}.{piece}.{n}", work.id))) >= work.bits);
        (0..PIECES).filter_map(|piece| one(piece).map(|number| number.to_string())).collect()
    }

    #[test]
    fn only_the_whole_work_counts() {
        let work = ChallengePayload { id: "0".repeat(32), door: String::new(), network: String::new(), bits: 6 };
        let numbers = solve(&work);
        assert!(is_solved(&work, &numbers.join(",")));
        let other = ChallengePayload { id: "1".repeat(32), ..work.clone() };
        assert!(!is_solved(&other, &numbers.join(",")));
        assert!(!is_solved(&work, &numbers[..7].join(",")), "a piece is missing");
        assert!(!is_solved(&work, &format!("{},1", numbers.join(","))), "a piece too many");
        assert!(!is_solved(&work, &[numbers[0].as_str(); 8].join(",")), "one for all");
        for nonsense in ["", ",,,,,,,", "-1,-1,-1,-1,-1,-1,-1,-1", "1 ,1,1,1,1,1,1,1", &"1".repeat(5000)] {
            assert!(!is_solved(&work, nonsense), "{nonsense}");
        }
    }

    #[test]
    fn names_of_forms() {
        for (text, good) in [("login", true), ("my-form_2", true), ("", false), ("Login", false), ("a/b", false)] {
            assert_eq!(is_door(text), good, "{text}");
        }
        assert!(!is_door(&"a".repeat(33)));
    }
}
