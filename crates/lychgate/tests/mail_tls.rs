//! SMTP over TLS: from the start and by STARTTLS, with servers that can and cannot prove who they are.
#![allow(clippy::unwrap_used)]

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

use lychgate::{
    Settings,
    mail::{Mailer, SmtpMailer},
};
use rstest::rstest;
use rustls::{
    ServerConfig, ServerConnection, Stream,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

/// Runs the `openssl` program.
fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output();
    let output = output.expect("the program openssl is not installed (Debian: apt-get install openssl)");
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Makes an authority, and a server's key and certificate by it for `name`.
fn certificates(folder: &Path, name: &str) -> Arc<ServerConfig> {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(folder, &format!("req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=test-authority"));
    openssl(folder, &format!("req {key} -keyout server.key -out server.csr -subj /CN=server"));
    std::fs::write(folder.join("names"), format!("subjectAltName=DNS:{name}\n")).unwrap();
    let sign =
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out server.pem -days 2 -extfile names";
    openssl(folder, sign);
    let certificate = CertificateDer::from_pem_file(folder.join("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap())
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn add(&self, secured: bool, line: &str) {
        self.0.lock().unwrap().push(format!("{}{line}", if secured { "tls " } else { "" }));
    }

    fn has(&self, start: &str) -> bool {
        self.0.lock().unwrap().iter().any(|line| line.starts_with(start))
    }
}

/// One line, read byte by byte so that nothing of what follows is taken.
fn line(stream: &mut impl Read) -> Option<String> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        bytes.push(byte[0]);
    }
    Some(String::from_utf8_lossy(&bytes).trim_end().to_owned())
}

/// A conversation until it ends or, which gives `true`, is to go on secured.
fn talk(stream: &mut (impl Read + Write), secured: bool, log: &Log) -> bool {
    let (mut in_letter, offer) = (false, if secured { "250 AUTH PLAIN\r\n" } else { "250 STARTTLS\r\n" });
    while let Some(line) = line(stream) {
        log.add(secured, &line);
        if in_letter && line != "." {
            continue;
        }
        in_letter = line == "DATA";
        let reply = match line.get(..4).unwrap_or(&line) {
            "EHLO" => format!("250-sink\r\n{offer}"),
            "DATA" => "354 tell me\r\n".to_owned(),
            "AUTH" => "235 welcome\r\n".to_owned(),
            "STAR" => "220 go on\r\n".to_owned(),
            _ => "250 fine\r\n".to_owned(),
        };
        if stream.write_all(reply.as_bytes()).is_err() || stream.flush().is_err() {
            return false;
        }
        if line == "STARTTLS" {
            return true;
        }
    }
    false
}

/// Serves one connection.
fn serve(mut tcp: TcpStream, config: Arc<ServerConfig>, from_the_start: bool, log: &Log) {
    tcp.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    if !from_the_start && (tcp.write_all(b"220 sink\r\n").is_err() || !talk(&mut tcp, false, log)) {
        return;
    }
    let mut connection = ServerConnection::new(config).unwrap();
    let mut stream = Stream::new(&mut connection, &mut tcp);
    if !from_the_start || stream.write_all(b"220 sink\r\n").is_ok() {
        talk(&mut stream, true, log);
    }
}

#[rstest]
#[case::starttls("use_tls", "localhost", true, true)]
#[case::from_the_start("use_ssl", "localhost", true, true)]
#[case::starttls_unknown_authority("use_tls", "localhost", false, false)]
#[case::unknown_authority("use_ssl", "localhost", false, false)]
#[case::starttls_other_name("use_tls", "elsewhere.example", true, false)]
#[case::other_name("use_ssl", "elsewhere.example", true, false)]
#[tokio::test(flavor = "multi_thread")]
async fn tls(#[case] setting: &str, #[case] name: &str, #[case] known: bool, #[case] works: bool) {
    let folder = tempfile::tempdir().unwrap();
    let config = certificates(folder.path(), name);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (log, from_the_start) = (Log::default(), setting == "use_ssl");
    let copy = log.clone();
    std::thread::spawn(move || {
        for tcp in listener.incoming().map_while(Result::ok) {
            serve(tcp, Arc::clone(&config), from_the_start, &copy);
        }
    });
    let authority = if known { format!("ssl_cafile = {:?}", folder.path().join("ca.pem")) } else { String::new() };
    let toml = format!(
        "[mail]\nserver = \"localhost\"\nport = {port}\n{setting} = true\nusername = \"joe\"\npassword = \"x\"\n{authority}"
    );
    let base = "secret_key = \"0f3b1d5c7a9e2468ace013579bdf0246\"\n[security]\npassword_salt = \"8642ace013579bdf02468ace13579bdf\"";
    let settings = Settings::builder().toml("base", base).toml("mail", &toml).build();
    let settings = settings.unwrap_or_else(|errors| panic!("{errors}"));
    let mailer = SmtpMailer::from_settings(&settings, Duration::from_secs(20)).unwrap();
    let checked = mailer.check().await;
    assert_eq!(checked.is_ok(), works, "{checked:?}");
    assert_eq!(log.has("tls AUTH PLAIN"), works);
    // Neither name nor password goes out unless the server has proved who it is.
    assert!(!log.has("AUTH"));
}
