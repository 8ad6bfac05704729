//! Why a credential is refused.

use std::fmt;

/// Longest part of a foreign origin that a message repeats, in characters.
const SHOWN: usize = 120;

/// Why a credential is refused: which check it failed, and two texts.
///
/// [`Display`](fmt::Display) is for logs and people. [`cause`](Self::cause) is for the wire, where Flask-Security's
/// clients know five of the texts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Refused {
    reason: Reason,
    text: String,
    cause: Option<String>,
}

/// The check that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Not the JSON of a credential at all; nothing in it was judged.
    Malformed,
    /// The client data, authenticator data or attestation inside cannot be read.
    Unreadable,
    /// The client data is of another ceremony.
    Type,
    /// Another challenge.
    Challenge,
    /// Another origin.
    Origin,
    /// Made in a frame of another origin.
    CrossOrigin,
    /// Made for another relying party.
    RelyingParty,
    /// Nobody touched the authenticator.
    UserPresence,
    /// The authenticator did not verify the user, and was asked to.
    UserVerification,
    /// The backup flags contradict each other or the registration.
    BackupFlags,
    /// `id`, `rawId`, the attested id or the stored one differ.
    CredentialId,
    /// The user handle is somebody else's.
    UserHandle,
    /// The public key is of a kind that was not asked for, or no good.
    PublicKey,
    /// The attestation statement is of an unknown format, or wrong.
    Attestation,
    /// The signature is wrong.
    Signature,
    /// The counter did not go up: perhaps a copy of the authenticator (WebAuthn section 6.1.1).
    SignCount,
}

impl Refused {
    pub(crate) fn new(reason: Reason, text: impl Into<String>) -> Self {
        Self { reason, text: text.into(), cause: None }
    }

    pub(crate) fn malformed(text: impl Into<String>) -> Self {
        Self::new(Reason::Malformed, text)
    }

    pub(crate) fn unreadable(text: impl Into<String>) -> Self {
        Self::new(Reason::Unreadable, text)
    }

    pub(crate) fn challenge() -> Self {
        Self::new(Reason::Challenge, "the challenge is not the one that was given out")
            .on_the_wire("Client data challenge was not expected challenge")
    }

    pub(crate) fn origin(got: &str, wanted: &[String]) -> Self {
        let got: String = got.chars().take(SHOWN).collect();
        let cause = match wanted {
            [one] => format!("Unexpected client data origin \"{got}\", expected \"{one}\""),
            _ => format!("Unexpected client data origin \"{got}\""),
        };
        Self::new(Reason::Origin, format!("made on {got:?}, which is not an origin of ours")).on_the_wire(cause)
    }

    pub(crate) fn relying_party() -> Self {
        Self::new(Reason::RelyingParty, "made for another relying party").on_the_wire("Unexpected RP ID hash")
    }

    pub(crate) fn signature() -> Self {
        Self::new(Reason::Signature, "the signature is wrong").on_the_wire("Could not verify authentication signature")
    }

    pub(crate) fn sign_count(got: u32, stored: i64) -> Self {
        Self::new(Reason::SignCount, format!("the counter is {got} and was {stored} before"))
            .on_the_wire(format!("Response sign count of {got} was not greater than current count of {stored}"))
    }

    fn on_the_wire(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// The check that failed.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The text for a reply, as the `cause` of `WEBAUTHN_NO_VERIFY`.
    ///
    /// It may repeat the origin that the client named, so it is to be escaped like any input.
    #[must_use]
    pub fn cause(&self) -> &str {
        self.cause.as_deref().unwrap_or(&self.text)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
