//! What more than one feature needs to know of unified sign-in: which kinds of pass code there are, and which of them a
//! user has.

use lychgate_otp::MethodSecrets;
use lychgate_signing::{
    KeyRing,
    tokens::{TokenCodec, UnifiedLink, UnifiedSetup},
};
use lychgate_store::{NewUser, User, UserPatch};

use super::{
    codes::{self, Means},
    texts,
};
use crate::{failure::Failure, gate::Lychgate, settings::Settings};

/// What signs the link in a mailed code, and the state between the two steps of a set-up.
pub(crate) struct UnifiedCodecs {
    pub(crate) link: TokenCodec<UnifiedLink>,
    pub(crate) setup: TokenCodec<UnifiedSetup>,
}

impl UnifiedCodecs {
    pub(crate) fn new(keys: &KeyRing, settings: &Settings) -> Self {
        let seconds = |name: &str| settings.duration(name).map(|within| within.as_secs());
        Self {
            link: TokenCodec::new(keys, settings.text("us_link_salt"), seconds("us_token_validity")),
            setup: TokenCodec::new(keys, settings.text("us_setup_salt"), seconds("us_setup_within")),
        }
    }
}

/// Whether unified sign-in is on.
pub(crate) fn is_on(gate: &Lychgate) -> bool {
    gate.settings().flag("unified_signin")
}

/// The kinds of pass code that are accepted, in the order of the settings. Text messages need somebody who sends them.
pub(crate) fn enabled(gate: &Lychgate) -> Vec<&'static str> {
    let all = gate.settings().list("us_enabled_methods").iter();
    let known = all.filter_map(|name| match name.as_str() {
        "password" => Some("password"),
        name => Means::named(name).map(Means::name),
    });
    known.filter(|name| *name != "sms" || texts::are_sent(gate)).collect()
}

/// Those that have to be set up.
pub(crate) fn to_set_up(gate: &Lychgate) -> Vec<&'static str> {
    enabled(gate).into_iter().filter(|method| *method != "password").collect()
}

/// Those that are sent.
pub(crate) fn sent(gate: &Lychgate) -> Vec<&'static str> {
    enabled(gate).into_iter().filter(|method| matches!(*method, "email" | "sms")).collect()
}

/// The secrets of a user. A damaged column holds none, which the log says.
pub(crate) fn secrets_of(user: &User) -> MethodSecrets {
    MethodSecrets::parse(user.us_totp_secrets.as_deref()).unwrap_or_else(|error| {
        tracing::warn!(user_id = user.id, %error, "the ways to sign in with a code cannot be read");
        MethodSecrets::default()
    })
}

/// The kinds of pass code that a user has.
pub(crate) fn methods_of(gate: &Lychgate, user: &User) -> Vec<&'static str> {
    let secrets = secrets_of(user);
    let has = |method: &str| match method {
        "password" => user.password.as_deref().is_some_and(|hash| !hash.is_empty()),
        method => secrets.get(method).is_some(),
    };
    enabled(gate).into_iter().filter(|method| has(method)).collect()
}

/// Lets a new user without a password sign in with mailed codes: the address is all that is known of them.
pub(crate) async fn set_up_mail(gate: &Lychgate, new: &mut NewUser) -> Result<(), Failure> {
    if is_on(gate) && new.password.is_none() && enabled(gate).contains(&"email") {
        let mut secrets = MethodSecrets::default();
        secrets.set("email", codes::new_secret(gate).await?);
        new.columns.us_totp_secrets = Some(secrets.to_column());
    }
    Ok(())
}

/// Takes away what somebody else may have set up, an app or a number. Mailed codes stay, as they go to the owner; who has
/// nothing else gets them.
pub(crate) async fn undo(gate: &Lychgate, user: &User, patch: &mut UserPatch) -> Result<(), Failure> {
    if !is_on(gate) {
        return Ok(());
    }
    let mut secrets = secrets_of(user);
    let others: Vec<String> = secrets.methods().filter(|method| *method != "email").map(str::to_owned).collect();
    if others.is_empty() {
        return Ok(());
    }
    for method in &others {
        secrets.remove(method);
    }
    if others.iter().any(|method| method == "sms") {
        patch.us_phone_number = Some(None);
    }
    let has_password = user.password.as_deref().is_some_and(|hash| !hash.is_empty());
    if secrets.is_empty() && !has_password && to_set_up(gate).contains(&"email") {
        secrets.set("email", codes::new_secret(gate).await?);
    }
    patch.us_totp_secrets = Some(secrets.to_column());
    Ok(())
}

/// Whether a user who keeps `left` of their secrets has some way in other than passkeys: a password, a code, a mail,
/// somebody else's word.
pub(crate) fn has_way_in(gate: &Lychgate, user: &User, left: &MethodSecrets) -> bool {
    let settings = gate.settings();
    user.password.as_deref().is_some_and(|hash| !hash.is_empty())
        || ["passwordless", "recoverable", "oauth_enable"].into_iter().any(|way| settings.flag(way))
        || is_on(gate) && to_set_up(gate).into_iter().any(|method| left.get(method).is_some())
}
