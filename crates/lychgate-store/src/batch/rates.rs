//! The batch step that spends of a rate: the sums of `rates.rs` as one conditional write.

use time::OffsetDateTime;

use super::{Batch, Expect};
use crate::error::StoreError;
use crate::rates::{Counting, RateRule, RateState, RateSums, micros};
use crate::sql::Statement;

/// A window that is over begins anew.
const FIXED: &str = "INSERT INTO lychgate_rates (key, spent, former, edge, until) VALUES ($1, $2, 0, $4, $4) \
     ON CONFLICT (key) DO UPDATE SET \
     spent = CASE WHEN lychgate_rates.edge <= $3 OR lychgate_rates.edge > $4 THEN excluded.spent \
     ELSE lychgate_rates.spent + excluded.spent END, \
     edge = CASE WHEN lychgate_rates.edge <= $3 OR lychgate_rates.edge > $4 THEN excluded.edge \
     ELSE lychgate_rates.edge END, until = excluded.until \
     WHERE lychgate_rates.edge <= $3 OR lychgate_rates.edge > $4 OR lychgate_rates.spent + excluded.spent <= $5";

/// `$3` is the end of this window, `$4` of the next one, `$5` of the one before.
const SLIDING: &str = "INSERT INTO lychgate_rates (key, spent, former, edge, until) VALUES ($1, $2, 0, $3, $8) \
     ON CONFLICT (key) DO UPDATE SET \
     former = CASE WHEN lychgate_rates.edge = $3 OR lychgate_rates.edge = $4 THEN lychgate_rates.former \
     WHEN lychgate_rates.edge = $5 THEN lychgate_rates.spent ELSE 0 END, \
     spent = CASE WHEN lychgate_rates.edge = $3 OR lychgate_rates.edge = $4 \
     THEN lychgate_rates.spent + excluded.spent ELSE excluded.spent END, \
     edge = CASE WHEN lychgate_rates.edge = $4 THEN lychgate_rates.edge ELSE excluded.edge END, \
     until = excluded.until \
     WHERE excluded.spent + CASE \
     WHEN lychgate_rates.edge = $3 THEN lychgate_rates.spent + (lychgate_rates.former * $6 + 255) / 256 \
     WHEN lychgate_rates.edge = $4 THEN lychgate_rates.spent + lychgate_rates.former \
     WHEN lychgate_rates.edge = $5 THEN (lychgate_rates.spent * $6 + 255) / 256 ELSE 0 END <= $7";

/// `$3` is now, `$4` the farthest that one may have spent ahead.
const GCRA: &str = "INSERT INTO lychgate_rates (key, spent, former, edge, until) VALUES ($1, 0, 0, $5, $4) \
     ON CONFLICT (key) DO UPDATE SET \
     edge = $2 + CASE WHEN lychgate_rates.edge <= $3 THEN $3 WHEN lychgate_rates.edge > $4 THEN $4 \
     ELSE lychgate_rates.edge END, until = excluded.until \
     WHERE $2 + CASE WHEN lychgate_rates.edge <= $3 THEN $3 WHEN lychgate_rates.edge > $4 THEN $4 \
     ELSE lychgate_rates.edge END <= $4";

/// Another try, whatever was before.
const TRIED: &str = "INSERT INTO lychgate_rates (key, spent, former, edge, until) VALUES ($1, 1, $2, $3, $3) \
     ON CONFLICT (key) DO UPDATE SET \
     spent = CASE WHEN lychgate_rates.edge <= excluded.former THEN 1 ELSE lychgate_rates.spent + 1 END, \
     former = excluded.former, edge = excluded.edge, until = excluded.until";

/// The first one, or the first since the former were forgotten.
const TRIED_FIRST: &str = "INSERT INTO lychgate_rates (key, spent, former, edge, until) VALUES ($1, 1, $2, $3, $3) \
     ON CONFLICT (key) DO UPDATE SET spent = 1, former = excluded.former, edge = excluded.edge, \
     until = excluded.until WHERE lychgate_rates.edge <= excluded.former";

/// One more than was seen.
const TRIED_AGAIN: &str = "UPDATE lychgate_rates SET spent = spent + 1, former = $2, edge = $3, until = $3 \
     WHERE key = $1 AND spent = $4 AND former = $5";

/// The pattern of all keys that begin with `prefix`.
pub(crate) fn below(prefix: &str) -> String {
    let plain = prefix.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '/');
    plain.chain(['%']).collect()
}

impl Batch {
    pub(crate) fn spend(&mut self, key: &str, rule: &RateRule, sums: &RateSums, expect: Expect) -> &mut Self {
        self.step(|batch| {
            if key.is_empty() || key.len() > 256 {
                return Err(StoreError::invalid("the key of a rate is empty or too long"));
            }
            let RateSums { cost, now, edge, span, weight, most, until } = *sums;
            let statement = match rule.counting() {
                Counting::Fixed => {
                    Statement::new(FIXED, vec![key.into(), cost.into(), now.into(), edge.into(), most.into()])
                }
                Counting::Sliding => Statement::new(
                    SLIDING,
                    vec![
                        key.into(),
                        cost.into(),
                        edge.into(),
                        (edge + span).into(),
                        (edge - span).into(),
                        weight.into(),
                        most.into(),
                        until.into(),
                    ],
                ),
                Counting::Gcra => {
                    Statement::new(GCRA, vec![key.into(), cost.into(), now.into(), (now + span).into(), edge.into()])
                }
            };
            batch.push(statement, expect);
            Ok(())
        })
    }

    /// Counts a try under a key, at `now`, to be kept until `until`; what was kept until before now counts no more. In a
    /// [`RateState`] of such a count `spent` are the tries, `before` is when the last was, and `edge` until when it counts.
    ///
    /// With `seen` the batch fails unless the count is still what was seen.
    pub fn note_attempt(
        &mut self,
        key: &str,
        seen: Option<Option<RateState>>,
        now: OffsetDateTime,
        until: OffsetDateTime,
    ) -> &mut Self {
        let (now, until) = (micros(now), micros(until));
        let (statement, expect) = match seen {
            None => (Statement::new(TRIED, vec![key.into(), now.into(), until.into()]), Expect::Any),
            Some(None) => (Statement::new(TRIED_FIRST, vec![key.into(), now.into(), until.into()]), Expect::One),
            Some(Some(state)) => (
                Statement::new(
                    TRIED_AGAIN,
                    vec![key.into(), now.into(), until.into(), state.spent.into(), state.before.into()],
                ),
                Expect::One,
            ),
        };
        self.step(|batch| {
            if key.is_empty() || key.len() > 256 {
                return Err(StoreError::invalid("the key of a rate is empty or too long"));
            }
            batch.push(statement, expect);
            Ok(())
        })
    }

    /// Takes back a try that was counted.
    pub fn take_back_attempt(&mut self, key: &str) -> &mut Self {
        let sql = "UPDATE lychgate_rates SET spent = spent - 1 WHERE key = $1 AND spent > 0";
        self.simple(Statement::new(sql, vec![key.into()]), Expect::Any)
    }

    /// Forgets all counts whose keys begin with `prefix`, which holds letters, digits and `/` only.
    pub fn forget_attempts(&mut self, prefix: &str) -> &mut Self {
        self.forget_below(prefix, Expect::Any)
    }

    /// The same; the batch fails if there are none.
    pub fn forget_some_attempts(&mut self, prefix: &str) -> &mut Self {
        self.forget_below(prefix, Expect::Some)
    }

    fn forget_below(&mut self, prefix: &str, expect: Expect) -> &mut Self {
        let sql = "DELETE FROM lychgate_rates WHERE key LIKE $1";
        self.simple(Statement::new(sql, vec![below(prefix).into()]), expect)
    }

    /// Forgets what was spent under a key.
    pub fn forget_rate(&mut self, key: &str) -> &mut Self {
        self.simple(Statement::new("DELETE FROM lychgate_rates WHERE key = $1", vec![key.into()]), Expect::Any)
    }
}
