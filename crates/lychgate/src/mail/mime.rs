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
