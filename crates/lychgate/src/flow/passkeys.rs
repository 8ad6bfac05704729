//! What more than one feature needs to know of passkeys: who has one, for what, and the states between two steps.

use lychgate_signing::{
    Derivation, KeyRing, Signer,
    tokens::{TokenCodec, WebauthnRegister, WebauthnSignin, fingerprint},
};
use lychgate_store::{Credential, User};

use super::unified;
use crate::{failure::Failure, gate::Lychgate, settings::Settings};

/// A passkey that may stand for a password.
pub(crate) const FIRST: &str = "first";
/// A passkey that may only follow another proof.
pub(crate) const SECONDARY: &str = "secondary";

/// What signs the states, and makes up passkeys for people who have none.
pub(crate) struct PasskeyCodecs {
    pub(crate) register: TokenCodec<WebauthnRegister>,
    pub(crate) signin: TokenCodec<WebauthnSignin>,
    decoys: Signer,
}

impl PasskeyCodecs {
    pub(crate) fn new(keys: &KeyRing, settings: &Settings) -> Self {
        let salt = settings.text("wan_salt");
        let seconds = |name: &str| settings.duration(name).map(|within| within.as_secs());
        Self {
            register: TokenCodec::new(keys, salt, seconds("wan_register_within")),
            signin: TokenCodec::new(keys, salt, seconds("wan_signin_within")),
            decoys: Signer::new(keys, "passkey-decoys", Derivation::Hmac),
        }
    }

    /// Bytes that look random, are always the same for the same text, and cannot be told by whoever lacks the key.
    pub(crate) fn decoy(&self, text: &str) -> [u8; 32] {
        fingerprint(&self.decoys.sign(text))
    }
}

/// Whether users can have passkeys here.
pub(crate) fn are_on(gate: &Lychgate) -> bool {
    gate.settings().flag("webauthn")
}

/// The user's passkeys of these usages.
pub(crate) async fn of_usage<T: AsRef<str>>(
    gate: &Lychgate,
    user: &User,
    usages: &[T],
) -> Result<Vec<Credential>, Failure> {
    if !are_on(gate) {
        return Ok(Vec::new());
    }
    let mut all = gate.store().credentials_of(user.id).await?;
    all.retain(|credential| usages.iter().any(|usage| usage.as_ref() == credential.usage));
    Ok(all)
}

/// Whether the user can prove by a passkey who they are, while signed in.
pub(crate) async fn can_verify(gate: &Lychgate, user: &User) -> Result<bool, Failure> {
    Ok(!of_usage(gate, user, gate.settings().list("wan_allow_as_verify")).await?.is_empty())
}

/// Whether the user could still sign in without any passkey: by a password, by a mail, by a code, by somebody else's word.
pub(crate) fn is_not_the_only_way_in(gate: &Lychgate, user: &User) -> bool {
    unified::has_way_in(gate, user, &unified::secrets_of(user))
}
