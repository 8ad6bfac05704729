//! Passkeys as they are stored.

use std::fmt;

use time::OffsetDateTime;

/// A passkey: a public key that a user's authenticator holds the private half of.
///
/// `Debug` shows neither the id nor the key.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// The id that the authenticator gave it, unique among all users; 1 to 1023 bytes (WebAuthn §4, Credential ID).
    pub credential_id: Vec<u8>,
    /// The public key as a COSE key, exactly as the authenticator sent it.
    pub public_key: Vec<u8>,
    /// The authenticator's counter at the last use; 0 if it keeps none.
    pub sign_count: i64,
    /// How the authenticator can be reached, as the browser said: `usb`, `nfc`, `ble`, `internal`, `hybrid`.
    pub transports: Vec<String>,
    /// Whether it was backed up at the last use.
    pub backup_state: bool,
    /// `single_device`, or `multi_device` if it may be backed up.
    pub device_type: String,
    /// The client's extension results as JSON text; at most 255 characters.
    pub extensions: Option<String>,
    /// When it was registered.
    pub created_at: OffsetDateTime,
    /// When it was last used, or registered.
    pub last_used_at: OffsetDateTime,
    /// What the user calls it; at most 64 characters, unique among the user's own.
    pub name: String,
    /// `first` if it may stand for a password, `secondary` if it may only follow one.
    pub usage: String,
    /// Whose it is.
    pub user_id: i64,
}

/// What a proven use of a passkey changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CredentialUse {
    /// The authenticator's counter now.
    pub sign_count: i64,
    /// Whether it is backed up now.
    pub backup_state: bool,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("user_id", &self.user_id)
            .field("name", &self.name)
            .field("usage", &self.usage)
            .field("sign_count", &self.sign_count)
            .field("device_type", &self.device_type)
            .field("created_at", &self.created_at)
            .field("last_used_at", &self.last_used_at)
            .finish_non_exhaustive()
    }
}
