//! Work that the sender of a form proves: who is asked, what is handed out, what is taken.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use time::Duration;

use super::{answer::Reply, exchange::Exchange, routes::Page};
use crate::{
    challenge::{PIECES, is_solved},
    failure::Failure,
    limits::network,
    messages,
    web::routes::Call,
};

/// The fields beside those of a form.
const TOKEN: &str = "challenge";
const SOLUTION: &str = "challenge_solution";

/// The longest token that is looked at, in bytes.
const LONGEST_TOKEN: usize = 1024;

impl Exchange {
    /// Whether this request may go on to a form: it brings its work, or is one of those that need none. `of_account` says
    /// whether the form names one, which then has a count of its own.
    pub(crate) async fn passes_challenge(&self, door: &str, of_account: bool) -> Result<bool, Failure> {
        let (challenges, now) = (self.gate.challenges(), self.now.datetime());
        if !challenges.on || self.redeems_challenge(door).await? {
            return Ok(true);
        }
        if challenges.free.is_empty() {
            return Ok(false);
        }
        let limits = self.gate.limits();
        let mut keys = vec![self.challenge_key(door)];
        if of_account {
            keys.extend(self.targets().await?.iter().map(|target| format!("challenge/{door}/{target}")));
        }
        for key in keys {
            let standings = limits.spend(&key, &challenges.free, 1, now).await;
            if standings.iter().any(|standing| !standing.admitted) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What has come from an address to a form.
    fn challenge_key(&self, door: &str) -> String {
        format!("challenge/{door}/net/{}", network(self.address()))
    }

    /// Whether a form would be asked for work, sent from this address.
    pub(crate) async fn is_challenged(&self, door: &str) -> bool {
        let challenges = self.gate.challenges();
        let (limits, now) = (self.gate.limits(), self.now.datetime());
        challenges.free.is_empty() || limits.refuses(&self.challenge_key(door), &challenges.free, now).await.is_some()
    }

    /// Uses up what the request brings, if it is work for this form that is done, or one that was waited for.
    async fn redeems_challenge(&self, door: &str) -> Result<bool, Failure> {
        let challenges = self.gate.challenges();
        let token = self.submitted_text(TOKEN).filter(|token| token.len() <= LONGEST_TOKEN);
        let Some(found) = token.and_then(|token| challenges.codec.redeem(&token, self.now.unix()).ok()) else {
            return Ok(false);
        };
        let address = network(self.address());
        if found.payload.door != door || found.payload.network != address {
            return Ok(false);
        }
        let now = self.now.datetime();
        match self.submitted_text(SOLUTION) {
            Some(solution) if is_solved(&found.payload, &solution) => {}
            Some(_) => return Ok(false),
            None => {
                let age = found.issued_at.map_or(0, |at| self.now.unix() - at);
                if challenges.waits.is_empty() || challenges.wait.is_none_or(|wait| age < wait) {
                    return Ok(false);
                }
                let key = format!("challenge/waits/{address}");
                let standings = self.gate.limits().spend(&key, &challenges.waits, 1, now).await;
                if standings.iter().any(|standing| !standing.admitted) {
                    return Ok(false);
                }
            }
        }
        let until = now.saturating_add(Duration::seconds(challenges.lifetime));
        Ok(self.gate.store().redeem_once("challenge", &found.payload.id, until, now).await?)
    }

    /// Work for a form.
    pub(crate) fn offer_challenge(&self, door: &str) -> Result<Value, Failure> {
        let challenges = self.gate.challenges();
        let work = challenges.payload(door, network(self.address()));
        let token = challenges.codec.mint(&work, self.now.unix()).map_err(Failure::internal)?;
        let mut offer = json!({
            "token": token.as_str(),
            "seed": work.id,
            "bits": work.bits,
            "pieces": PIECES,
            "expires_in": challenges.lifetime,
        });
        if let (Some(wait), Value::Object(offer)) = (challenges.wait, &mut offer) {
            offer.insert("wait".to_owned(), wait.into());
        }
        Ok(offer)
    }

    /// The same for a page; nothing where none is asked.
    pub(crate) fn challenge_view(&self, door: &str) -> Result<Value, Failure> {
        if !self.gate.challenges().on {
            return Ok(Value::Null);
        }
        let mut view = self.offer_challenge(door)?;
        let url = format!("{}?for={door}", self.gate.url("challenge"));
        for (name, value) in [("url", Value::from(url)), ("nonce", self.csp_nonce().into())] {
            view[name] = value;
        }
        Ok(view)
    }

    /// What the page of a form needs, where whoever sends it is asked for work.
    pub(super) async fn challenge_of_page(&self) -> Result<Option<Value>, Failure> {
        let door = self.endpoint.get().and_then(|endpoint| self.gate.challenges().door_of(endpoint));
        let Some(door) = door else { return Ok(None) };
        if !self.is_refused_for_work.load(Ordering::Relaxed) && !self.is_challenged(door).await {
            return Ok(None);
        }
        self.challenge_view(door).map(Some)
    }
}

impl Call {
    /// The form's page again, with what was typed, and the work; programs get it in their reply.
    pub(super) async fn asks_for_work(self, door: &'static str, page: Option<Page>) -> Result<Reply, Failure> {
        crate::measure::limit_hit("challenge");
        let refused = Failure::Challenge(door.into());
        let Some(page) = page.filter(|_| !self.wants_json()) else { return Err(refused) };
        self.is_refused_for_work.store(true, Ordering::Relaxed);
        let submitted = self.exchange().clone();
        match page(self).await? {
            Reply::Form(mut form) => {
                form.fill(&submitted.submitted)?;
                let mut form = form.without_errors();
                form.form_error(messages::CHALLENGE_REQUIRED);
                Err(form.rejected())
            }
            other => Ok(other),
        }
    }
}
