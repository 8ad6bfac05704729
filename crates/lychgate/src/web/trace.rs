//! The trace that a request is part of (W3C Trace Context, level 1).
//!
//! Only a proxy that the operator named is believed: whoever else sets the header could mix their requests into the traces of
//! others, or have everything recorded.

use http::{HeaderMap, HeaderValue};

/// What `traceparent` says (section 3.2), and the place of this request in the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trace {
    trace: u128,
    parent: u64,
    flags: u8,
    span: u64,
}

impl Trace {
    /// Of the headers of a proxy. Two headers, as nobody can tell which one is meant, are none.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut given = headers.get_all("traceparent").iter().map(HeaderValue::to_str);
        let (Some(Ok(text)), None) = (given.next(), given.next()) else { return None };
        Self::read(text, u64::from_be_bytes(crate::random::bytes::<8>()) | 1)
    }

    /// Later versions begin with the fields of this one (section 3.2.4).
    fn read(text: &str, span: u64) -> Option<Self> {
        let (version, rest) = (field(text.get(..3)?)?, text.get(3..)?);
        let (trace, rest) = (field(rest.get(..33)?)?, rest.get(33..)?);
        let (parent, rest) = (field(rest.get(..17)?)?, rest.get(17..)?);
        let (flags, rest) = (digits(rest.get(..2)?)?, rest.get(2..)?);
        let fits = if version == 0 { rest.is_empty() } else { rest.is_empty() || rest.starts_with('-') };
        (fits && version < 0xff && trace != 0 && parent != 0).then(|| {
            Some(Self { trace, parent: u64::try_from(parent).ok()?, flags: u8::try_from(flags).ok()?, span })
        })?
    }

    /// The id of the trace, as logs show it.
    pub(crate) fn id(&self) -> String {
        format!("{:032x}", self.trace)
    }

    /// The id of this request in the trace.
    pub(crate) fn span(&self) -> String {
        format!("{:016x}", self.span)
    }

    /// The id of whoever asked.
    pub(crate) fn parent(&self) -> String {
        format!("{:016x}", self.parent)
    }

    /// The header for what this request asks of others. Of the flags only `sampled` and `random` mean something (section 3.2.2.5).
    pub(crate) fn header(&self) -> String {
        format!("00-{:032x}-{:016x}-{:02x}", self.trace, self.span, self.flags & 3)
    }
}

/// Hexadecimal digits and the hyphen behind them.
fn field(text: &str) -> Option<u128> {
    digits(text.strip_suffix('-')?)
}

/// Small letters only, which `from_str_radix` alone does not ask for.
fn digits(text: &str) -> Option<u128> {
    let plain = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    plain.then(|| u128::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use rstest::rstest;

    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn what_is_asked_of_others_belongs_to_the_trace() {
        let trace = Trace::read(GOOD, 0x2a).unwrap();
        assert_eq!(
            (trace.id().as_str(), trace.parent().as_str(), trace.span().as_str()),
            ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "000000000000002a")
        );
        assert_eq!(trace.header(), "00-0af7651916cd43dd8448eb211c80319c-000000000000002a-01");
        let later = Trace::read("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-09-what-comes", 1).unwrap();
        assert!(later.header().ends_with("-01"), "flags that nobody knows are not given on");
    }

    #[rstest]
    #[case::empty("")]
    #[case::short("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0")]
    #[case::long("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x")]
    #[case::no_version("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
    #[case::capitals("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01")]
    #[case::no_trace("00-00000000000000000000000000000000-b7ad6b7169203331-01")]
    #[case::no_parent("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01")]
    #[case::signs("00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
    #[case::two("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01, 00-0af7651916cd43dd8448eb211c80319c")]
    #[case::no_hyphens("00x0af7651916cd43dd8448eb211c80319cxb7ad6b7169203331x01")]
    #[case::not_ascii("00-0af7651916cd43dd8448eb211c8031é-b7ad6b7169203331-01")]
    fn nonsense_is_no_trace(#[case] text: &str) {
        assert_eq!(Trace::read(text, 1), None);
    }

    #[test]
    fn two_headers_are_none() {
        let mut headers = HeaderMap::new();
        headers.append("traceparent", HeaderValue::from_static(GOOD));
        assert!(Trace::of(&headers).is_some());
        headers.append("traceparent", HeaderValue::from_static(GOOD));
        assert_eq!(Trace::of(&headers), None);
    }
}
