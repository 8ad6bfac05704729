//! TLS: certificates from files that are read again when they change, or from a certification authority by ACME.
//!
//! TLS 1.2 and 1.3 with the cipher suites of rustls on aws-lc-rs: all of them have forward secrecy and authenticate what they
//! encrypt. `[server]` says where the certificate comes from.

mod acme;
mod certificate;
mod files;

use std::{fmt, io, sync::Arc};

use parking_lot::Mutex;
use rustls::{ServerConfig, server::ResolvesServerCert, version};
use tokio::{net::TcpStream, sync::watch};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

pub use self::certificate::{Certificate, CertificateProblem};
use self::files::Files;
use crate::settings::Settings;

/// HTTP/2 over TLS (RFC 9113, section 3.2).
const HTTP2: &[u8] = b"h2";
/// HTTP/1.1 (RFC 7301, section 6).
const HTTP1: &[u8] = b"http/1.1";
/// The challenge of ACME that TLS answers (RFC 8737, section 6.2).
const CHALLENGE: &[u8] = b"acme-tls/1";

/// What encrypts the connections of a listener; a clone is cheap.
#[derive(Clone)]
pub(super) struct Tls {
    acceptor: TlsAcceptor,
    source: Arc<Mutex<Option<Source>>>,
}

/// Where certificates come from; taken by what keeps them current.
enum Source {
    Files(Arc<Files>),
    Acme(Box<acme::Ordering>),
}

impl Tls {
    /// TLS as `[server]` says; nothing where it says nothing of it.
    pub(super) fn from_settings(settings: &Settings) -> Result<Option<Self>, String> {
        let certificate = settings.text_opt("server.tls_certificate").zip(settings.text_opt("server.tls_key"));
        let (source, resolver, challenge): (_, Arc<dyn ResolvesServerCert>, _) = match certificate {
            Some((certificate, key)) => {
                let files = Files::open(certificate.into(), key.into()).map_err(|problem| problem.to_string())?;
                (Source::Files(Arc::clone(&files)), files, false)
            }
            None if settings.list("server.acme_domains").is_empty() => return Ok(None),
            None => {
                let (ordering, resolver) = acme::order(settings)?;
                (Source::Acme(Box::new(ordering)), resolver, true)
            }
        };
        let versions: &[&rustls::SupportedProtocolVersion] = match settings.text("server.tls_min_version") {
            "1.3" => &[&version::TLS13],
            _ => &[&version::TLS13, &version::TLS12],
        };
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(versions)
            .map_err(|error| format!("TLS cannot be set up: {error}"))?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        let offered = [(HTTP2, settings.flag("server.http2")), (HTTP1, true), (CHALLENGE, challenge)];
        config.alpn_protocols = offered.into_iter().filter(|(_, on)| *on).map(|(name, _)| name.to_vec()).collect();
        Ok(Some(Self { acceptor: TlsAcceptor::from(Arc::new(config)), source: Arc::new(Mutex::new(Some(source))) }))
    }

    /// The handshake; the stream, and whether it carries HTTP/2. Nothing if all was said with it.
    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<Option<(TlsStream<TcpStream>, bool)>> {
        let stream = self.acceptor.accept(stream).await?;
        let protocol = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
        Ok(match protocol.as_deref() {
            Some(CHALLENGE) => None,
            Some(HTTP2) => Some((stream, true)),
            _ => Some((stream, false)),
        })
    }

    /// Starts what reads or orders new certificates, until `stop` says so.
    pub(super) fn keep_current(&self, stop: watch::Receiver<bool>) {
        match self.source.lock().take() {
            Some(Source::Files(files)) => files.keep_current(stop),
            Some(Source::Acme(ordering)) => acme::keep_current(*ordering, stop),
            None => {}
        }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}
