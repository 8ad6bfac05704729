//! Whether a password may be somebody's new one.

use std::sync::Arc;

use lychgate_passwords::policy::{Broken, Policy};
use zeroize::Zeroizing;

use super::breached::Sightings;
use crate::{
    failure::Failure,
    gate::Lychgate,
    messages::{self, MessageKey},
    settings::Settings,
    web::form::Message,
};

/// The rules of the settings.
fn policy(settings: &Settings) -> Policy {
    let mut policy = Policy::default();
    policy.min_chars = usize::try_from(settings.int("password_length_min")).unwrap_or(8);
    if settings.text_opt("password_complexity_checker") == Some("zxcvbn") {
        policy.min_score = u8::try_from(settings.int("zxcvbn_minimum_score")).ok();
    }
    if settings.text_opt("password_check_breached").is_some() {
        policy.breached_from = u64::try_from(settings.int("password_breached_count")).ok();
    }
    policy
}

impl Lychgate {
    /// Whether `password` may be somebody's new one, whom `words` are tied to; in the form in which it is hashed. Length
    /// first, then breaches, then strength, and the first rule that it breaks is told.
    pub(crate) async fn check_password(
        &self,
        password: &str,
        words: &[&str],
    ) -> Result<Result<Zeroizing<String>, Message>, Failure> {
        if password.is_empty() {
            return Ok(Err(messages::PASSWORD_NOT_PROVIDED.into()));
        }
        let policy = policy(self.settings());
        let password = Arc::new(self.normalize_password(password));
        if let Err(broken) = policy.check_length(&password) {
            return Ok(Err(told(&broken, &policy)));
        }
        if policy.breached_from.is_some() {
            let broken = match self.breached().sightings(&password).await {
                Sightings::Unknown => return Ok(Err(messages::PASSWORD_BREACHED_SITE_ERROR.into())),
                Sightings::Seen(seen) => policy.check_breaches(seen),
            };
            if let Err(broken) = broken {
                return Ok(Err(told(&broken, &policy)));
            }
        }
        if policy.min_score.is_some() {
            let (shown, words) = (Arc::clone(&password), words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>());
            let judged = self.hashing().work(move || {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                policy.check_strength(&shown, &words)
            });
            if let Err(broken) = judged.await? {
                return Ok(Err(told(&broken, &policy)));
            }
        }
        Ok(Ok(Zeroizing::new(password.as_str().to_owned())))
    }

    pub(crate) async fn hash_password(&self, password: &str) -> Result<String, Failure> {
        self.hashing().hash(password).await?.map_err(Failure::internal)
    }
}

fn told(broken: &Broken, policy: &Policy) -> Message {
    // The reason says more than that the password is simple.
    let key = broken.reason.unwrap_or(broken.key);
    let key = MessageKey::named(key).unwrap_or(messages::PASSWORD_TOO_SIMPLE);
    Message::from(key).with("length", policy.min_chars.to_string())
}
