//! Waits after wrong passwords are lifted by their owner, with a mailed link, and by administrators.

use std::sync::Arc;

use lychgate_signing::tokens::UnlockPayload;
use lychgate_store::{ErrorKind, User};
use time::Duration;

use super::{account::anchor, lockout};
use crate::{audit::Audited, failure::Failure, gate::Lychgate, mail::Letter, web::exchange::Exchange};

/// What a link tells.
pub(crate) struct Unlocking {
    user: Arc<User>,
    id: String,
}

/// Mails the owner that passwords are being tried, and the link; once a day at most. It does about as much for nobody.
pub(super) async fn tell(exchange: &Exchange, user: Option<&User>) -> Result<(), Failure> {
    let (gate, now) = (&exchange.gate, exchange.now.datetime());
    let whom = user.map_or_else(|| "nobody".to_owned(), |user| user.id.to_string());
    let mark = format!("{whom}:{}", exchange.now.unix().div_euclid(86_400));
    let is_first = gate.store().redeem_once("lockout-letter", &mark, now + Duration::days(2), now).await?;
    let Some(user) = user.filter(|_| is_first) else { return Ok(()) };
    let settings = gate.settings();
    let id = crate::random::id();
    let payload = UnlockPayload { user: user.id, anchor: anchor(user).unwrap_or_default(), id };
    let token = gate.unlock_codec().mint(&payload, exchange.now.unix()).map_err(Failure::internal)?;
    let mut context = exchange.facts(user);
    let link = exchange.link_to(&exchange.token_path("unlock", token.as_str()));
    context.insert("unlock_link".to_owned(), link.into());
    let mut post = exchange.post();
    let letter = Letter {
        template: settings.text("email_template_lockout"),
        subject: settings.text("email_subject_lockout").to_owned(),
        to: &user.email,
        context,
    };
    // A wrong password is answered as one, whether or not a letter can be written.
    if let Err(failure) = post.letter(exchange, letter) {
        tracing::error!(?failure, "the mail about wrong passwords was not written");
        return Ok(());
    }
    let mut batch = gate.store().batch();
    gate.audit().note(&mut batch, Audited::new("lockout-began").about(user.id));
    exchange.commit_and_send(batch, post).await?;
    Ok(())
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
pub(crate) async fn lift(gate: &Lychgate, user_id: i64) -> Result<bool, Failure> {
    let mut batch = gate.store().batch();
    lockout::forgive(&mut batch, user_id);
    let lifted = gate.store().commit(batch).await?.changed(0) > 0;
    if lifted {
        let mut batch = gate.store().batch();
        gate.audit().note(&mut batch, Audited::new("lockout-lifted").about(user_id));
        gate.store().commit(batch).await?;
    }
    Ok(lifted)
}
