//! Letters as they go over the wire (RFC 5322, MIME).

use std::time::SystemTime;

use lettre::{
    Address,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{HeaderName, HeaderValue},
    },
};

use super::{MailError, Message};

/// The longest address (RFC 3696, erratum 1690), in bytes.
const LONGEST_ADDRESS: usize = 320;

/// One address, its domain as the domain name system has it.
pub(super) fn address(text: &str) -> Result<Address, MailError> {
    let refused = || MailError::permanent("the recipient is not a mail address");
    if text.len() > LONGEST_ADDRESS || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(refused());
    }
    let (local, domain) = text.rsplit_once('@').ok_or_else(refused)?;
    let domain = if domain.is_ascii() {
        domain.to_owned()
    } else {
        idna::domain_to_ascii_strict(domain).map_err(|_| refused())?
    };
    Address::new(local, domain).map_err(|_| refused())
}

impl Message {
    /// The whole letter, headers and body.
    ///
    /// # Errors
    ///
    /// A permanent [`MailError`] if sender or recipient is not one mail address, or there is no body.
    pub fn to_mime(&self) -> Result<Vec<u8>, MailError> {
        self.to_lettre().map(|letter| letter.formatted())
    }

    pub(super) fn to_lettre(&self) -> Result<lettre::Message, MailError> {
        let from = address(&self.from.address)?;
        let id = format!("<{}@{}>", self.id, from.domain());
        let name = self.from.name.as_deref().map(plain).filter(|name| !name.is_empty());
        let mut builder = lettre::Message::builder()
            .message_id(Some(id))
            .date(SystemTime::from(self.written_at))
            .from(Mailbox::new(name, from))
            .to(Mailbox::new(None, address(&self.to)?))
            .subject(plain(&self.subject));
        // Nobody's holiday notice is to answer (RFC 3834, section 5).
        if let Ok(header) = HeaderName::new_from_ascii("Auto-Submitted".to_owned()) {
            builder = builder.raw_header(HeaderValue::new(header, "auto-generated".to_owned()));
        }
        let built = match (self.text.clone(), self.html.clone()) {
            (Some(text), Some(html)) => builder.multipart(MultiPart::alternative_plain_html(text, html)),
            (Some(text), None) => builder.singlepart(SinglePart::plain(text)),
            (None, Some(html)) => builder.singlepart(SinglePart::html(html)),
            (None, None) => return Err(MailError::permanent("the letter has no body")),
        };
        built.map_err(MailError::permanent)
    }
}

/// What may stand in a header: nothing that ends the line.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::settings;
    use proptest::prelude::*;
    use time::OffsetDateTime;

    fn message(name: Option<String>, to: String, subject: String, id: String, body: String) -> Message {
        Message {
            id,
            written_at: OffsetDateTime::UNIX_EPOCH,
            from: settings::Mailbox { name, address: "post@lp.com".to_owned() },
            to,
            subject,
            text: Some(body.clone()),
            html: Some(body),
            is_notice: false,
        }
    }

    /// The headers that every letter has, and no others.
    const NAMES: [&str; 8] =
        ["Message-ID", "Date", "From", "To", "Subject", "Auto-Submitted", "MIME-Version", "Content-Type"];

    proptest! {
        #[test]
        fn whatever_is_in_a_letter_adds_no_header(
            name in proptest::option::of("[\\PC\r\n\t\u{0}\u{85}\u{2028}:<>@,\" ]{0,60}"),
            subject in "[\\PC\r\n\t\u{0}\u{85}\u{2028}:<>@,\" ]{0,120}",
            id in "[a-z\r\n: >]{0,20}",
            body in "[\\PC\r\n.]{0,200}",
        ) {
            let letter = message(name, "joe@lp.com".to_owned(), subject, id, body);
            let raw = String::from_utf8(letter.to_mime().unwrap()).unwrap();
            let head = raw.split("\r\n\r\n").next().unwrap();
            for line in head.split("\r\n").filter(|line| !line.starts_with([' ', '\t'])) {
                let name = line.split(':').next().unwrap();
                prop_assert!(NAMES.contains(&name), "{}", head);
            }
            prop_assert!(!head.replace("\r\n", "").contains(['\r', '\n', '\0']), "{}", head);
        }

        #[test]
        fn an_address_never_holds_what_would_end_it(text in "[\\PC\r\n\t\u{0}<>, ]{0,30}@?[\\PC\r\n<>, .]{0,30}") {
            if let Ok(address) = address(&text) {
                let text = address.to_string();
                prop_assert!(!text.chars().any(|c| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | ',')), "{}", text);
                prop_assert!(address.domain().is_ascii());
            }
        }
    }

    #[test]
    fn a_letter_without_body_is_none() {
        let mut letter = message(None, "joe@lp.com".to_owned(), String::new(), String::new(), String::new());
        letter.text = None;
        letter.html = None;
        assert!(letter.to_mime().unwrap_err().is_permanent());
    }
}
