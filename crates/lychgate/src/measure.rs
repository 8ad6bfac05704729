//! Figures for whoever watches over a running application, through the `metrics` crate.
//!
//! An application installs any recorder of that crate; without one, what is here costs next to nothing. Labels are words
//! of the program, methods, statuses and route templates. Nothing that a client sends becomes a label, so neither does
//! anything personal, and the number of series is bounded whatever is asked for.

use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use lychgate_store::OutboxState;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::{events::Event, failure::Failure, gate::Lychgate};

const REQUESTS: &str = "lychgate_requests_total";
const REQUEST_SECONDS: &str = "lychgate_request_seconds";
const REFUSALS: &str = "lychgate_refusals_total";
const LIMITS: &str = "lychgate_limits_hit_total";
const SIGN_INS: &str = "lychgate_sign_ins_total";
const FAILURES: &str = "lychgate_sign_in_failures_total";
const SECOND_FACTORS: &str = "lychgate_second_factors_total";
const PROVED_AGAIN: &str = "lychgate_proved_again_total";
const SIGN_OUTS: &str = "lychgate_sign_outs_total";
const ACCOUNT_STATES: &str = "lychgate_account_state_changes_total";
const SESSIONS_BEGUN: &str = "lychgate_sessions_begun_total";
const SESSIONS_ENDED: &str = "lychgate_sessions_ended_total";
const HASH_SECONDS: &str = "lychgate_hashing_seconds";
const HASH_WAIT_SECONDS: &str = "lychgate_hashing_wait_seconds";
const HASH_QUEUE: &str = "lychgate_hashing_queue";
const HASH_REFUSED: &str = "lychgate_hashing_refused_total";
const MESSAGES: &str = "lychgate_messages_total";
const OUTBOX: &str = "lychgate_outbox";
const CACHE: &str = "lychgate_cache_lookups_total";
const DATABASE_ERRORS: &str = "lychgate_database_errors_total";
const DATABASE_UP: &str = "lychgate_database_up";

/// The histograms of times in seconds and their buckets, for exporters that want to be told.
const BUCKETS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

impl Lychgate {
    /// Says to the installed recorder what each figure means.
    pub fn describe_metrics(&self) {
        describe_counter!(REQUESTS, "Requests, by method, route template and status");
        describe_histogram!(REQUEST_SECONDS, Unit::Seconds, "How long requests took, by route template");
        describe_counter!(REFUSALS, "Requests that were refused, by reason");
        describe_counter!(LIMITS, "Requests that met a limit, by its name");
        describe_counter!(SIGN_INS, "Sign-ins, by mechanism");
        describe_counter!(FAILURES, "Sign-ins and proofs that failed, by mechanism and reason");
        describe_counter!(SECOND_FACTORS, "Second factors that were proved, by mechanism");
        describe_counter!(PROVED_AGAIN, "Fresh proofs of who somebody is");
        describe_counter!(SIGN_OUTS, "Sign-outs");
        describe_counter!(ACCOUNT_STATES, "Changes of what is with accounts, by what is with them now");
        describe_counter!(SESSIONS_BEGUN, "Sessions that began, since this process started, in this process");
        describe_counter!(SESSIONS_ENDED, "Sessions that were ended before their time, in this process");
        describe_histogram!(HASH_SECONDS, Unit::Seconds, "How long password hashing took, without the wait");
        describe_histogram!(HASH_WAIT_SECONDS, Unit::Seconds, "How long it waited for a thread");
        describe_gauge!(HASH_QUEUE, "Password hashes that are computed or wait");
        describe_counter!(HASH_REFUSED, "Requests that were refused because too many password hashes wait");
        describe_counter!(MESSAGES, "Attempts to send mails and text messages, by kind and outcome");
        describe_gauge!(OUTBOX, "Messages in the outbox, by state, counted up to 1000");
        describe_counter!(CACHE, "Look-ups in the cache of records, by kind of record and result");
        describe_counter!(DATABASE_ERRORS, "Requests that the database did not answer, by reason");
        describe_gauge!(DATABASE_UP, "Whether the database answered when this was asked for");
    }

    /// Upper bounds, in seconds, that suit the histograms here, whose names end with `_seconds`.
    #[must_use]
    pub fn metric_buckets() -> &'static [f64] {
        &BUCKETS
    }

    /// Records what is looked up rather than counted: outbox, cache, sessions, whether the database answers. To be called
    /// before the figures are read; whoever reads them is not kept waiting for longer than `patience`.
    pub async fn measure(&self, patience: Duration) {
        let counts = self.store().counts();
        for (kind, hits, misses) in counts.cache {
            counter!(CACHE, "kind" => kind, "result" => "hit").absolute(hits);
            counter!(CACHE, "kind" => kind, "result" => "miss").absolute(misses);
        }
        counter!(SESSIONS_BEGUN).absolute(counts.sessions_begun);
        counter!(SESSIONS_ENDED).absolute(counts.sessions_ended);
        let asked = async {
            for state in [OutboxState::Waiting, OutboxState::Dead] {
                #[expect(clippy::cast_precision_loss, reason = "at most 1000")]
                let count = self.store().count_outbox(state).await? as f64;
                gauge!(OUTBOX, "state" => state.as_str()).set(count);
            }
            Ok::<(), lychgate_store::StoreError>(())
        };
        let answered = matches!(tokio::time::timeout(patience, asked).await, Ok(Ok(())));
        gauge!(DATABASE_UP).set(if answered { 1.0 } else { 0.0 });
    }
}

/// Counts what is told by events.
pub(crate) fn hear(gate: &Lychgate) {
    gate.events().on(|event| match event {
        Event::UserAuthenticated { via, .. } => counter!(SIGN_INS, "mechanism" => *via).increment(1),
        Event::SecondFactorConfirmed { via, .. } => counter!(SECOND_FACTORS, "mechanism" => *via).increment(1),
        Event::UserReauthenticated { .. } => counter!(PROVED_AGAIN).increment(1),
        Event::UserSignedOut { .. } => counter!(SIGN_OUTS).increment(1),
        Event::AccountStateChanged { status, .. } => counter!(ACCOUNT_STATES, "state" => status.word()).increment(1),
        _ => {}
    });
}

/// A proof that failed; whether the account is known goes to whoever may see figures, never to the client.
pub(crate) fn failed(mechanism: &'static str, known: bool) {
    let reason = if known { "wrong" } else { "unknown_account" };
    counter!(FAILURES, "mechanism" => mechanism, "reason" => reason).increment(1);
}

/// A request that is done. `route` is a template; nothing is a path that is no route.
pub(crate) fn request(method: &Method, route: Option<&str>, status: StatusCode, began: Instant) {
    let route = route.unwrap_or("none").to_owned();
    histogram!(REQUEST_SECONDS, "route" => route.clone()).record(began.elapsed().as_secs_f64());
    let labels = [("method", method_name(method).to_owned()), ("route", route), ("status", status.as_str().to_owned())];
    counter!(REQUESTS, &labels).increment(1);
}

/// A method as label; those that clients make up are one.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// A request that stops here.
pub(crate) fn refused(failure: &Failure) {
    let reason = match failure {
        Failure::Unauthenticated { .. } | Failure::SignInAt(_) => "unauthenticated",
        Failure::NotFresh | Failure::NeedsProof(_) => "not_fresh",
        Failure::Forbidden { .. } => "forbidden",
        Failure::Stopped(_) => "account_stopped",
        Failure::AlreadySignedIn => "signed_in",
        Failure::Challenge(_) => "challenge",
        Failure::Form(_) => "form",
        Failure::Csrf(_) => "csrf",
        Failure::Bad { .. } | Failure::Said { .. } => "bad_request",
        Failure::Busy { .. } => "busy",
        Failure::TooMany { .. } => "limited",
        Failure::Internal(_) | Failure::MissingLayer => "internal",
    };
    counter!(REFUSALS, "reason" => reason).increment(1);
}

/// A request that met a limit; its name is a word of the program or of the application.
pub(crate) fn limit_hit(limit: &str) {
    counter!(LIMITS, "limit" => limit.to_owned()).increment(1);
}

/// A hash that was computed.
pub(crate) fn hashed(waited: Duration, took: Duration) {
    histogram!(HASH_WAIT_SECONDS).record(waited.as_secs_f64());
    histogram!(HASH_SECONDS).record(took.as_secs_f64());
}

/// How many hashes are computed or wait.
pub(crate) fn hashing_queue(length: usize) {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    gauge!(HASH_QUEUE).set(length as f64);
}

/// A hash that was not begun, as the line is full.
pub(crate) fn hashing_refused() {
    counter!(HASH_REFUSED).increment(1);
}

/// How an attempt to send ended: `sent`, `retried` or `given_up`; `held` where none was made, as a limit is reached.
pub(crate) fn message(kind: &str, outcome: &'static str) {
    let kind = if kind == "sms" || kind == "text message" { "text" } else { "mail" };
    counter!(MESSAGES, "kind" => kind, "outcome" => outcome).increment(1);
}

/// A request that the database did not answer.
pub(crate) fn database_error(reason: &'static str) {
    counter!(DATABASE_ERRORS, "reason" => reason).increment(1);
}
