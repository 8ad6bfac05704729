//! Spans and moments in words.

use time::OffsetDateTime;

use super::{Messages, words};

/// Seconds of each unit, and its name beside one and beside several.
const UNITS: [(i64, &str, &str); 6] = [
    (31_536_000, "%(count)s year", words("%(count)s years")),
    (2_592_000, "%(count)s month", words("%(count)s months")),
    (86_400, "%(count)s day", words("%(count)s days")),
    (3_600, "%(count)s hour", words("%(count)s hours")),
    (60, "%(count)s minute", words("%(count)s minutes")),
    (1, "%(count)s second", words("%(count)s seconds")),
];

const MONTHS: [&str; 12] = [
    words("January"),
    words("February"),
    words("March"),
    words("April"),
    words("May"),
    words("June"),
    words("July"),
    words("August"),
    words("September"),
    words("October"),
    words("November"),
    words("December"),
];

impl Messages {
    /// A span of time in words, the largest unit first: `1 day`, `1 hour and 30 minutes`, `1 day, 2 hours, 3 minutes`.
    ///
    /// A month is 30 days and a year 365; fractions of a second are left out, and less than nothing is nothing.
    #[must_use]
    pub fn span(&self, seconds: f64) -> String {
        #[allow(clippy::cast_possible_truncation)] // saturates
        let mut rest = (seconds as i64).max(0);
        let mut parts = Vec::new();
        for (size, one, several) in UNITS {
            let count = rest / size;
            rest %= size;
            if count > 0 {
                parts.push(self.counted(one, several, count));
            }
        }
        match parts.as_slice() {
            [] => self.counted("%(count)s second", words("%(count)s seconds"), 0),
            [first, second] => {
                self.translated(words("%(first)s and %(second)s"), &[("first", first), ("second", second)])
            }
            _ => parts.join(self.translate(words(", "))),
        }
    }

    /// A moment in words, in UTC: `22 November 2026, 15:15 UTC`.
    #[must_use]
    pub fn moment(&self, at: OffsetDateTime) -> String {
        let at = at.to_offset(time::UtcOffset::UTC);
        let clock = format!("{:02}:{:02}", at.hour(), at.minute());
        self.translated(words("%(day)s, %(time)s UTC"), &[("day", &self.day(at)), ("time", &clock)])
    }

    /// A day in words, in UTC: `22 November 2026`.
    #[must_use]
    pub fn day(&self, at: OffsetDateTime) -> String {
        let at = at.to_offset(time::UtcOffset::UTC);
        let month = MONTHS.get(usize::from(u8::from(at.month())) - 1).copied().unwrap_or_default();
        let parts: [(&str, &dyn std::fmt::Display); 3] =
            [("day", &at.day()), ("month", &self.translate(month)), ("year", &at.year())];
        self.translated(words("%(day)s %(month)s %(year)s"), &parts)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use rstest::rstest;

    use super::super::{Messages, tests::settings};

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
    fn spans(#[case] seconds: f64, #[case] expected: &str) {
        assert_eq!(Messages::new(&settings()).span(seconds), expected);
    }

    #[test]
    fn spans_and_moments_in_other_languages() {
        let english = Messages::new(&settings());
        let (german, spanish) = (english.in_locale("de"), english.in_locale("es"));
        assert_eq!((german.span(86_400.0), german.span(172_800.0)), ("1 Tag".into(), "2 Tage".into()));
        assert_eq!(german.span(5_400.0), "1 Stunde und 30 Minuten");
        assert_eq!(spanish.span(90.0), "1 minuto y 30 segundos");
        let at = time::OffsetDateTime::from_unix_timestamp(1_772_323_500).unwrap();
        assert_eq!(english.moment(at), "1 March 2026, 00:05 UTC");
        assert_eq!(german.moment(at), "1. März 2026, 00:05 Uhr (UTC)");
        assert_eq!(spanish.moment(at), "1 de marzo de 2026, 00:05 UTC");
    }
}
