//! A new credential is judged (WebAuthn section 7.1).

use serde_json::{Map, Value};

use crate::{Algorithm, Reason, Refused, attestation::Attestation, auth_data::AuthData, client_data::Expected, json};

/// The transports that are known (WebAuthn section 5.8.4, and `cable`, the older name of `hybrid`).
const TRANSPORTS: &[&str] = &["usb", "nfc", "ble", "smart-card", "internal", "cable", "hybrid"];
/// Longest text of extensions that is given back, in characters: the width of Flask-Security's column.
const MAX_EXTENSIONS: usize = 255;

/// What a new credential is held against.
#[derive(Debug, Clone, Copy)]
pub struct RegistrationCheck<'a> {
    /// The text that was given out as the challenge.
    pub challenge: &'a str,
    /// The relying party's domain.
    pub rp_id: &'a str,
    /// The origins on which a credential may be made, as `https://example.com`; compared to the letter.
    pub origins: &'a [String],
    /// Whether the authenticator must have verified the user.
    pub require_user_verification: bool,
    /// The algorithms that were asked for.
    pub algorithms: &'a [Algorithm],
}

/// A new credential that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Registered {
    /// Its id. Whether it is in use already is for the caller to see.
    pub credential_id: Vec<u8>,
    /// Its public key as COSE, to the byte as the authenticator wrote it.
    pub public_key: Vec<u8>,
    /// What its key signs with.
    pub algorithm: Algorithm,
    /// The counter; zero if the authenticator does not count.
    pub sign_count: u32,
    /// Whether the authenticator verified the user.
    pub user_verified: bool,
    /// Whether it may be backed up, once and for all.
    pub backup_eligible: bool,
    /// Whether it is backed up now.
    pub backup_state: bool,
    /// How to reach the authenticator, as far as known.
    pub transports: Vec<String>,
    /// The model of the authenticator; zeros if it does not say.
    pub aaguid: [u8; 16],
    /// Results of client extensions as JSON text, at most 255 characters, unsigned and only to be shown.
    pub extensions: Option<String>,
    /// Whether it can be found without a user name, if the browser said so. Unsigned.
    pub discoverable: Option<bool>,
}

impl RegistrationCheck<'_> {
    /// Judges the JSON of a new credential.
    ///
    /// # Errors
    ///
    /// [`Refused`], with the first check of section 7.1 that failed.
    pub fn verify(&self, credential_json: &str) -> Result<Registered, Refused> {
        let json::Credential { id, response, members } = json::credential(credential_json)?;
        let client_data = json::bytes(&response, "clientDataJSON")?;
        let attestation = json::bytes(&response, "attestationObject")?;
        let transports = transports(&response)?;
        let extensions = Extensions::of(&members)?;

        let expected = Expected { kind: "webauthn.create", challenge: self.challenge, origins: self.origins };
        let hash = expected.check(&client_data)?;
        let attestation = Attestation::parse(&attestation)?;
        let auth_data = AuthData::parse(attestation.auth_data)?;
        auth_data.check(self.rp_id, self.require_user_verification)?;
        let Some(attested) = &auth_data.attested else {
            return Err(Refused::unreadable("the authenticator data holds no credential"));
        };
        if attested.credential_id != id {
            return Err(Refused::new(Reason::CredentialId, "the attested credential id is another"));
        }
        let key = attested.public_key.as_ref().map_err(|bad| Refused::new(Reason::PublicKey, bad.to_string()))?;
        if !self.algorithms.contains(&key.algorithm()) {
            return Err(Refused::new(Reason::PublicKey, "the public key is of a kind that was not asked for"));
        }
        attestation.check(&hash, attested.aaguid, key)?;

        Ok(Registered {
            credential_id: id,
            public_key: attested.cose.to_vec(),
            algorithm: key.algorithm(),
            sign_count: auth_data.sign_count,
            user_verified: auth_data.user_verified(),
            backup_eligible: auth_data.backup_eligible(),
            backup_state: auth_data.backed_up(),
            transports,
            aaguid: attested.aaguid,
            extensions: extensions.text,
            discoverable: extensions.discoverable,
        })
    }
}

impl Registered {
    /// `multi_device` or `single_device`, as py_webauthn names it and Flask-Security stores it.
    #[must_use]
    pub fn device_type(&self) -> &'static str {
        if self.backup_eligible { "multi_device" } else { "single_device" }
    }
}

/// The known transports, each once. Browsers that do not tell them send null or nothing.
fn transports(response: &Map<String, Value>) -> Result<Vec<String>, Refused> {
    let given = match response.get("transports") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(given)) => given,
        Some(_) => return Err(Refused::malformed("transports is not a list")),
    };
    let mut transports: Vec<String> = Vec::new();
    for transport in given.iter().filter_map(Value::as_str).filter(|transport| TRANSPORTS.contains(transport)) {
        if !transports.iter().any(|known| known == transport) {
            transports.push(transport.to_owned());
        }
    }
    Ok(transports)
}

#[derive(Default)]
struct Extensions {
    text: Option<String>,
    discoverable: Option<bool>,
}

impl Extensions {
    /// From `extensions`, JSON in a string, as Flask-Security's script sends it, or from `clientExtensionResults`, an object,
    /// as browsers write a credential by themselves.
    fn of(credential: &Map<String, Value>) -> Result<Self, Refused> {
        let not_an_object = || Refused::malformed("the extensions are not a JSON object");
        let (text, results) = match credential.get("extensions").or_else(|| credential.get("clientExtensionResults")) {
            None | Some(Value::Null) => return Ok(Self::default()),
            Some(Value::String(text)) if text.is_empty() => return Ok(Self::default()),
            Some(Value::String(text)) => (text.clone(), json::object(text.as_bytes()).ok_or_else(not_an_object)?),
            Some(Value::Object(results)) => (Value::Object(results.clone()).to_string(), results.clone()),
            Some(_) => return Err(not_an_object()),
        };
        let discoverable =
            results.get("credProps").and_then(|properties| properties.get("rk")).and_then(Value::as_bool);
        let text = match (text.chars().count(), discoverable) {
            (0..=MAX_EXTENSIONS, _) => Some(text),
            (_, Some(found)) => Some(format!(r#"{{"credProps":{{"rk":{found}}}}}"#)),
            _ => None,
        };
        Ok(Self { text, discoverable })
    }
}
