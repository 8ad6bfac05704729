//! Finishing on the device that asked: a mailed link that is opened elsewhere shows a short code, which is typed where
//! the mail was asked for.
//!
//! Whoever asks for a mail gets a random ticket in their session, whether anybody has that address or not. The database
//! remembers, beside the link, whose ticket it was sent for. The code follows from both and from the secret key, so it
//! is worth nothing without the ticket, and nobody sees it who has not opened the link. It is good as long as the link
//! is, for five guesses.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use lychgate_signing::tokens::fingerprint;
use lychgate_store::{Batch, User};
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

use super::{authenticate, letters::MailedLink};
use crate::{
    failure::Failure,
    gate::Lychgate,
    identity, messages,
    web::{
        answer::Reply,
        exchange::Exchange,
        form::{Field, Form, Kind},
    },
};

/// How often a code may be typed for one mail.
const GUESSES: i64 = 5;

/// Digits and letters that are not taken for one another (Crockford's base 32).
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Its characters, 40 bits.
const LENGTH: usize = 8;

/// The query parameter that asks for the page with the field.
pub(crate) const QUERY: &str = "relay";

/// What a link shows that is opened elsewhere.
#[derive(Clone, Debug)]
pub(crate) struct RelayCode {
    pub(crate) code: String,
    /// The device that asked for the mail, and where it was.
    pub(crate) asked_from: String,
}

/// Somebody who typed the right code.
#[derive(Clone, Debug)]
pub(crate) struct Relayed {
    pub(crate) user: Arc<User>,
    /// The link that the code stands for, as [`mark_of`] names it.
    pub(crate) link: String,
}

/// What the database remembers of who asked.
struct Asked {
    ticket: String,
    link: String,
    at: i64,
    from: String,
}

impl Asked {
    fn read(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        Some(Self { ticket: text("ticket")?, link: text("link")?, at: value["at"].as_i64()?, from: text("from")? })
    }
}

/// A link as the database names it once it is used: its text stays out.
pub(crate) fn mark_of(token: &str) -> String {
    fingerprint(token).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn session_key(kind: &MailedLink) -> String {
    format!("lg_wait_{}", kind.name)
}

fn record_key(kind: &MailedLink, user_id: i64) -> String {
    format!("relay/{}/{user_id}", kind.name)
}

/// Spaces and hyphens are for reading, and some letters look like digits.
fn normalized(typed: &str) -> Option<String> {
    let kept = typed.chars().filter(|c| !matches!(c, ' ' | '-')).take(LENGTH + 1);
    let code: String = kept
        .map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            c => c,
        })
        .collect();
    (code.len() == LENGTH && code.bytes().all(|b| ALPHABET.contains(&b))).then_some(code)
}

/// The first 40 bits of `digest`.
fn spelled(digest: &[u8]) -> String {
    let bits = digest.iter().take(5).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    let letter = |at: usize| {
        let index = usize::try_from(bits >> (5 * (LENGTH - 1 - at)) & 31).unwrap_or(0);
        char::from(ALPHABET.get(index).copied().unwrap_or(b'0'))
    };
    (0..LENGTH).map(letter).collect()
}

impl Lychgate {
    fn code_for(&self, kind: &MailedLink, user: &User, ticket: &str, link: &str) -> String {
        // Of another address, or after a change of the account, it is another code.
        let said = json!([kind.name, user.id, user.fs_uniquifier, user.email, ticket, link]).to_string();
        let signed = self.relay_signer().sign(&said);
        let signature = signed.rsplit('.').next().unwrap_or_default();
        spelled(&URL_SAFE_NO_PAD.decode(signature).unwrap_or_default())
    }
}

impl Exchange {
    /// Whether links show such codes.
    pub(crate) fn offers_codes(&self) -> bool {
        self.gate.settings().flag("links_offer_a_code") && self.gate.settings().flag("links_ask_for_a_click")
    }

    /// Gives this session a new ticket: a mail was asked for here. To be called whoever is meant.
    pub(crate) fn wait_for(&self, kind: &MailedLink) {
        if self.offers_codes() {
            self.session(|session| session.set(&session_key(kind), crate::random::id()));
        }
    }

    /// This session's ticket, as the database knows it.
    fn ticket(&self, kind: &MailedLink) -> Option<String> {
        let ticket = self.session(|session| session.text(&session_key(kind)).map(mark_of));
        ticket.filter(|_| self.offers_codes())
    }

    /// Whether this session waits for somebody to open such a link.
    pub(crate) fn is_waiting(&self, kind: &MailedLink) -> bool {
        self.ticket(kind).is_some()
    }

    /// Remembers that `token` was mailed for this session's ticket, in the transaction that mails it.
    pub(crate) fn remember_waiting(&self, batch: &mut Batch, kind: &MailedLink, user_id: i64, token: &str) {
        let Some(ticket) = self.ticket(kind) else { return };
        let place = self.address_text().map(|place| format!(" ({place})")).unwrap_or_default();
        let from = format!("{}{place}", self.device());
        let record = json!({"ticket": ticket, "link": mark_of(token), "at": self.now.unix(), "from": from});
        batch.meta_set(&record_key(kind, user_id), &record.to_string());
    }

    /// The code of a link that this user follows, if another browser asked for it.
    pub(crate) async fn relay_code(
        &self,
        kind: &MailedLink,
        user: &User,
        token: &str,
    ) -> Result<Option<RelayCode>, Failure> {
        if !self.offers_codes() {
            return Ok(None);
        }
        let stored = self.gate.store().meta_get(&record_key(kind, user.id)).await?;
        let Some(asked) = stored.as_deref().and_then(Asked::read) else { return Ok(None) };
        if asked.link != mark_of(token) || self.ticket(kind).is_some_and(|own| own == asked.ticket) {
            return Ok(None);
        }
        let code = self.gate.code_for(kind, user, &asked.ticket, &asked.link);
        let (first, second) = code.split_at(LENGTH / 2);
        Ok(Some(RelayCode { code: format!("{first}-{second}"), asked_from: asked.from }))
    }

    /// Whether the request brings a code rather than asking for a mail.
    pub(crate) fn brings_relay_code(&self) -> bool {
        self.offers_codes() && self.submitted.has("relay_code")
    }

    /// The form for the code.
    pub(crate) fn waiting_form(&self, kind: &MailedLink) -> Form {
        let email = Field::new("email", Kind::Email, "Email").autocomplete("email").required();
        let code = Field::new("relay_code", Kind::Text, "Code").autocomplete("off").required();
        Form::new("relay_code_form", "security/relay_wait.html", self.action(kind.endpoint), vec![email, code])
    }

    /// The reply to whoever asked for a mail: the page with the field for the code.
    pub(crate) fn waiting_page(&self, kind: &MailedLink, email: &str) -> Reply {
        let mut form = self.waiting_form(kind);
        form.set_value("email", email);
        Reply::Form(Box::new(form))
    }

    /// Checks the code in a filled form. The caller uses the link up.
    pub(crate) async fn redeem_relay_code(&self, kind: &MailedLink, form: &Form) -> Result<Option<Relayed>, Failure> {
        let (store, now) = (self.gate.store(), self.now);
        let (Some(ticket), Some(typed)) = (self.ticket(kind), normalized(form.value("relay_code"))) else {
            return Ok(None);
        };
        let within = kind.seconds(self.gate.settings());
        let counted = format!("relay/{}/{ticket}", kind.name);
        let window = time::Duration::seconds(within.max(1));
        if !store.count_attempt(&counted, GUESSES, window, now.datetime()).await? {
            return Ok(None);
        }
        let email = identity::map(self.gate.identity_rules(), "uia_email_mapper", form.value("email"));
        let user = match &email {
            Some(email) => authenticate::by_attribute(&self.gate, "email", email, true).await?,
            None => None,
        };
        let stored = store.meta_get(&record_key(kind, user.as_ref().map_or(0, |user| user.id))).await?;
        let (Some(user), Some(asked)) = (user, stored.as_deref().and_then(Asked::read)) else { return Ok(None) };
        let code = self.gate.code_for(kind, &user, &asked.ticket, &asked.link);
        let right = code.as_bytes().ct_eq(typed.as_bytes()) & asked.ticket.as_bytes().ct_eq(ticket.as_bytes());
        let in_time = now.unix().saturating_sub(asked.at) <= within;
        if !bool::from(right) || !in_time || !self.gate.is_newest_link(kind.name, user.id, &asked.link).await? {
            return Ok(None);
        }
        self.session(|session| session.remove(&session_key(kind)));
        Ok(Some(Relayed { user, link: asked.link }))
    }

    /// The form again, with what is wrong with the code.
    pub(crate) fn refused_code(&self, mut form: Form) -> Failure {
        form.field_error("relay_code", messages::RELAY_CODE_INVALID);
        form.rejected()
    }
}

#[cfg(test)]
mod tests {
    use super::{normalized, spelled};

    #[test]
    fn codes_are_read_as_people_write_them() {
        assert_eq!(normalized("abcd-efgh").as_deref(), Some("ABCDEFGH"));
        assert_eq!(normalized(" oil0 1234 ").as_deref(), Some("01101234"));
        for bad in ["", "ABCDEFG", "ABCDEFGHJ", "ABCDEFGU", "ÄBCDEFGH", "ABCDEFG\0"] {
            assert_eq!(normalized(bad), None, "{bad}");
        }
    }

    #[test]
    fn codes_spell_forty_bits() {
        assert_eq!(spelled(&[0, 0, 0, 0, 0, 9]), "00000000");
        assert_eq!(spelled(&[0xff; 5]), "ZZZZZZZZ");
        assert_eq!(spelled(&[0x00, 0x44, 0x32, 0x14, 0xc7]), "01234567");
        assert_eq!(normalized(&spelled(&[1, 2, 3, 4, 5])), Some(spelled(&[1, 2, 3, 4, 5])));
    }
}
