//! Between the first factor and being signed in: whether a second one is asked for, which, and who is waiting for it.
//!
//! Who has proved the first factor is not signed in. Their session says who they are under the names that the reference
//! uses, and under one of our own since when and by which sign-in; it counts for ten minutes, and once.

use std::{collections::BTreeMap, sync::Arc};

use http::StatusCode;
use lychgate_signing::{
    session::{Map, Value},
    tokens::TwoFactorValidityPayload,
};
use lychgate_store::User;
use serde_json::json;
use time::Duration;

use super::{
    account,
    codes::{self, CodeLetter, Means, Secret, SendFailure},
    sign_in::SignIn,
};
use crate::{
    events::Event,
    failure::Failure,
    gate::Lychgate,
    messages,
    web::{
        answer::Reply,
        cookie::Keep,
        exchange::Exchange,
        form::Form,
        identify::{Authenticated, Mechanism},
        session::{Session, key},
    },
};

/// Seconds from the first factor to the second.
const WITHIN: i64 = 600;

/// Guesses of one sign-in, by whatever method; then it begins anew.
const GUESSES: i64 = 10;

/// What a passkey is called among proofs that verified its user: something that one has, opened by something that one
/// knows or is.
const PASSKEY: &str = "webauthn";

/// What a passkey is called that was only touched: something that one has.
const TOUCHED: &str = "webauthn-touched";

/// What else can be a second factor; it is one beside a proof of another kind.
const SECOND: [&str; 5] = ["authenticator", "email", "sms", "recovery", TOUCHED];

/// The name of a passkey among proofs.
pub(crate) fn passkey_proof(verified_user: bool) -> &'static str {
    if verified_user { PASSKEY } else { TOUCHED }
}

/// What a route may ask to be proved, beside who somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// A second factor, of whatever kind.
    SecondFactor,
    /// A passkey: nothing that can be typed into a page of somebody else.
    PhishingResistant,
}

impl Proof {
    /// The name on the wire.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Proof::SecondFactor => "second_factor",
            Proof::PhishingResistant => "passkey",
        }
    }
}

/// Under which name the proofs of a session say whose they are: another server may sign somebody else in.
const WHOSE: &str = "of";

/// The proofs that a session remembers of a user, and whose they are.
pub(crate) fn proofs_of(session: &Session, uniquifier: &str) -> Map {
    let kept = session.map_of(key::PROOFS).filter(|map| map.get(WHOSE).and_then(Value::as_str) == Some(uniquifier));
    kept.cloned().unwrap_or_else(|| Map::from([(WHOSE.to_owned(), Value::from(uniquifier))]))
}

/// What follows a proven first factor.
#[derive(Debug)]
pub(crate) enum Step {
    SignedIn,
    /// The reply that asks for the second factor.
    Asked(Reply),
    /// The only second factor goes the way of the first, so it would be none; another first factor is needed.
    NotThisWay,
}

/// How far a sign-in has come that waits for its second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// One of several is to be chosen.
    Choosing,
    /// The proof is awaited.
    Ready,
    /// There is none yet; one has to be set up.
    SetUp,
    /// The first proof of one that is being set up is awaited.
    Validating,
}

impl State {
    fn name(self) -> Option<&'static str> {
        match self {
            State::Choosing => None,
            State::Ready => Some("ready"),
            State::SetUp => Some("setup_from_login"),
            State::Validating => Some("validating_profile"),
        }
    }
}

/// Somebody who has proved the first factor in this session, and not yet the second.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) user: Arc<User>,
    pub(crate) state: State,
    /// Whether they had, or have, a choice.
    pub(crate) choice: bool,
    /// The first factor: `password`, `reset` …
    pub(crate) first: String,
    pub(crate) remember: bool,
    /// Names this sign-in; bound to the session, as it stands in its cookie.
    pub(crate) id: String,
    began_at: f64,
}

impl Pending {
    /// What says in the database that this sign-in is over.
    fn ended(&self) -> String {
        ended(&self.id)
    }
}

fn ended(id: &str) -> String {
    format!("tf-ended/{id}")
}

/// Whether this user has to have a second factor.
pub(crate) fn is_required(gate: &Lychgate, user: &User) -> bool {
    let settings = gate.settings();
    let roles = settings.list("two_factor_required_roles");
    let by_role = || user.roles.iter().any(|role| roles.contains(&role.name));
    settings.flag("two_factor") && (settings.flag("two_factor_required") || by_role())
}

/// The second factors that a user has: a kind of code, and `webauthn`.
pub(crate) async fn methods_of(gate: &Lychgate, user: &User) -> Result<Vec<&'static str>, Failure> {
    let mut methods = Vec::new();
    if gate.settings().flag("two_factor") && account::has_second_factor(user) {
        methods.push(code_method(user).name());
    }
    if gate.settings().flag("webauthn") {
        let keys = gate.store().credentials_of(user.id).await?;
        if keys.iter().any(|key| key.usage == "secondary") {
            methods.push("webauthn");
        }
    }
    Ok(methods)
}

/// How codes reach this user. A method that nobody knows needs an app, as those of older versions did.
pub(crate) fn code_method(user: &User) -> Means {
    user.tf_primary_method.as_deref().and_then(Means::named).unwrap_or(Means::Authenticator)
}

/// Whether a password alone is not enough for this user.
pub(crate) async fn is_needed(gate: &Lychgate, user: &User) -> Result<bool, Failure> {
    Ok(is_required(gate, user) || !methods_of(gate, user).await?.is_empty())
}

/// Whether a method would prove what the first factor has proved already: the same mailbox, the same telephone. A
/// passkey that comes second is never the one that came first, as each is registered for one of the two.
pub(crate) fn is_same_way(first: &str, method: &str) -> bool {
    let by_mail = matches!(first, "confirm" | "reset" | "token" | "email");
    method == first && method != "webauthn" || by_mail && method == "email"
}

/// The methods that somebody who comes by `first` can set up, in the order of the settings.
pub(crate) fn ways_to_set_up(gate: &Lychgate, first: &str) -> Vec<Means> {
    let enabled = gate.settings().list("two_factor_enabled_methods");
    enabled.iter().filter_map(|name| Means::named(name)).filter(|means| !is_same_way(first, means.name())).collect()
}

/// Takes everything about a second factor out of a session.
pub(crate) fn clear(session: &mut Session) {
    for name in [
        key::TF_STATE,
        key::TF_USER,
        key::TF_METHOD,
        key::TF_REMEMBER,
        key::TF_SECRET,
        key::TF_SELECT,
        key::TF_PHONE,
        key::TF_PENDING,
    ] {
        session.remove(name);
    }
}

impl Exchange {
    /// The first factor is proven: signs in, or begins the second step. `next` is where the client asked to go.
    pub(crate) async fn first_factor(&self, sign_in: SignIn<'_>, next: Option<&str>) -> Result<Step, Failure> {
        let (gate, user, via) = (&self.gate, sign_in.user, sign_in.via);
        let methods = methods_of(gate, user).await?;
        let trusted = !methods.is_empty() && self.is_trusted(user).await?;
        if methods.is_empty() && !is_required(gate, user) || trusted {
            self.sign_in(sign_in).await?;
            return Ok(Step::SignedIn);
        }
        if let Some(who) = self.current().await? {
            // Proved both before, and one of them again: nothing is gained or lost.
            if who.user.id == user.id {
                return Ok(Step::SignedIn);
            }
            self.sign_out().await?;
        }
        let ways: Vec<&str> = methods.iter().copied().filter(|method| !is_same_way(via, method)).collect();
        let state = match (methods.as_slice(), ways.as_slice()) {
            ([], _) if ways_to_set_up(gate, via).is_empty() => return Ok(Step::NotThisWay),
            ([], _) => State::SetUp,
            (_, []) => return Ok(Step::NotThisWay),
            (_, [_]) => State::Ready,
            _ => State::Choosing,
        };
        let Some(user) = gate.store().user_by_id(user.id).await? else {
            return Err(Failure::internal("a user is gone during sign-in"));
        };
        let pending = Pending {
            user,
            state,
            choice: state == State::Choosing,
            first: via.to_owned(),
            remember: sign_in.remember,
            id: crate::random::id(),
            began_at: self.now.float(),
        };
        self.remember_pending(&pending);
        let reply = match (state, ways.first()) {
            (State::Choosing, _) => self.asked_to_choose(&ways, next),
            (State::Ready, Some(method)) => self.ask(&pending, method, next).await?,
            _ => self.asked_to_set_up(),
        };
        Ok(Step::Asked(reply))
    }

    /// Whose first factor is proven in this session and whose second is awaited. The account is looked at again.
    pub(crate) async fn pending(&self) -> Result<Option<Pending>, Failure> {
        let Some((uniquifier, mut pending)) = self.session(|session| read(session)) else { return Ok(None) };
        #[allow(clippy::cast_precision_loss)] // seconds
        let in_time = (0.0..=WITHIN as f64).contains(&(self.now.float() - pending.began_at));
        if !in_time || self.gate.store().mark(&pending.ended()).await?.is_some() {
            return Ok(None);
        }
        let Some(user) = self.gate.store().user_by_uniquifier(&uniquifier).await? else { return Ok(None) };
        if account::problem_for_owner(self, &user).await?.is_some() {
            return Ok(None);
        }
        // Only the first one is set up by one factor alone, also of two sign-ins at a time.
        let first = matches!(pending.state, State::SetUp | State::Validating);
        if first && !methods_of(&self.gate, &user).await?.is_empty() {
            return Ok(None);
        }
        pending.user = user;
        Ok(Some(pending))
    }

    /// The second factors that count in this sign-in.
    pub(crate) async fn ways(&self, pending: &Pending) -> Result<Vec<&'static str>, Failure> {
        let methods = methods_of(&self.gate, &pending.user).await?;
        Ok(methods.into_iter().filter(|method| !is_same_way(&pending.first, method)).collect())
    }

    /// Counts a guess of this sign-in; after too many it is over, and `false`.
    pub(crate) async fn guess(&self, pending: &Pending) -> Result<bool, Failure> {
        let (key, now) = (format!("tf-guess/{}", pending.id), self.now.datetime());
        if self.gate.store().count_attempt(&key, GUESSES, Duration::seconds(WITHIN), now).await? {
            return Ok(true);
        }
        self.end_pending().await?;
        Ok(false)
    }

    /// Moves a sign-in on.
    pub(crate) fn set_pending_state(&self, state: State) {
        self.session(|session| match state.name() {
            Some(name) => session.set(key::TF_STATE, name),
            None => drop(session.remove(key::TF_STATE)),
        });
    }

    /// The second factor is proven: signs in, and remembers the browser if that was asked for. Of several uses of one
    /// sign-in, one gets in.
    pub(crate) async fn second_factor_done(&self, pending: Pending, by: &'static str) -> Result<(), Failure> {
        if is_same_way(&pending.first, by) || !self.end_once(&pending.id).await? {
            self.forget_pending();
            return Err(Failure::bad(StatusCode::BAD_REQUEST, messages::TWO_FACTOR_PERMISSION_DENIED));
        }
        let Pending { user, remember, .. } = &pending;
        self.sign_in(SignIn { via: by, user, remember: *remember }).await?;
        self.note_proof(&pending.first, pending.began_at);
        if *remember && by != "recovery" && !self.gate.settings().flag("two_factor_always_validate") {
            self.trust_browser(user)?;
        }
        self.gate.events().send(&Event::SecondFactorConfirmed { user_id: user.id, via: by });
        Ok(())
    }

    /// Ends a sign-in that waits, here and in every copy of its cookie.
    pub(crate) async fn end_pending(&self) -> Result<(), Failure> {
        if let Some((_, pending)) = self.session(|session| read(session)) {
            self.end_once(&pending.id).await?;
        }
        self.forget_pending();
        Ok(())
    }

    /// Forgets a sign-in that waits, in this browser.
    pub(crate) fn forget_pending(&self) {
        self.session(clear);
    }

    async fn end_once(&self, id: &str) -> Result<bool, Failure> {
        let until = self.now.datetime() + Duration::seconds(2 * WITHIN);
        Ok(self.gate.store().raise_mark(&ended(id), 1, until).await?)
    }

    /// The reply to a step that is not this session's turn.
    pub(crate) fn out_of_turn(&self, mut form: Form) -> Result<Reply, Failure> {
        self.forget_pending();
        if self.wants_json() {
            form.form_error(messages::TWO_FACTOR_PERMISSION_DENIED);
            return Err(form.without_field_errors().rejected());
        }
        self.flash(messages::TWO_FACTOR_PERMISSION_DENIED);
        Ok(Reply::Redirect(self.view("two_factor_error_view").unwrap_or_else(|| self.gate.url("login"))))
    }

    /// Asks for one method: sends the code, if it is one that is sent.
    pub(crate) async fn ask(&self, pending: &Pending, method: &str, next: Option<&str>) -> Result<Reply, Failure> {
        self.set_pending_state(State::Ready);
        if method == "webauthn" {
            let url = self.gate.url("wan_signin");
            let members = json!({
                "tf_required": true, "tf_method": method, "tf_signin_url": url, "tf_state": "ready",
            });
            return Ok(self.asked(members, &url, next));
        }
        let page = self.gate.url("two_factor_token_validation");
        if method != Means::Authenticator.name() {
            match self.send_second_factor(&pending.user, code_method(&pending.user)).await {
                Ok(()) => {}
                Err(SendFailure::Failed(failure)) => return Err(failure),
                Err(SendFailure::NotSent) if self.wants_json() => {
                    return Err(Failure::bad(StatusCode::INTERNAL_SERVER_ERROR, messages::FAILED_TO_SEND_CODE));
                }
                Err(SendFailure::TooMany { retry_after }) if self.wants_json() => {
                    return Err(Failure::TooMany { retry_after });
                }
                // The page has other ways out for somebody who gets no code.
                Err(SendFailure::NotSent) => self.flash(messages::FAILED_TO_SEND_CODE),
                Err(SendFailure::TooMany { retry_after }) => self.flash(codes::wait_message(retry_after)),
            }
        }
        let members = json!({
            "tf_required": true, "tf_method": method, "tf_primary_method": method, "tf_state": "ready",
        });
        Ok(self.asked(members, &page, next))
    }

    /// Sends the user's next code of the second step, by mail or text message.
    pub(crate) async fn send_second_factor(&self, user: &User, means: Means) -> Result<(), SendFailure> {
        let settings = self.gate.settings();
        let to = match means {
            Means::Sms => user.tf_phone_number.as_deref(),
            _ => Some(user.email.as_str()),
        };
        let stored = user.tf_totp_secret.as_deref().filter(|stored| !stored.is_empty());
        let (Some(to), Some(stored)) = (to, stored) else { return Err(SendFailure::NotSent) };
        let letter = CodeLetter {
            template: settings.text("two_factor_email_template"),
            subject: settings.text("email_subject_two_factor"),
            context: &|_| serde_json::Map::new(),
        };
        codes::send_code(self, &Secret { user, scope: "tf", means, stored }, to, &letter).await
    }

    fn asked_to_choose(&self, ways: &[&str], next: Option<&str>) -> Reply {
        let members = json!({"tf_required": true, "tf_select": true, "tf_setup_methods": ways});
        self.asked(members, &self.gate.url("tf_select"), next)
    }

    fn asked_to_set_up(&self) -> Reply {
        let members = json!({"tf_required": true, "tf_state": "setup_from_login"});
        self.asked(members, &self.gate.url("two_factor_setup"), None)
    }

    fn asked(&self, members: serde_json::Value, page: &str, next: Option<&str>) -> Reply {
        if self.wants_json() {
            return Reply::Json(self.members(members));
        }
        Reply::Redirect(next.map_or_else(|| page.to_owned(), |next| self.with_next(page, next)))
    }

    fn remember_pending(&self, pending: &Pending) {
        self.session(|session| {
            clear(session);
            session.set(key::TF_USER, pending.user.fs_uniquifier.clone());
            if let Some(state) = pending.state.name() {
                session.set(key::TF_STATE, state);
            }
            if pending.choice {
                session.set(key::TF_SELECT, true);
            }
            if pending.remember {
                session.set(key::TF_REMEMBER, true);
            }
            session.set(
                key::TF_PENDING,
                BTreeMap::from([
                    ("id".to_owned(), Value::from(pending.id.as_str())),
                    ("at".to_owned(), Value::from(pending.began_at)),
                    ("via".to_owned(), Value::from(pending.first.as_str())),
                ]),
            );
        });
    }

    /// Whether this browser need not be asked: it passed before, and the second factor is still the one that it passed.
    async fn is_trusted(&self, user: &User) -> Result<bool, Failure> {
        if self.gate.settings().flag("two_factor_always_validate") {
            return Ok(false);
        }
        let codec = self.gate.trusted_codec();
        let issued_at = self.cookie(&self.config().trusted.name, |value| {
            let redeemed = codec.redeem(value, self.now.unix()).ok()?;
            (redeemed.payload.user == user.fs_uniquifier).then_some(redeemed.issued_at.unwrap_or(0))
        });
        let Some(issued_at) = issued_at else { return Ok(false) };
        let since = self.gate.store().mark(&trusted_since(user.id)).await?;
        Ok(since.is_none_or(|(changed_at, _)| issued_at > changed_at))
    }

    fn trust_browser(&self, user: &User) -> Result<(), Failure> {
        let payload = TwoFactorValidityPayload { user: user.fs_uniquifier.clone() };
        let token = self.gate.trusted_codec().mint(&payload, self.now.unix()).map_err(Failure::internal)?;
        let trusted = &self.config().trusted;
        let keep = Keep::For { until: self.now.unix().saturating_add(trusted.seconds), seconds: trusted.seconds };
        self.set_cookie(trusted.cookie.set(&trusted.name, token.as_str(), keep, self.is_https()));
        Ok(())
    }

    /// Adds a proof to those that the session remembers of its user.
    pub(crate) fn note_proof(&self, method: &str, at: f64) {
        self.session(|session| {
            let Some(user) = session.text(key::USER).map(str::to_owned) else { return };
            let mut proofs = proofs_of(session, &user);
            proofs.insert(method.to_owned(), Value::from(at));
            session.set(key::PROOFS, proofs);
        });
    }

    /// A passkey signed somebody in, which the session has noted as one that verified its user.
    pub(crate) fn passkey_was_touched(&self) {
        self.session(|session| {
            let Some(user) = session.text(key::USER).map(str::to_owned) else { return };
            let mut proofs = proofs_of(session, &user);
            if let Some(at) = proofs.remove(PASSKEY) {
                proofs.insert(TOUCHED.to_owned(), at);
            }
            session.set(key::PROOFS, proofs);
        });
    }

    /// Lets through whoever changes what opens their account. A fresh proof will do while there is no second factor; once
    /// there is, it takes part in the proof. Else somebody's password, and their session left open, would be enough to put
    /// another second factor in the place of theirs.
    pub(crate) async fn admit_to_change(&self, who: &Authenticated) -> Result<(), Failure> {
        let rule = self.freshness();
        if !self.is_fresh(who, rule) {
            return Err(Failure::NotFresh);
        }
        self.second_factor_takes_part(who).await
    }

    /// The part of [`admit_to_change`](Self::admit_to_change) that also the last step of a change has to keep: there may be
    /// a second factor since the first one.
    pub(crate) async fn second_factor_takes_part(&self, who: &Authenticated) -> Result<(), Failure> {
        let rule = self.freshness();
        let within = if rule.within < 0.0 { f64::INFINITY } else { rule.within + rule.grace };
        if self.needs_no_second_factor(who, within).await? {
            return Ok(());
        }
        // Whoever has no way to prove it here was asked for it at sign-in, which a token says.
        if who.via == Mechanism::Session && !self.can_prove(&who.user).await? {
            return Ok(());
        }
        Err(Failure::NeedsProof(Proof::SecondFactor))
    }

    /// Whether somebody has no second factor, or has proved it within so many seconds: in their session, or before their
    /// token was handed out.
    pub(crate) async fn needs_no_second_factor(&self, who: &Authenticated, within: f64) -> Result<bool, Failure> {
        let at = match who.via {
            Mechanism::Session => self.last_proof(&who.user, Proof::SecondFactor),
            Mechanism::Token => self.second_factor_of_token(),
            Mechanism::Jwt => self.second_factor_of_jwt(),
            Mechanism::Basic | Mechanism::ApiKey => None,
        };
        let is_recent = at.is_some_and(|at| (0.0..=within).contains(&(self.now.float() - at)));
        Ok(is_recent || methods_of(&self.gate, &who.user).await?.is_empty())
    }

    /// Whether somebody signed in has a second factor that they can prove here: a passkey, or codes beside something else.
    async fn can_prove(&self, user: &User) -> Result<bool, Failure> {
        if super::passkeys::can_verify(&self.gate, user).await? {
            return Ok(true);
        }
        let has_code = self.gate.settings().flag("two_factor") && account::has_second_factor(user);
        let has_password = user.password.as_deref().is_some_and(|hash| !hash.is_empty());
        Ok(has_code && (has_password || self.has_something_beside(user)))
    }

    /// Whether the session has a proof that the user's codes would be a second factor to.
    fn has_something_beside(&self, user: &User) -> bool {
        let method = code_method(user).name();
        let proofs = self.session(|session| proofs_of(session, &user.fs_uniquifier));
        proofs.keys().any(|other| other != WHOSE && !is_same_way(other, method))
    }

    /// Whether the session's user has proved this much within so many seconds.
    pub(crate) fn has_proved(&self, user: &User, proof: Proof, within: f64) -> bool {
        self.last_proof(user, proof).is_some_and(|at| (0.0..=within).contains(&(self.now.float() - at)))
    }

    /// When the session's user has last proved this much, if they have.
    pub(crate) fn last_proof(&self, user: &User, proof: Proof) -> Option<f64> {
        let proofs = self.peek(|session| proofs_of(session, &user.fs_uniquifier));
        let proofs: Vec<(&str, f64)> = proofs
            .iter()
            .filter_map(|(method, at)| if let Value::Float(at) = at { Some((method.as_str(), *at)) } else { None })
            .collect();
        let beside = |method: &str| proofs.iter().any(|(other, _)| !is_same_way(other, method));
        let counts = |method: &str| match proof {
            Proof::PhishingResistant => matches!(method, PASSKEY | TOUCHED),
            Proof::SecondFactor => method == PASSKEY || SECOND.contains(&method) && beside(method),
        };
        let now = self.now.float();
        let counted = proofs.iter().filter(|(method, at)| *at <= now && counts(method)).map(|(_, at)| *at);
        counted.max_by(f64::total_cmp)
    }
}

/// The page where a user proves this, or first sets up what is to be proved. None if that is not to be had here.
pub(crate) async fn where_to_prove(exchange: &Exchange, user: &User, proof: Proof) -> Result<Option<String>, Failure> {
    let (gate, settings) = (&exchange.gate, exchange.gate.settings());
    let page = |name: &str| gate.endpoint_url(&format!(".{name}"));
    let has_passkey = super::passkeys::can_verify(gate, user).await?;
    let has_code = settings.flag("two_factor") && account::has_second_factor(user);
    let has_password = user.password.as_deref().is_some_and(|hash| !hash.is_empty());
    // A code is a second factor beside something else; without that it would be asked for in vain.
    let beside = exchange.has_something_beside(user);
    let only_touched = exchange.session(|session| {
        let mut proofs = proofs_of(session, &user.fs_uniquifier);
        proofs.remove(WHOSE);
        proofs.len() == 1 && proofs.contains_key(TOUCHED)
    });
    Ok(match proof {
        Proof::SecondFactor if has_code && beside => page("two_factor_verify"),
        Proof::SecondFactor if has_code && has_password => page("verify"),
        Proof::SecondFactor if only_touched && has_password => page("verify"),
        _ if has_passkey => page("wan_verify"),
        Proof::SecondFactor => page("two_factor_setup").or_else(|| page("wan_register")),
        Proof::PhishingResistant => page("wan_register"),
    })
}

/// Where it stands since when browsers of this user may be trusted.
fn trusted_since(user_id: i64) -> String {
    format!("tf-trusted-since/{user_id}")
}

/// Ends the trust in all browsers of a user, as when the second factor changes.
pub(crate) fn distrust_browsers(exchange: &Exchange, batch: &mut lychgate_store::Batch, user_id: i64) {
    let until = exchange.now.datetime() + Duration::seconds(exchange.config().trusted.seconds) + Duration::days(1);
    let key = trusted_since(user_id);
    batch.clear_attempts(&key).raise_mark(&key, exchange.now.unix(), until);
}

/// A sign-in that waits, as the session has it, and the uniquifier of its user.
fn read(session: &Session) -> Option<(String, Pending)> {
    let user = session.text(key::TF_USER)?.to_owned();
    let own: &Map = session.map_of(key::TF_PENDING)?;
    let text = |name: &str| own.get(name).and_then(Value::as_str).map(str::to_owned);
    let choice = session.flag(key::TF_SELECT);
    let state = match session.text(key::TF_STATE) {
        Some("ready") => State::Ready,
        Some("setup_from_login") => State::SetUp,
        Some("validating_profile") => State::Validating,
        None if choice => State::Choosing,
        _ => return None,
    };
    let Some(Value::Float(began_at)) = own.get("at") else { return None };
    let pending = Pending {
        user: Arc::default(),
        state,
        choice,
        first: text("via")?,
        remember: session.flag(key::TF_REMEMBER),
        id: text("id")?,
        began_at: *began_at,
    };
    Some((user, pending))
}
