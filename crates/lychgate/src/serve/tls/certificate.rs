//! A certificate and its key, read from files.

use std::path::{Path, PathBuf};

use rustls::{
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    sign::CertifiedKey,
};
use time::OffsetDateTime;
use x509_cert::{
    der::Decode as _,
    ext::pkix::{SubjectAltName, name::GeneralName},
    time::Time,
};
use zeroize::Zeroizing;

/// The longest file that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// What a certificate says of itself.
///
/// ```
/// # use std::path::Path;
/// use lychgate::tls::Certificate;
///
/// let problem = Certificate::read(Path::new("/no/such.pem"), Path::new("/no/such.key")).unwrap_err();
/// assert!(problem.to_string().starts_with("/no/such.pem cannot be read"));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Certificate {
    /// The host names that it is for; a first label may be `*`.
    pub names: Vec<String>,
    /// From when it is good.
    pub not_before: OffsetDateTime,
    /// Until when it is good.
    pub not_after: OffsetDateTime,
}

/// Why a certificate and its key cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateProblem {
    /// A file cannot be read.
    #[error("{} cannot be read: {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{} holds no {what}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// What is missing.
        what: &'static str,
    },
    /// The certificate or the key is of no kind that can be used, or one is not of the other.
    #[error("{} and {} cannot be used together: {why}", certificate.display(), key.display())]
    Unfit {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// What is wrong.
        why: String,
    },
}

impl Certificate {
    /// Reads a certificate (PEM, the chain from its own certificate up) and its key (PEM), and sees whether they belong
    /// together.
    ///
    /// # Errors
    ///
    /// [`CertificateProblem`].
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, CertificateProblem> {
        let certified = load(certificate, key)?;
        let unfit = |why: &dyn std::fmt::Display| CertificateProblem::Unfit {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            why: why.to_string(),
        };
        let own = certified.end_entity_cert().map_err(|error| unfit(&error))?;
        Self::parse(own).map_err(|error| unfit(&error))
    }

    /// Whether it is for `host`.
    #[must_use]
    pub fn is_for(&self, host: &str) -> bool {
        self.names.iter().any(|name| {
            let below = name.strip_prefix("*.").and_then(|parent| {
                let (_, rest) = host.split_once('.')?;
                Some(rest.eq_ignore_ascii_case(parent))
            });
            below.unwrap_or_else(|| name.eq_ignore_ascii_case(host))
        })
    }

    fn parse(der: &[u8]) -> Result<Self, x509_cert::der::Error> {
        let certificate = x509_cert::Certificate::from_der(der)?;
        let tbs = &certificate.tbs_certificate;
        let mut names = Vec::new();
        for name in tbs.get::<SubjectAltName>()?.into_iter().flat_map(|(_, names)| names.0) {
            match name {
                GeneralName::DnsName(name) => names.push(name.as_str().to_owned()),
                GeneralName::IpAddress(bytes) => names.extend(address(bytes.as_bytes())),
                _ => {}
            }
        }
        Ok(Self { names, not_before: moment(tbs.validity.not_before), not_after: moment(tbs.validity.not_after) })
    }
}

fn moment(time: Time) -> OffsetDateTime {
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn address(bytes: &[u8]) -> Option<String> {
    let v4 = || <[u8; 4]>::try_from(bytes).ok().map(|bytes| std::net::IpAddr::from(bytes).to_string());
    let v6 = || <[u8; 16]>::try_from(bytes).ok().map(|bytes| std::net::IpAddr::from(bytes).to_string());
    v4().or_else(v6)
}

/// Reads a chain and its key, which belong together.
pub(super) fn load(certificate: &Path, key: &Path) -> Result<CertifiedKey, CertificateProblem> {
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(&read(certificate)?).filter_map(Result::ok).collect();
    if chain.is_empty() {
        return Err(CertificateProblem::Missing { path: certificate.to_owned(), what: "certificate in PEM" });
    }
    let private = PrivateKeyDer::from_pem_slice(&read(key)?)
        .map_err(|_| CertificateProblem::Missing { path: key.to_owned(), what: "private key in PEM" })?;
    CertifiedKey::from_der(chain, private, &super::provider()).map_err(|error| CertificateProblem::Unfit {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        why: error.to_string(),
    })
}

pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, CertificateProblem> {
    use std::io::Read as _;
    let unreadable = |why| CertificateProblem::Unreadable { path: path.to_owned(), why };
    let mut bytes = Zeroizing::new(Vec::new());
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(LONGEST).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}
