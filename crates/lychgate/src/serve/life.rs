//! What a connection is doing, and since when: what decides when it has had its time.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use http::StatusCode;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::limits::Limits;

/// Less than this is what keeps a connection of HTTP/2 alive.
const PART_OF_A_REPLY: usize = 256;

/// Shared by the reading, the serving and the watching side of one connection.
#[derive(Debug)]
pub(crate) struct Life {
    limits: Limits,
    now: Mutex<Doing>,
}

#[derive(Debug)]
struct Doing {
    /// Whether the head of a request is being read; else the connection is between two requests.
    reading_head: bool,
    since: Instant,
    /// When the last request was served; its reply may still be on its way.
    served: Instant,
    requests: usize,
    /// Requests so far, those that are over too.
    asked: usize,
    /// The request after so many others is refused with this status.
    refused: Option<(usize, StatusCode)>,
    /// Until when replies have to be taken whose way only HTTP/2 knows, and the number of their request.
    replies: BTreeSet<(Instant, usize)>,
    /// Since when the other side has taken nothing of what is sent.
    stuck_since: Option<Instant>,
    http2: bool,
    /// The connection has become something else than HTTP.
    upgraded: bool,
}

/// What has run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// Nothing was asked for a while: it may end in an orderly way.
    Idle,
    /// The other side is too slow: it is cut off.
    Slow,
}

impl Life {
    pub(crate) fn begin(limits: Limits, http2: bool) -> Arc<Self> {
        let now = Instant::now();
        let doing = Doing {
            reading_head: true,
            since: now,
            served: now,
            requests: 0,
            asked: 0,
            refused: None,
            replies: BTreeSet::new(),
            stuck_since: None,
            http2,
            upgraded: false,
        };
        Arc::new(Self { limits, now: Mutex::new(doing) })
    }

    /// Bytes have come.
    pub(crate) fn heard(&self) {
        let mut doing = self.now.lock();
        // Frames of HTTP/2 come between requests too.
        if doing.requests == 0 && !doing.reading_head && !doing.http2 {
            doing.reading_head = true;
            doing.since = Instant::now();
        }
    }

    /// Whether the other side takes what is sent.
    pub(crate) fn takes(&self, takes: bool) {
        let mut doing = self.now.lock();
        match (takes, doing.stuck_since) {
            (true, Some(_)) => doing.stuck_since = None,
            (false, None) => doing.stuck_since = Some(Instant::now()),
            _ => {}
        }
    }

    /// The other side took so many bytes: whoever still takes a reply is not idle, as long as replies may take.
    pub(crate) fn took(&self, bytes: usize) {
        let mut doing = self.now.lock();
        if bytes >= PART_OF_A_REPLY && doing.requests == 0 && !doing.reading_head {
            let now = Instant::now();
            if self.limits.reply.is_none_or(|reply| now.duration_since(doing.served) < reply) {
                doing.since = now;
            }
        }
    }

    pub(crate) fn upgrade(&self) {
        self.now.lock().upgraded = true;
    }

    pub(crate) fn is_upgraded(&self) -> bool {
        self.now.lock().upgraded
    }

    /// A request begins; it ends with what is given back.
    pub(crate) fn request(self: &Arc<Self>, http2: bool) -> Request {
        let mut doing = self.now.lock();
        doing.requests += 1;
        doing.http2 |= http2;
        let number = doing.asked;
        doing.asked += 1;
        Request { life: Arc::clone(self), number, reply: None }
    }

    /// The request after `after` others is not what came, but stands for one that is refused.
    pub(crate) fn refuse(&self, after: usize, status: StatusCode) {
        self.now.lock().refused = Some((after, status));
    }

    /// Ends when the connection has had its time.
    pub(crate) async fn over(&self) -> Over {
        // A bound begins to run no earlier than it is long, so whoever looks this often misses none.
        let tick = self.limits.tick().max(Duration::from_millis(10));
        loop {
            let now = Instant::now();
            let (until, over) = self.bound();
            if until.is_some_and(|until| until <= now) {
                return over;
            }
            let look = now + tick;
            tokio::time::sleep_until(until.map_or(look, |until| until.min(look))).await;
        }
    }

    /// What runs out next, and when.
    fn bound(&self) -> (Option<Instant>, Over) {
        let doing = self.now.lock();
        let stuck = doing.stuck_since.and_then(|since| since.checked_add(self.limits.send));
        let waiting = match (doing.requests, doing.reading_head) {
            (0, true) => doing.since.checked_add(self.limits.head),
            (0, false) => doing.since.checked_add(self.limits.keep_alive),
            _ => None,
        };
        let reply = doing.replies.first().map(|(until, _)| *until);
        let stuck = stuck.into_iter().chain(reply).min();
        match (stuck, waiting) {
            (Some(stuck), waiting) if waiting.is_none_or(|waiting| stuck <= waiting) => (Some(stuck), Over::Slow),
            (_, waiting) if doing.reading_head => (waiting, Over::Slow),
            (_, waiting) => (waiting, Over::Idle),
        }
    }
}

/// A request that is being served.
#[derive(Debug)]
pub(crate) struct Request {
    life: Arc<Life>,
    number: usize,
    reply: Option<Instant>,
}

impl Request {
    /// What it is refused with, if that was found out before it was handed on.
    pub(crate) fn refused(&self) -> Option<StatusCode> {
        self.life.now.lock().refused.filter(|(after, _)| *after == self.number).map(|(_, status)| status)
    }

    /// Its reply has to be taken until then, or the connection ends.
    pub(crate) fn must_be_taken(&mut self, until: Instant) {
        let mut doing = self.life.now.lock();
        doing.replies.insert((until, self.number));
        self.reply = Some(until);
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        let mut doing = self.life.now.lock();
        if let Some(until) = self.reply {
            doing.replies.remove(&(until, self.number));
        }
        doing.requests -= 1;
        if doing.requests == 0 {
            doing.reading_head = false;
            doing.since = Instant::now();
            doing.served = doing.since;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::settings::Settings;

    fn limits() -> Limits {
        let settings = Settings::builder().toml(
            "test",
            "secret_key = \"0123456789abcdef0123456789abcdef\"\n[security]\npassword_salt = \"0123456789abcdef\"\n\
             [server]\nheader_timeout = 15\nkeep_alive = 75\nsend_timeout = 30\nreply_timeout = 600\n",
        );
        Limits::from_settings(&settings.build().unwrap())
    }

    /// Whole seconds from the last change to the end, and how it ends.
    fn ends(life: &Life) -> Option<(u64, Over)> {
        let (until, over) = life.bound();
        let since = life.now.lock().since;
        until.map(|until| (until.duration_since(since).as_secs(), over))
    }

    #[test]
    fn each_thing_has_its_time() {
        let life = Life::begin(limits(), false);
        assert_eq!(ends(&life), Some((15, Over::Slow)), "the first head");
        let request = life.request(false);
        assert_eq!(ends(&life), None, "the handler has a bound of its own");
        life.takes(false);
        assert_eq!(life.bound().1, Over::Slow, "nothing of the reply is taken");
        assert!(life.bound().0.is_some());
        life.takes(true);
        drop(request);
        assert_eq!(ends(&life), Some((75, Over::Idle)), "between two requests");
        let before = life.now.lock().since;
        life.heard();
        life.heard();
        assert_eq!(ends(&life), Some((15, Over::Slow)), "the second head");
        assert!(life.now.lock().since >= before, "it runs from its first byte");
    }

    #[test]
    fn a_reply_that_is_not_taken_has_its_time() {
        let life = Life::begin(limits(), true);
        let (mut one, mut two) = (life.request(true), life.request(true));
        let (early, late) = (Instant::now() + Duration::from_secs(5), Instant::now() + Duration::from_secs(9));
        one.must_be_taken(late);
        two.must_be_taken(early);
        assert_eq!(life.bound(), (Some(early), Over::Slow));
        drop(two);
        assert_eq!(life.bound(), (Some(late), Over::Slow));
        drop(one);
        assert_eq!(ends(&life), Some((75, Over::Idle)));
    }

    #[test]
    fn one_request_is_refused_and_no_other() {
        let life = Life::begin(limits(), false);
        life.refuse(1, StatusCode::BAD_REQUEST);
        assert_eq!(life.request(false).refused(), None);
        assert_eq!(life.request(false).refused(), Some(StatusCode::BAD_REQUEST));
    }

    #[test]
    fn frames_of_http2_are_no_heads() {
        let life = Life::begin(limits(), false);
        let (one, two) = (life.request(true), life.request(true));
        drop(one);
        assert_eq!(ends(&life), None);
        drop(two);
        life.heard();
        assert_eq!(ends(&life), Some((75, Over::Idle)));
    }

    #[test]
    fn whoever_still_takes_a_reply_is_not_idle() {
        let life = Life::begin(limits(), false);
        drop(life.request(false));
        let earlier = Instant::now() - Duration::from_secs(70);
        life.now.lock().since = earlier;
        life.took(PART_OF_A_REPLY - 1);
        assert_eq!(life.now.lock().since, earlier, "a ping is no reply");
        life.took(PART_OF_A_REPLY);
        assert!(life.now.lock().since > earlier);
        life.now.lock().since = earlier;
        life.now.lock().served = Instant::now() - Duration::from_secs(601);
        life.took(PART_OF_A_REPLY);
        assert_eq!(life.now.lock().since, earlier, "but not for ever");
    }
}
