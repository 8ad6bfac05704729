//! Reads the frames of HTTP/2 along (RFC 9113, section 4.1), and ends a connection that does little but keep us busy.
//!
//! Settings, pings, priorities, resets, windows and frames without anything in them cost the sender next to nothing, and
//! each has to be worked on. A connection may send so many of them at once and so many a second; requests and what is
//! taken of replies earn more.

use std::time::Duration;

use tokio::time::Instant;

/// The first bytes of a connection (RFC 9113, section 3.4).
const PREFACE: usize = 24;
/// What a connection has at its beginning, and at most.
const MOST: u64 = 1000;
/// What it earns in a second.
const EACH_SECOND: u64 = 100;
/// What it earns with each beginning of a request.
const EACH_REQUEST: u64 = 4;
/// What it earns with so many bytes that it takes: who reads a reply gives windows for it.
const BYTES_TAKEN: u64 = 256;
/// What a request given up costs, and a change of settings: they are more work than the others.
const RESET: u64 = 8;
const SETTINGS: u64 = 4;
/// Data that may be nothing but padding (RFC 9113, section 6.1).
const PADDING: u32 = 256;

/// Too many frames that do nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many frames of HTTP/2 that ask for nothing")]
pub(crate) struct Flood;

/// What follows one connection.
#[derive(Debug)]
pub(crate) struct Frames {
    /// Bytes that are no head of a frame: of the preface, then of payloads.
    skip: usize,
    head: [u8; 9],
    known: usize,
    left: u64,
    since: Instant,
    taken: u64,
}

impl Frames {
    /// A connection of which so many bytes of the preface were read.
    pub(crate) fn begin(read: usize) -> Self {
        let skip = PREFACE.saturating_sub(read);
        Self { skip, head: [0; 9], known: 0, left: MOST, since: Instant::now(), taken: 0 }
    }

    /// The other side took so many bytes.
    pub(crate) fn took(&mut self, bytes: usize) {
        self.taken = self.taken.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        self.earn(self.taken / BYTES_TAKEN);
        self.taken %= BYTES_TAKEN;
    }

    /// Reads on.
    pub(crate) fn read(&mut self, mut bytes: &[u8]) -> Result<(), Flood> {
        loop {
            bytes = match bytes.split_at_checked(self.skip) {
                Some((_, rest)) => rest,
                None => {
                    self.skip -= bytes.len();
                    return Ok(());
                }
            };
            self.skip = 0;
            let wanted = self.head.get_mut(self.known..).unwrap_or_default();
            let (now, rest) = bytes.split_at(wanted.len().min(bytes.len()));
            wanted.iter_mut().zip(now).for_each(|(to, from)| *to = *from);
            self.known += now.len();
            if self.known < self.head.len() {
                return Ok(());
            }
            self.known = 0;
            bytes = rest;
            self.frame()?;
        }
    }

    /// Judges the frame that begins.
    fn frame(&mut self) -> Result<(), Flood> {
        let [a, b, c, kind, flags, ..] = self.head;
        let length = u32::from_be_bytes([0, a, b, c]);
        self.skip = usize::try_from(length).unwrap_or(usize::MAX);
        let (first, padded) = (flags & 1 == 1, flags & 8 == 8);
        let cost = match kind {
            0 if first || length > PADDING || length > 0 && !padded => return Ok(()),
            1 => {
                self.earn(EACH_REQUEST);
                return Ok(());
            }
            3 => RESET,
            4 if !first => SETTINGS,
            _ => 1,
        };
        if self.left < cost {
            self.rest();
        }
        self.left = self.left.checked_sub(cost).ok_or(Flood)?;
        Ok(())
    }

    fn earn(&mut self, more: u64) {
        self.left = self.left.saturating_add(more).min(MOST);
    }

    /// What time has earned.
    fn rest(&mut self) {
        let now = Instant::now();
        let seconds = now.duration_since(self.since).as_secs();
        self.since += Duration::from_secs(seconds);
        self.earn(seconds.saturating_mul(EACH_SECOND));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
        frame.extend([kind, flags, 0, 0, 0, 1]);
        frame.extend(payload);
        frame
    }

    /// A connection for which no time passes.
    fn begun(read: usize) -> Frames {
        let since = Instant::now() + Duration::from_secs(3600);
        Frames { since, ..Frames::begin(read) }
    }

    /// How many frames are read before it is too much.
    fn borne(frames: &mut Frames, frame: &[u8]) -> usize {
        (0..100_000).position(|_| frames.read(frame).is_err()).unwrap_or(usize::MAX)
    }

    #[test]
    fn what_does_nothing_is_counted() {
        for (name, kind, flags, payload, most) in [
            ("settings", 4, 0, &[0; 6][..], 250),
            ("answers to settings", 4, 1, &[], 1000),
            ("pings", 6, 0, &[0; 8], 1000),
            ("priorities", 2, 0, &[0; 5], 1000),
            ("windows", 8, 0, &[0; 4], 1000),
            ("resets", 3, 0, &[0; 4], 125),
            ("empty data", 0, 0, &[], 1000),
            ("data that is padding", 0, 8, &[3, 0, 0, 0], 1000),
            ("heads that go on", 9, 0, &[], 1000),
            ("a kind that nobody knows", 77, 0, &[1; 100], 1000),
            ("data", 0, 0, &[1], usize::MAX),
            ("the end of a body", 0, 1, &[], usize::MAX),
            ("requests", 1, 5, &[1, 2, 3], usize::MAX),
        ] {
            let mut frames = begun(PREFACE);
            assert_eq!(borne(&mut frames, &frame(kind, flags, payload)), most, "{name}");
        }
    }

    #[test]
    fn it_is_read_alike_however_it_is_cut() {
        let bytes = [vec![0; PREFACE], frame(6, 0, &[0; 8]).repeat(999), frame(0, 0, &[7; 5000]), frame(6, 0, &[0; 8])];
        let mut frames = begun(0);
        for piece in bytes.concat().chunks(7) {
            frames.read(piece).unwrap();
        }
        assert_eq!(frames.left, 0);
        assert_eq!(frames.read(&frame(6, 0, &[])), Err(Flood));
    }

    #[test]
    fn requests_time_and_what_is_taken_earn_more() {
        let mut frames = begun(PREFACE);
        let ping = frame(6, 0, &[0; 8]);
        let answered = |frames: &mut Frames, bytes| {
            (0..10_000).all(|_| {
                frames.took(bytes);
                frames.read(&ping).is_ok()
            })
        };
        assert!(answered(&mut frames, 256));
        assert!(!answered(&mut frames, 17), "the answer to a ping pays for no further one");
        frames.since = Instant::now() - Duration::from_secs(2);
        assert!(borne(&mut frames, &ping) >= 2 * 100);
        let given_up = [frame(1, 5, &[]), frame(3, 0, &[0; 4])].concat();
        assert!(borne(&mut begun(PREFACE), &given_up) < 260, "a request and its reset, again and again");
    }
}
