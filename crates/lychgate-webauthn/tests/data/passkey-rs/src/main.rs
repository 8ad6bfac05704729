//! Prints ceremonies of passkey-rs, which reads the very options that Lychgate makes.
//!
//! From this folder: `cargo run > ../passkey_rs.json`

use passkey::{
    authenticator::{Authenticator, UiHint, UserCheck, UserValidationMethod},
    client::{Client, DefaultClientData},
    crypto::rust_crypto::RustCryptoBackend,
    types::{
        Passkey,
        ctap2::{Aaguid, Ctap2Error},
        webauthn::{CredentialCreationOptions, CredentialRequestOptions},
    },
};
use serde_json::{Value, json};
use url::Url;

struct Willing;

#[async_trait::async_trait]
impl UserValidationMethod for Willing {
    type PasskeyItem = Passkey;

    async fn check_user<'a>(
        &self,
        _: UiHint<'a, Self::PasskeyItem>,
        presence: bool,
        verification: bool,
    ) -> Result<UserCheck, Ctap2Error> {
        Ok(UserCheck { presence, verification })
    }

    fn is_verification_enabled(&self) -> Option<bool> {
        Some(true)
    }

    fn is_presence_enabled(&self) -> bool {
        true
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let data: Value = serde_json::from_str(include_str!("../../py_webauthn.json")).expect("JSON");
    let origin = Url::parse(data["given"]["origin"].as_str().expect("an origin")).expect("a URL");
    let mut ceremonies = Vec::new();
    for (name, algorithm, counts) in [("ES256", -7, true), ("ES256 without a counter", -7, false), ("EdDSA", -8, true)]
    {
        let mut authenticator = Authenticator::new(Aaguid::new_empty(), None::<Passkey>, Willing, RustCryptoBackend);
        authenticator.set_make_credentials_with_signature_counter(counts);
        let mut client = Client::new(authenticator);

        let mut options = data["options"]["creation"].clone();
        options["pubKeyCredParams"] = json!([{"type": "public-key", "alg": algorithm}]);
        options["authenticatorSelection"]["userVerification"] = "required".into();
        let options: CredentialCreationOptions =
            serde_json::from_value(json!({"publicKey": options})).expect("options");
        let registration = client.register(&origin, options, DefaultClientData).await.expect("a credential");

        let mut options = data["options"]["request"].clone();
        options["allowCredentials"] = json!([{"type": "public-key", "id": registration.id}]);
        options["userVerification"] = "required".into();
        let options: CredentialRequestOptions = serde_json::from_value(json!({"publicKey": options})).expect("options");
        let assertion = client.authenticate(&origin, options, DefaultClientData).await.expect("an assertion");

        ceremonies.push(json!({
            "name": name,
            "algorithm": algorithm,
            "counts": counts,
            "registration": serde_json::to_string(&registration).expect("JSON"),
            "assertion": serde_json::to_string(&assertion).expect("JSON"),
        }));
    }
    println!("{}", serde_json::to_string_pretty(&json!({"ceremonies": ceremonies})).expect("JSON"));
}
