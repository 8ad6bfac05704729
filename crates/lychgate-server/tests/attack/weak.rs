//! A server that does everything wrong. Each mistake is one that somebody has made.
#![allow(unreachable_pub)]

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use lychgate_signing::{
    KeyRing,
    session::{Map, SessionCodec},
};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

/// What the server remembers.
struct Weak {
    proof: String,
    signed_in: Mutex<BTreeSet<String>>,
    made: Mutex<i64>,
}

/// Serves on a free port until the process ends; gives the address.
pub fn serve(proof: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let weak = Arc::new(Weak { proof: proof.to_owned(), signed_in: Mutex::default(), made: Mutex::default() });
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let weak = Arc::clone(&weak);
            thread::spawn(move || weak.talk(stream));
        }
    });
    url
}

/// A program that speaks TLS 1.0; it ends with the test.
pub struct Old(Child, SocketAddr);

impl Drop for Old {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Old {
    fn start(certificate: &Path, key: &Path) -> Self {
        let mut child = Command::new("openssl")
            .args(["s_server", "-accept", "127.0.0.1:0", "-min_protocol", "TLSv1", "-cipher", "ALL:@SECLEVEL=0"])
            .args(["-cert".as_ref(), certificate.as_os_str(), "-key".as_ref(), key.as_os_str()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program openssl is not installed (Debian: apt-get install openssl)");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let address = lines.find_map(|line| line.strip_prefix("ACCEPT ")?.parse().ok()).unwrap();
        thread::spawn(move || lines.for_each(drop));
        Self(child, address)
    }
}

/// The same over TLS of every age, with this certificate.
pub fn serve_tls(proof: &str, certificate: &Path, key: &Path) -> (String, Old) {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let chain = vec![CertificateDer::from_pem_file(certificate).unwrap()];
    let config = config.with_no_client_auth().with_single_cert(chain, PrivateKeyDer::from_pem_file(key).unwrap());
    let config = Arc::new(config.unwrap());
    let old = Old::start(certificate, key);
    let older = old.1;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let weak = Arc::new(Weak { proof: proof.to_owned(), signed_in: Mutex::default(), made: Mutex::default() });
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (weak, config) = (Arc::clone(&weak), Arc::clone(&config));
            thread::spawn(move || {
                // The version is in the greeting, behind the heads of record and message.
                let mut greeting = [0; 11];
                while stream.peek(&mut greeting).is_ok_and(|seen| 0 < seen && seen < greeting.len()) {}
                if greeting[10] >= 3 {
                    return weak.talk(StreamOwned::new(ServerConnection::new(config).unwrap(), stream));
                }
                let mut onward = TcpStream::connect(older).unwrap();
                let (mut back, mut forth) = (stream.try_clone().unwrap(), onward.try_clone().unwrap());
                thread::spawn(move || std::io::copy(&mut forth, &mut back));
                let _ = std::io::copy(&mut stream, &mut onward);
                // It talks with one at a time.
                let _ = onward.shutdown(std::net::Shutdown::Both);
            });
        }
    });
    (url, old)
}

impl Weak {
    /// Answers whatever looks like a request, and waits for ever for what does not.
    fn talk(&self, mut stream: impl Read + Write) {
        let mut unread = Vec::new();
        let mut piece = [0; 65_536];
        loop {
            while let Some((request, rest)) = Request::read(&unread) {
                unread = rest;
                let closes = request.header("connection").is_some_and(|value| value == "close");
                if stream.write_all(self.answer(&request).as_bytes()).is_err() || closes {
                    return;
                }
            }
            match stream.read(&mut piece) {
                Ok(0) | Err(_) => return,
                Ok(count) => unread.extend_from_slice(&piece[..count]),
            }
        }
    }

    fn answer(&self, request: &Request) -> String {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let path = path.rsplit('/').find(|part| !part.is_empty() && *part != ".").unwrap_or_default().to_lowercase();
        let path = path.trim_end_matches("..;").trim_end_matches("%2f").trim_end_matches("%00").trim_end_matches("%20");
        let path = path.replace("%61", "a").replace(";x", "").replace(".json", "");
        let post = request.method == "POST" || request.header("x-http-method-override").is_some();
        let host = ["x-forwarded-host", "host"].into_iter().find_map(|name| request.header(name)).unwrap_or("here");
        let next = query.split('&').find_map(|pair| pair.strip_prefix("next=")).map(decoded).unwrap_or_default();
        let (mut status, mut body, mut cookie, mut location) = (200, String::new(), None, String::new());
        match path.as_str() {
            "lychgate-attack" => body.clone_from(&self.proof),
            "config" => body.push_str("[core]\n"),
            "etcpasswd" | "passwd" | "..%2f..%2f..%2f..%2f..%2fetc%2fpasswd" => body.push_str("root:x:0:0\n"),
            "there-is-nothing-here" => status = 404,
            "account" if request.header("x-original-url").is_none() => {
                status = if self.admits(request) { 200 } else { 401 }
            }
            "login" if post => (status, body, cookie, location) = self.sign_in(request),
            "login" => {
                cookie = request.header("cookie").is_none().then(|| self.cookie());
                let json = request.header("accept").is_some_and(|accept| accept.contains("json"));
                body = if json {
                    "{\"response\": {\"csrf_token\": \"none\"}}".to_owned()
                } else {
                    format!("<a href=\"http://{host}/x\">x</a> <a href=\"{next}\">on</a>")
                };
            }
            _ => {}
        }
        let origin = request.header("origin").unwrap_or("*");
        let mut head =
            format!("HTTP/1.1 {status} Weak\r\nserver: weak/1.0\r\naccess-control-allow-origin: {origin}\r\n");
        head.push_str("access-control-allow-credentials: true\r\ncontent-type: text/html\r\n");
        if let Some(cookie) = cookie {
            head.push_str(&format!("set-cookie: session={cookie}; path=/\r\n"));
        }
        if !location.is_empty() {
            head.push_str(&format!("location: {location}\r\n"));
        }
        format!("{head}content-length: {}\r\n\r\n{body}", body.len())
    }

    /// A cookie that nobody else has, signed with the key of an example.
    fn cookie(&self) -> String {
        let mut made = self.made.lock().unwrap();
        *made += 1;
        let now = time::OffsetDateTime::now_utc().unix_timestamp();
        let codec = SessionCodec::new(&KeyRing::new("changeme").unwrap(), SessionCodec::SALT);
        let session = Map::from_iter([("n".to_owned(), (*made).into())]);
        codec.encode(&session, now).unwrap()
    }

    /// The password of anybody is right who says so; no token is asked for, no cookie is changed.
    fn sign_in(&self, request: &Request) -> (u16, String, Option<String>, String) {
        let text = decoded(&request.body);
        let is_form = text.contains("email=joe@example.com") && text.contains("password=correct");
        let is_json = text.contains("joe@example.com") && text.contains("\"correct horse battery\"");
        if text.contains("1e300") || text.contains("1e 300") {
            return (500, "thread 'main' panicked at src/main.rs:1".to_owned(), None, String::new());
        }
        if is_form || is_json {
            let cookie = request.session().unwrap_or_else(|| self.cookie());
            self.signed_in.lock().unwrap().insert(identity(&cookie));
            let next = text.split('&').find_map(|pair| pair.strip_prefix("next=")).unwrap_or("/").to_owned();
            return (302, String::new(), Some(cookie), next);
        }
        if text.contains("joe@example.com") {
            return (401, "{\"error\": \"wrong password\"}".to_owned(), None, String::new());
        }
        (200, "{\"error\": \"no such user\"}".to_owned(), None, String::new())
    }

    /// Nobody signs out, and nobody looks at the signature.
    fn admits(&self, request: &Request) -> bool {
        let known = request.session().is_some_and(|cookie| self.signed_in.lock().unwrap().contains(&identity(&cookie)));
        known || request.header("authorization").is_some()
    }
}

fn identity(cookie: &str) -> String {
    cookie.split('.').next().unwrap_or_default().to_owned()
}

/// What is percent-encoded, decoded; a plus is a space.
fn decoded(text: &str) -> String {
    let pairs = format!("x={text}").replace('&', "%26").replacen("x%26", "x&", 1);
    let whole = url::form_urlencoded::parse(pairs.as_bytes()).next();
    whole.map(|(_, value)| value.into_owned()).unwrap_or_default()
}

struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Request {
    /// The first request, and what comes after it: its end is wherever the first length says.
    fn read(bytes: &[u8]) -> Option<(Self, Vec<u8>)> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.lines();
        let first = lines.find(|line| line.contains(" HTTP/1."))?;
        let (method, rest) = first.split_once(' ')?;
        let path = rest.split(" HTTP/1.").next()?.to_owned();
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_lowercase(), value.trim().to_owned()))
            .collect();
        let mut request = Self { method: method.to_owned(), path, headers, body: String::new() };
        let length = request.header("content-length").and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
        let body = bytes.get(end..end.checked_add(length)?)?;
        request.body = String::from_utf8_lossy(body).into_owned();
        Some((request, bytes[end + length..].to_vec()))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn session(&self) -> Option<String> {
        let cookies = self.header("cookie")?;
        cookies.split("; ").find_map(|cookie| cookie.strip_prefix("session=")).map(str::to_owned)
    }
}
