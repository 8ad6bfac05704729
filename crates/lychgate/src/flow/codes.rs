//! One-time codes: sent by mail or text message, or made by an authenticator app; checked, and never accepted twice.
//!
//! The database keeps, for each secret, the counter of the code that was sent last and of the one that was used last. A
//! code that is sent takes the place of those before it; of the codes of an app, none counts once it or a later one was
//! used. Guesses and sendings are counted for each account, apart from passwords, and become free again by themselves.

use std::{fmt::Write as _, net::IpAddr};

use lychgate_otp::{Code, Totp, hotp};
use lychgate_store::{Batch, StoreError, User};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use time::Duration;
use zeroize::Zeroizing;

use super::texts;
use crate::{
    events::Event,
    failure::Failure,
    gate::Lychgate,
    mail::Letter,
    messages::{self, Said},
    web::{exchange::Exchange, form::Message},
};

/// How a code reaches the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Means {
    /// An app makes it.
    Authenticator,
    Email,
    Sms,
}

impl Means {
    /// The name on the wire and in the database.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Means::Authenticator => "authenticator",
            Means::Email => "email",
            Means::Sms => "sms",
        }
    }

    /// The means of that name; `mail` is an old one for `email`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "authenticator" => Some(Means::Authenticator),
            "email" | "mail" => Some(Means::Email),
            "sms" => Some(Means::Sms),
            _ => None,
        }
    }
}

/// A secret that codes are made of, and what it is for.
#[derive(Clone, Copy)]
pub(crate) struct Secret<'a> {
    pub(crate) user: &'a User,
    /// What for, as guesses are counted: `tf` at sign-in, `tf-setup`, `us` …
    pub(crate) scope: &'static str,
    pub(crate) means: Means,
    /// The text of the database.
    pub(crate) stored: &'a str,
}

/// The letter of a code; the template is given what every letter is, and `token` and `within`.
pub(crate) struct CodeLetter<'a> {
    pub(crate) template: &'a str,
    pub(crate) subject: &'a str,
    /// What else the template is given, where it depends on the code.
    pub(crate) context: &'a (dyn Fn(&str) -> Map<String, Value> + Sync),
}

/// What came of a typed code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Right,
    /// Not the code, too old, or used before.
    Wrong,
    /// Too many guesses; the next one is looked at after so many seconds.
    TooMany {
        retry_after: u32,
    },
}

/// What came of something typed that could be the code of any of several secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnyOutcome {
    Right(Means),
    Wrong,
    TooMany { retry_after: u32 },
}

/// Why a code was not sent.
#[derive(Debug)]
pub(crate) enum SendFailure {
    /// There is no way to send it, or nothing to make it of.
    NotSent,
    /// Too many were sent; the next one is after so many seconds.
    TooMany {
        retry_after: u32,
    },
    Failed(Failure),
}

impl From<Failure> for SendFailure {
    fn from(failure: Failure) -> Self {
        SendFailure::Failed(failure)
    }
}

impl From<StoreError> for SendFailure {
    fn from(error: StoreError) -> Self {
        SendFailure::Failed(error.into())
    }
}

/// Guesses, and as many sendings, that an account has for each purpose: within a quarter of an hour, and within a day.
const LIMITS: [(&str, i64, Duration); 2] = [("15min", 10, Duration::minutes(15)), ("day", 50, Duration::days(1))];

/// The same where whoever asks has proved nothing yet: few for each address that they come from, so that one of them does
/// not use up what the others have; and more for the account as a whole, so that many addresses do not help to guess.
const OF_ADDRESS: [(&str, i64, Duration); 2] = [("15min", 10, Duration::minutes(15)), ("day", 30, Duration::days(1))];
const OF_STRANGERS: [(&str, i64, Duration); 2] =
    [("15min", 30, Duration::minutes(15)), ("day", 100, Duration::days(1))];

/// What codes are for that sign in by themselves: anybody may type or ask for one.
const ALONE: &str = "us";

/// What codes are for that are typed before somebody is signed in.
const AT_SIGN_IN: [&str; 3] = [ALONE, "tf", "recovery"];

/// The clock of a phone may be off by this many seconds: one step before or after.
const DRIFT: u64 = 30;

/// How long counters are remembered beyond the life of their codes.
const KEPT: Duration = Duration::days(1);

/// Makes a new secret, encrypted as the database keeps it.
pub(crate) async fn new_secret(gate: &Lychgate) -> Result<String, Failure> {
    let key = lychgate_otp::Key::generate().map_err(Failure::internal)?;
    let shared = gate.clone();
    let sealed = gate.hashing().work(move || shared.wallet().map(|wallet| wallet.encrypt(&Totp::new(key)))).await?;
    sealed.ok_or_else(|| Failure::internal("`totp_secrets` is not set"))?.map_err(Failure::internal)
}

/// Opens a stored secret; nothing if it cannot be read, which the log says.
pub(crate) async fn open_secret(gate: &Lychgate, stored: &str) -> Result<Option<Totp>, Failure> {
    let (shared, stored) = (gate.clone(), Zeroizing::new(stored.to_owned()));
    // Taking the encryption off costs thousands of rounds.
    match gate.hashing().work(move || shared.wallet().map(|wallet| wallet.decrypt(&stored))).await? {
        Some(Ok(totp)) => Ok(Some(totp)),
        Some(Err(error)) => {
            tracing::warn!(%error, "a stored secret of one-time codes cannot be read");
            Ok(None)
        }
        None => Ok(None),
    }
}

/// Sends the next code of a secret to `to`, an address or a number. It takes the place of those sent before.
pub(crate) async fn send_code(
    exchange: &Exchange,
    secret: &Secret<'_>,
    to: &str,
    letter: &CodeLetter<'_>,
) -> Result<(), SendFailure> {
    let gate = &exchange.gate;
    if secret.means == Means::Authenticator || secret.means == Means::Sms && !texts::are_sent(gate) {
        return Err(SendFailure::NotSent);
    }
    let Some(totp) = open_secret(gate, secret.stored).await? else { return Err(SendFailure::NotSent) };
    if let Some(retry_after) = count_for(exchange, "send", secret.scope, secret.user).await? {
        return Err(SendFailure::TooMany { retry_after });
    }
    let Some(code) = next_code(exchange, secret, &totp).await? else { return Err(SendFailure::NotSent) };
    let seconds = validity(exchange, secret);
    let good_for = std::time::Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    let was_sent = if secret.means == Means::Sms {
        texts::send_code(exchange, to, code.as_str(), good_for).await?
    } else {
        let mut context = super::letters::about(secret.user);
        context.insert("username".to_owned(), super::account::identity_text(gate, secret.user).into());
        context.insert("token".to_owned(), code.as_str().into());
        context.insert("within".to_owned(), Said::Span(good_for.as_secs_f64()).into());
        context.extend((letter.context)(code.as_str()));
        let (template, subject) = (letter.template, letter.subject.to_owned());
        let mut post = exchange.post();
        post.letter(exchange, Letter { template, subject, to, context })?;
        let mut batch = gate.store().batch();
        post.enqueue(&mut batch, exchange.now.datetime());
        gate.store().commit(batch).await?;
        // Unlike with other letters the reply may say so: whoever asked waits for this one.
        post.deliver(gate).await
    };
    if !was_sent {
        return Err(SendFailure::NotSent);
    }
    gate.events().send(&Event::CodeSent { user_id: secret.user.id, means: secret.means.name() });
    Ok(())
}

/// The next code to be sent: a new one each time, also within one time step.
async fn next_code(exchange: &Exchange, secret: &Secret<'_>, totp: &Totp) -> Result<Option<Code>, Failure> {
    let (store, places) = (exchange.gate.store(), Places::of(secret.user, totp));
    let until = exchange.now.datetime() + Duration::seconds(validity(exchange, secret)) + KEPT;
    for _ in 0..5 {
        let (sent, used) = (store.mark(&places.sent).await?, store.mark(&places.used).await?);
        let after = [sent, used].into_iter().flatten().map(|(counter, _)| counter + 1).max().unwrap_or_default();
        let counter = after.max(step(exchange, totp));
        // Another request may send the same one at this moment.
        if store.raise_mark(&places.sent, counter, until).await? {
            return code_of(totp, counter).map(Some);
        }
    }
    Ok(None)
}

/// Checks a typed code. A right one is used up: of all who type it at once, one is right.
pub(crate) async fn check_code(exchange: &Exchange, secret: &Secret<'_>, typed: &str) -> Result<Outcome, Failure> {
    let gate = &exchange.gate;
    if let Some(retry_after) = count_for(exchange, "guess", secret.scope, secret.user).await? {
        return Ok(Outcome::TooMany { retry_after });
    }
    if use_code(exchange, secret, typed).await? {
        return Ok(Outcome::Right);
    }
    if matches!(secret.scope, "tf" | "us") {
        exchange.note_failure(secret.user.id, secret.means.name());
    }
    let (user_id, via) = (Some(secret.user.id), secret.means.name());
    gate.events().send(&Event::UserFailedAuthentication { user_id, via });
    Ok(Outcome::Wrong)
}

/// Uses a code up that is no guess, as it came in a link that we have signed; `false` if it does not count.
pub(crate) async fn use_code(exchange: &Exchange, secret: &Secret<'_>, code: &str) -> Result<bool, Failure> {
    if !is_right(exchange, secret, code).await? {
        return Ok(false);
    }
    let mut batch = exchange.gate.store().batch();
    forgive_guesses(&mut batch, secret.scope, secret.user.id);
    if secret.scope == ALONE {
        forgive_guesses(&mut batch, &of_address(exchange), secret.user.id);
    }
    exchange.gate.store().commit(batch).await?;
    Ok(true)
}

/// Whether a text could be a code at all. What could not is no guess.
pub(crate) fn is_like_a_code(typed: &str) -> bool {
    (6..=8).any(|digits| Code::parse(typed, digits).is_some())
}

/// Checks a typed code against each secret that a user has, as one guess. It takes as long for those who have fewer
/// than `most`, and for nobody.
pub(crate) async fn check_any(
    exchange: &Exchange,
    scope: &'static str,
    user: Option<&User>,
    secrets: &[(Means, &str)],
    typed: &str,
    most: usize,
) -> Result<AnyOutcome, Failure> {
    let user = user.filter(|_| !secrets.is_empty());
    let too_many = match user {
        Some(user) => count_for(exchange, "guess", scope, user).await?,
        None => count_nothing(exchange).await?,
    };
    let secrets = if too_many.is_some() { &[] } else { secrets };
    if let Some(user) = user {
        for (means, stored) in secrets {
            let secret = Secret { user, scope, means: *means, stored };
            if use_code(exchange, &secret, typed).await? {
                return Ok(AnyOutcome::Right(*means));
            }
        }
    }
    for _ in secrets.len()..most {
        new_secret(&exchange.gate).await?;
        exchange.gate.store().mark("code-used/nobody").await?;
    }
    Ok(too_many.map_or(AnyOutcome::Wrong, |retry_after| AnyOutcome::TooMany { retry_after }))
}

/// Takes as long as [`send_code`], where there is nobody to send one to.
pub(crate) async fn send_nothing(exchange: &Exchange) -> Result<(), Failure> {
    let (store, until) = (exchange.gate.store(), exchange.now.datetime() + KEPT);
    new_secret(&exchange.gate).await?;
    count_nothing(exchange).await?;
    let place = "code-sent/nobody";
    for _ in ["sent", "used"] {
        store.mark(place).await?;
    }
    store.raise_mark(place, exchange.now.unix(), until).await?;
    store.meta_set("decoy", place).await?;
    Ok(())
}

async fn is_right(exchange: &Exchange, secret: &Secret<'_>, typed: &str) -> Result<bool, Failure> {
    let store = exchange.gate.store();
    let Some(totp) = open_secret(&exchange.gate, secret.stored).await? else { return Ok(false) };
    let Some(typed) = Code::parse(typed, totp.digits()) else { return Ok(false) };
    let places = Places::of(secret.user, &totp);
    let mut found = None;
    for counter in candidates(exchange, secret, &totp, &places).await? {
        let expected = code_of(&totp, counter)?;
        if bool::from(expected.as_str().as_bytes().ct_eq(typed.as_str().as_bytes())) {
            // The latest wins: a code that comes twice is spent for both times.
            found = found.max(Some(counter));
        }
    }
    let Some(counter) = found else { return Ok(false) };
    Ok(store.raise_mark(&places.used, counter, exchange.now.datetime() + KEPT).await?)
}

/// The counters whose codes count now.
async fn candidates(
    exchange: &Exchange,
    secret: &Secret<'_>,
    totp: &Totp,
    places: &Places,
) -> Result<Vec<i64>, Failure> {
    let now = step(exchange, totp);
    let mut counters = Vec::new();
    if secret.means == Means::Authenticator {
        let drift = u64::try_from(validity(exchange, secret)).unwrap_or(0).min(DRIFT);
        let unix = u64::try_from(exchange.now.unix()).unwrap_or(0);
        let (first, last) = (unix.saturating_sub(drift) / totp.period(), unix.saturating_add(drift) / totp.period());
        counters.extend((first..=last).filter_map(|counter| i64::try_from(counter).ok()));
    }
    match exchange.gate.store().mark(&places.sent).await? {
        Some((counter, until)) if until - KEPT > exchange.now.datetime() => counters.push(counter),
        // One that a Flask application sent, which keeps no account of it.
        sent if secret.means != Means::Authenticator && exchange.config().as_flask => {
            let period = i64::try_from(totp.period()).unwrap_or(i64::MAX);
            let window = validity(exchange, secret).clamp(0, 3600);
            let oldest = exchange.now.unix().saturating_sub(window).div_euclid(period);
            let superseded = sent.map_or(-1, |(counter, _)| counter);
            counters.extend(oldest.max(superseded + 1)..=now);
        }
        _ => {}
    }
    Ok(counters)
}

/// Where the counters of a secret stand.
struct Places {
    sent: String,
    used: String,
}

impl Places {
    fn of(user: &User, totp: &Totp) -> Self {
        let digest = Sha256::new().chain_update("one-time codes\0").chain_update(totp.key().as_bytes()).finalize();
        let mut mark = String::with_capacity(32);
        for byte in digest.iter().take(16) {
            // Writing to a string cannot fail.
            let _ = write!(mark, "{byte:02x}");
        }
        let id = user.id;
        Self { sent: format!("code-sent/{id}/{mark}"), used: format!("code-used/{id}/{mark}") }
    }
}

/// The time step of now.
fn step(exchange: &Exchange, totp: &Totp) -> i64 {
    exchange.now.unix().div_euclid(i64::try_from(totp.period()).unwrap_or(i64::MAX)).max(0)
}

fn code_of(totp: &Totp, counter: i64) -> Result<Code, Failure> {
    let counter = u64::try_from(counter).map_err(Failure::internal)?;
    hotp(totp.key(), counter, totp.digits(), totp.algorithm()).map_err(Failure::internal)
}

/// Seconds that a code counts after it was sent, or that the clock of an app may be off.
fn validity(exchange: &Exchange, secret: &Secret<'_>) -> i64 {
    let name = match (secret.scope, secret.means) {
        ("us" | "us-setup" | "us-verify", _) => "us_token_validity",
        (_, Means::Authenticator) => "two_factor_authenticator_validity",
        (_, Means::Email) => "two_factor_mail_validity",
        (_, Means::Sms) => "two_factor_sms_validity",
    };
    let seconds = exchange.gate.settings().duration(name).map_or(0.0, |validity| validity.as_secs_f64());
    #[allow(clippy::cast_possible_truncation)] // seconds
    let seconds = seconds as i64;
    seconds.clamp(0, 86_400)
}

fn counted(what: &str, window: &str, scope: &str, user_id: i64) -> String {
    format!("code-{what}/{scope}/{user_id}/{window}")
}

/// Counts a guess of an account, of whatever kind of code; beyond a limit, the seconds until the next one.
pub(crate) async fn count_guess(exchange: &Exchange, scope: &str, user: &User) -> Result<Option<u32>, Failure> {
    count_for(exchange, "guess", scope, user).await
}

/// Counts a guess or a sending. At sign-in a browser that the account was used in before has a count of its own, which
/// strangers cannot use up, not even those who know the password.
async fn count_for(exchange: &Exchange, what: &str, scope: &str, user: &User) -> Result<Option<u32>, Failure> {
    if AT_SIGN_IN.contains(&scope) && exchange.is_known_device(user).await? {
        return count(exchange, what, &of_known(scope), user.id, LIMITS).await;
    }
    if scope != ALONE {
        return count(exchange, what, scope, user.id, LIMITS).await;
    }
    match count(exchange, what, &of_address(exchange), user.id, OF_ADDRESS).await? {
        Some(retry_after) => Ok(Some(retry_after)),
        None => count(exchange, what, scope, user.id, OF_STRANGERS).await,
    }
}

/// What is counted for browsers that an account was used in before.
fn of_known(scope: &str) -> String {
    format!("{scope}-known")
}

/// What is counted for the address of a request; of IPv6, for the network that one customer has.
fn of_address(exchange: &Exchange) -> String {
    let from = match exchange.address() {
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => address.segments().iter().take(4).map(|part| format!("{part:x}:")).collect(),
        None => "nowhere".to_owned(),
    };
    format!("{ALONE}-from/{from}")
}

/// Forgets the guesses of an account, because one was right.
pub(crate) fn forgive_guesses(batch: &mut Batch, scope: &str, user_id: i64) {
    for (window, _, _) in LIMITS {
        batch.clear_attempts(&counted("guess", window, scope, user_id));
        if AT_SIGN_IN.contains(&scope) {
            batch.clear_attempts(&counted("guess", window, &of_known(scope), user_id));
        }
    }
}

/// Counts a guess or a sending; beyond a limit, the seconds until the next one.
async fn count(
    exchange: &Exchange,
    what: &str,
    scope: &str,
    user_id: i64,
    limits: [(&str, i64, Duration); 2],
) -> Result<Option<u32>, Failure> {
    let (store, now) = (exchange.gate.store(), exchange.now.datetime());
    for (window, limit, length) in limits {
        let key = counted(what, window, scope, user_id);
        if !store.count_attempt(&key, limit, length, now).await? {
            let until = store.mark(&key).await?.map_or(now, |(_, until)| until);
            tracing::info!(user_id, scope, what, "too many codes were tried or sent");
            return Ok(Some(u32::try_from((until - now).whole_seconds()).unwrap_or(0).max(1)));
        }
    }
    Ok(None)
}

/// Takes as long as [`count_for`] and counts for nobody.
async fn count_nothing(exchange: &Exchange) -> Result<Option<u32>, Failure> {
    exchange.gate.store().meta_get("devices/nobody").await?;
    for (at, (window, _, length)) in OF_ADDRESS.into_iter().chain(OF_STRANGERS).enumerate() {
        let key = format!("code-guess/nobody/{at}/{window}");
        exchange.gate.store().count_attempt(&key, i64::MAX, length, exchange.now.datetime()).await?;
    }
    Ok(None)
}

/// The message to somebody who has to wait.
pub(crate) fn wait_message(retry_after: u32) -> Message {
    Message::from(messages::TOO_MANY_REQUESTS).with("within", Said::Span(f64::from(retry_after)))
}
