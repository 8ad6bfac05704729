//! Certificates by ACME (RFC 8555), proved by TLS itself (RFC 8737): the authority connects to this listener.

use std::{io, path::Path, sync::Arc};

use futures_util::StreamExt as _;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use rustls_acme::{
    AcmeConfig, AcmeState, EventOk, ResolvesServerCertAcme,
    acme::{LETS_ENCRYPT_PRODUCTION_DIRECTORY, LETS_ENCRYPT_STAGING_DIRECTORY},
    caches::DirCache,
};
use tokio::sync::watch;

use super::certificate;
use crate::settings::Settings;

/// What orders certificates.
pub(super) type Ordering = AcmeState<io::Error>;

/// What orders the certificate that `[server]` asks for, and what hands it to connections.
pub(super) fn order(settings: &Settings) -> Result<(Ordering, Arc<ResolvesServerCertAcme>), String> {
    let cache = Path::new(settings.text("server.acme_cache")).to_owned();
    private_folder(&cache).map_err(|error| format!("server.acme_cache {}: {error}", cache.display()))?;
    let directory = match settings.text("server.acme_directory") {
        "production" => LETS_ENCRYPT_PRODUCTION_DIRECTORY,
        "staging" => LETS_ENCRYPT_STAGING_DIRECTORY,
        url => url,
    };
    let mut config = AcmeConfig::new_with_provider(settings.list("server.acme_domains"), super::provider());
    if let Some(path) = settings.text_opt("server.acme_ca") {
        config = config.client_tls_config(trusting(Path::new(path))?);
    }
    if let Some(mailbox) = settings.text_opt("server.acme_contact") {
        config = config.contact_push(format!("mailto:{mailbox}"));
    }
    let state = config.directory(directory).cache(DirCache::new(cache)).state();
    let resolver = state.resolver();
    Ok((state, resolver))
}

/// Orders the certificate, and a new one when a third of its life is left, until `stop` says so.
pub(super) fn keep_current(mut ordering: Ordering, mut stop: watch::Receiver<bool>) {
    tokio::spawn(async move {
        loop {
            let event = tokio::select! {
                event = ordering.next() => event,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            match event {
                Some(Ok(EventOk::DeployedCachedCert)) => tracing::info!("the certificate of the last start is used"),
                Some(Ok(EventOk::DeployedNewCert)) => tracing::info!("a new certificate is used"),
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    tracing::warn!(%error, "no certificate by ACME; it is tried again, later each time")
                }
                None => return,
            }
        }
    });
}

/// Trusts the certificates in a file, and no others.
fn trusting(path: &Path) -> Result<Arc<ClientConfig>, String> {
    let pem = certificate::read(path).map_err(|problem| format!("server.acme_ca: {problem}"))?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok));
    if roots.is_empty() {
        return Err(format!("server.acme_ca: {} holds no certificate in PEM", path.display()));
    }
    let config = ClientConfig::builder_with_provider(super::provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be set up: {error}"))?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

/// Makes a folder that nobody else can look into: it holds keys.
fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
        builder.mode(0o700).create(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
    }
    #[cfg(not(unix))]
    builder.create(path)
}
