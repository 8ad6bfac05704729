//! Sends letters to a mail server.

use std::{fmt, time::Duration};

use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor,
    transport::smtp::{
        Error, PoolConfig,
        authentication::Credentials,
        client::{Certificate, Identity, Tls, TlsParameters},
    },
};

use super::{MailError, Mailer, Message};
use crate::settings::Settings;

/// Sends letters by SMTP (RFC 5321), secured by TLS from the start, by STARTTLS, or not at all.
///
/// With `use_tls` a server that offers no STARTTLS gets neither letters nor the password. Connections are kept for a
/// minute and used again.
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    shown: String,
}

impl SmtpMailer {
    /// The mail server of the settings in `[mail]`; `timeout` is the longest wait for each of its answers.
    ///
    /// # Errors
    ///
    /// One line about the setting that cannot be used.
    pub fn from_settings(settings: &Settings, timeout: Duration) -> Result<Self, String> {
        let server = settings.text_opt("mail.server").unwrap_or("localhost");
        let port = u16::try_from(settings.int("mail.port")).map_err(|_| "mail.port is not a port".to_owned())?;
        let (wrapped, starttls) = (settings.flag("mail.use_ssl"), settings.flag("mail.use_tls"));
        let (tls, how) = match (wrapped, starttls) {
            (true, true) => return Err("mail.use_ssl and mail.use_tls exclude each other".to_owned()),
            (true, false) => (Tls::Wrapper(parameters(settings, server)?), "TLS"),
            (false, true) => (Tls::Required(parameters(settings, server)?), "STARTTLS"),
            (false, false) => (Tls::None, "without TLS"),
        };
        let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(server);
        let mut builder = builder.port(port).tls(tls).timeout(Some(timeout)).pool_config(PoolConfig::new().max_size(8));
        if let Some(name) = settings.text_opt("mail.username") {
            let password = settings.text_opt("mail.password").unwrap_or_default();
            builder = builder.credentials(Credentials::new(name.to_owned(), password.to_owned()));
            let local = server.eq_ignore_ascii_case("localhost")
                || server.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
            if !wrapped && !starttls && !local {
                tracing::warn!(
                    "the password of the mail server is sent in the clear: set mail.use_tls or mail.use_ssl"
                );
            }
        }
        Ok(Self { transport: builder.build(), shown: format!("{server}:{port}, {how}") })
    }
}

fn parameters(settings: &Settings, server: &str) -> Result<TlsParameters, String> {
    let read = |path: &str| std::fs::read(path).map_err(|error| format!("{path}: {error}"));
    let mut builder = TlsParameters::builder(server.to_owned());
    if let Some(path) = settings.text_opt("mail.ssl_cafile") {
        let pem = read(path)?;
        if !pem.windows(18).any(|window| window == b"BEGIN CERTIFICATE-") {
            return Err(format!("{path}: there is no certificate in it"));
        }
        builder =
            builder.add_root_certificate(Certificate::from_pem(&pem).map_err(|error| format!("{path}: {error}"))?);
    }
    match (settings.text_opt("mail.ssl_certfile"), settings.text_opt("mail.ssl_keyfile")) {
        (Some(certificate), Some(key)) => {
            let identity = Identity::from_pem(&read(certificate)?, &read(key)?);
            builder = builder.identify_with(identity.map_err(|error| format!("{certificate}: {error}"))?);
        }
        (None, None) => {}
        _ => return Err("mail.ssl_certfile and mail.ssl_keyfile are given together or not at all".to_owned()),
    }
    builder.build_rustls().map_err(|error| format!("mail.server {server:?}: {error}"))
}

impl Mailer for SmtpMailer {
    async fn send(&self, message: &Message) -> Result<(), MailError> {
        let letter = message.to_lettre()?;
        let addresses = letter.envelope().to().iter().chain(letter.envelope().from());
        let is_international = addresses.into_iter().any(|address| !AsRef::<str>::as_ref(address).is_ascii());
        match self.transport.send(letter).await {
            Ok(_) => Ok(()),
            // Not even tried: the server has no SMTPUTF8 (RFC 6531).
            Err(error) if is_international && error.is_client() => Err(MailError::permanent(error)),
            Err(error) if is_about_the_letter(&error) => Err(MailError::permanent(error)),
            Err(error) => Err(MailError::temporary(error)),
        }
    }

    async fn check(&self) -> Result<String, MailError> {
        match self.transport.test_connection().await {
            Ok(true) => Ok(format!("{} answers", self.shown)),
            Ok(false) => Err(MailError::temporary(format_args!("{} does not answer as a mail server", self.shown))),
            Err(error) => Err(MailError::temporary(format_args!("{}: {error}", self.shown))),
        }
    }
}

/// Whether the server will never take this letter, as against not taking letters from us at present: no such mailbox,
/// too large, no such address (RFC 5321, section 4.2.3).
fn is_about_the_letter(error: &Error) -> bool {
    error.status().is_some_and(|code| matches!(u16::from(code), 550..=553 | 555 | 556))
}

impl fmt::Debug for SmtpMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpMailer").field("server", &self.shown).finish_non_exhaustive()
    }
}
