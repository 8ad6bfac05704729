//! A sign-in is judged (WebAuthn section 7.2).

use subtle::ConstantTimeEq as _;

use crate::{PublicKey, Reason, Refused, auth_data::AuthData, client_data::Expected, json};

/// Longest signature: RSA with 8192 bits.
const MAX_SIGNATURE: usize = 1024;

/// The answer of an authenticator, taken apart and not yet believed.
#[derive(Debug, Clone)]
pub struct Assertion {
    credential_id: Vec<u8>,
    user_handle: Option<Vec<u8>>,
    client_data: Vec<u8>,
    auth_data: Vec<u8>,
    signature: Vec<u8>,
}

/// What an assertion is held against.
#[derive(Debug, Clone, Copy)]
pub struct AssertionCheck<'a> {
    /// The text that was given out as the challenge.
    pub challenge: &'a str,
    /// The relying party's domain.
    pub rp_id: &'a str,
    /// The origins on which a credential may be used, as `https://example.com`; compared to the letter.
    pub origins: &'a [String],
    /// Whether the authenticator must have verified the user.
    pub require_user_verification: bool,
    /// The credential that the assertion names, as it was registered or last used.
    pub stored: Stored<'a>,
}

/// A credential of the store.
#[derive(Debug, Clone, Copy)]
pub struct Stored<'a> {
    /// Its id.
    pub credential_id: &'a [u8],
    /// Its public key, COSE.
    pub public_key: &'a [u8],
    /// Its counter.
    pub sign_count: i64,
    /// Whether it may be backed up, which never changes; `None` if that is not known.
    pub backup_eligible: Option<bool>,
    /// The handle of the user that it belongs to.
    pub user_handle: &'a [u8],
}

/// An assertion that passed: what to store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Asserted {
    /// The counter. It is to be written only where the stored one is still the one that was checked against.
    pub sign_count: u32,
    /// Whether the authenticator verified the user.
    pub user_verified: bool,
    /// Whether the credential may be backed up.
    pub backup_eligible: bool,
    /// Whether it is backed up now.
    pub backup_state: bool,
}

impl Assertion {
    /// Takes the JSON of a credential apart, to look up whose it claims to be. Nothing of it is true before
    /// [`AssertionCheck::verify`].
    ///
    /// # Errors
    ///
    /// [`Refused`] with [`Reason::Malformed`] or [`Reason::CredentialId`].
    pub fn parse(credential_json: &str) -> Result<Self, Refused> {
        let json::Credential { id: credential_id, response, .. } = json::credential(credential_json)?;
        let user_handle = json::optional_bytes(&response, "userHandle")?.filter(|handle| !handle.is_empty());
        if user_handle.as_ref().is_some_and(|handle| handle.len() > crate::MAX_USER_HANDLE) {
            return Err(Refused::malformed("userHandle is too long"));
        }
        Ok(Self {
            credential_id,
            user_handle,
            client_data: json::bytes(&response, "clientDataJSON")?,
            auth_data: json::bytes(&response, "authenticatorData")?,
            signature: json::bytes(&response, "signature")?,
        })
    }

    /// The id of the credential.
    #[must_use]
    pub fn credential_id(&self) -> &[u8] {
        &self.credential_id
    }

    /// The handle of the user, if the authenticator knows it; never empty.
    #[must_use]
    pub fn user_handle(&self) -> Option<&[u8]> {
        self.user_handle.as_deref()
    }
}

impl AssertionCheck<'_> {
    /// Judges an assertion. It says nothing of whether the challenge was used before; that is for the caller to see.
    ///
    /// # Errors
    ///
    /// [`Refused`], with the first check of section 7.2 that failed. The counter is checked last, so
    /// [`Reason::SignCount`] means that the credential's key did sign.
    pub fn verify(&self, assertion: &Assertion) -> Result<Asserted, Refused> {
        let stored = &self.stored;
        if assertion.credential_id != stored.credential_id {
            return Err(Refused::new(Reason::CredentialId, "the credential is another"));
        }
        if let Some(handle) = assertion.user_handle()
            && !bool::from(handle.ct_eq(stored.user_handle))
        {
            return Err(Refused::new(Reason::UserHandle, "the user handle is another"));
        }
        let expected = Expected { kind: "webauthn.get", challenge: self.challenge, origins: self.origins };
        let hash = expected.check(&assertion.client_data)?;
        let auth_data = AuthData::parse(&assertion.auth_data)?;
        if auth_data.attested.is_some() {
            return Err(Refused::unreadable("the authenticator data of a sign-in holds a new credential"));
        }
        auth_data.check(self.rp_id, self.require_user_verification)?;
        if stored.backup_eligible.is_some_and(|eligible| eligible != auth_data.backup_eligible()) {
            return Err(Refused::new(Reason::BackupFlags, "eligible for backup when registered or now, not both"));
        }
        let key = PublicKey::from_cose(stored.public_key)
            .map_err(|_| Refused::new(Reason::PublicKey, "the stored public key cannot be used"))?;
        if assertion.signature.len() > MAX_SIGNATURE {
            return Err(Refused::signature());
        }
        let signed = [assertion.auth_data.as_slice(), &hash].concat();
        key.verify(&signed, &assertion.signature).map_err(|_| Refused::signature())?;
        let counts = auth_data.sign_count != 0 || stored.sign_count != 0;
        if counts && i64::from(auth_data.sign_count) <= stored.sign_count {
            return Err(Refused::sign_count(auth_data.sign_count, stored.sign_count));
        }
        Ok(Asserted {
            sign_count: auth_data.sign_count,
            user_verified: auth_data.user_verified(),
            backup_eligible: auth_data.backup_eligible(),
            backup_state: auth_data.backed_up(),
        })
    }
}
