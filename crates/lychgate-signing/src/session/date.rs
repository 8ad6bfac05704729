//! Dates as in HTTP headers (RFC 9110, section 5.6.7): `Sun, 15 Jun 2025 12:30:45 GMT`.

use time::{
    OffsetDateTime, PrimitiveDateTime, UtcOffset, format_description::BorrowedFormatItem, macros::format_description,
};

const FORMAT: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year repr:full] [hour]:[minute]:[second] GMT");

/// The date in UTC; `None` outside the years that Python knows.
pub(super) fn write(time: OffsetDateTime) -> Option<String> {
    let utc = time.checked_to_offset(UtcOffset::UTC)?;
    if !(1..=9999).contains(&utc.year()) {
        return None;
    }
    utc.format(FORMAT).ok()
}

/// Reads what [`write`] writes, and nothing else.
pub(super) fn read(text: &str) -> Option<OffsetDateTime> {
    let time = PrimitiveDateTime::parse(text, FORMAT).ok()?.assume_utc();
    (write(time)? == text).then_some(time)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn dates_have_one_spelling() {
        let time = datetime!(2025-06-15 12:30:45 UTC);
        assert_eq!(write(datetime!(2025-06-15 14:30:45.9 +2)).as_deref(), Some("Sun, 15 Jun 2025 12:30:45 GMT"));
        assert_eq!(read("Sun, 15 Jun 2025 12:30:45 GMT"), Some(time));
        assert_eq!(write(datetime!(0001-01-01 0:00 UTC)).as_deref(), Some("Mon, 01 Jan 0001 00:00:00 GMT"));
        for bad in [
            "",
            "Mon, 15 Jun 2025 12:30:45 GMT",
            "Sun, 15 jun 2025 12:30:45 GMT",
            "Sun, 15 Jun 2025 12:30:45 UTC",
            "Sun, 15 Jun 2025 12:30:45 GMT ",
            "Sun, 31 Jun 2025 12:30:45 GMT",
            "Sun, 15 Jun +2025 12:30:45 GMT",
            "Sun, 15 Jun 2025 24:30:45 GMT",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn years_that_python_lacks_are_refused() {
        assert_eq!(write(datetime!(0000-12-31 0:00 UTC)), None);
        assert_eq!(write(datetime!(-0001-12-31 0:00 UTC)), None);
        assert_eq!(write(datetime!(9999-12-31 23:59 -1)), None);
    }
}
