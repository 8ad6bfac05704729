//! Judging a passkey that was used: whose is it, may it be used for this, does it verify, and was it not used before?

use std::sync::Arc;

use lychgate_signing::tokens::WebauthnSigninPayload;
use lychgate_store::{Credential, CredentialUse, ErrorKind, User};
use lychgate_webauthn::{Asserted, Assertion, AssertionCheck, Reason, Stored};

use super::ceremony::{Purpose, Site, use_up};
use crate::{
    events::Event,
    failure::Failure,
    flow::{
        account,
        passkeys::{FIRST, SECONDARY},
    },
    messages,
    web::{
        exchange::Exchange,
        form::{Field, Form, Kind, Message},
    },
};

/// A use of a passkey that passed every check but the last: that it is the first of its kind.
#[derive(Debug)]
pub(super) struct Proof {
    credential: Credential,
    pub(super) user: Arc<User>,
    asserted: Asserted,
}

impl Proof {
    /// Whether the authenticator verified its user.
    pub(super) fn verified_user(&self) -> bool {
        self.asserted.user_verified
    }
}

/// The form of the second step.
pub(super) fn form(call: &Exchange, template: &str, action: String) -> Form {
    let fields = vec![
        // Hidden in the page; a box, as it is read like one.
        Field::new("remember", Kind::Checkbox, ""),
        Field::new("credential", Kind::Hidden, ""),
        Field::new("next", Kind::Hidden, ""),
    ];
    let mut form = Form::new("wan_signin_response_form", call.gate.settings().text(template), action, fields);
    if let Some(next) = call.query("next") {
        form.set_value("next", &next);
    }
    form
}

/// A key that nobody has, for as much work as a real one takes.
const NOBODYS_KEY: [u8; 77] = [
    0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20, 0x02, 0x17, 0xe6, 0x17, 0xf0, 0xb6, 0x44, 0x39, 0x28,
    0x27, 0x8f, 0x96, 0x99, 0x9e, 0x69, 0xa2, 0x3a, 0x4f, 0x2c, 0x15, 0x2b, 0xdf, 0x6d, 0x6c, 0xdf, 0x66, 0xe5, 0xb8,
    0x02, 0x82, 0xd4, 0xed, 0x22, 0x58, 0x20, 0x19, 0x4a, 0x7d, 0xeb, 0xcb, 0x97, 0x71, 0x2d, 0x2d, 0xda, 0x3c, 0xa8,
    0x5a, 0xa8, 0x76, 0x5a, 0x56, 0xf4, 0x5f, 0xc7, 0x58, 0x59, 0x96, 0x52, 0xf2, 0x89, 0x7c, 0x65, 0x30, 0x6e, 0x57,
    0x94,
];

/// Judges what a form holds. What is wrong becomes an error of the form.
pub(super) async fn judge(
    call: &Exchange,
    form: &mut Form,
    state: &WebauthnSigninPayload,
    purpose: Purpose<'_>,
) -> Result<Option<Proof>, Failure> {
    if form.has_error_in("credential") {
        return Ok(None);
    }
    let Ok(assertion) = Assertion::parse(form.value("credential")) else {
        form.field_error("credential", messages::API_ERROR);
        return Ok(None);
    };
    let site = Site::of(call);
    let verify = |stored: Stored<'_>| {
        let check = AssertionCheck {
            challenge: &state.challenge,
            rp_id: &site.rp_id,
            origins: &site.origins,
            require_user_verification: state.user_verification,
            stored,
        };
        check.verify(&assertion)
    };
    let Some(credential) = call.gate.store().credential(assertion.credential_id()).await? else {
        let user_handle = assertion.user_handle().unwrap_or_default();
        let stored = Stored {
            credential_id: assertion.credential_id(),
            public_key: &NOBODYS_KEY,
            sign_count: 0,
            backup_eligible: None,
            user_handle,
        };
        // Whatever comes of it: an unknown passkey takes as long as a known one.
        drop(verify(stored));
        form.field_error("credential", messages::WEBAUTHN_UNKNOWN_CREDENTIAL_ID);
        return Ok(None);
    };
    let Some(user) = call.gate.store().user_by_id(credential.user_id).await? else {
        form.field_error("credential", messages::WEBAUTHN_ORPHAN_CREDENTIAL_ID);
        return Ok(None);
    };
    let handle = user.fs_webauthn_user_handle.as_deref().unwrap_or_default().as_bytes();
    if assertion.user_handle().is_some_and(|given| given != handle) {
        form.field_error("credential", messages::WEBAUTHN_MISMATCH_USER_HANDLE);
        return Ok(None);
    }
    if !is_meant_for(call, &credential, purpose) {
        form.field_error("credential", messages::WEBAUTHN_CREDENTIAL_WRONG_USAGE);
        return Ok(None);
    }
    match purpose {
        Purpose::Second(pending) if pending.id != user.id => {
            form.field_error("credential", messages::WEBAUTHN_MISMATCH_USER_HANDLE);
            return Ok(None);
        }
        Purpose::Again(who) if who.user.id != user.id => {
            form.form_error(messages::WEBAUTHN_MISMATCH_USER_HANDLE);
            return Ok(None);
        }
        _ => {}
    }
    let stored = Stored {
        credential_id: &credential.credential_id,
        public_key: &credential.public_key,
        sign_count: credential.sign_count,
        backup_eligible: Some(credential.device_type == "multi_device"),
        user_handle: handle,
    };
    let asserted = match verify(stored) {
        Ok(asserted) => asserted,
        Err(refused) => {
            if refused.reason() == Reason::SignCount {
                tracing::warn!(user_id = user.id, passkey = credential.name, %refused, "a passkey may have a copy");
            }
            call.gate.events().send(&Event::UserFailedAuthentication { user_id: Some(user.id), via: "webauthn" });
            call.note_failure(user.id, "webauthn");
            form.field_error("credential", not_verified(refused.cause()));
            return Ok(None);
        }
    };
    if let Some(problem) = account::problem_for_owner(call, &user).await? {
        form.field_error("credential", problem);
        return Ok(None);
    }
    Ok(Some(Proof { credential, user, asserted }))
}

/// The message that a passkey did not verify.
pub(super) fn not_verified(cause: &str) -> Message {
    Message::from(messages::WEBAUTHN_NO_VERIFY).with("cause", cause)
}

fn is_meant_for(call: &Exchange, credential: &Credential, purpose: Purpose<'_>) -> bool {
    match purpose {
        Purpose::First => credential.usage == FIRST,
        Purpose::Second(_) => credential.usage == SECONDARY,
        Purpose::Again(_) => call.gate.settings().list("wan_allow_as_verify").contains(&credential.usage),
        Purpose::Register(_) => false,
    }
}

/// Writes down that the passkey was used, which makes the state useless. `false`, with an error of the form, if somebody
/// was faster with the same state or the same counter.
pub(super) async fn note(call: &Exchange, form: &mut Form, state: &str, proof: &Proof) -> Result<bool, Failure> {
    let mut batch = call.gate.store().batch();
    use_up(call, &mut batch, state, "wan_signin_within");
    let used =
        CredentialUse { sign_count: i64::from(proof.asserted.sign_count), backup_state: proof.asserted.backup_state };
    let credential = &proof.credential;
    batch.use_credential(&credential.credential_id, credential.sign_count, used, call.now.datetime());
    match call.gate.store().commit(batch).await {
        Ok(_) => Ok(true),
        Err(error) => match error.kind() {
            ErrorKind::Unmet(0) => {
                form.form_error(messages::API_ERROR);
                Ok(false)
            }
            ErrorKind::Unmet(_) => {
                form.field_error("credential", not_verified("it was used elsewhere at the same moment"));
                Ok(false)
            }
            _ => Err(error.into()),
        },
    }
}
