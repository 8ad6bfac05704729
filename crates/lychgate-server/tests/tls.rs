//! https by the server itself: certificates in files, their change, the redirect, and ACME.

#![allow(clippy::unwrap_used)]

#[path = "tls/pebble.rs"]
mod pebble;
mod support;

use std::{
    io::Write as _,
    net::{TcpListener, TcpStream},
    path::Path,
    process::Command,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use pebble::{Pebble, Way};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
    client::Resumption,
    pki_types::{CertificateDer, pem::PemObject as _},
    version::{TLS12, TLS13},
};
use support::{Place, Server, rest};

const NAME: &str = "id.example";

/// Writes `NAME.pem` and `NAME.key`: a certificate for `name` that signs itself.
fn certificate(place: &Place, file: &str, name: &str, days: &str) {
    let (key, pem) = (place.path(&format!("{file}.key")), place.path(&format!("{file}.pem")));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", days])
        .args(["-subj", "/CN=test", "-addext", &format!("subjectAltName={}", subject(name))])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
        .args([key.as_os_str(), "-out".as_ref(), pem.as_os_str()])
        .output()
        .expect("the program openssl is not installed (Debian: apt-get install openssl)");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

fn subject(name: &str) -> String {
    if name.starts_with(|first: char| first.is_ascii_digit()) { format!("IP:{name}") } else { format!("DNS:{name}") }
}

/// A browser that trusts one certificate.
fn trusting(pem: &Path, versions: &[&'static SupportedProtocolVersion], alpn: &[&[u8]]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(pem).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    // A resumed session shows no certificate.
    config.resumption = Resumption::disabled();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    Arc::new(config)
}

fn connect(server: &Server, config: &Arc<ClientConfig>) -> Result<StreamOwned<ClientConnection, TcpStream>, String> {
    let mut tcp = server.connect();
    let mut tls = ClientConnection::new(Arc::clone(config), NAME.try_into().unwrap()).unwrap();
    while tls.is_handshaking() {
        tls.complete_io(&mut tcp).map_err(|error| error.to_string())?;
    }
    Ok(StreamOwned::new(tls, tcp))
}

/// What `path` answers over TLS.
fn get(server: &Server, config: &Arc<ClientConfig>, path: &str) -> String {
    let mut stream = connect(server, config).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {NAME}\r\naccept: text/html\r\nconnection: close\r\n\r\n").unwrap();
    rest(&mut stream)
}

const SETTINGS: &str =
    "base_url = \"https://id.example\"\n[server]\ntls_certificate = \"one.pem\"\ntls_key = \"one.key\"\n";

#[test]
fn a_certificate_in_files() {
    let place = Place::new();
    certificate(&place, "one", NAME, "90");
    place.write(
        "lychgate.toml",
        &format!("{SETTINGS}redirect_listen = \"127.0.0.1:0\"\ntls_handshake_timeout = 3\n[session]\ncookie_secure = \"auto\"\n"),
    );
    let server = place.serve(&[]);
    let both = trusting(&place.path("one.pem"), &[&TLS12, &TLS13], &[]);
    let login = get(&server, &both, "/login");
    assert!(login.starts_with("HTTP/1.1 200"), "{login}");
    let cookie = login.lines().find(|line| line.to_ascii_lowercase().starts_with("set-cookie: session=")).unwrap();
    assert!(cookie.contains("; Secure"), "the scheme is that of the connection: {cookie}");
    // HTTP/2 where it is asked for, TLS 1.2 where there is no better.
    let h2 = trusting(&place.path("one.pem"), &[&TLS13], &[b"h2", b"http/1.1"]);
    assert_eq!(connect(&server, &h2).unwrap().conn.alpn_protocol(), Some(b"h2".as_slice()));
    let old = trusting(&place.path("one.pem"), &[&TLS12], &[b"http/1.1"]);
    let old = connect(&server, &old).unwrap();
    assert_eq!(old.conn.alpn_protocol(), Some(b"http/1.1".as_slice()));
    let suite = format!("{:?}", old.conn.negotiated_cipher_suite().unwrap());
    assert!(suite.contains("ECDHE") && !suite.contains("CBC"), "{suite}");
    // Whoever speaks no TLS, or nothing, is let go.
    assert!(!server.exchange("GET / HTTP/1.1\r\nhost: a\r\n\r\n").contains("HTTP/1.1"));
    assert_eq!(rest(&mut server.connect()), "");

    // The second listener leads to base_url, whatever host is named.
    let log = place.read("log");
    let redirect = log.lines().find(|line| line.contains("http is redirected to https")).unwrap();
    let redirect = redirect.split("address=").nth(1).unwrap().split_whitespace().next().unwrap();
    let mut plain = TcpStream::connect(redirect).unwrap();
    plain.set_read_timeout(Some(Duration::from_secs(300))).unwrap();
    plain.write_all(b"GET /login?next=/x HTTP/1.1\r\nhost: evil.example\r\n\r\n").unwrap();
    let reply = rest(&mut plain).to_ascii_lowercase();
    assert!(
        reply.starts_with("http/1.1 301") && reply.contains("\r\nlocation: https://id.example/login?next=/x\r\n"),
        "{reply}"
    );

    // A pair that does not fit is not taken up; one that fits is, without a stop.
    certificate(&place, "two", NAME, "90");
    let hang_up = || assert!(Command::new("kill").args(["-HUP", &server.id().to_string()]).status().unwrap().success());
    std::fs::copy(place.path("two.pem"), place.path("one.pem")).unwrap();
    hang_up();
    let mut looks = std::iter::repeat_with(|| place.read("log"));
    assert!(looks.by_ref().take(1_000_000).any(|log| log.contains("the certificate stays as it was")));
    assert!(connect(&server, &both).is_ok());
    std::fs::copy(place.path("two.key"), place.path("one.key")).unwrap();
    hang_up();
    assert!(looks.take(1_000_000).any(|log| log.contains("the certificate was read again")));
    let two = trusting(&place.path("two.pem"), &[&TLS13], &[]);
    assert!(get(&server, &two, "/login").starts_with("HTTP/1.1 200"));
    assert!(connect(&server, &both).is_err(), "the old one is gone");
    let (status, _) = server.stop("-TERM");
    assert_eq!(status.code(), Some(0));
}

#[test]
fn what_is_wrong_with_it_is_said() {
    let place = Place::new();
    certificate(&place, "one", NAME, "90");
    certificate(&place, "two", "other.example", "5");
    place.write("lychgate.toml", SETTINGS);
    place.set_mode("one.key", 0o640);
    let doctor = |place: &Place| place.run(&["doctor"]).out;
    let said = doctor(&place);
    assert!(
        said.contains("one.pem for id.example, until ") && said.contains("one.key can be read by others (mode 640)"),
        "{said}"
    );
    place.write("lychgate.toml", &SETTINGS.replace("one.", "two."));
    let said = doctor(&place);
    assert!(
        said.contains("two.pem expires on ")
            && said.contains("two.pem is for other.example, but base_url names id.example"),
        "{said}"
    );
    place.write("lychgate.toml", &SETTINGS.replace("one.key", "two.key"));
    assert!(doctor(&place).contains("one.pem and two.key cannot be used together"), "{}", doctor(&place));
    let said = place.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!((said.code, said.out.as_str()), (1, ""), "{said:?}");
    assert!(said.err.contains("one.pem and two.key cannot be used together"), "{said:?}");
    place.write(
        "lychgate.toml",
        "[server]\ntls_certificate = \"one.pem\"\nredirect_listen = \"nowhere\"\nacme_domains = [\"*.example\"]\nkeep_alive = 0\n",
    );
    let said = place.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(said.code, 2, "{said:?}");
    for (line, text) in [
        (2, "server.tls_certificate needs server.tls_key"),
        (3, "server.redirect_listen \"nowhere\" is not an address and a port"),
        (3, "server.redirect_listen needs a base_url that begins with https://"),
        (4, "server.acme_domains: \"*.example\" is no host name"),
        (4, "server.acme_domains needs server.acme_terms_agreed = true"),
        (5, "server.keep_alive must be above zero"),
    ] {
        assert!(said.err.contains(&format!("lychgate.toml:{line}: {text}")), "{text}: {said:?}");
    }
}

/// An authority of ACME (RFC 8555) that issues what it is asked for once it has seen the challenge answered over TLS. It
/// checks neither signatures nor nonces: what is tested is the listener and its settings.
mod authority {
    use std::{
        io::{BufRead as _, BufReader, Write as _},
        net::{SocketAddr, TcpListener, TcpStream},
        path::PathBuf,
        process::{Command, Stdio},
        sync::{Arc, mpsc},
    };

    use rustls::{
        ClientConfig, ClientConnection, DigitallySignedStruct, ServerConfig, ServerConnection, SignatureScheme,
        StreamOwned,
        client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject as _},
    };
    use serde_json::{Value, json};

    use super::NAME;

    /// The extension that holds the answer to a challenge (RFC 8737, section 3), by its number in DER.
    const ANSWER: &[u8] = &[0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x1f];

    pub(crate) struct Authority {
        /// With `ca.pem` and `ca.key`.
        pub(crate) folder: PathBuf,
        pub(crate) listener: TcpListener,
        /// Where the server listens that asks.
        pub(crate) server: mpsc::Receiver<SocketAddr>,
        pub(crate) issued: mpsc::Sender<()>,
    }

    impl Authority {
        pub(crate) fn run(self) {
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let chain = vec![CertificateDer::from_pem_file(self.folder.join("ca.pem")).unwrap()];
            let key = PrivateKeyDer::from_pem_file(self.folder.join("ca.key")).unwrap();
            let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
            let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap());
            let origin = format!("https://{}", self.listener.local_addr().unwrap());
            let (mut ready, mut certificate) = (false, None);
            for stream in self.listener.incoming() {
                let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut reader = BufReader::new(StreamOwned::new(tls, stream.unwrap()));
                let Some((path, sent)) = request(&mut reader) else { continue };
                let order = json!({
                    "status": if certificate.is_some() { "valid" } else if ready { "ready" } else { "pending" },
                    "authorizations": [format!("{origin}/authorization")],
                    "finalize": format!("{origin}/finalize"),
                    "certificate": format!("{origin}/certificate"),
                });
                let challenge = json!({"type": "tls-alpn-01", "url": format!("{origin}/challenge"), "token": "token"});
                let body = match path.as_str() {
                    "/directory" => json!({
                        "newNonce": format!("{origin}/nonce"),
                        "newAccount": format!("{origin}/account"),
                        "newOrder": format!("{origin}/order"),
                    }),
                    "/nonce" => Value::Null,
                    "/account" => {
                        let told = json!({"termsOfServiceAgreed": true, "contact": ["mailto:ops@id.example"]});
                        assert_eq!(serde_json::from_slice::<Value>(&sent).unwrap(), told);
                        json!({"status": "valid"})
                    }
                    "/order" => order,
                    "/authorization" => json!({
                        "status": if ready { "valid" } else { "pending" },
                        "identifier": {"type": "dns", "value": NAME},
                        "challenges": [challenge],
                    }),
                    "/challenge" => {
                        assert!(answers(self.server.recv().unwrap()));
                        ready = true;
                        challenge
                    }
                    "/finalize" => {
                        let csr: Value = serde_json::from_slice(&sent).unwrap();
                        certificate = Some(self.sign(&decoded(csr["csr"].as_str().unwrap())));
                        json!({
                            "status": "valid", "authorizations": [], "finalize": "",
                            "certificate": format!("{origin}/certificate"),
                        })
                    }
                    "/certificate" => Value::Null,
                    other => panic!("{other}"),
                };
                let text = match (path.as_str(), &certificate) {
                    ("/certificate", Some(pem)) => pem.clone(),
                    ("/nonce", _) => String::new(),
                    _ => body.to_string(),
                };
                let stream = reader.get_mut();
                write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nreplay-nonce: nonce\r\nlocation: {origin}/order\r\ncontent-length: {}\r\n\
                     connection: close\r\n\r\n{text}",
                    text.len()
                )
                .unwrap();
                stream.conn.send_close_notify();
                let _ = stream.flush();
                if path == "/certificate" {
                    self.issued.send(()).unwrap();
                    return;
                }
            }
        }

        fn sign(&self, csr: &[u8]) -> String {
            let path = |name: &str| self.folder.join(name);
            std::fs::write(path("csr.der"), csr).unwrap();
            let signed = Command::new("openssl")
                .args(["x509", "-req", "-inform", "DER", "-copy_extensions", "copy", "-days", "90", "-in"])
                .args([path("csr.der").as_os_str(), "-CA".as_ref(), path("ca.pem").as_os_str()])
                .args(["-CAkey".as_ref(), path("ca.key").as_os_str()])
                .output()
                .unwrap();
            assert!(signed.status.success(), "{}", String::from_utf8_lossy(&signed.stderr));
            String::from_utf8(signed.stdout).unwrap()
        }
    }

    /// The path of a request and the payload that it signs.
    fn request(reader: &mut impl std::io::BufRead) -> Option<(String, Vec<u8>)> {
        let mut first = String::new();
        reader.read_line(&mut first).ok().filter(|read| *read > 0)?;
        let path = first.split(' ').nth(1).unwrap().to_owned();
        let mut length = 0;
        for line in reader.by_ref().lines().map(Result::unwrap).take_while(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').unwrap();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let payload = serde_json::from_slice::<Value>(&body).map(|body| decoded(body["payload"].as_str().unwrap()));
        Some((path, payload.unwrap_or_default()))
    }

    /// Base64 for addresses (RFC 4648, section 5), undone by openssl.
    fn decoded(text: &str) -> Vec<u8> {
        let padding = "=".repeat((4 - text.len() % 4) % 4);
        let text = text.replace('-', "+").replace('_', "/") + &padding;
        let mut openssl = Command::new("openssl");
        openssl.args(["base64", "-d", "-A"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut running = openssl.spawn().unwrap();
        running.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        running.wait_with_output().unwrap().stdout
    }

    /// Whether the server shows a certificate with the answer for [`NAME`], and speaks nothing but the challenge.
    fn answers(server: SocketAddr) -> bool {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.dangerous().with_custom_certificate_verifier(Arc::new(Anything));
        let mut config = config.with_no_client_auth();
        config.alpn_protocols = vec![b"acme-tls/1".to_vec()];
        let mut tls = ClientConnection::new(Arc::new(config), NAME.try_into().unwrap()).unwrap();
        let mut tcp = TcpStream::connect(server).unwrap();
        while tls.is_handshaking() {
            tls.complete_io(&mut tcp).unwrap();
        }
        let shown = tls.peer_certificates().unwrap()[0].to_vec();
        let holds = |part: &[u8]| shown.windows(part.len()).any(|window| window == part);
        tls.alpn_protocol() == Some(b"acme-tls/1") && holds(ANSWER) && holds(NAME.as_bytes())
    }

    /// An authority looks at the certificate of a challenge by itself.
    #[derive(Debug)]
    pub(crate) struct Anything;

    impl ServerCertVerifier for Anything {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, rustls::Error> {
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            vec![SignatureScheme::ECDSA_NISTP256_SHA256]
        }
    }
}

#[test]
fn a_certificate_by_acme() {
    let place = Place::new();
    certificate(&place, "ca", "127.0.0.1", "90");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    place.write(
        "lychgate.toml",
        &format!(
            "[server]\nacme_domains = [\"{NAME}\"]\nacme_terms_agreed = true\nacme_contact = \"ops@id.example\"\n\
             acme_directory = \"https://{}/directory\"\nacme_ca = \"ca.pem\"\nacme_cache = \"keys/acme\"\n",
            listener.local_addr().unwrap()
        ),
    );
    let (tell, told) = mpsc::channel();
    let (issued, done) = mpsc::channel();
    let authority = authority::Authority { folder: place.path(""), listener, server: told, issued };
    let authority = std::thread::spawn(|| authority.run());
    let server = place.serve(&[]);
    tell.send(server.address).unwrap();
    let waited = done.recv_timeout(Duration::from_secs(300));
    assert!(waited.is_ok(), "{}", place.read("log"));
    authority.join().unwrap();
    let browser = trusting(&place.path("ca.pem"), &[&TLS13], &[]);
    let served =
        |server: &Server| std::iter::repeat_with(|| connect(server, &browser)).take(100_000).any(|tls| tls.is_ok());
    assert!(served(&server), "{}", place.read("log"));
    assert!(get(&server, &browser, "/login").starts_with("HTTP/1.1 200"));
    assert_eq!(place.mode("keys/acme"), 0o700);
    server.stop("-TERM");
    // The authority is away; the certificate is not.
    let server = place.serve(&[]);
    assert!(served(&server), "{}", place.read("log"));
    assert!(place.run(&["doctor"]).out.contains("certificate of id.example by ACME"));
}

/// The certificate that the server shows, if it shows one.
fn shown(server: &Server) -> Option<Vec<u8>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.dangerous().with_custom_certificate_verifier(Arc::new(authority::Anything));
    let mut config = config.with_no_client_auth();
    config.resumption = Resumption::disabled();
    let stream = connect(server, &Arc::new(config)).ok()?;
    Some(stream.conn.peer_certificates()?.first()?.to_vec())
}

/// A certificate of Pebble, by the rules of ACME as Let's Encrypt reads them: ordered, kept over a new start, and renewed.
#[test]
fn a_real_authority_issues_and_renews() {
    let place = Place::new();
    certificate(&place, "ca", "127.0.0.1", "90");
    let way = Way::open();
    let settings = |pebble: &Pebble, cache: &str| {
        place.write(
            "lychgate.toml",
            &format!(
                "[server]\nacme_domains = [\"{NAME}\"]\nacme_terms_agreed = true\nacme_contact = \"ops@id.example\"\n\
                 acme_directory = \"https://{}/dir\"\nacme_ca = \"ca.pem\"\nacme_cache = \"{cache}\"\n",
                pebble.address
            ),
        );
    };
    // For as long as it takes, with a breath in between: the authority and the server are to get on with it.
    let until = |what: &dyn Fn() -> bool| {
        let deadline = Instant::now() + Duration::from_secs(300);
        while !what() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        what()
    };
    let pebble = Pebble::start(&place, "long", way.port, 90 * 86_400);
    settings(&pebble, "keys/long");
    let server = place.serve(&[]);
    way.lead_to(server.address);
    assert!(until(&|| shown(&server).is_some()), "{}\n{}", place.read("log"), pebble.log(&place));
    let first = shown(&server).unwrap();
    // The whole chain is shown: whoever trusts the root of the authority trusts the page.
    let mut tls =
        ClientConnection::new(trusting(&place.path("ca.pem"), &[&TLS13], &[]), "127.0.0.1".try_into().unwrap())
            .unwrap();
    let mut tcp = TcpStream::connect(pebble.told).unwrap();
    let mut told = rustls::Stream::new(&mut tls, &mut tcp);
    write!(told, "GET /roots/0 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").unwrap();
    let root = rest(&mut told);
    place.write("root.pem", root.split_once("\r\n\r\n").unwrap().1);
    let browser = trusting(&place.path("root.pem"), &[&TLS13], &[]);
    assert!(get(&server, &browser, "/login").starts_with("HTTP/1.1 200"));
    assert_eq!(pebble.issued(&place), 1, "{}", pebble.log(&place));
    server.stop("-TERM");
    let server = place.serve(&[]);
    way.lead_to(server.address);
    assert!(until(&|| shown(&server).is_some()), "{}", place.read("log"));
    assert_eq!(shown(&server).unwrap(), first, "it was kept");
    assert!(until(&|| place.read("log").contains("the certificate of the last start is used")));
    server.stop("-TERM");
    assert_eq!(pebble.issued(&place), 1, "and not ordered again");

    // One for a few seconds is replaced while the server runs.
    let pebble = Pebble::start(&place, "short", way.port, 6);
    settings(&pebble, "keys/short");
    let server = place.serve(&[]);
    way.lead_to(server.address);
    assert!(until(&|| shown(&server).is_some()), "{}\n{}", place.read("log"), pebble.log(&place));
    let first = shown(&server);
    assert!(until(&|| shown(&server).is_some_and(|now| Some(&now) != first.as_ref())), "{}", place.read("log"));
    assert!(pebble.issued(&place) >= 2, "{}", pebble.log(&place));
}
