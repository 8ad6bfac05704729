//! What happens to an account, noted for its owner in the transaction in which it happens.

use lychgate_store::{Activity, Batch};
use tracing::Instrument as _;

use crate::{
    audit::Audited,
    flow::audit::Context,
    messages::{self, MessageKey},
    web::{exchange::Exchange, form::Message},
};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// By what, in the detail: `password`, `token` …
    SignedIn,
    SignInFailed,
    SignedOut,
    /// From another device.
    SessionEnded,
    OthersEnded,
    /// A family of refresh tokens, by its owner.
    ProgramEnded,
    PasswordChanged,
    PasswordReset,
    EmailConfirmed,
    EmailChanged,
    UsernameChanged,
    PhoneChanged,
    /// Which, in the detail.
    SignInMethodsChanged,
    SecondFactorChanged,
    /// Its name is the detail.
    PasskeyAdded,
    PasskeyRemoved,
    RecoveryCodesReplaced,
    RecoveryCodeUsed,
    /// Its family is ended.
    RefreshTokenReused,
    /// Its name is the detail.
    ApiKeyAdded,
    ApiKeyRevoked,
    /// By the link in a notice.
    Secured,
    DataExported,
    DeletionAsked,
    DeletionCancelled,
    /// What an administrator did, in the detail.
    Administered,
    /// An administrator acts as the owner; the reason is the detail.
    SupportBegan,
    SupportEnded,
    /// By an administrator, as are the following.
    Approved,
    Declined,
    Suspended,
    /// Also by itself, when its time was over.
    Unsuspended,
    Locked,
    Unlocked,
}

/// The word for each in the database, and its message.
const WORDS: [(What, &str, MessageKey); 34] = [
    (What::SignedIn, "sign-in", messages::ACTIVITY_SIGNED_IN),
    (What::SignInFailed, "sign-in-failed", messages::ACTIVITY_SIGN_IN_FAILED),
    (What::SignedOut, "sign-out", messages::ACTIVITY_SIGNED_OUT),
    (What::SessionEnded, "session-ended", messages::ACTIVITY_SESSION_ENDED),
    (What::OthersEnded, "others-ended", messages::ACTIVITY_OTHERS_ENDED),
    (What::ProgramEnded, "program-ended", messages::ACTIVITY_PROGRAM_ENDED),
    (What::PasswordChanged, "password-changed", messages::ACTIVITY_PASSWORD_CHANGED),
    (What::PasswordReset, "password-reset", messages::ACTIVITY_PASSWORD_RESET),
    (What::EmailConfirmed, "email-confirmed", messages::ACTIVITY_EMAIL_CONFIRMED),
    (What::EmailChanged, "email-changed", messages::ACTIVITY_EMAIL_CHANGED),
    (What::UsernameChanged, "username-changed", messages::ACTIVITY_USERNAME_CHANGED),
    (What::PhoneChanged, "phone-changed", messages::ACTIVITY_PHONE_CHANGED),
    (What::SignInMethodsChanged, "sign-in-methods-changed", messages::ACTIVITY_SIGN_IN_METHODS_CHANGED),
    (What::SecondFactorChanged, "second-factor-changed", messages::ACTIVITY_SECOND_FACTOR_CHANGED),
    (What::PasskeyAdded, "passkey-added", messages::ACTIVITY_PASSKEY_ADDED),
    (What::PasskeyRemoved, "passkey-removed", messages::ACTIVITY_PASSKEY_REMOVED),
    (What::RecoveryCodesReplaced, "recovery-codes-replaced", messages::ACTIVITY_RECOVERY_CODES_REPLACED),
    (What::RecoveryCodeUsed, "recovery-code-used", messages::ACTIVITY_RECOVERY_CODE_USED),
    (What::RefreshTokenReused, "refresh-token-reused", messages::ACTIVITY_REFRESH_TOKEN_REUSED),
    (What::ApiKeyAdded, "api-key-added", messages::ACTIVITY_API_KEY_ADDED),
    (What::ApiKeyRevoked, "api-key-revoked", messages::ACTIVITY_API_KEY_REVOKED),
    (What::Secured, "secured", messages::ACTIVITY_SECURED),
    (What::DataExported, "data-exported", messages::ACTIVITY_DATA_EXPORTED),
    (What::DeletionAsked, "deletion-asked", messages::ACTIVITY_DELETION_ASKED),
    (What::DeletionCancelled, "deletion-cancelled", messages::ACTIVITY_DELETION_CANCELLED),
    (What::Administered, "administered", messages::ACTIVITY_ADMINISTERED),
    (What::SupportBegan, "support-began", messages::ACTIVITY_SUPPORT_BEGAN),
    (What::SupportEnded, "support-ended", messages::ACTIVITY_SUPPORT_ENDED),
    (What::Approved, "approved", messages::ACTIVITY_APPROVED),
    (What::Declined, "declined", messages::ACTIVITY_DECLINED),
    (What::Suspended, "suspended", messages::ACTIVITY_SUSPENDED),
    (What::Unsuspended, "unsuspended", messages::ACTIVITY_UNSUSPENDED),
    (What::Locked, "locked", messages::ACTIVITY_LOCKED),
    (What::Unlocked, "unlocked", messages::ACTIVITY_UNLOCKED),
];

impl What {
    /// The word for it in the database.
    pub(crate) fn word(self) -> &'static str {
        WORDS.iter().find(|(what, ..)| *what == self).map_or("other", |(_, word, _)| word)
    }
}

/// What happened, for people; `times` in a row.
pub(crate) fn message(activity: &Activity, times: usize) -> Message {
    let known = WORDS.iter().find(|(_, word, _)| *word == activity.kind);
    let key = match (known, activity.detail.as_deref()) {
        (Some((What::SignInFailed, ..)), _) if times > 1 => {
            return Message::from(messages::ACTIVITY_SIGN_IN_FAILED_OFTEN).with("count", times.to_string());
        }
        (Some((What::SignedIn, ..)), Some("password")) => messages::ACTIVITY_SIGNED_IN_PASSWORD,
        (Some((What::SignedIn, ..)), Some("token" | "confirm" | "reset")) => messages::ACTIVITY_SIGNED_IN_LINK,
        (Some((What::SignedIn, ..)), Some("webauthn" | "passkey")) => messages::ACTIVITY_SIGNED_IN_PASSKEY,
        (Some((What::SignedIn, ..)), Some("remember")) => messages::ACTIVITY_SIGNED_IN_REMEMBERED,
        (Some((What::SignedIn, ..)), Some("register")) => messages::ACTIVITY_REGISTERED,
        (Some((.., key)), _) => *key,
        (None, _) => messages::ACTIVITY_OTHER,
    };
    Message::from(key).with("detail", activity.detail.clone().unwrap_or_default())
}

impl Exchange {
    fn activity(&self, user_id: i64, what: What, detail: Option<&str>) -> Option<Activity> {
        self.gate.settings().flag("activity").then(|| Activity {
            user_id,
            at: self.now.datetime(),
            kind: what.word().to_owned(),
            // Where the administrators sit is in the audit log alone.
            address: self.address_text().filter(|_| !matches!(what, What::SupportBegan | What::SupportEnded)),
            user_agent: self.user_agent().map(|agent| String::from_utf8_lossy(agent).into_owned()),
            detail: detail.map(str::to_owned),
        })
    }

    /// Notes in the transaction of a change what happened, for the owner and in the audit log, if the settings want it.
    pub(crate) fn note(&self, batch: &mut Batch, user_id: i64, what: What, detail: Option<&str>) {
        // Another user than the owner acts only where a guard let them in.
        let admitted = self.admitted.lock().as_ref().map(|who| who.acting_id());
        let by = admitted.filter(|_| what != What::SignedIn).unwrap_or(user_id);
        self.note_by(batch, user_id, what, detail, by);
    }

    /// The same, where it is known who did it.
    pub(crate) fn note_by(&self, batch: &mut Batch, user_id: i64, what: What, detail: Option<&str>, by: i64) {
        if let Some(activity) = self.activity(user_id, what, detail) {
            batch.note_activity(&activity);
        }
        // What an administrator or a program does is entered where it is done, with who did it.
        if self.gate.audit().is_on() && what != What::Administered && !self.is_of_nobody() {
            let audited = Audited::new(what.word()).about(user_id);
            // Of two who had one token nobody knows which is the owner.
            let reused = what == What::RefreshTokenReused;
            let audited = if reused { audited.by_nobody() } else { audited.by(by) };
            let audited = detail.map_or_else(|| audited.clone(), |detail| audited.clone().with("detail", detail));
            self.gate.audit().note_in(batch, audited, &Context::of(self));
        }
    }

    /// Notes beside the request that somebody gave a wrong password for this user: a reply that waited for it would
    /// come later for accounts that exist.
    pub(crate) fn note_failure(&self, user_id: i64, by: &'static str) {
        self.audit_failure(Some(user_id), by);
        if let Some(activity) = self.activity(user_id, What::SignInFailed, Some(by)) {
            let store = self.gate.store().clone();
            let noting = async move {
                if let Err(error) = store.note_activity(&activity).await {
                    tracing::debug!(%error, "a failed sign-in was not noted");
                }
            };
            tokio::spawn(noting.in_current_span());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_one() {
        let words: std::collections::BTreeSet<&str> = WORDS.iter().map(|(what, ..)| what.word()).collect();
        assert_eq!(words.len(), WORDS.len());
        assert!(!words.contains("other"));
    }

    #[test]
    fn messages_fit() {
        let of = |kind: &str, detail: Option<&str>, times| {
            let activity = Activity {
                user_id: 1,
                at: time::OffsetDateTime::UNIX_EPOCH,
                kind: kind.to_owned(),
                address: None,
                user_agent: None,
                detail: detail.map(str::to_owned),
            };
            message(&activity, times).key.name()
        };
        assert_eq!(of("sign-in", Some("password"), 3), "ACTIVITY_SIGNED_IN_PASSWORD");
        assert_eq!(of("sign-in", Some("flask"), 1), "ACTIVITY_SIGNED_IN");
        assert_eq!(of("sign-in-failed", Some("password"), 1), "ACTIVITY_SIGN_IN_FAILED");
        assert_eq!(of("sign-in-failed", None, 2), "ACTIVITY_SIGN_IN_FAILED_OFTEN");
        assert_eq!(of("of another version", None, 1), "ACTIVITY_OTHER");
    }
}
