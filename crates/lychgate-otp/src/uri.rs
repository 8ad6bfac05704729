//! Links that an authenticator reads.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{Algorithm, Totp, totp::checked};

/// Everything but RFC 3986's unreserved characters.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// An address keeps its `@`.
const PATH: &AsciiSet = &QUERY.remove(b'@');

/// No link can be made.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum UriError {
    /// The account has no name, or one with a colon or of more than 200 bytes.
    #[error("a label is needed, of at most 200 bytes and without `:`")]
    Label,
    /// The site's name has a colon or more than 200 bytes.
    #[error("an issuer is at most 200 bytes and holds no `:`")]
    Issuer,
    /// No QR code holds that much.
    #[error("the text is too long for a QR code")]
    TooLong,
}

impl Totp {
    /// The `otpauth://` link for an authenticator. It holds the key: show it once and store it nowhere.
    ///
    /// ```
    /// use lychgate_otp::{Key, Totp};
    /// let totp = Totp::new(Key::new(*b"12345678901234567890")?);
    /// assert_eq!(
    ///     *totp.uri("joe@lp.com", "lychgate")?,
    ///     "otpauth://totp/lychgate:joe@lp.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=lychgate"
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`UriError::Label`] or [`UriError::Issuer`].
    pub fn uri(&self, label: &str, issuer: &str) -> Result<Zeroizing<String>, UriError> {
        let label = checked(label.to_owned()).ok().filter(|label| !label.is_empty()).ok_or(UriError::Label)?;
        let issuer = checked(issuer.to_owned()).map_err(|_| UriError::Issuer)?;
        let mut uri = Zeroizing::new(String::with_capacity(2048));
        uri.push_str("otpauth://totp/");
        if !issuer.is_empty() {
            uri.extend(encode(&issuer, PATH));
            uri.push(':');
        }
        uri.extend(encode(&label, PATH));
        uri.push_str("?secret=");
        uri.push_str(&self.key().base32());
        if self.algorithm() != Algorithm::Sha1 {
            uri.push_str("&algorithm=");
            uri.push_str(&self.algorithm().as_str().to_ascii_uppercase());
        }
        if self.digits() != 6 {
            uri.push_str(&format!("&digits={}", self.digits()));
        }
        if self.period() != 30 {
            uri.push_str(&format!("&period={}", self.period()));
        }
        if !issuer.is_empty() {
            uri.push_str("&issuer=");
            uri.extend(encode(&issuer, QUERY));
        }
        Ok(uri)
    }
}

fn encode<'a>(text: &'a str, set: &'static AsciiSet) -> PercentEncode<'a> {
    utf8_percent_encode(text, set)
}
