//! Wrong passwords in a row: each makes the next try wait longer, and nobody can lock somebody else out with them.
//!
//! Three counts that do not touch each other: of an account and one address, of an account and all strangers, and of a
//! browser in which the account was used before or somebody who is signed in. A name that nobody has is counted like an
//! account. Passkeys and codes are not concerned; codes have counts of their own.

use lychgate_store::{Batch, ErrorKind, RateState, User};
use time::{Duration, OffsetDateTime};

use super::{authenticate, unlock};
use crate::{
    clock::Moment,
    failure::Failure,
    gate::Lychgate,
    limits::{ceil_seconds, network, short},
    settings::{Settings, Source},
    web::exchange::Exchange,
};

/// How often it is tried to be counted, where others try at the same moment.
const TRIES: usize = 8;

/// A try that was begun; it has to be ended.
#[must_use]
pub(crate) struct Attempt {
    counts: Vec<Count>,
    /// Whether it is counted already.
    charged: bool,
}

/// One of the counts that a try is under.
struct Count {
    key: String,
    /// How many wrong ones cost nothing.
    free: i64,
    /// Whether a right one ends it.
    is_own: bool,
    seen: Option<RateState>,
}

/// Whether wrong passwords are counted: as `limits.lockout` says, and where nothing is said, where limits are on.
pub(crate) fn is_on(settings: &Settings) -> bool {
    let is_said = *settings.source("limits.lockout") != Source::Default;
    settings.flag("limits.lockout") || !is_said && settings.flag("limits.enabled")
}

/// What all counts of an account begin with.
fn of_account(user_id: i64) -> String {
    format!("wrong/password/user/{user_id}/")
}

/// Forgets all wrong passwords of an account, as a step of a batch.
pub(super) fn forgive(batch: &mut Batch, user_id: i64) {
    batch.forget_attempts(&of_account(user_id));
}

/// The same; the batch fails if there are none.
pub(super) fn forgive_some(batch: &mut Batch, user_id: i64) {
    batch.forget_some_attempts(&of_account(user_id));
}

/// Until when the next password for an account is not looked at, for whoever waits longest; a time that is past where the
/// next wrong one brings another wait. Nothing where nobody has to wait.
pub(crate) async fn waits_until(gate: &Lychgate, user_id: i64) -> Result<Option<OffsetDateTime>, Failure> {
    let settings = gate.settings();
    if !is_on(settings) {
        return Ok(None);
    }
    let now = micros(Moment::of(gate.clock()).datetime());
    let (first, longest) = (span(settings, "limits.lockout_delay"), span(settings, "limits.lockout_longest"));
    let counts = gate.store().attempts(&of_account(user_id)).await?;
    let ends = counts.into_iter().filter(|(_, state)| state.edge > now).filter_map(|(key, state)| {
        let free =
            settings.int(if key.ends_with("/all") { "limits.lockout_after_all" } else { "limits.lockout_after" });
        let last = OffsetDateTime::from_unix_timestamp_nanos(i128::from(state.before) * 1000).ok()?;
        (state.spent >= free).then(|| last.saturating_add(wait_after(state.spent, free, first, longest)))
    });
    Ok(ends.max())
}

fn span(settings: &Settings, name: &str) -> Duration {
    let seconds = settings.duration(name).map_or(0, |span| span.as_secs());
    Duration::seconds(seconds.clamp(0, 366 * 86_400))
}

fn micros(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

/// Microseconds since the last try. One that is farther ahead than anybody waits was made by a clock that went wrong.
fn since(now: i64, before: i64, longest: Duration) -> i64 {
    let longest = i64::try_from(longest.whole_microseconds()).unwrap_or(i64::MAX);
    match now.saturating_sub(before) {
        ahead if ahead < -longest => longest,
        since => since.max(0),
    }
}

/// The wait after so many wrong ones: it doubles.
fn wait_after(wrong: i64, free: i64, first: Duration, longest: Duration) -> Duration {
    if wrong < free {
        return Duration::ZERO;
    }
    let doublings = u32::try_from(wrong - free).unwrap_or(u32::MAX).min(20);
    first.checked_mul(1_i32 << doublings).unwrap_or(longest).min(longest)
}

/// Compares a password that is typed for `name`; as [`authenticate::password_matches`], and counted. `false` for nobody.
pub(crate) async fn password_is_right(
    exchange: &Exchange,
    user: Option<&User>,
    name: &str,
    password: &str,
) -> Result<bool, Failure> {
    let attempt = exchange.begin_attempt(user, name).await?;
    let matches = authenticate::password_matches(&exchange.gate, user, password, exchange.now).await;
    match matches {
        Ok(true) if user.is_some() => {
            exchange.was_right(attempt).await?;
            Ok(true)
        }
        Ok(_) => {
            exchange.was_wrong(attempt, user).await?;
            Ok(false)
        }
        Err(failure) => {
            // It was not looked at.
            exchange.withdraw(attempt).await?;
            Err(failure)
        }
    }
}

impl Exchange {
    fn lockout_span(&self, name: &str) -> Duration {
        span(self.gate.settings(), name)
    }

    /// The counts that this try is under.
    async fn counts_of(&self, user: Option<&User>, name: &str) -> Result<Vec<Count>, Failure> {
        let settings = self.gate.settings();
        let (free, of_strangers) = (settings.int("limits.lockout_after"), settings.int("limits.lockout_after_all"));
        let from = network(self.address());
        let count = |key: String, free: i64, is_own: bool| Count { key, free, is_own, seen: None };
        let Some(user) = user else {
            // As [`is_known_device`](Exchange::is_known_device) looks.
            self.gate.store().meta_get("devices/nobody").await?;
            let folded = short(&authenticate::folded(&self.gate, name));
            let of_name = format!("wrong/password/name/{folded}/");
            return Ok(vec![
                count(format!("{of_name}{from}"), free, true),
                count(format!("{of_name}all"), of_strangers, false),
            ]);
        };
        let known = self.is_known_device(user).await?;
        let of_user = of_account(user.id);
        let session = self.by_session.get().and_then(Option::as_ref);
        if session.is_some_and(|who| who.user.id == user.id) {
            return Ok(vec![count(format!("{of_user}signed-in"), free, true)]);
        }
        if known {
            return Ok(vec![count(format!("{of_user}known"), free, true)]);
        }
        Ok(vec![count(format!("{of_user}{from}"), free, true), count(format!("{of_user}all"), of_strangers, false)])
    }

    /// Looks whether a password may be tried now. From the first wait on a try is counted before it is made, so that of
    /// many at once one is made.
    pub(crate) async fn begin_attempt(&self, user: Option<&User>, name: &str) -> Result<Attempt, Failure> {
        if !is_on(self.gate.settings()) {
            return Ok(Attempt { counts: Vec::new(), charged: false });
        }
        let mut counts = self.counts_of(user, name).await?;
        let (store, now) = (self.gate.store(), self.now.datetime());
        let (first, longest) = (self.lockout_span("limits.lockout_delay"), self.lockout_span("limits.lockout_longest"));
        for _ in 0..TRIES {
            let mut wait = Duration::ZERO;
            let mut near = false;
            for count in &mut counts {
                count.seen = store.rate(&count.key).await?.filter(|state| state.edge > micros(now));
                let Some(state) = count.seen else { continue };
                near |= state.spent >= count.free;
                let since = Duration::microseconds(since(micros(now), state.before, longest));
                wait = wait.max(wait_after(state.spent, count.free, first, longest) - since);
            }
            if wait.is_positive() {
                tracing::info!(user_id = user.map(|user| user.id), "a password was not looked at: too many were wrong");
                return Err(Failure::TooMany { retry_after: ceil_seconds(wait).max(1) });
            }
            if !near {
                return Ok(Attempt { counts, charged: false });
            }
            match self.charge(&counts, true).await {
                Ok(()) => return Ok(Attempt { counts, charged: true }),
                Err(error) if matches!(error.kind(), ErrorKind::Unmet(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::TooMany { retry_after: 1 })
    }

    async fn charge(&self, counts: &[Count], only_as_seen: bool) -> lychgate_store::Result<()> {
        let mut batch = self.gate.store().batch();
        self.note_attempts(&mut batch, counts, only_as_seen);
        self.gate.store().commit(batch).await.map(drop)
    }

    /// Counts a try, as steps of a batch.
    fn note_attempts(&self, batch: &mut Batch, counts: &[Count], only_as_seen: bool) {
        let now = self.now.datetime();
        let until = now.saturating_add(self.lockout_span("limits.lockout_within"));
        for count in counts {
            let seen = only_as_seen.then_some(count.seen);
            batch.note_attempt(&count.key, seen, now, until);
        }
    }

    /// Takes a try back that was none.
    pub(crate) async fn withdraw(&self, attempt: Attempt) -> Result<(), Failure> {
        if attempt.charged {
            let mut batch = self.gate.store().batch();
            for count in &attempt.counts {
                batch.take_back_attempt(&count.key);
            }
            self.gate.store().commit(batch).await?;
        }
        Ok(())
    }

    /// The password was right. It ends the count of its own address or browser, and no other: what strangers did stays.
    pub(crate) async fn was_right(&self, attempt: Attempt) -> Result<(), Failure> {
        self.was_in_time(&attempt, 0).await?;
        let mut batch = self.gate.store().batch();
        let mut any = false;
        for count in &attempt.counts {
            match (count.is_own, attempt.charged, count.seen.is_some()) {
                (true, charged, seen) if charged || seen => {
                    batch.forget_rate(&count.key);
                }
                (false, true, _) => {
                    batch.take_back_attempt(&count.key);
                }
                _ => continue,
            }
            any = true;
        }
        if any {
            self.gate.store().commit(batch).await?;
        }
        Ok(())
    }

    /// The password was wrong. When so many were that all strangers wait, the owner gets a mail, which is entered with the
    /// count or not at all.
    pub(crate) async fn was_wrong(&self, attempt: Attempt, user: Option<&User>) -> Result<(), Failure> {
        let strangers = attempt.counts.iter().find(|count| !count.is_own);
        let is_many = strangers.is_some_and(|count| count.seen.map_or(0, |seen| seen.spent) + 1 >= count.free);
        let uncharged: &[Count] = if attempt.charged { &[] } else { &attempt.counts };
        let is_told = is_many && unlock::tell(self, user, |batch| self.note_attempts(batch, uncharged, false)).await?;
        if !is_told && !uncharged.is_empty() {
            self.charge(uncharged, false).await?;
        }
        self.was_in_time(&attempt, 1).await
    }

    /// Refuses to say what came of a try if so many others were wrong while it was looked at that it would not have been;
    /// else of many at once all would be answered. `own` is what this one adds to the counts.
    async fn was_in_time(&self, attempt: &Attempt, own: i64) -> Result<(), Failure> {
        if attempt.charged {
            return Ok(());
        }
        let now = micros(self.now.datetime());
        for count in &attempt.counts {
            let state = self.gate.store().rate(&count.key).await?.filter(|state| state.edge > now);
            if state.is_some_and(|state| state.spent - own >= count.free) {
                let wait = self.lockout_span("limits.lockout_delay");
                return Err(Failure::TooMany { retry_after: ceil_seconds(wait).max(1) });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_goes_back_keeps_nobody_waiting() {
        let since = |now: i64, before: i64| since(now, before, Duration::microseconds(900));
        assert_eq!((since(1000, 400), since(1000, 1000)), (600, 0));
        assert_eq!((since(1000, 1900), since(1000, 1901)), (0, 900), "another machine may be a little ahead");
        assert_eq!(since(0, i64::MAX), 900);
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let after = |wrong| wait_after(wrong, 5, Duration::seconds(15), Duration::minutes(15)).whole_seconds();
        let waits: Vec<i64> = [0, 4, 5, 6, 7, 10, 11, 12, 1_000, i64::MAX].map(after).to_vec();
        assert_eq!(waits, [0, 0, 15, 30, 60, 480, 900, 900, 900, 900]);
    }
}
