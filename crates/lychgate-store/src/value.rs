//! Values as they go to and come from a database, and how both databases write them.

use crate::error::{ErrorKind, Result, StoreError};
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

/// A value bound to a statement or read from a row.
#[derive(Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Int(i64),
    Bool(bool),
    Text(String),
    Blob(Vec<u8>),
    Time(OffsetDateTime),
    Float(f64),
}

// A statement's parameters are passwords, secrets and addresses; only their types may be logged.
impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Int(_) => "Int",
            Self::Bool(_) => "Bool",
            Self::Text(_) => "Text",
            Self::Blob(_) => "Blob",
            Self::Time(_) => "Time",
            Self::Float(_) => "Float",
        })
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<OffsetDateTime> for Value {
    fn from(value: OffsetDateTime) -> Self {
        Self::Time(value)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl Value {
    /// Refuses what one of the databases cannot hold, so that both behave alike.
    pub(crate) fn check(&self) -> Result<()> {
        match self {
            Self::Text(text) if text.contains('\0') => Err(StoreError::invalid("a text must not hold a NUL character")),
            Self::Text(text) if text.len() > MAX_BYTES => Err(StoreError::invalid("a text is too long")),
            Self::Blob(bytes) if bytes.len() > MAX_BYTES => Err(StoreError::invalid("a value is too long")),
            Self::Time(time) if !(0..=9999).contains(&in_utc(*time).year()) => {
                Err(StoreError::invalid("a time is out of range"))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn text(self) -> Result<Option<String>> {
        match self {
            Self::Null => Ok(None),
            Self::Text(text) => Ok(Some(text)),
            Self::Int(number) => Ok(Some(number.to_string())),
            Self::Float(number) => Ok(Some(number.to_string())),
            Self::Bool(flag) => Ok(Some(flag.to_string())),
            Self::Time(time) => Ok(Some(format_time(time))),
            Self::Blob(bytes) => String::from_utf8(bytes).map(Some).map_err(|_| unreadable("text")),
        }
    }

    pub(crate) fn bytes(self) -> Result<Option<Vec<u8>>> {
        match self {
            Self::Null => Ok(None),
            Self::Blob(bytes) => Ok(Some(bytes)),
            Self::Text(text) => Ok(Some(text.into_bytes())),
            _ => Err(unreadable("bytes")),
        }
    }

    pub(crate) fn int(&self) -> Result<Option<i64>> {
        match self {
            Self::Null => Ok(None),
            Self::Int(number) => Ok(Some(*number)),
            Self::Bool(flag) => Ok(Some(i64::from(*flag))),
            _ => Err(unreadable("integer")),
        }
    }

    pub(crate) fn bool(&self) -> Result<Option<bool>> {
        match self {
            Self::Null => Ok(None),
            Self::Bool(flag) => Ok(Some(*flag)),
            Self::Int(number) => Ok(Some(*number != 0)),
            _ => Err(unreadable("boolean")),
        }
    }

    pub(crate) fn time(&self) -> Result<Option<OffsetDateTime>> {
        match self {
            Self::Null => Ok(None),
            Self::Time(time) => Ok(Some(*time)),
            Self::Text(text) => parse_time(text).map(Some).ok_or_else(|| unreadable("date and time")),
            _ => Err(unreadable("date and time")),
        }
    }
}

/// Longer values are refused before they reach a driver, in bytes.
const MAX_BYTES: usize = 1 << 20;

fn unreadable(wanted: &str) -> StoreError {
    StoreError::with_source(ErrorKind::Other, format!("a stored value cannot be read as {wanted}"))
}

/// Writes a time as SQLAlchemy does on SQLite: UTC, always six digits of fraction.
pub(crate) fn format_time(time: OffsetDateTime) -> String {
    let time = in_utc(time);
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:06}",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
        time.microsecond()
    )
}

/// Reads `YYYY-MM-DD[ HH:MM:SS[.f…]]` as UTC; the separator may be a `T` and a `Z` may follow.
pub(crate) fn parse_time(text: &str) -> Option<OffsetDateTime> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    if !text.is_ascii() || text.len() > 32 {
        return None;
    }
    let (date, clock) = match text.split_once([' ', 'T']) {
        Some((date, clock)) => (date, Some(clock)),
        None => (text, None),
    };
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = Date::from_calendar_date(i32::try_from(year).ok()?, month, u8::try_from(day).ok()?).ok()?;
    let Some(clock) = clock else {
        return Some(PrimitiveDateTime::new(date, Time::MIDNIGHT).assume_utc());
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
    if fraction.is_empty() || fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let micros: u32 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    let time =
        Time::from_hms_micro(u8::try_from(hour).ok()?, u8::try_from(minute).ok()?, u8::try_from(second).ok()?, micros)
            .ok()?;
    Some(PrimitiveDateTime::new(date, time).assume_utc())
}

fn numbers(text: &str, separator: char, widths: [usize; 3]) -> Option<[u32; 3]> {
    let mut out = [0; 3];
    let mut parts = text.split(separator);
    for (slot, width) in out.iter_mut().zip(widths) {
        let part = parts.next()?;
        if part.len() != width || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        *slot = part.parse().ok()?;
    }
    parts.next().is_none().then_some(out)
}

/// The moment in UTC; one behind the end of the calendar, as `9999-12-31T23:59:59-01:00` is, becomes the last one.
pub(crate) fn in_utc(time: OffsetDateTime) -> OffsetDateTime {
    let edge = if time.year() > 0 { PrimitiveDateTime::MAX } else { PrimitiveDateTime::MIN };
    time.checked_to_offset(UtcOffset::UTC).unwrap_or(edge.assume_utc())
}

/// Cuts a time to microseconds, which is what both databases keep.
pub(crate) fn micros(time: OffsetDateTime) -> OffsetDateTime {
    let time = in_utc(time);
    time.replace_microsecond(time.microsecond()).unwrap_or(time)
}

/// Writes a list as the models do: items joined by commas, an empty list as an empty text.
pub(crate) fn join_list(items: &[String]) -> Result<String> {
    for item in items {
        if item.is_empty() || item.contains(',') {
            return Err(StoreError::invalid("an item of a list must not be empty or hold a comma"));
        }
    }
    Ok(items.join(","))
}

/// Reads a list: nothing and an empty text are an empty list, no trimming.
pub(crate) fn split_list(text: Option<&str>) -> Vec<String> {
    match text {
        None | Some("") => Vec::new(),
        Some(text) => text.split(',').map(str::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("2025-06-15 12:30:45.678901", "2025-06-15 12:30:45.678901")]
    #[case("2026-11-22 01:43:50", "2026-11-22 01:43:50.000000")]
    #[case("2026-11-22T01:43:50.5Z", "2026-11-22 01:43:50.500000")]
    #[case("2026-11-22", "2026-11-22 00:00:00.000000")]
    fn times_are_read(#[case] text: &str, #[case] written: &str) {
        assert_eq!(format_time(parse_time(text).unwrap()), written);
    }

    #[rstest]
    #[case("")]
    #[case("now")]
    #[case("2025-13-01 00:00:00")]
    #[case("2025-02-30 00:00:00")]
    #[case("2025-01-01 24:00:00")]
    #[case("2025-01-01 00:00")]
    #[case("2025-01-01 00:00:00.")]
    #[case("2025-1-1 00:00:00")]
    #[case("2025-01-01 00:00:00.12x")]
    fn wrong_times_are_refused(#[case] text: &str) {
        assert_eq!(parse_time(text), None);
    }

    #[test]
    fn no_moment_is_too_late_or_too_early_to_be_written() {
        use time::macros::datetime;
        assert_eq!(format_time(micros(datetime!(9999-12-31 23:59:59 -1))), "9999-12-31 23:59:59.999999");
        assert_eq!(format_time(datetime!(9999-12-31 23:59:59 +1)), "9999-12-31 22:59:59.000000");
        assert!(Value::from(micros(datetime!(-9999-01-01 0:00 +1))).check().is_err());
    }

    #[test]
    fn lists_follow_the_models() {
        assert_eq!(join_list(&["p1".into(), "p 2".into()]).unwrap(), "p1,p 2");
        assert_eq!(join_list(&[]).unwrap(), "");
        assert_eq!(split_list(Some("")), Vec::<String>::new());
        assert_eq!(split_list(None), Vec::<String>::new());
        assert_eq!(split_list(Some("a, b")), ["a", " b"]);
        assert!(join_list(&["a,b".into()]).is_err());
    }

    proptest! {
        #[test]
        fn every_time_survives(seconds in 0_i64..253_402_300_800, micro in 0_u32..1_000_000) {
            let time = OffsetDateTime::from_unix_timestamp(seconds - 62_135_596_800_i64.min(seconds)).unwrap();
            let time = time.replace_microsecond(micro).unwrap();
            prop_assert_eq!(parse_time(&format_time(time)).unwrap(), time);
        }

        #[test]
        fn reading_a_time_never_panics(text in ".{0,40}") {
            let _ = parse_time(&text);
        }

        #[test]
        fn every_list_survives(items in proptest::collection::vec("[a-zA-Z0-9 :_-]{1,9}", 0..6)) {
            prop_assert_eq!(split_list(Some(&join_list(&items).unwrap())), items);
        }
    }
}
