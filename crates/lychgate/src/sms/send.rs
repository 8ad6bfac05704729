//! The way of a text message into the outbox.

use std::time::Duration;

use lychgate_store::StoreError;

use super::TextMessage;
use crate::{clock::Moment, gate::Lychgate, identity, mail::Post, web::layer::REQUEST};

/// The longest number that a message is sent to, in bytes: an international one with an extension, spelt freely.
const LONGEST_NUMBER: usize = 40;

/// The longest text, in bytes: what gateways cut into ten messages.
const LONGEST_TEXT: usize = 1600;

impl Lychgate {
    /// Sends a text message to a telephone number, by the outbox or at once, as `delivery` says; it is not tried for
    /// longer than `good_for`.
    ///
    /// `false` means that it is not sent and will not be: there is no gateway (`sms_service`), the number is none, the
    /// text is longer than 1600 bytes, the number has had as many as
    /// `sms.most_per_hour` allows, its country or everybody as many as `limits` does, or, where messages are sent at once, the gateway did not take it.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    pub async fn send_text(&self, to: &str, text: &str, good_for: Duration) -> Result<bool, StoreError> {
        let (Some(gateway), Some(to)) = (self.desk().gateway(), self.number(to)) else { return Ok(false) };
        if text.len() > LONGEST_TEXT {
            return Ok(false);
        }
        let now = Moment::of(self.clock()).datetime();
        let most = self.settings().int("sms.most_per_hour");
        // However it is spelt it is the same telephone.
        let read = identity::map(self.identity_rules(), "uia_phone_mapper", &to).unwrap_or_else(|| to.clone());
        let key = format!("sms-to/{}", read.chars().filter(char::is_ascii_digit).collect::<String>());
        if !self.store().count_attempt(&key, most, time::Duration::HOUR, now).await? {
            tracing::warn!("a number got no text message, as it has had {most} within an hour");
            return Ok(false);
        }
        let limits = self.limits();
        let by_country = format!("texts/{}", country(&read));
        for (name, key, rules) in [
            ("texts_by_country", by_country.as_str(), &limits.texts_by_country),
            ("texts_in_all", "texts/all", &limits.texts),
        ] {
            if limits.cap(name, key, rules, now).await.is_some() {
                return Ok(false);
            }
        }
        let good_for = time::Duration::try_from(good_for).unwrap_or(time::Duration::MAX);
        let mut post = Post::new(self);
        post.text(TextMessage {
            id: crate::random::short_id(),
            from: gateway.from.clone(),
            to,
            body: text.to_owned(),
            good_until: now.saturating_add(good_for),
            trace: trace(),
        });
        let mut batch = self.store().batch();
        post.enqueue(&mut batch, now);
        self.store().commit(batch).await?;
        Ok(post.deliver(self).await)
    }

    /// A number as the gateway gets it: in E.164 form if the settings ask for that and it can be read, else as it was
    /// typed.
    fn number(&self, to: &str) -> Option<String> {
        let to = to.trim();
        let plain = |c: char| c.is_ascii_digit() || " +-./()".contains(c);
        if to.len() > LONGEST_NUMBER || !to.contains(|c: char| c.is_ascii_digit()) || !to.chars().all(plain) {
            return None;
        }
        let wanted = self.settings().flag("sms.e164");
        let read = wanted.then(|| identity::map(self.identity_rules(), "uia_phone_mapper", to)).flatten();
        Some(read.unwrap_or_else(|| to.to_owned()))
    }
}

/// Where the request that this task serves, if any, stands in a trace.
fn trace() -> Option<String> {
    REQUEST.try_with(|exchange| exchange.headers().forwarded.trace.map(|trace| trace.header())).ok().flatten()
}

/// Country codes of two digits (ITU-T E.164, list of country codes); but for 1 and 7 all others have three.
const TWO_DIGITS: &[&str] = &[
    "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48", "49", "51",
    "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81", "82", "84", "86", "90",
    "91", "92", "93", "94", "95", "98",
];

/// What the number of a country begins with. Where many countries share one, in North America, it is that and the area.
/// A number that does not say its country is one of `local`.
fn country(number: &str) -> &str {
    let Some(digits) = number.strip_prefix('+').filter(|digits| digits.is_ascii()) else { return "local" };
    let length = match digits.get(..2) {
        _ if digits.starts_with('1') => 4,
        _ if digits.starts_with('7') => 1,
        Some(two) if TWO_DIGITS.contains(&two) => 2,
        _ => 3,
    };
    digits.get(..length).unwrap_or(digits)
}

#[cfg(test)]
mod tests {
    use super::country;

    #[test]
    fn numbers_tell_their_country() {
        for (number, expected) in [
            ("+16505551212", "1650"),
            ("+18765551212", "1876"),
            ("+79161234567", "7"),
            ("+4930123456", "49"),
            ("+35312345678", "353"),
            ("+9601234567", "960"),
            ("+1", "1"),
            ("+", ""),
            ("+ü12345", "local"),
            ("030 123456", "local"),
        ] {
            assert_eq!(country(number), expected, "{number}");
        }
    }
}
