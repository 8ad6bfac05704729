//! What the authenticator says of a ceremony (WebAuthn section 6.1).

use subtle::ConstantTimeEq as _;

use crate::{
    Reason, Refused,
    cbor::{BadCbor, Reader},
    client_data::sha256,
    cose::{BadKey, PublicKey},
};

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const ATTESTED: u8 = 1 << 6;
const EXTENSIONS: u8 = 1 << 7;

/// Authenticator data, taken apart.
#[derive(Debug)]
pub(crate) struct AuthData<'a> {
    rp_id_hash: &'a [u8],
    flags: u8,
    pub(crate) sign_count: u32,
    pub(crate) attested: Option<Attested<'a>>,
}

/// A new credential (WebAuthn section 6.5.1).
#[derive(Debug)]
pub(crate) struct Attested<'a> {
    pub(crate) aaguid: [u8; 16],
    pub(crate) credential_id: &'a [u8],
    /// As it was written, for the store.
    pub(crate) cose: &'a [u8],
    pub(crate) public_key: Result<PublicKey, BadKey>,
}

impl<'a> AuthData<'a> {
    /// Takes all of `input` apart; anything after the end is refused.
    pub(crate) fn parse(input: &'a [u8]) -> Result<Self, Refused> {
        Self::read(input).map_err(|BadCbor| Refused::unreadable("the authenticator data cannot be read"))
    }

    fn read(input: &'a [u8]) -> Result<Self, BadCbor> {
        let mut reader = Reader::new(input);
        let rp_id_hash = reader.take(32)?;
        let flags = reader.take(1)?[0];
        let sign_count = u32::from_be_bytes(array(&mut reader)?);
        let attested = match flags & ATTESTED {
            0 => None,
            _ => Some(Attested::read(&mut reader)?),
        };
        if flags & EXTENSIONS != 0 {
            if reader.rest().first().is_none_or(|first| first >> 5 != 5) {
                return Err(BadCbor);
            }
            reader.skip()?;
        }
        reader.end()?;
        Ok(Self { rp_id_hash, flags, sign_count, attested })
    }

    /// The checks of both ceremonies: relying party, presence, verification, sense of the backup flags.
    pub(crate) fn check(&self, rp_id: &str, require_user_verification: bool) -> Result<(), Refused> {
        if !bool::from(self.rp_id_hash.ct_eq(&sha256(rp_id.as_bytes()))) {
            return Err(Refused::relying_party());
        }
        if self.flags & USER_PRESENT == 0 {
            return Err(Refused::new(Reason::UserPresence, "nobody was present at the authenticator"));
        }
        if require_user_verification && !self.user_verified() {
            return Err(Refused::new(Reason::UserVerification, "the authenticator did not verify who was present"));
        }
        if self.backed_up() && !self.backup_eligible() {
            return Err(Refused::new(Reason::BackupFlags, "backed up, and not eligible for backup"));
        }
        Ok(())
    }

    pub(crate) fn user_verified(&self) -> bool {
        self.flags & USER_VERIFIED != 0
    }

    pub(crate) fn backup_eligible(&self) -> bool {
        self.flags & BACKUP_ELIGIBLE != 0
    }

    pub(crate) fn backed_up(&self) -> bool {
        self.flags & BACKED_UP != 0
    }
}

impl<'a> Attested<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, BadCbor> {
        let aaguid = array(reader)?;
        let length = u16::from_be_bytes(array(reader)?);
        let credential_id = reader.take(usize::from(length))?;
        let cose = reader.skip()?;
        Ok(Self { aaguid, credential_id, cose, public_key: PublicKey::from_cose(cose) })
    }
}

fn array<const N: usize>(reader: &mut Reader<'_>) -> Result<[u8; N], BadCbor> {
    reader.take(N)?.try_into().map_err(|_| BadCbor)
}
