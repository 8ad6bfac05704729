//! Replies at even times, where the time of a reply must not tell who has an account.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::by_email::is_generic;
use crate::web::exchange::Exchange;

/// Replies leave at multiples of this; well above what making a link and writing a mail down takes.
const STEP: Duration = Duration::from_millis(50);

/// Does the work; where replies must not tell who has an account, its outcome waits for the next even time.
pub(crate) async fn evenly<T>(exchange: &Exchange, work: impl Future<Output = T>) -> T {
    if is_generic(exchange) { in_steps(STEP, work).await } else { work.await }
}

async fn in_steps<T>(step: Duration, work: impl Future<Output = T>) -> T {
    // The machine's clock, not the one that is handed in: this is about what a watch outside shows.
    let began = Instant::now();
    let done = work.await;
    let steps = began.elapsed().as_nanos() / step.as_nanos() + 1;
    sleep_until(began + step.saturating_mul(u32::try_from(steps).unwrap_or(u32::MAX))).await;
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_outcome_is_out_before_its_step() {
        let began = Instant::now();
        assert_eq!(in_steps(STEP, async { 7 }).await, 7);
        assert!(began.elapsed() >= STEP);
        let began = Instant::now();
        in_steps(STEP, tokio::time::sleep(STEP + Duration::from_millis(1))).await;
        assert!(began.elapsed() >= STEP * 2, "work that takes longer waits for the step after");
    }
}
