//! TLS: whom we trust, and which versions the server speaks.

use std::{
    io::{Read as _, Write as _},
    path::Path,
    sync::Arc,
    time::Duration,
};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use super::{
    check::{Check, Needs, Stop},
    target::Target,
};
use crate::exit::Exit;

/// How long a server may take to refuse.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) const CHECKS: &[Check] = &[Check {
    id: "old-tls",
    threats: &[],
    asvs: &["V12.1.1"],
    holds: "TLS 1.0 and 1.1 are not spoken",
    needs: Needs::Nothing,
    run: |target, _| {
        if !target.is_https() {
            return Err(Stop::skipped("it is not asked over TLS"));
        }
        let mut found = Vec::new();
        for (minor, name) in [(1, "TLS 1.0"), (2, "TLS 1.1")] {
            if speaks(target, minor)? {
                found.push(format!("{name} is spoken"));
            }
        }
        Ok(found)
    },
}];

/// A client that trusts the public authorities and those of a file.
pub(super) fn trusting(ca: Option<&Path>) -> Result<Arc<ClientConfig>, Exit> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(file) = ca {
        let wrong = |error: &dyn std::fmt::Display| Exit::failed(format!("--ca {}: {error}", file.display()));
        for certificate in CertificateDer::pem_file_iter(file).map_err(|error| wrong(&error))? {
            let certificate = certificate.map_err(|error| wrong(&error))?;
            roots.add(certificate).map_err(|error| wrong(&error))?;
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(Exit::failed)?.with_root_certificates(roots).with_no_client_auth();
    Ok(Arc::new(config))
}

/// Whether the server answers a greeting in this old version (RFC 5246, 7.4.1.2) with one of its own.
fn speaks(target: &Target, minor: u8) -> Result<bool, Stop> {
    let mut stream = target.dial(PATIENCE)?;
    let _ = stream.write_all(&greeting(minor));
    let mut reply = [0; 6];
    // A handshake record that holds a ServerHello; anything else, or silence, is a refusal.
    Ok(stream.read_exact(&mut reply).is_ok() && reply[0] == 22 && reply[5] == 2)
}

fn greeting(minor: u8) -> Vec<u8> {
    let mut body = vec![3, minor];
    body.extend([0x5a; 32]);
    body.push(0);
    // ECDHE with ECDSA and with RSA, and RSA alone, each with AES-CBC: every server of that time had them for its key.
    body.extend([0, 12, 0xc0, 0x09, 0xc0, 0x0a, 0xc0, 0x13, 0xc0, 0x14, 0x00, 0x2f, 0x00, 0x35, 1, 0]);
    // The groups x25519, secp256r1 and secp384r1; uncompressed points; signatures of ECDSA and RSA.
    let extensions = [
        [0, 10, 0, 8, 0, 6, 0, 29, 0, 23, 0, 24].as_slice(),
        &[0, 11, 0, 2, 1, 0],
        &[0, 13, 0, 10, 0, 8, 4, 3, 4, 1, 2, 3, 2, 1],
    ]
    .concat();
    body.extend([0, extensions.len() as u8]);
    body.extend(extensions);
    let mut message = vec![1, 0, 0, body.len() as u8];
    message.extend(body);
    let mut record = vec![22, 3, 1, 0, message.len() as u8];
    record.extend(message);
    record
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{net::TcpListener, sync::Arc};

    use rustls::{ServerConfig, server::ResolvesServerCertUsingSni};

    use super::*;
    use crate::commands::attack::target::Limits;

    #[test]
    fn who_answers_an_old_greeting_is_found() {
        for (reply, speaking) in [(&[22, 3, 2, 0, 50, 2][..], true), (&[21, 3, 2, 0, 2, 2, 70], false), (&[], false)] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let url = format!("https://{}", listener.local_addr().unwrap());
            let server = std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let mut greeted = [0; 6];
                stream.read_exact(&mut greeted).unwrap();
                stream.write_all(reply).unwrap();
                greeted
            });
            let minute = Duration::from_secs(60);
            let limits = Limits { requests: 1, time: minute, reply: minute, slow: None };
            let target = Target::new(&url, None, limits).unwrap();
            assert_eq!(speaks(&target, 2).unwrap(), speaking, "{reply:?}");
            assert_eq!(server.join().unwrap()[0], 22);
        }
    }

    #[test]
    fn the_greeting_is_understood_and_refused_for_its_version() {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_cert_resolver(Arc::new(ResolvesServerCertUsingSni::new()));
        let mut server = rustls::ServerConnection::new(Arc::new(config)).unwrap();
        server.read_tls(&mut greeting(2).as_slice()).unwrap();
        let error = server.process_new_packets().unwrap_err();
        assert!(format!("{error:?}").contains("Tls12NotOffered"), "{error:?}");
    }
}
