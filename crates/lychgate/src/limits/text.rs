//! Limits as people write them: `10 per minute; 100 per day`, in the spelling of Flask-Limiter.

use lychgate_store::{Counting, RateRule};
use time::Duration;

/// A text that should be a limit.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no limit; write for instance \"10 per minute; 100 per day\"")]
pub struct NotALimit(pub(crate) String);

/// The most limits that one text may hold.
const MOST: usize = 8;

/// Reads limits that `;`, `,` or `|` separate: `10/minute`, `10 per minute`, `1 per 2 hours`.
///
/// # Errors
///
/// If it is anything else, or nothing.
pub(crate) fn parse(text: &str, counting: Counting) -> Result<Vec<RateRule>, NotALimit> {
    let wrong = || NotALimit(text.chars().take(80).collect());
    let parts = text.split([';', ',', '|']).map(str::trim).filter(|part| !part.is_empty());
    let rules: Option<Vec<RateRule>> = parts.map(|part| one(part, counting)).collect();
    rules.filter(|rules| !rules.is_empty() && rules.len() <= MOST).ok_or_else(wrong)
}

fn one(text: &str, counting: Counting) -> Option<RateRule> {
    let (most, rest) = number(text)?;
    let rest = rest.trim_start();
    let rest = rest.strip_prefix('/').or_else(|| rest.strip_prefix("per "))?.trim_start();
    let (times, rest) = number(rest).unwrap_or((1, rest));
    let unit = rest.trim().to_ascii_lowercase();
    let unit = match unit.strip_suffix('s').unwrap_or(&unit) {
        "second" => Duration::SECOND,
        "minute" => Duration::MINUTE,
        "hour" => Duration::HOUR,
        "day" => Duration::DAY,
        "month" => Duration::days(30),
        "year" => Duration::days(365),
        _ => return None,
    };
    let per = unit.checked_mul(i32::try_from(times).ok()?)?;
    RateRule::new(counting, most, per).ok()
}

/// The number that a text begins with, and the rest.
fn number(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    digits.parse().ok().map(|number| (number, rest))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("10/minute", &[(10, 60)])]
    #[case("10 per minute", &[(10, 60)])]
    #[case(" 1 per 2 hours ; 5/day", &[(1, 7_200), (5, 86_400)])]
    #[case("5/10 minutes|20 / HOUR, 3 per month", &[(5, 600), (20, 3_600), (3, 2_592_000)])]
    #[case("100 per 1 second;", &[(100, 1)])]
    fn limits(#[case] text: &str, #[case] expected: &[(i64, i64)]) {
        let rules = parse(text, Counting::Fixed).unwrap();
        let read: Vec<_> = rules.iter().map(|rule| (rule.most(), rule.per().whole_seconds())).collect();
        assert_eq!(read, expected);
    }

    #[rstest]
    #[case("")]
    #[case(";")]
    #[case("ten per minute")]
    #[case("0/minute")]
    #[case("10/0 minutes")]
    #[case("10 minute")]
    #[case("10/fortnight")]
    #[case("-1/minute")]
    #[case("99999999999/minute")]
    #[case("1/9 years")]
    #[case("1/minute;2/minute;3/minute;4/minute;5/minute;6/minute;7/minute;8/minute;9/minute")]
    fn no_limits(#[case] text: &str) {
        assert!(parse(text, Counting::Fixed).is_err());
    }
}
