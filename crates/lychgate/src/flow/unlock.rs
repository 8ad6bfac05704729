//! Waits after wrong passwords are lifted by their owner, with a mailed link, and by administrators.

use std::sync::Arc;

use lychgate_signing::tokens::UnlockPayload;
use lychgate_store::{Batch, ErrorKind, User};
use time::Duration;

use super::{account::anchor, lockout};
use crate::{
    audit::Audited,
    failure::Failure,
    gate::Lychgate,
    mail::{Letter, Post},
    web::exchange::Exchange,
};

/// Under which it is remembered that a mail of a day was written.
const LETTER: &str = "lockout-letter";

/// What a link tells.
pub(crate) struct Unlocking {
    user: Arc<User>,
    id: String,
}

/// Mails the owner that passwords are being tried, and the link; once a day at most. It does about as much for nobody.
///
/// `with` adds what belongs into the same transaction. `false` if nothing of it was written, as the mail of this day was
/// written before or cannot be.
pub(super) async fn tell(
    exchange: &Exchange,
    user: Option<&User>,
    with: impl FnOnce(&mut Batch),
) -> Result<bool, Failure> {
    let (gate, now) = (&exchange.gate, exchange.now.datetime());
    let whom = user.map_or_else(|| "nobody".to_owned(), |user| user.id.to_string());
    let mark = format!("{whom}:{}", exchange.now.unix().div_euclid(86_400));
    if gate.store().is_redeemed(LETTER, &mark).await? {
        return Ok(false);
    }
    let mut post = exchange.post();
    let mut batch = gate.store().batch();
    batch.redeem_once(LETTER, &mark, now + Duration::days(2), now);
    if let Some(user) = user {
        // A wrong password is answered as one, whether or not a letter can be written.
        if let Err(failure) = write(exchange, user, &mut post) {
            tracing::error!(?failure, "the mail about wrong passwords was not written");
            return Ok(false);
        }
        gate.audit().note(&mut batch, Audited::new("lockout-began").about(user.id));
    }
    with(&mut batch);
    match exchange.commit_and_send(batch, post).await {
        Ok(_) => Ok(true),
        // Of several at once one writes it.
        Err(error) if matches!(error.kind(), ErrorKind::Unmet(_)) => Ok(false),
        // It must not keep wrong passwords from being counted. The next one tries again.
        Err(error) => {
            tracing::error!(%error, "the mail about wrong passwords was not entered");
            Ok(false)
        }
    }
}

fn write(exchange: &Exchange, user: &User, post: &mut Post) -> Result<(), Failure> {
    let (gate, settings) = (&exchange.gate, exchange.gate.settings());
    let payload = UnlockPayload { user: user.id, anchor: anchor(user).unwrap_or_default(), id: crate::random::id() };
    let token = gate.unlock_codec().mint(&payload, exchange.now.unix()).map_err(Failure::internal)?;
    let mut context = exchange.facts(user);
    let link = exchange.link_to(&exchange.token_path("unlock", token.as_str()));
    context.insert("unlock_link".to_owned(), link.into());
    let letter = Letter {
        template: settings.text("email_template_lockout"),
        subject: settings.text("email_subject_lockout").to_owned(),
        to: &user.email,
        context,
    };
    post.letter(exchange, letter)
}

/// Whose waits a link lifts, if it still may do something.
pub(crate) async fn open_unlock_link(exchange: &Exchange, token: &str) -> Result<Option<Unlocking>, Failure> {
    let Ok(redeemed) = exchange.gate.unlock_codec().redeem(token, exchange.now.unix()) else { return Ok(None) };
    let UnlockPayload { user, anchor: of, id } = redeemed.payload;
    let Some(user) = exchange.gate.store().user_by_id(user).await? else { return Ok(None) };
    if anchor(&user).unwrap_or_default() != of || exchange.gate.store().is_redeemed("unlock", &id).await? {
        return Ok(None);
    }
    Ok(Some(Unlocking { user, id }))
}

/// Uses a link up: of all who do at once, one does. `false` if somebody else did.
pub(crate) async fn use_unlock_link(exchange: &Exchange, found: &Unlocking) -> Result<bool, Failure> {
    let (gate, now) = (&exchange.gate, exchange.now.datetime());
    let within = gate.settings().duration("unlock_within").map_or(0, |within| within.as_secs());
    let mut batch = gate.store().batch();
    batch.redeem_once("unlock", &found.id, now.saturating_add(Duration::seconds(within)), now);
    lockout::forgive(&mut batch, found.user.id);
    gate.audit().note(&mut batch, Audited::new("lockout-lifted").about(found.user.id));
    match gate.store().commit(batch).await {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::Unmet(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Lifts the waits of an account, for an administrator; `false` if there were none.
pub(crate) async fn lift(gate: &Lychgate, user_id: i64, by: Option<&str>) -> Result<bool, Failure> {
    let mut batch = gate.store().batch();
    lockout::forgive_some(&mut batch, user_id);
    let entry = Audited::new("lockout-lifted").about(user_id);
    gate.audit().note(&mut batch, if let Some(name) = by { entry.with("by_name", name) } else { entry });
    match gate.store().commit(batch).await {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::Unmet(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
