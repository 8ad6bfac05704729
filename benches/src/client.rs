//! A client that costs little: blocking, one kept connection, just enough HTTP/1.1.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::{Value, json};

/// Longest header line or body that is read.
const LIMIT: u64 = 1 << 20;

/// A connection that is kept.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    stream: BufReader<TcpStream>,
}

/// What came back.
#[derive(Debug, Default)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The cookies that were set, as a `Cookie` header; removed ones are left out.
    pub cookies: String,
    /// The body.
    pub body: String,
}

impl Reply {
    fn read(stream: &mut BufReader<TcpStream>) -> io::Result<(Self, bool)> {
        let mut reply = Self::default();
        let mut line = String::new();
        let (mut length, mut close) = (0, false);
        stream.take(LIMIT).read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        reply.status = status.ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "no status line"))?;
        loop {
            line.clear();
            if stream.take(LIMIT).read_line(&mut line)? == 0 || line.trim_end().is_empty() {
                break;
            }
            let Some((name, value)) = line.trim_end().split_once(':') else { continue };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().map_err(io::Error::other)?,
                "connection" => close = value.trim().eq_ignore_ascii_case("close"),
                "set-cookie" => reply.keep(value.trim()),
                _ => {}
            }
        }
        let mut body = Vec::new();
        stream.take(length).read_to_end(&mut body)?;
        reply.body = String::from_utf8(body).map_err(io::Error::other)?;
        Ok((reply, close))
    }

    fn keep(&mut self, cookie: &str) {
        let pair = cookie.split(';').next().unwrap_or_default();
        if pair.split_once('=').is_some_and(|(_, value)| !value.is_empty()) {
            if !self.cookies.is_empty() {
                self.cookies.push_str("; ");
            }
            self.cookies.push_str(pair);
        }
    }
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    ///
    /// If nobody listens.
    pub fn connect(address: SocketAddr) -> io::Result<Self> {
        Ok(Self { address, stream: BufReader::new(open(address)?) })
    }

    /// Sends a request made by [`get`] or [`post`] and reads the reply. Connects anew if the server closes.
    ///
    /// # Errors
    ///
    /// If there is no reply within two minutes.
    pub fn send(&mut self, request: &[u8]) -> io::Result<Reply> {
        self.stream.get_mut().write_all(request)?;
        let (reply, close) = Reply::read(&mut self.stream)?;
        if close {
            self.stream = BufReader::new(open(self.address)?);
        }
        Ok(reply)
    }
}

fn open(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(120)))?;
    Ok(stream)
}

const HEADERS: &str = "Host: 127.0.0.1\r\nAccept: application/json\r\nUser-Agent: load\r\n";

/// The text of a GET.
#[must_use]
pub fn get(path: &str, cookies: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\n{HEADERS}Cookie: {cookies}\r\n\r\n").into_bytes()
}

/// The text of a POST of JSON.
#[must_use]
pub fn post(path: &str, cookies: &str, body: &Value) -> Vec<u8> {
    let (body, length) = (body.to_string(), body.to_string().len());
    format!(
        "POST {path} HTTP/1.1\r\n{HEADERS}Cookie: {cookies}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Everybody's password.
pub const PASSWORD: &str = "correct horse battery staple";

/// What a server asks for before somebody can sign in.
#[derive(Debug, Clone, Default)]
pub struct SignIn {
    cookies: String,
    token: Option<String>,
}

impl SignIn {
    /// Asks the sign-in page for a CSRF token, if it gives any.
    ///
    /// # Errors
    ///
    /// If the server does not answer.
    pub fn prepare(client: &mut Client) -> io::Result<Self> {
        let reply = client.send(&get("/login", ""))?;
        let token = serde_json::from_str::<Value>(&reply.body)
            .ok()
            .and_then(|value| value["response"]["csrf_token"].as_str().map(str::to_owned));
        Ok(Self { cookies: reply.cookies, token })
    }

    /// The request that signs `email` in.
    #[must_use]
    pub fn request(&self, email: &str) -> Vec<u8> {
        let mut body = json!({"email": email, "password": PASSWORD});
        if let Some(token) = &self.token {
            body["csrf_token"] = token.as_str().into();
        }
        post("/login", &self.cookies, &body)
    }

    /// Signs `email` in and gives the request for the guarded route.
    ///
    /// # Errors
    ///
    /// If the server refuses, or the route then does not say who it is.
    pub fn session(&self, client: &mut Client, email: &str) -> io::Result<Vec<u8>> {
        let reply = client.send(&self.request(email))?;
        if reply.status != 200 {
            return Err(io::Error::other(format!("sign-in: {} {}", reply.status, reply.body)));
        }
        let request = get("/profile", &reply.cookies);
        let reply = client.send(&request)?;
        if reply.status != 200 || reply.body != email {
            return Err(io::Error::other(format!("guarded route: {} {}", reply.status, reply.body)));
        }
        Ok(request)
    }
}
