//! How long ago something was, in words.

use time::OffsetDateTime;

use crate::{
    messages::{self, MessageKey},
    web::{exchange::Exchange, form::Message},
};

/// Seconds of each unit, the largest first, and its messages for one and for several. A month is 30 days.
const UNITS: [(i64, MessageKey, MessageKey); 5] = [
    (31_536_000, messages::AGO_YEAR, messages::AGO_YEARS),
    (2_592_000, messages::AGO_MONTH, messages::AGO_MONTHS),
    (86_400, messages::AGO_DAY, messages::AGO_DAYS),
    (3_600, messages::AGO_HOUR, messages::AGO_HOURS),
    (60, messages::AGO_MINUTE, messages::AGO_MINUTES),
];

/// How long before `now` something was, in its largest unit, rounded down.
fn ago(at: OffsetDateTime, now: OffsetDateTime) -> Message {
    let seconds = (now - at).whole_seconds();
    for (size, one, several) in UNITS {
        match seconds / size {
            ..=0 => {}
            1 => return one.into(),
            count => return Message::from(several).with("count", count.to_string()),
        }
    }
    messages::AGO_NOW.into()
}

impl Exchange {
    /// How long ago something was, in words: `3 months ago`.
    pub(crate) fn ago(&self, at: OffsetDateTime) -> String {
        self.text(&ago(at, self.now.datetime()))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(-5, "AGO_NOW", None)]
    #[case(59, "AGO_NOW", None)]
    #[case(60, "AGO_MINUTE", None)]
    #[case(3_599, "AGO_MINUTES", Some("59"))]
    #[case(7_199, "AGO_HOUR", None)]
    #[case(86_400, "AGO_DAY", None)]
    #[case(2_591_999, "AGO_DAYS", Some("29"))]
    #[case(31_535_999, "AGO_MONTHS", Some("12"))]
    #[case(40_000_000, "AGO_YEAR", None)]
    #[case(400_000_000, "AGO_YEARS", Some("12"))]
    fn the_largest_unit_counts(#[case] seconds: i64, #[case] key: &str, #[case] count: Option<&str>) {
        let now = OffsetDateTime::UNIX_EPOCH + time::Duration::days(20_000);
        let message = ago(now - time::Duration::seconds(seconds), now);
        assert_eq!(message.key.name(), key);
        let told = message.args.first().map(|(_, value)| format!("{value:?}"));
        assert_eq!(told, count.map(|count| format!("Text({count:?})")));
    }
}
