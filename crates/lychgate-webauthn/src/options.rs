//! What a browser is asked: the JSON of `PublicKeyCredentialCreationOptions` and `PublicKeyCredentialRequestOptions`
//! (WebAuthn sections 5.4 and 5.5), as py_webauthn writes it.

use serde_json::{Map, Value, json};

use crate::{Algorithm, json::encode};

/// What is asked of a browser that shall make a credential.
#[derive(Debug, Clone, Copy)]
pub struct CreationOptions<'a> {
    /// The relying party's domain.
    pub rp_id: &'a str,
    /// Its name, to be shown.
    pub rp_name: &'a str,
    /// The user's handle: at most 64 bytes that say nothing of the user.
    pub user_handle: &'a [u8],
    /// The user's name, to be shown.
    pub user_name: &'a str,
    /// The challenge, a text. Its bytes are the challenge, so the JSON holds base64url of it, even where it is base64url already.
    pub challenge: &'a str,
    /// How long the user may take, in milliseconds.
    pub timeout: u64,
    /// Which algorithms are wanted, most wanted first.
    pub algorithms: &'a [Algorithm],
    /// Credentials that the user has already.
    pub exclude: &'a [Descriptor<'a>],
    /// Which authenticator is wanted.
    pub selection: Selection,
}

/// What is asked of a browser that shall use a credential.
#[derive(Debug, Clone, Copy)]
pub struct RequestOptions<'a> {
    /// The relying party's domain.
    pub rp_id: &'a str,
    /// The challenge, as in [`CreationOptions`].
    pub challenge: &'a str,
    /// How long the user may take, in milliseconds.
    pub timeout: u64,
    /// The credentials that will do; none for any that the authenticator finds.
    pub allow: &'a [Descriptor<'a>],
    /// Whether the authenticator shall verify the user.
    pub user_verification: UserVerification,
}

/// A credential, named.
#[derive(Debug, Clone, Copy)]
pub struct Descriptor<'a> {
    /// Its id.
    pub id: &'a [u8],
    /// How to reach its authenticator.
    pub transports: &'a [String],
}

/// Which authenticator is wanted (WebAuthn section 5.4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selection {
    /// One of the device itself, or one that is carried about; `None` for either.
    pub attachment: Option<Attachment>,
    /// Whether the credential shall be found without a user name.
    pub resident_key: ResidentKey,
    /// Whether the authenticator shall verify the user.
    pub user_verification: UserVerification,
}

/// Where an authenticator is (WebAuthn section 5.4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attachment {
    /// Part of the device.
    Platform,
    /// Carried about.
    CrossPlatform,
}

/// Whether a credential shall be found without a user name (WebAuthn section 5.4.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResidentKey {
    /// Rather not.
    Discouraged,
    /// Rather yes.
    Preferred,
    /// It must.
    Required,
}

/// Whether an authenticator shall verify the user (WebAuthn section 5.8.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserVerification {
    /// Rather not.
    Discouraged,
    /// If it can.
    Preferred,
    /// It must; the check must then ask for it too.
    Required,
}

impl CreationOptions<'_> {
    /// The options, with the extension that tells whether the credential can be found without a user name.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let algorithms = self.algorithms.iter().map(|algorithm| json!({"type": "public-key", "alg": algorithm.id()}));
        let mut selection = Map::new();
        if let Some(attachment) = self.selection.attachment {
            selection.insert("authenticatorAttachment".to_owned(), attachment.name().into());
        }
        let resident_key = self.selection.resident_key;
        selection.insert("residentKey".to_owned(), resident_key.name().into());
        selection.insert("requireResidentKey".to_owned(), (resident_key == ResidentKey::Required).into());
        selection.insert("userVerification".to_owned(), self.selection.user_verification.name().into());
        json!({
            "rp": {"name": self.rp_name, "id": self.rp_id},
            "user": {"id": encode(self.user_handle), "name": self.user_name, "displayName": self.user_name},
            "challenge": encode(self.challenge.as_bytes()),
            "pubKeyCredParams": algorithms.collect::<Value>(),
            "timeout": self.timeout,
            "excludeCredentials": descriptors(self.exclude),
            "authenticatorSelection": selection,
            "attestation": "none",
            "extensions": {"credProps": true},
        })
    }
}

impl RequestOptions<'_> {
    /// The options.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "challenge": encode(self.challenge.as_bytes()),
            "timeout": self.timeout,
            "rpId": self.rp_id,
            "allowCredentials": descriptors(self.allow),
            "userVerification": self.user_verification.name(),
        })
    }
}

impl Attachment {
    fn name(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::CrossPlatform => "cross-platform",
        }
    }
}

impl ResidentKey {
    fn name(self) -> &'static str {
        match self {
            Self::Discouraged => "discouraged",
            Self::Preferred => "preferred",
            Self::Required => "required",
        }
    }
}

impl UserVerification {
    fn name(self) -> &'static str {
        match self {
            Self::Discouraged => "discouraged",
            Self::Preferred => "preferred",
            Self::Required => "required",
        }
    }
}

fn descriptors(list: &[Descriptor<'_>]) -> Value {
    let one = |credential: &Descriptor<'_>| {
        let mut descriptor = json!({"id": encode(credential.id), "type": "public-key"});
        if !credential.transports.is_empty() {
            descriptor["transports"] = credential.transports.into();
        }
        descriptor
    };
    list.iter().map(one).collect()
}
