//! Sends letters to a mail server.

use std::{
    fmt,
    time::{Duration, Instant},
};

use lettre::transport::smtp::{
    Error,
    authentication::{Credentials, DEFAULT_MECHANISMS},
    client::{AsyncSmtpConnection, Certificate, Identity, TlsParameters},
    extension::ClientId,
    response::Response,
};
use parking_lot::Mutex;

use super::{MailError, Mailer, Message};
use crate::settings::Settings;

/// Connections that are kept for the next letter, and for how long.
const MOST_IDLE: usize = 8;
const LONGEST_IDLE: Duration = Duration::from_secs(30);

/// How long a kept connection may take to say that it still works.
const PROBE: Duration = Duration::from_secs(2);

/// Sends letters by SMTP (RFC 5321), secured by TLS from the start, by STARTTLS, or not at all.
///
/// With `use_tls` a server that offers no STARTTLS gets neither letters nor the password. Connections are kept for half
/// a minute and used again.
pub struct SmtpMailer {
    server: String,
    port: u16,
    security: Security,
    credentials: Option<Credentials>,
    hello: ClientId,
    timeout: Duration,
    // lettre's own pool takes back a connection that was given up in the middle of a letter, and the next letter would
    // take the server's answers to the former one for its own. Here only a connection that is done comes back.
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    connection: AsyncSmtpConnection,
    since: Instant,
}

enum Security {
    None,
    StartTls(TlsParameters),
    FromTheStart(TlsParameters),
}

impl SmtpMailer {
    /// The mail server of the settings in `[mail]`; `timeout` is the longest wait for a connection.
    ///
    /// # Errors
    ///
    /// One line about the setting that cannot be used.
    pub fn from_settings(settings: &Settings, timeout: Duration) -> Result<Self, String> {
        let server = settings.text_opt("mail.server").unwrap_or("localhost").to_owned();
        let port = u16::try_from(settings.int("mail.port")).map_err(|_| "mail.port is not a port".to_owned())?;
        let security = match (settings.flag("mail.use_ssl"), settings.flag("mail.use_tls")) {
            (true, true) => return Err("mail.use_ssl and mail.use_tls exclude each other".to_owned()),
            (true, false) => Security::FromTheStart(parameters(settings, &server)?),
            (false, true) => Security::StartTls(parameters(settings, &server)?),
            (false, false) => Security::None,
        };
        let password = settings.text_opt("mail.password").unwrap_or_default();
        let name = settings.text_opt("mail.username");
        let credentials = name.map(|name| Credentials::new(name.to_owned(), password.to_owned()));
        if credentials.is_some() && matches!(security, Security::None) && !is_here(&server) {
            tracing::warn!("the password of the mail server is sent in the clear: set mail.use_tls or mail.use_ssl");
        }
        let hello = ClientId::default();
        Ok(Self { server, port, security, credentials, hello, timeout, idle: Mutex::default() })
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        let (address, timeout) = ((self.server.as_str(), self.port), Some(self.timeout));
        let wrapped = match &self.security {
            Security::FromTheStart(parameters) => Some(parameters.clone()),
            _ => None,
        };
        let mut connection = AsyncSmtpConnection::connect_tokio1(address, timeout, &self.hello, wrapped, None).await?;
        if let Security::StartTls(parameters) = &self.security {
            connection.starttls(parameters.clone(), &self.hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }

    /// A connection that waits for a letter: one that was kept, if it still works, or a new one.
    async fn ready(&self) -> Result<AsyncSmtpConnection, Error> {
        loop {
            let kept = self.idle.lock().pop();
            let Some(mut kept) = kept else { return self.connect().await };
            let works = kept.since.elapsed() < LONGEST_IDLE
                && tokio::time::timeout(PROBE, kept.connection.test_connected()).await == Ok(true);
            if works {
                return Ok(kept.connection);
            }
        }
    }

    fn keep(&self, connection: AsyncSmtpConnection) {
        let mut idle = self.idle.lock();
        idle.retain(|kept| kept.since.elapsed() < LONGEST_IDLE);
        if idle.len() < MOST_IDLE {
            idle.push(Idle { connection, since: Instant::now() });
        }
    }
}

fn is_here(server: &str) -> bool {
    let address = server.parse::<std::net::IpAddr>();
    server.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

fn parameters(settings: &Settings, server: &str) -> Result<TlsParameters, String> {
    let wrong = |name: &str, path: &str, error: &dyn fmt::Display| format!("mail.{name}: {path}: {error}");
    let read = |name: &str, path: &str| std::fs::read(path).map_err(|error| wrong(name, path, &error));
    let mut builder = TlsParameters::builder(server.to_owned());
    if let Some(path) = settings.text_opt("mail.ssl_cafile") {
        let name = "ssl_cafile";
        let pem = read(name, path)?;
        if !pem.windows(18).any(|window| window == b"BEGIN CERTIFICATE-") {
            return Err(wrong(name, path, &"there is no certificate in it"));
        }
        let certificate = Certificate::from_pem(&pem).map_err(|error| wrong(name, path, &error))?;
        builder = builder.add_root_certificate(certificate);
    }
    match (settings.text_opt("mail.ssl_certfile"), settings.text_opt("mail.ssl_keyfile")) {
        (Some(certificate), Some(key)) => {
            let identity = Identity::from_pem(&read("ssl_certfile", certificate)?, &read("ssl_keyfile", key)?);
            builder = builder.identify_with(identity.map_err(|error| wrong("ssl_certfile", certificate, &error))?);
        }
        (None, None) => {}
        _ => return Err("mail.ssl_certfile and mail.ssl_keyfile are given together or not at all".to_owned()),
    }
    builder.build_rustls().map_err(|error| format!("mail.server {server:?}: {error}"))
}

impl SmtpMailer {
    /// Hands a letter over, and gives the answer of the server.
    async fn hand_over(&self, message: &Message) -> Result<Response, MailError> {
        let letter = message.to_lettre()?;
        let addresses = letter.envelope().to().iter().chain(letter.envelope().from());
        let is_international = addresses.into_iter().any(|address| !AsRef::<str>::as_ref(address).is_ascii());
        let mut connection = self.ready().await.map_err(MailError::temporary)?;
        match connection.send(letter.envelope(), &letter.formatted()).await {
            Ok(answer) => {
                self.keep(connection);
                Ok(answer)
            }
            // Not even tried: the address needs SMTPUTF8 (RFC 6531), which the server does not have.
            Err(error) if error.is_client() && is_international => Err(MailError::permanent(error)),
            Err(error) if is_about_the_letter(&error) => Err(MailError::permanent(error)),
            Err(error) => Err(MailError::temporary(error)),
        }
    }
}

impl Mailer for SmtpMailer {
    async fn send(&self, message: &Message) -> Result<(), MailError> {
        self.hand_over(message).await.map(drop)
    }

    async fn try_out(&self, message: &Message) -> Result<String, MailError> {
        let answer = self.hand_over(message).await?;
        let said: Vec<&str> = answer.message().collect();
        Ok(format!("{self:?} answered: {} {}", answer.code(), said.join(" ")))
    }

    async fn check(&self) -> Result<String, MailError> {
        match self.connect().await {
            Ok(mut connection) => {
                let _ = connection.quit().await;
                Ok(format!("{self:?} answers"))
            }
            Err(error) => Err(MailError::temporary(format_args!("{self:?}: {error}"))),
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
        let security = match self.security {
            Security::None => "without TLS",
            Security::StartTls(_) => "STARTTLS",
            Security::FromTheStart(_) => "TLS",
        };
        write!(f, "{}:{}, {security}", self.server, self.port)
    }
}
