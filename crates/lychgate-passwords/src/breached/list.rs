//! A list of breached passwords in a file, asked without a network.
//!
//! It is a binary fuse filter over the first 64 bits of each password's SHA-1: about 18 bits a password, no password of
//! the list is ever missed, and of other passwords one in 65,536 is taken for one of the list. (A filter of half the
//! size would refuse one good password in 256.)
//!
//! The file: the line `lychgate breached 1`, then in little-endian order the number of passwords (u64), the filter's
//! seed (u64), segment length (u32) and segment count length (u32), the number of fingerprints (u32), the
//! fingerprints (u16 each), and the SHA-256 of all that.

use std::io::{self, BufRead, Read, Write};

use sha1::{Digest as _, Sha1};
use sha2::Sha256;
use thiserror::Error;
use xorf::{BinaryFuse16, Filter as _};

const MAGIC: &[u8] = b"lychgate breached 1\n";
const HEADER: usize = MAGIC.len() + 8 + 8 + 4 + 4 + 4;
const DIGEST: usize = 32;

/// The longest line of a source, in bytes.
const LONGEST_LINE: u64 = 4096;

/// Passwords known from breaches.
pub struct List {
    filter: BinaryFuse16,
    passwords: u64,
}

impl std::fmt::Debug for List {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("List").field("passwords", &self.passwords).finish_non_exhaustive()
    }
}

/// A list that cannot be made or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ListError {
    /// The file cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file is no list.
    #[error("it is no list of breached passwords, or was changed; `lychgate passwords list` makes one")]
    Damaged,
    /// The source has a line that is no SHA-1.
    #[error("line {0} is no SHA-1 in hex, with or without `:COUNT`")]
    Line(u64),
    /// The source has no password to list.
    #[error("there is no password to list")]
    Empty,
    /// The source has more passwords than a filter holds.
    #[error("there are too many passwords for one list; a higher least count leaves out rare ones")]
    TooMany,
}

/// How the passwords of a source are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// One SHA-1 in hex a line, as `SHA1` or `SHA1:COUNT`; with how many sightings a password is listed.
    Sha1 {
        /// The least count; lines without one are always listed.
        least: u64,
    },
    /// One password a line.
    Plain,
}

impl List {
    /// Makes a list out of a source. `progress` is told the number of lines read, now and then.
    ///
    /// Takes 8 bytes of memory a password, and about 40 more while the filter is made.
    ///
    /// # Errors
    /// [`ListError`].
    pub fn build(mut source: impl BufRead, kind: Source, mut progress: impl FnMut(u64)) -> Result<Self, ListError> {
        let mut keys = Vec::new();
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            if (&mut source).take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
                break;
            }
            let text = line.trim_ascii_end();
            let text = if number == 1 { text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text) } else { text };
            if !text.is_empty() {
                keys.extend(match kind {
                    Source::Plain => Some(key(text)),
                    Source::Sha1 { least } => listed(text, least).ok_or(ListError::Line(number))?,
                });
            }
            if number % 100_000 == 0 {
                progress(number);
            }
        }
        keys.sort_unstable();
        keys.dedup();
        if keys.is_empty() {
            return Err(ListError::Empty);
        }
        if u32::try_from(keys.len()).is_err() {
            return Err(ListError::TooMany);
        }
        let filter = BinaryFuse16::try_from(&keys).map_err(|_| ListError::TooMany)?;
        Ok(Self { filter, passwords: keys.len() as u64 })
    }

    /// Whether the password is listed; of those that are not, one in 65,536 is said to be.
    #[must_use]
    pub fn contains(&self, password: &str) -> bool {
        self.filter.contains(&key(password.as_bytes()))
    }

    /// How many passwords are listed.
    #[must_use]
    pub fn passwords(&self) -> u64 {
        self.passwords
    }

    /// Writes the file.
    ///
    /// # Errors
    /// [`ListError::Io`].
    pub fn write(&self, mut to: impl Write) -> Result<(), ListError> {
        let descriptor = &self.filter.descriptor;
        let fingerprints = &self.filter.fingerprints;
        let count = u32::try_from(fingerprints.len()).map_err(|_| ListError::TooMany)?;
        let mut bytes = Vec::with_capacity(HEADER + fingerprints.len() * 2 + DIGEST);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.passwords.to_le_bytes());
        bytes.extend_from_slice(&descriptor.seed.to_le_bytes());
        for number in [descriptor.segment_length, descriptor.segment_count_length, count] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        for fingerprint in fingerprints {
            bytes.extend_from_slice(&fingerprint.to_le_bytes());
        }
        let digest = Sha256::digest(&bytes);
        bytes.extend_from_slice(&digest);
        Ok(to.write_all(&bytes)?)
    }

    /// Reads a file that [`write`](Self::write) made.
    ///
    /// # Errors
    /// [`ListError::Damaged`] unless every byte is as it was written.
    pub fn read(bytes: &[u8]) -> Result<Self, ListError> {
        Self::parse(bytes).ok_or(ListError::Damaged)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (content, digest) = bytes.split_at_checked(bytes.len().checked_sub(DIGEST)?)?;
        if Sha256::digest(content).as_slice() != digest {
            return None;
        }
        let rest = content.strip_prefix(MAGIC)?;
        let (passwords, rest) = rest.split_first_chunk::<8>()?;
        let (seed, rest) = rest.split_first_chunk::<8>()?;
        let (segment, rest) = rest.split_first_chunk::<4>()?;
        let (segments, rest) = rest.split_first_chunk::<4>()?;
        let (count, rest) = rest.split_first_chunk::<4>()?;
        let [segment_length, segment_count_length, count] =
            [segment, segments, count].map(|number| u32::from_le_bytes(*number));
        // A filter looks into three segments from any place below the count length; it must not look beyond its end.
        let reach = segment_length.checked_mul(2)?.checked_add(segment_count_length)?;
        let fits = segment_length.is_power_of_two() && segment_count_length > 0 && reach == count;
        if !fits || rest.len() != usize::try_from(count).ok()?.checked_mul(2)? {
            return None;
        }
        let (pairs, _) = rest.as_chunks::<2>();
        // The descriptor's type has no public name, so a filter's own one is filled in.
        let mut filter = BinaryFuse16::try_from_iterator(std::iter::once(0)).ok()?;
        filter.fingerprints = pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
        filter.descriptor.seed = u64::from_le_bytes(*seed);
        filter.descriptor.segment_length = segment_length;
        filter.descriptor.segment_length_mask = segment_length - 1;
        filter.descriptor.segment_count_length = segment_count_length;
        Some(Self { filter, passwords: u64::from_le_bytes(*passwords) })
    }
}

/// What stands for a password: the first 64 bits of its SHA-1.
fn key(password: &[u8]) -> u64 {
    let digest = Sha1::digest(password);
    digest.iter().take(8).fold(0, |key, byte| (key << 8) | u64::from(*byte))
}

/// The key of a line; none inside if it was seen too rarely, none at all if it is no such line.
fn listed(line: &[u8], least: u64) -> Option<Option<u64>> {
    let text = std::str::from_utf8(line).ok()?;
    let (digest, count) = match text.split_once(':') {
        Some((digest, count)) => (digest, count.trim().parse::<u64>().ok()?),
        None => (text, u64::MAX),
    };
    if digest.len() != 40 || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let key = u64::from_str_radix(digest.get(..16)?, 16).ok()?;
    Some((count >= least).then_some(key))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn plain(text: &str) -> List {
        List::build(text.as_bytes(), Source::Plain, |_| {}).unwrap()
    }

    fn numbered(count: u32) -> String {
        (0..count).map(|number| format!("password{number}\n")).collect()
    }

    #[test]
    fn what_is_listed_is_found_and_little_else() {
        let list = plain(&numbered(5_000));
        assert_eq!(list.passwords(), 5_000);
        assert!((0..5_000).all(|number| list.contains(&format!("password{number}"))));
        let wrong = (0..100_000).filter(|number| list.contains(&format!("another{number}"))).count();
        assert!(wrong < 20, "{wrong}");
    }

    #[test]
    fn digests_with_and_without_counts() {
        let source = "\u{feff}5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:10\r\n\
                      7c4a8d09ca3762af61e59520943dc26494f8941b\n\nB1B3773A05C0ED0176787A4F1574FF0075F7521E:2";
        let list = List::build(source.as_bytes(), Source::Sha1 { least: 3 }, |_| {}).unwrap();
        assert!(list.contains("password") && list.contains("123456") && !list.contains("qwerty"));
        assert_eq!(list.passwords(), 2);
        for (source, line) in [("123456", 1), ("5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8\nx", 2)] {
            let refused = List::build(source.as_bytes(), Source::Sha1 { least: 1 }, |_| {}).unwrap_err();
            assert!(matches!(refused, ListError::Line(found) if found == line));
        }
        assert!(matches!(List::build("".as_bytes(), Source::Plain, |_| {}), Err(ListError::Empty)));
    }

    #[test]
    fn a_file_is_read_as_it_was_written_or_not_at_all() {
        for count in [1, 2, 40] {
            let list = plain(&numbered(count));
            let mut file = Vec::new();
            list.write(&mut file).unwrap();
            let read = List::read(&file).unwrap();
            assert!((0..count).all(|number| read.contains(&format!("password{number}"))));
            assert_eq!(read.passwords(), u64::from(count));
            for at in 0..file.len() {
                let mut changed = file.clone();
                changed[at] ^= 1;
                assert!(List::read(&changed).is_err(), "{at}");
                assert!(List::read(&file[..at]).is_err(), "{at}");
            }
        }
    }

    #[test]
    fn a_file_that_would_look_beyond_its_end_is_refused() {
        let mut file = Vec::new();
        plain(&numbered(40)).write(&mut file).unwrap();
        file.truncate(file.len() - DIGEST);
        let at = MAGIC.len() + 16 + 4;
        file[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        let digest = Sha256::digest(&file);
        file.extend_from_slice(&digest);
        assert!(List::read(&file).is_err());
    }
}
