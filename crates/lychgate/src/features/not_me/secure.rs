//! Taking an account out of everybody's hands and giving it back to its owner.

use std::sync::Arc;

use lychgate_store::{ErrorKind, User, UserPatch};

use crate::{
    events::Event,
    failure::Failure,
    flow::{
        access::end_access,
        activity::What,
        former_factor::{self, Factor},
        letters::{self, about},
        names,
        not_me::NotMe,
        passkeys, unified,
    },
    mail::{Letter, Post},
    web::exchange::Exchange,
};

/// What was done beside ending every sign-in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Done {
    /// The account has its former address back.
    pub(super) restored: bool,
    /// It could not be given back, so the account is deactivated: at its present address it is in foreign hands.
    pub(super) locked: bool,
    /// A link to choose a new password is on its way.
    pub(super) mailed: bool,
    /// Signing in asks for a second factor.
    pub(super) second_factor: bool,
}

/// What becomes of second factors. Those that were set up since the event go, and codes that were there before come back;
/// but only where one stays that the mailbox does not open. Else whoever reads the mail could take away with the link what
/// keeps them out.
struct Factors {
    /// What the codes become, if they change.
    codes: Option<Factor>,
    /// Whether an earlier one stays, so that later passkeys can go.
    earlier_stays: bool,
    /// Whether there is one in the end.
    any: bool,
}

impl Factors {
    async fn decide(call: &Exchange, found: &NotMe) -> Result<Self, Failure> {
        let (user, since) = (&found.user, found.since());
        let now = Factor::of(user);
        let before = former_factor::at(&call.gate, user, since).await?;
        let keys = passkeys::of_usage(&call.gate, user, &[passkeys::SECONDARY]).await?;
        let earlier_key = keys.iter().any(|key| key.created_at < since);
        let earlier_codes = before.as_ref().unwrap_or(&now).is_beside_the_mailbox();
        let earlier_stays = earlier_key || earlier_codes;
        let codes = match before {
            Some(before) if before.is_beside_the_mailbox() => Some(before),
            Some(_) if earlier_key => Some(Factor::default()),
            // Mailed codes are better than none, and worse than anything else.
            Some(before) if !now.is_set_up() && keys.is_empty() => Some(before),
            _ => None,
        };
        let any = codes.as_ref().unwrap_or(&now).is_set_up() || earlier_key || !earlier_stays && !keys.is_empty();
        Ok(Self { codes, earlier_stays, any })
    }
}

/// Ends everything and mails the owner; of several uses of a link one does, the others get nothing.
pub(super) async fn secure(call: &Exchange, found: &NotMe) -> Result<Option<Done>, Failure> {
    let user = &found.user;
    let mut patch = UserPatch::default();
    if user.password.as_deref().is_some_and(|hash| !hash.is_empty()) {
        // Nobody knows this one. Some databases want a password, so there is one.
        patch.password = Some(Some(call.gate.hash_password(&crate::random::id()).await?));
    }
    if let Some(done) = attempt(call, found, patch.clone(), false).await? {
        return Ok(done);
    }
    // Another account has the former address by now.
    Ok(attempt(call, found, patch, true).await?.flatten())
}

/// Tries it in one transaction; nothing if the former address is taken.
async fn attempt(
    call: &Exchange,
    found: &NotMe,
    mut patch: UserPatch,
    lock: bool,
) -> Result<Option<Option<Done>>, Failure> {
    let (gate, now) = (&call.gate, call.now);
    let user = &found.user;
    let restored = found.restore.as_deref().filter(|_| !lock);
    let mut batch = gate.store().batch();
    found.record(&mut batch, now);
    let mut unclaimed = None;
    if let Some(address) = restored {
        unclaimed = Some(batch.len());
        names::take(&mut batch, "email", address, user.id);
        patch.email = Some(address.to_owned());
        if gate.store().has_user_column("confirmed_at") {
            patch.confirmed_at = Some(Some(now.datetime()));
        }
    }
    if lock {
        patch.active = Some(false);
    }
    end_access(gate, &mut batch, user, &mut patch, now);
    // Codes that sign in without a password go as the password does.
    unified::undo(gate, user, &mut patch).await?;
    // What somebody else has registered since then would let them in again.
    let factors = Factors::decide(call, found).await?;
    let only_ways_in = (!factors.earlier_stays).then_some(passkeys::FIRST);
    batch.delete_credentials_since(user.id, only_ways_in, found.since());
    let has_factor = gate.store().has_user_column("tf_primary_method");
    if let Some(codes) = factors.codes.filter(|_| has_factor) {
        codes.put(&mut patch);
    }
    let has_codes = gate.store().has_user_column("us_totp_secrets");
    let expected = UserPatch {
        email: Some(user.email.clone()),
        // None may be set up at this moment.
        us_totp_secrets: has_codes.then(|| user.us_totp_secrets.clone()),
        tf_primary_method: has_factor.then(|| user.tf_primary_method.clone()),
        tf_totp_secret: has_factor.then(|| user.tf_totp_secret.clone()),
        ..UserPatch::default()
    };
    batch.update_user_if(user.id, &expected, &patch, now.datetime());

    // Nor does the account go because they asked for it.
    batch.keep_account(user.id);
    call.note(&mut batch, user.id, What::Secured, None);

    let mut post = call.post();
    let after = after(user, &patch);
    let mut context = about(&after);
    context.insert("locked".to_owned(), lock.into());
    context.insert("second_factor".to_owned(), factors.any.into());
    let mailed = patch.password.is_some() && after.active && gate.settings().flag("recoverable");
    if mailed {
        let link = gate.reset_link(&after, now).await?;
        letters::RESET.put(call, &link, &mut context);
        context.insert("within".to_owned(), letters::RESET.within(gate.settings()).into());
        link.record(&mut batch);
    }
    context.insert("has_password".to_owned(), patch.password.is_some().into());
    // The owner gets the letter, never whoever holds the address that the account is taken away from.
    let to = found.restore.as_deref().unwrap_or(&user.email);
    write(call, &mut post, to, context)?;
    if restored.is_some() {
        let mut context = about(user);
        context.insert("moved_back".to_owned(), true.into());
        write(call, &mut post, &user.email, context)?;
    }
    match call.commit_and_send(batch, post).await {
        Ok(_) => {}
        Err(error) => {
            return match error.kind() {
                ErrorKind::Unmet(step) if unclaimed == Some(*step) => Ok(None),
                ErrorKind::Conflict { .. } if restored.is_some() => Ok(None),
                ErrorKind::Unmet(_) => Ok(Some(None)),
                _ => Err(error.into()),
            };
        }
    }
    gate.events().send(&Event::AccountSecured { user_id: user.id });
    tracing::warn!(user_id = user.id, locked = lock, "the owner of an account says that it was somebody else");
    Ok(Some(Some(Done { restored: restored.is_some(), locked: lock, mailed, second_factor: factors.any })))
}

fn write(
    call: &Exchange,
    post: &mut Post,
    to: &str,
    context: serde_json::Map<String, serde_json::Value>,
) -> Result<(), Failure> {
    let settings = call.gate.settings();
    let subject = settings.text("email_subject_account_secured").to_owned();
    post.notice(call, Letter { template: settings.text("email_template_account_secured"), subject, to, context })
}

/// The user as it is going to be, which the link to a new password is made for.
fn after(user: &Arc<User>, patch: &UserPatch) -> User {
    let mut after = User::clone(user);
    if let Some(email) = &patch.email {
        after.email.clone_from(email);
    }
    if let Some(password) = &patch.password {
        after.password.clone_from(password);
    }
    if let Some(uniquifier) = &patch.fs_uniquifier {
        after.fs_uniquifier.clone_from(uniquifier);
    }
    after.active = patch.active.unwrap_or(user.active);
    after
}
