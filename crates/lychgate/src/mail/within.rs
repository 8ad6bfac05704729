//! How long a link works, in words.

const UNITS: [(i64, &str); 6] =
    [(31_536_000, "year"), (2_592_000, "month"), (86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];

/// A span of time in words, the largest unit first: `1 day`, `1 hour and 30 minutes`, `1 day, 2 hours, 3 minutes`.
///
/// A month is 30 days and a year 365; fractions of a second are left out, and less than nothing is nothing.
pub(crate) fn within(seconds: f64) -> String {
    #[allow(clippy::cast_possible_truncation)] // saturates
    let mut rest = (seconds as i64).max(0);
    let mut parts = Vec::new();
    for (size, name) in UNITS {
        let count = rest / size;
        rest %= size;
        if count > 0 {
            parts.push(format!("{count} {name}{}", if count == 1 { "" } else { "s" }));
        }
    }
    match parts.as_slice() {
        [] => "0 seconds".to_owned(),
        [first, second] => format!("{first} and {second}"),
        _ => parts.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    #[rstest]
    #[case(86_400.0, "1 day")]
    #[case(1_800.0, "30 minutes")]
    #[case(90.0, "1 minute and 30 seconds")]
    #[case(93_780.0, "1 day, 2 hours, 3 minutes")]
    #[case(0.0, "0 seconds")]
    #[case(0.9, "0 seconds")]
    #[case(2_592_000.0, "1 month")]
    #[case(14_400.0, "4 hours")]
    #[case(2_160.0, "36 minutes")]
    #[case(5_400.0, "1 hour and 30 minutes")]
    #[case(31_536_000.0, "1 year")]
    #[case(2.0 * 31_536_000.0 + 61.0, "2 years, 1 minute, 1 second")]
    #[case(1.0, "1 second")]
    #[case(-5.0, "0 seconds")]
    #[case(f64::NAN, "0 seconds")]
    fn words(#[case] seconds: f64, #[case] expected: &str) {
        assert_eq!(super::within(seconds), expected);
    }
}
