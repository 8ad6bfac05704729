//! The batch step that spends of a rate: the sums of `rates.rs` as one conditional write.

use super::{Batch, Expect};
use crate::error::StoreError;
use crate::rates::{Counting, RateRule, RateSums};
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

    /// Forgets what was spent under a key.
    pub fn forget_rate(&mut self, key: &str) -> &mut Self {
        self.simple(Statement::new("DELETE FROM lychgate_rates WHERE key = $1", vec![key.into()]), Expect::Any)
    }
}
