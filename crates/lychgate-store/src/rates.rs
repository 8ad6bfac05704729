//! How often something may happen: three ways of counting, as plain arithmetic on whole numbers.
//!
//! Every place that keeps such counts comes to the same result: memory by these functions, SQL and Redis by the same
//! sums in their own languages. All numbers stay below 2^53, since Redis calculates with doubles.

use time::{Duration, OffsetDateTime};

use crate::error::{Result, StoreError};

/// The highest number of a limit.
const MOST: u32 = 1_000_000;
/// The longest time of a limit.
const LONGEST: Duration = Duration::days(366);
/// Parts that a window is divided into when it is weighed.
const PARTS: i64 = 256;

/// How it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Counting {
    /// Windows that the first event opens; each has the whole number.
    Fixed,
    /// Windows by the clock; the one before counts for as much of it as the last `per` still covers.
    Sliding,
    /// The generic cell rate algorithm: what was spent flows back steadily.
    Gcra,
}

/// So many in so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RateRule {
    counting: Counting,
    most: i64,
    /// Microseconds.
    per: i64,
}

/// What is kept under a key. What the numbers mean is the business of [`Counting`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateState {
    /// What was spent in the window.
    pub spent: i64,
    /// What was spent in the window before.
    pub before: i64,
    /// When the window ends, or when all has flowed back; in microseconds since the unix epoch.
    pub edge: i64,
}

/// How things stand under a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateView {
    /// How many more are free now.
    pub left: i64,
    /// When more become free again by themselves.
    pub reset: Duration,
    /// How long to wait until what was asked for is free; zero if it is.
    pub wait: Duration,
}

/// The numbers that a conditional write of a rule needs; see the SQL in `batch/rates.rs`.
#[derive(Debug, Clone, Copy)]
pub struct RateSums {
    /// What is spent; with [`Counting::Gcra`] in microseconds.
    pub cost: i64,
    /// Now, in microseconds since the unix epoch.
    pub now: i64,
    /// The end of the window that is now.
    pub edge: i64,
    /// The longest a window lasts; with [`Counting::Gcra`] how far ahead one may have spent.
    pub span: i64,
    /// The weight of the window before, of 256.
    pub weight: i64,
    /// The highest sum that is admitted.
    pub most: i64,
    /// When it all may be forgotten.
    pub until: i64,
}

pub(crate) fn micros(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

impl RateRule {
    /// At most `most` in each `per`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) unless `most` is between 1 and a million and `per` between a
    /// second and 366 days.
    pub fn new(counting: Counting, most: u32, per: Duration) -> Result<Self> {
        if most == 0 || most > MOST || per < Duration::SECOND || per > LONGEST {
            return Err(StoreError::invalid("a limit is 1 to 1000000 in a second to 366 days"));
        }
        let per = i64::try_from(per.whole_microseconds()).unwrap_or(i64::MAX);
        Ok(Self { counting, most: most.into(), per })
    }

    /// The same numbers, counted in another way.
    #[must_use]
    pub fn counted(self, counting: Counting) -> Self {
        Self { counting, ..self }
    }

    /// How it is counted.
    #[must_use]
    pub fn counting(&self) -> Counting {
        self.counting
    }

    /// How many.
    #[must_use]
    pub fn most(&self) -> i64 {
        self.most
    }

    /// In how long.
    #[must_use]
    pub fn per(&self) -> Duration {
        Duration::microseconds(self.per)
    }

    /// The time in which one flows back.
    fn interval(&self) -> i64 {
        (self.per / self.most).max(1)
    }

    /// What a conditional write needs to spend `cost` now.
    #[must_use]
    pub fn sums(&self, cost: u32, now: OffsetDateTime) -> RateSums {
        let (now, per) = (micros(now), self.per);
        let cost = i64::from(cost.min(MOST));
        match self.counting {
            Counting::Fixed => {
                RateSums { cost, now, edge: now + per, span: per, weight: 0, most: self.most, until: now + per }
            }
            Counting::Sliding => {
                let edge = now.div_euclid(per) * per + per;
                let weight = (edge - now) * PARTS / per;
                RateSums { cost, now, edge, span: per, weight, most: self.most, until: edge + per }
            }
            Counting::Gcra => {
                let (cost, span) = (cost * self.interval(), self.interval() * self.most);
                RateSums { cost, now, edge: now + cost, span, weight: 0, most: span, until: now + span }
            }
        }
    }

    /// Whether `cost` is free, and the state after it is spent or refused.
    #[must_use]
    pub fn spend(&self, state: Option<RateState>, cost: u32, now: OffsetDateTime) -> (bool, RateState) {
        let sums = self.sums(cost, now);
        let state = self.as_of(state, &sums);
        match self.counting {
            Counting::Gcra => {
                let edge = state.edge + sums.cost;
                if edge > sums.now + sums.span { (false, state) } else { (true, RateState { edge, ..state }) }
            }
            Counting::Fixed | Counting::Sliding => {
                let admitted = state.spent + weighed(&state, &sums) + sums.cost <= sums.most;
                let spent = state.spent + if admitted { sums.cost } else { 0 };
                (admitted, RateState { spent, ..state })
            }
        }
    }

    /// What is left, and how long to wait for `cost`.
    #[must_use]
    pub fn view(&self, state: Option<RateState>, cost: u32, now: OffsetDateTime) -> RateView {
        let sums = self.sums(cost, now);
        let state = self.as_of(state, &sums);
        let after = |micros: i64| Duration::microseconds(micros.max(0));
        match self.counting {
            Counting::Gcra => {
                let ahead = state.edge - sums.now;
                let left = (sums.span - ahead) / self.interval();
                RateView { left, reset: after(ahead), wait: after(ahead + sums.cost - sums.span) }
            }
            Counting::Fixed => {
                let left = sums.most - state.spent;
                let reset = if state.spent == 0 { 0 } else { state.edge - sums.now };
                RateView { left, reset: after(reset), wait: after(if left >= sums.cost { 0 } else { reset }) }
            }
            Counting::Sliding => {
                let left = (sums.most - state.spent - weighed(&state, &sums)).max(0);
                let to_edge = state.edge - sums.now;
                let wait = if left >= sums.cost {
                    0
                } else if state.spent + sums.cost <= sums.most {
                    to_edge - self.light_enough(state.before, sums.most - state.spent - sums.cost)
                } else {
                    to_edge + self.per - self.light_enough(state.spent, sums.most - sums.cost)
                };
                let reset = if state.spent + state.before == 0 { 0 } else { to_edge };
                RateView { left, reset: after(reset), wait: after(wait) }
            }
        }
    }

    /// How long before the end of a window a former one that holds `before` weighs no more than `room`.
    fn light_enough(&self, before: i64, room: i64) -> i64 {
        if before <= 0 || room < 0 {
            return if room < 0 { 0 } else { self.per };
        }
        let parts = (room * PARTS / before).min(PARTS);
        if parts == PARTS {
            return self.per;
        }
        ((parts + 1) * self.per + PARTS - 1) / PARTS - 1
    }

    /// The state at this moment: windows that are over count no more, whichever way the clock went.
    fn as_of(&self, state: Option<RateState>, sums: &RateSums) -> RateState {
        let (now, span) = (sums.now, sums.span);
        match (self.counting, state) {
            (Counting::Gcra, state) => {
                let edge = state.map_or(now, |state| state.edge).clamp(now, now + span);
                RateState { spent: 0, before: 0, edge }
            }
            (Counting::Fixed, Some(state)) if state.edge > now && state.edge <= now + span => state,
            // Another process, whose clock is a little ahead, has begun the next one.
            (Counting::Sliding, Some(state)) if state.edge == sums.edge || state.edge == sums.edge + span => state,
            (Counting::Sliding, Some(state)) if state.edge == sums.edge - span => {
                RateState { spent: 0, before: state.spent, edge: sums.edge }
            }
            _ => RateState { spent: 0, before: 0, edge: sums.edge },
        }
    }
}

/// What the window before still counts for.
fn weighed(state: &RateState, sums: &RateSums) -> i64 {
    let weight = if state.edge == sums.edge { sums.weight } else { PARTS };
    (state.before * weight + PARTS - 1) / PARTS
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_750_000_000 / 60 * 60 + seconds).unwrap()
    }

    /// Spends one at each of these seconds and says which were admitted.
    fn admitted(counting: Counting, most: u32, seconds: &[i64]) -> Vec<bool> {
        let rule = RateRule::new(counting, most, Duration::MINUTE).unwrap();
        let mut state = None;
        let mut all = Vec::new();
        for second in seconds {
            let (yes, after) = rule.spend(state, 1, at(*second));
            state = Some(after);
            all.push(yes);
        }
        all
    }

    #[test]
    fn each_way_of_counting() {
        let (yes, no) = (true, false);
        assert_eq!(admitted(Counting::Fixed, 2, &[50, 51, 52, 109, 110, 111, 112]), [yes, yes, no, no, yes, yes, no]);
        // Two in the minute before weigh 2 at first, 1 from its half on, and 0 at the end.
        assert_eq!(
            admitted(Counting::Sliding, 2, &[50, 51, 52, 60, 89, 90, 91, 149]),
            [yes, yes, no, no, no, yes, no, yes]
        );
        assert_eq!(
            admitted(Counting::Gcra, 2, &[0, 0, 0, 29, 30, 31, 60, 120, 120, 120]),
            [yes, yes, no, no, yes, no, yes, yes, yes, no]
        );
    }

    #[test]
    fn who_waits_as_long_as_told_is_admitted_and_not_a_moment_earlier() {
        for counting in [Counting::Fixed, Counting::Sliding, Counting::Gcra] {
            for (most, offset) in [(1, 0), (3, 7), (7, 31), (20, 59), (100, 1)] {
                let rule = RateRule::new(counting, most, Duration::MINUTE).unwrap();
                let (mut state, mut now) = (None, at(offset));
                for step in 0..300 {
                    let wait = rule.view(state, 1, now).wait;
                    let (yes, after) = rule.spend(state, 1, now);
                    assert_eq!(yes, wait == Duration::ZERO, "{counting:?} {most} step {step}");
                    if yes {
                        state = Some(after);
                        now += Duration::milliseconds(i64::from(step % 17) * 100);
                        continue;
                    }
                    let early = now + wait - Duration::microseconds(1);
                    assert!(!rule.spend(state, 1, early).0, "{counting:?} {most} step {step}: {wait} is too long");
                    now += wait;
                    assert!(rule.spend(state, 1, now).0, "{counting:?} {most} step {step}: {wait} is too short");
                }
            }
        }
    }

    #[test]
    fn a_clock_that_goes_back_locks_nobody_out() {
        for counting in [Counting::Fixed, Counting::Sliding, Counting::Gcra] {
            let rule = RateRule::new(counting, 1, Duration::MINUTE).unwrap();
            let (_, state) = rule.spend(None, 1, at(86_400));
            assert!(rule.view(Some(state), 1, at(0)).wait <= Duration::MINUTE, "{counting:?}");
        }
    }

    #[test]
    fn odd_rules() {
        for (most, per) in [(0, Duration::MINUTE), (MOST + 1, Duration::MINUTE), (1, Duration::ZERO)] {
            assert!(RateRule::new(Counting::Gcra, most, per).is_err());
        }
        let rule = RateRule::new(Counting::Gcra, MOST, Duration::SECOND).unwrap();
        assert_eq!(rule.view(None, 1, at(0)).left, i64::from(MOST));
        let rule = RateRule::new(Counting::Fixed, 5, Duration::MINUTE).unwrap();
        assert!(!rule.spend(None, u32::MAX, at(0)).0, "what costs more than there is");
    }
}
