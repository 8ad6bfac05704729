//! The CBOR (RFC 8949) that CTAP2 writes, read without allocating.
//!
//! Definite lengths only, no tags, no floating point where something is read. Lengths longer than the input are refused before
//! anything is done with them.

/// Deepest nesting of what is skipped.
const MAX_DEPTH: usize = 16;

/// Not CBOR, or CBOR that CTAP2 does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadCbor;

/// What is left to read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

/// The head of one item: its major type and argument (RFC 8949 section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Major {
    Unsigned,
    Negative,
    Bytes,
    Text,
    Array,
    Map,
    Simple,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Self { rest: input }
    }

    /// That nothing is left.
    pub(crate) fn end(self) -> Result<(), BadCbor> {
        if self.rest.is_empty() { Ok(()) } else { Err(BadCbor) }
    }

    /// What has not been read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], BadCbor> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(BadCbor)?;
        self.rest = rest;
        Ok(taken)
    }

    /// An integer; those beyond 64 bits with sign are refused.
    pub(crate) fn int(&mut self) -> Result<i64, BadCbor> {
        let (major, value) = self.head()?;
        let value = i64::try_from(value).map_err(|_| BadCbor)?;
        match major {
            Major::Unsigned => Ok(value),
            Major::Negative => Ok(-1 - value),
            _ => Err(BadCbor),
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], BadCbor> {
        let count = self.counted(Major::Bytes)?;
        self.take(count)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, BadCbor> {
        let count = self.counted(Major::Text)?;
        std::str::from_utf8(self.take(count)?).map_err(|_| BadCbor)
    }

    /// How many items follow.
    pub(crate) fn array(&mut self) -> Result<usize, BadCbor> {
        self.counted(Major::Array)
    }

    /// How many pairs follow.
    pub(crate) fn map(&mut self) -> Result<usize, BadCbor> {
        self.counted(Major::Map)
    }

    /// Passes one item, of whatever kind, and gives its bytes.
    pub(crate) fn skip(&mut self) -> Result<&'a [u8], BadCbor> {
        let before = self.rest;
        self.skip_below(MAX_DEPTH)?;
        Ok(&before[..before.len() - self.rest.len()])
    }

    fn skip_below(&mut self, depth: usize) -> Result<(), BadCbor> {
        let (major, value) = self.head()?;
        let items = match major {
            Major::Unsigned | Major::Negative | Major::Simple => return Ok(()),
            Major::Bytes => return self.take(self.fitting(value)?).map(drop),
            Major::Text => {
                let text = self.take(self.fitting(value)?)?;
                return std::str::from_utf8(text).map(drop).map_err(|_| BadCbor);
            }
            Major::Array => self.fitting(value)?,
            // As many pairs as bytes are left do not fit; the doubling cannot overflow.
            Major::Map => self.fitting(value)?.checked_mul(2).ok_or(BadCbor)?,
        };
        let depth = depth.checked_sub(1).ok_or(BadCbor)?;
        (0..items).try_for_each(|_| self.skip_below(depth))
    }

    fn counted(&mut self, wanted: Major) -> Result<usize, BadCbor> {
        match self.head()? {
            (major, count) if major == wanted => self.fitting(count),
            _ => Err(BadCbor),
        }
    }

    /// A length or count, which is never more than the bytes that are left.
    fn fitting(&self, count: u64) -> Result<usize, BadCbor> {
        usize::try_from(count).ok().filter(|&count| count <= self.rest.len()).ok_or(BadCbor)
    }

    fn head(&mut self) -> Result<(Major, u64), BadCbor> {
        let first = self.take(1)?[0];
        let major = match first >> 5 {
            0 => Major::Unsigned,
            1 => Major::Negative,
            2 => Major::Bytes,
            3 => Major::Text,
            4 => Major::Array,
            5 => Major::Map,
            7 => Major::Simple,
            _ => return Err(BadCbor),
        };
        let value = match first & 0x1f {
            small @ 0..24 => u64::from(small),
            size @ 24..28 => self.take(1 << (size - 24))?.iter().fold(0, |value, &byte| (value << 8) | u64::from(byte)),
            // Reserved, or of indefinite length.
            _ => return Err(BadCbor),
        };
        if major == Major::Simple && first == 0xf8 && value < 32 {
            return Err(BadCbor);
        }
        Ok((major, value))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn skipped(input: &[u8]) -> Option<usize> {
        Reader::new(input).skip().ok().map(<[u8]>::len)
    }

    #[test]
    fn integers() {
        for (input, value) in [
            (&[0x00][..], 0),
            (&[0x17], 23),
            (&[0x18, 0x18], 24),
            (&[0x19, 0x01, 0x00], 256),
            (&[0x20], -1),
            (&[0x39, 0x01, 0x00], -257),
            // Longer than needed.
            (&[0x1b, 0, 0, 0, 0, 0, 0, 0, 7], 7),
            (&[0x3b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], i64::MIN),
        ] {
            let mut reader = Reader::new(input);
            assert_eq!(reader.int(), Ok(value));
            reader.end().unwrap();
        }
        for input in [&[][..], &[0x18], &[0x1b, 0xff, 0, 0, 0, 0, 0, 0, 0], &[0x3b, 0x80, 0, 0, 0, 0, 0, 0, 0], &[0x40]]
        {
            assert_eq!(Reader::new(input).int(), Err(BadCbor));
        }
    }

    #[test]
    fn strings_and_counts() {
        assert_eq!(Reader::new(b"\x42ab").bytes(), Ok(&b"ab"[..]));
        assert_eq!(Reader::new(b"\x62ab").text(), Ok("ab"));
        assert_eq!(Reader::new(b"\x62a").text(), Err(BadCbor));
        assert_eq!(Reader::new(b"\x61\xff").text(), Err(BadCbor));
        assert_eq!(Reader::new(b"\x82\0\0").array(), Ok(2));
        // More items than bytes.
        assert_eq!(Reader::new(b"\x83\0\0").array(), Err(BadCbor));
        assert_eq!(Reader::new(b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff\0").map(), Err(BadCbor));
    }

    #[test]
    fn one_item_is_skipped() {
        assert_eq!(skipped(b"\xa2\x01\x82\x20\x41x\x61k\xf5rest"), Some(9));
        assert_eq!(skipped(b"\xf9\x3c\x00"), Some(3));
        assert_eq!(skipped(b"\xf8\xff"), Some(2));
        for bad in [
            &b"\x9f\xff"[..], // indefinite length
            b"\x5f\x41a\xff",
            b"\xc0\x60", // tag
            b"\xf8\x10", // simple value in two bytes
            b"\x1c",
            b"\xa1\x01",
            b"\x61\xff",
        ] {
            assert_eq!(skipped(bad), None, "{bad:x?}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| [vec![0x81; depth], vec![0]].concat();
        assert_eq!(skipped(&nested(16)), Some(17));
        assert_eq!(skipped(&nested(17)), None);
        assert_eq!(skipped(&nested(100_000)), None);
    }
}
