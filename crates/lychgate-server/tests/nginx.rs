//! The configurations of `docs/guides/nginx/`, each with a real nginx in front of the server.

#![allow(clippy::unwrap_used)]

#[path = "nginx/between.rs"]
mod between;
mod support;

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use between::Between;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use serde_json::{Value, json};
use support::{PASSWORD, Place, Server, rest};

fn guide(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guides/nginx").join(name)
}

fn read_guide(name: &str) -> String {
    std::fs::read_to_string(guide(name)).unwrap()
}

/// Ports that are free, below those that the system gives out by itself.
fn free_ports() -> [u16; 2] {
    let mut random = std::fs::File::open("/dev/urandom").unwrap();
    let mut free = || {
        loop {
            let mut bytes = [0; 2];
            random.read_exact(&mut bytes).unwrap();
            let port = 10_000 + u16::from_le_bytes(bytes) % 20_000;
            if TcpListener::bind(("127.0.0.1", port)).is_ok() {
                return port;
            }
        }
    };
    [free(), free()]
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Lychgate with the settings of the guide, and nginx with its configuration, in one folder.
struct Site {
    place: Place,
    server: Option<Server>,
    http: SocketAddr,
    https: SocketAddr,
    tls: Arc<ClientConfig>,
    name: &'static str,
    _nginx: Running,
}

impl Site {
    /// `app` is the address of the application, if the configuration has one.
    fn start(guide: &str, name: &'static str, app: &str) -> Self {
        let place = Place::new();
        place.write("lychgate.toml", &read_guide(&format!("{guide}.toml")));
        place.user(&["--active", "joe@lp.com"]);
        place.user(&["--admin", "adm@lp.com"]);
        for command in [["create", "editor"].as_slice(), &["add", "joe@lp.com", "editor"]] {
            let said = place.run(&[&["roles"], command].concat());
            assert_eq!(said.code, 0, "{said:?}");
        }
        let server = place.serve(&[]);
        let tls = certificate(&place, name);
        let (nginx, [http, https]) = start_nginx(&place, &read_guide(&format!("{guide}.conf")), server.address, app);
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Self { place, server: Some(server), http: at(http), https: at(https), tls, name, _nginx: nginx }
    }

    fn client(&self) -> Client<'_> {
        Client { site: self, cookies: BTreeMap::new() }
    }
}

/// A certificate for `name`, in the place of the folder where the guide has it; and who trusts it.
fn certificate(place: &Place, name: &str) -> Arc<ClientConfig> {
    let (key, pem) = (place.path("privkey.pem"), place.path("fullchain.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=test", "-addext", &format!("subjectAltName=DNS:{name}")])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
        .args([key.as_os_str(), "-out".as_ref(), pem.as_os_str()])
        .output()
        .expect("the program openssl is not installed (Debian: apt-get install openssl)");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&pem).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_root_certificates(roots).with_no_client_auth())
}

/// Runs nginx with the guide's file, in which only names of this machine are others.
fn start_nginx(place: &Place, conf: &str, lychgate: SocketAddr, app: &str) -> (Running, [u16; 2]) {
    let folder = place.path("");
    let folder = folder.to_str().unwrap().trim_end_matches('/');
    let ipv6 = TcpListener::bind("[::1]:0").is_ok();
    for _ in 0..5 {
        let [http, https] = free_ports();
        let on_ipv6 = |port: u16, rest: &str| if ipv6 { format!("listen [::1]:{port}{rest};") } else { String::new() };
        let site = [
            ("listen 80;", format!("listen 127.0.0.1:{http};")),
            ("listen [::]:80;", on_ipv6(http, "")),
            ("listen 443 ssl;", format!("listen 127.0.0.1:{https} ssl;")),
            ("listen [::]:443 ssl;", on_ipv6(https, " ssl")),
            ("/etc/letsencrypt/live/shop.example", folder.to_owned()),
            ("/srv/shop", format!("{folder}/www")),
            ("127.0.0.1:5000", lychgate.to_string()),
            ("127.0.0.1:3000", app.to_owned()),
        ]
        .iter()
        .fold(conf.to_owned(), |text, (theirs, ours)| text.replace(theirs, ours));
        place.write("site.conf", &site);
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|what| format!("{what}_temp_path {folder}/tmp-{what};\n"))
            .concat();
        let types = "types { text/html html; text/css css; application/javascript js; }";
        let head =
            format!("daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log;\n");
        let http_part = format!("access_log off;\n{types}\n{temporary}include {folder}/site.conf;\n");
        place.write("nginx.conf", &format!("{head}events {{}}\nhttp {{\n{http_part}}}\n"));
        let nginx = if Path::new("/usr/sbin/nginx").exists() { "/usr/sbin/nginx" } else { "nginx" };
        let child = Command::new(nginx)
            .args(["-e", &format!("{folder}/error.log"), "-p", folder, "-c", &format!("{folder}/nginx.conf")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx is not installed (Debian: apt-get install nginx)");
        let mut nginx = Running(child);
        let deadline = Instant::now() + Duration::from_secs(60);
        while Instant::now() < deadline && nginx.0.try_wait().unwrap().is_none() {
            if TcpStream::connect(("127.0.0.1", https)).is_ok() {
                return (nginx, [http, https]);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        // Somebody took one of the ports in the meantime, or the file is wrong.
        let said = place.read("error.log");
        assert!(said.contains("Address already in use"), "{said}");
    }
    panic!("no free ports");
}

#[derive(Debug)]
struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Reply {
    fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }

    fn header(&self, name: &str) -> &str {
        self.all(name).first().copied().unwrap_or_default()
    }

    /// The attributes and all of a cookie that is set.
    #[track_caller]
    fn cookie(&self, name: &str) -> &str {
        let set = self.all("set-cookie");
        set.into_iter().find(|cookie| cookie.split('=').next() == Some(name)).unwrap_or_else(|| panic!("{self:?}"))
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// A browser that keeps cookies and sends what browsers send.
struct Client<'a> {
    site: &'a Site,
    cookies: BTreeMap<String, String>,
}

impl Client<'_> {
    fn get(&mut self, path: &str, accept: &str) -> Reply {
        self.send("GET", path, &[("accept", accept)], "")
    }

    fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let connection = ClientConnection::new(Arc::clone(&self.site.tls), self.site.name.try_into().unwrap()).unwrap();
        let socket = TcpStream::connect(self.site.https).unwrap();
        self.over(&mut StreamOwned::new(connection, socket), method, path, headers, body)
    }

    fn over(
        &mut self,
        stream: &mut dyn Stream,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let name = self.site.name;
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {name}\r\nconnection: close\r\n");
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            head += &format!("cookie: {}\r\n", cookies.join("; "));
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if method == "POST" {
            head += &format!("content-length: {}\r\nreferer: https://{name}/\r\n", body.len());
        }
        stream.write_all(format!("{head}\r\n{body}").as_bytes()).unwrap();
        let reply = read_reply(&mut BufReader::new(stream));
        for cookie in reply.all("set-cookie") {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        reply
    }

    fn post(&mut self, path: &str, body: &Value) -> Reply {
        let headers = [("accept", "application/json"), ("content-type", "application/json")];
        self.send("POST", path, &headers, &body.to_string())
    }

    fn sign_in(&mut self, login: &str, email: &str) -> Reply {
        let token = self.get(login, "application/json").json()["response"]["csrf_token"].clone();
        let reply = self.post(login, &json!({"email": email, "password": PASSWORD, "csrf_token": token}));
        assert_eq!(reply.status, 200, "{reply:?}");
        reply
    }
}

fn read_reply(from: &mut impl std::io::BufRead) -> Reply {
    let mut line = || {
        let mut line = String::new();
        from.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    };
    let status = line().split(' ').nth(1).unwrap().parse().unwrap();
    let mut headers = Vec::new();
    loop {
        let line = line();
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut reply = Reply { status, headers, body: Vec::new() };
    if reply.header("transfer-encoding") == "chunked" {
        loop {
            let mut size = String::new();
            from.read_line(&mut size).unwrap();
            let size = usize::from_str_radix(size.trim(), 16).unwrap();
            if size == 0 {
                break;
            }
            let mut chunk = vec![0; size + 2];
            from.read_exact(&mut chunk).unwrap();
            reply.body.extend_from_slice(&chunk[..size]);
        }
    } else if let Ok(length) = reply.header("content-length").parse() {
        reply.body = vec![0; length];
        from.read_exact(&mut reply.body).unwrap();
    }
    reply
}

/// The application of the guide, in a process of its own.
fn start_app() -> (Running, String) {
    let mut child = Command::new("python3")
        .arg(guide("app.py"))
        .arg("0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is not installed");
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on ").unwrap().to_owned();
    (Running(child), address)
}

/// S1-26, S1-27, S3-31, S3-33: TLS ends at the proxy, which asks about each request; the token's header comes through.
#[test]
fn an_application_in_any_language() {
    let (_app, address) = start_app();
    let site = Site::start("any-app", "shop.example", &address);
    let mut joe = site.client();

    let plain = joe.over(&mut TcpStream::connect(site.http).unwrap(), "GET", "/orders?x=1", &[], "");
    assert_eq!((plain.status, plain.header("location")), (301, "https://shop.example/orders?x=1"));

    let stranger = joe.get("/orders?x=1", "text/html");
    assert_eq!((stranger.status, stranger.header("location")), (302, "/auth/login?next=/orders?x%3D1"));
    assert_eq!(joe.get("/orders", "application/json").status, 401);
    assert_eq!(joe.get("/admin/", "application/json").status, 401);
    for inner in ["/_check", "/_check_admin"] {
        assert_eq!(joe.get(inner, "text/html").status, 404, "{inner} is for nginx alone");
    }

    let page = joe.get("/auth/login", "text/html");
    assert_eq!(page.status, 200);
    assert!(page.text().contains("action=\"/auth/login\""), "{}", page.text());
    let forged = [("x-forwarded-for", "203.0.113.66"), ("accept", "application/json")];
    joe.send("GET", "/auth/login", &forged, "");
    let reply = joe.sign_in("/auth/login", "joe@lp.com");
    let cookie = reply.cookie("session");
    assert!(cookie.contains("; Secure") && cookie.contains("SameSite=Lax"), "{cookie}");
    let users = rusqlite::Connection::open(site.place.path("instance/lychgate.db")).unwrap();
    let address: String = users.query_row("SELECT address FROM lychgate_sessions", [], |row| row.get(0)).unwrap();
    assert_eq!(address, "127.0.0.1", "the client's own word does not count");

    let told = joe.get("/orders?x=1", "text/html");
    assert_eq!((told.status, told.text()), (200, "/orders?x=1: joe@lp.com, user 1, roles ['editor']\n"));
    let forged = [("x-auth-user", "2"), ("x-auth-email", "adm@lp.com"), ("x-auth-roles", "admin"), ("accept", "*/*")];
    let told = joe.send("POST", "/orders", &forged, "{}");
    assert_eq!((told.status, told.text()), (200, "/orders: joe@lp.com, user 1, roles ['editor']\n"));
    assert_eq!(joe.get("/admin/", "text/html").status, 403);

    let mut administrator = site.client();
    administrator.sign_in("/auth/login", "adm@lp.com");
    let told = administrator.get("/admin/", "text/html");
    assert_eq!((told.status, told.text()), (200, "/admin/: adm@lp.com, user 2, roles ['admin']\n"));

    // A program by its token, whatever way a proxy spells the header.
    let token = {
        let mut program = site.client();
        let token = program.get("/auth/login", "application/json").json()["response"]["csrf_token"].clone();
        let body = json!({"email": "joe@lp.com", "password": PASSWORD, "csrf_token": token});
        let reply = program.post("/auth/login?include_auth_token", &body);
        reply.json()["response"]["user"]["authentication_token"].as_str().unwrap().to_owned()
    };
    let told = site.client().send("GET", "/jobs", &[("AUTHENTICATION-TOKEN", &token)], "");
    assert_eq!((told.status, told.text()), (200, "/jobs: joe@lp.com, user 1, roles ['editor']\n"));

    let token = joe.get("/auth/login", "application/json").json()["response"]["csrf_token"].clone();
    assert_eq!(joe.post("/auth/logout", &json!({"csrf_token": token})).status, 200);
    assert_eq!(joe.get("/orders", "application/json").status, 401);
}

/// S1-3, S1-23 to S1-26, S1-28: files, paths of the page, errors of the API, no CORS.
#[test]
fn a_single_page_application_under_the_same_name() {
    let mut site = Site::start("spa", "shop.example", "");
    let www = site.place.path("www");
    std::fs::create_dir_all(www.join("static")).unwrap();
    std::fs::write(www.join("index.html"), "<!doctype html><title>Shop</title>").unwrap();
    std::fs::write(www.join("50x.html"), "<!doctype html><title>Back soon</title>").unwrap();
    std::fs::write(www.join("static/app.3f2a.js"), "/* the application */\n".repeat(100)).unwrap();
    {
        let mut joe = site.client();
        for path in ["/", "/index.html", "/orders/7", "/confirmed?email=joe"] {
            let page = joe.get(path, "text/html");
            assert_eq!((page.status, page.text()), (200, "<!doctype html><title>Shop</title>"), "{path}");
            assert_eq!(page.header("cache-control"), "no-cache");
        }
        let script = joe.send("GET", "/static/app.3f2a.js", &[("accept-encoding", "gzip")], "");
        assert_eq!((script.status, script.header("content-encoding")), (200, "gzip"));
        assert!(script.all("cache-control").contains(&"public, immutable"), "{script:?}");
        assert!(script.all("cache-control").contains(&"max-age=31536000"), "{script:?}");
        assert!(script.header("vary").contains("Accept-Encoding"));
        assert_eq!(joe.get("/static/gone.js", "*/*").status, 404);

        // Errors of the API are the API's.
        let refused = joe.post("/api/accounts/login", &json!({"email": "joe@lp.com", "password": "x"}));
        assert_eq!((refused.status, &refused.json()["meta"]["code"]), (400, &json!(400)));
        let missing = joe.get("/api/nothing", "application/json");
        assert_eq!((missing.status, &missing.json()["meta"]["code"]), (404, &json!(404)));
        let reply = joe.sign_in("/api/accounts/login", "joe@lp.com");
        assert!(reply.cookie("session").contains("; Secure"));
        assert!(reply.all("access-control-allow-origin").is_empty(), "one origin needs no CORS");
        let headers = [("accept", "application/json"), ("accept-encoding", "gzip")];
        let reply = joe.send("GET", "/api/accounts/login", &headers, "");
        assert_eq!((reply.status, reply.header("content-encoding")), (200, ""), "secrets are not compressed");
    }
    drop(site.server.take());
    let down = site.client().get("/api/accounts/login", "application/json");
    assert_eq!((down.status, down.text()), (502, "<!doctype html><title>Back soon</title>"));
}

/// S1-30 to S1-32, S2-12, S2-13, S3-7, S3-32: preflights, and cookies that travel from other sites.
#[test]
fn an_api_for_pages_of_other_origins() {
    let site = Site::start("api", "api.shop.example", "");
    let page = "https://shop.pages.example";
    let mut client = site.client();
    let mut preflight = |origin: &str, headers: &str| {
        let asked = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", headers),
        ];
        client.send("OPTIONS", "/login", &asked, "")
    };
    let reply = preflight(page, "content-type,x-csrftoken,x-origin,x-other");
    assert_eq!(reply.status, 204);
    assert_eq!(reply.all("access-control-allow-origin"), [page]);
    assert_eq!(reply.all("access-control-allow-credentials"), ["true"]);
    assert_eq!(reply.header("access-control-allow-methods"), "GET, HEAD, OPTIONS, POST, PUT");
    assert_eq!(reply.header("access-control-allow-headers"), "content-type, x-csrftoken, x-origin");
    assert_eq!(reply.header("access-control-max-age"), "600");
    assert!(preflight("https://evil.example", "content-type").all("access-control-allow-origin").is_empty());

    let mut joe = site.client();
    let from_page = [("origin", page), ("accept", "application/json")];
    let refused = joe.send("GET", "/verify", &from_page, "");
    assert_eq!((refused.status, refused.all("access-control-allow-origin")), (401, vec![page]), "errors can be read");
    let reply = joe.sign_in("/login", "joe@lp.com");
    let cookie = reply.cookie("session");
    assert!(cookie.contains("; Secure") && cookie.contains("SameSite=None"), "{cookie}");
    assert_eq!(joe.send("GET", "/verify", &from_page, "").status, 200);
}

/// T138: whatever nginx takes for one request is one for the server too. nginx is set up as it is hardest: its connections
/// are kept for the requests of others, and bodies go through as they come.
#[test]
fn a_proxy_and_the_server_read_requests_alike() {
    let place = Place::new();
    let name = "api.shop.example";
    place.write("lychgate.toml", &format!("{}\n[limits]\nenabled = false\nlockout = false\n", read_guide("api.toml")));
    let server = place.serve(&[]);
    let between = Between::start(server.address);
    let tls = certificate(&place, name);
    let kept = "proxy_pass http://kept; proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_request_buffering off; \
                client_body_timeout 2s; keepalive_timeout 2s;";
    let conf = read_guide("api.conf")
        .replace("proxy_pass http://127.0.0.1:5000;", kept)
        .replace("location /", "client_header_timeout 2s; ignore_invalid_headers off;\nlocation /");
    let conf = format!("upstream kept {{ server 127.0.0.1:5000; keepalive 1; }}\n{conf}");
    let (_nginx, [_, https]) = start_nginx(&place, &conf, between.address, "");
    let open = || {
        let connection = ClientConnection::new(Arc::clone(&tls), name.try_into().unwrap()).unwrap();
        let socket = TcpStream::connect(("127.0.0.1", https)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(300))).unwrap();
        StreamOwned::new(connection, socket)
    };
    // Every request that nginx hands on says how it came; nobody else says so here.
    let of = |bytes: &[u8], part: &str| bytes.windows(part.len()).filter(|seen| *seen == part.as_bytes()).count();
    let agree = |name: &str| {
        let mut handed_on = 0;
        between.each(|said| {
            let (asked, answered) = (of(&said.asked, "X-Forwarded-Proto: https"), of(&said.answered, "HTTP/1.1 "));
            handed_on += asked;
            let text = String::from_utf8_lossy(&said.asked);
            assert!(answered <= asked, "{name}: {answered} replies to {asked} requests: {text:?}");
        });
        handed_on
    };
    let hidden = format!("GET /login?hidden HTTP/1.1\r\nhost: {name}\r\nconnection: close\r\n\r\n");
    let length = hidden.len();
    let post = format!(
        "POST /login HTTP/1.1\r\nhost: {name}\r\naccept: application/json\r\ncontent-type: application/json\r\n"
    );
    let chunked = format!("{post}transfer-encoding: chunked\r\n");
    let none = "0\r\n\r\n";
    for (what, request) in [
        (
            "length, then chunks",
            format!("{post}content-length: {}\r\ntransfer-encoding: chunked\r\n\r\n{none}{hidden}", length + 5),
        ),
        ("chunks, then length", format!("{chunked}content-length: 4\r\n\r\n{length:x}\r\n{hidden}\r\n{none}")),
        ("chunks of two kinds", format!("{chunked}transfer-encoding: x\r\n\r\n{none}{hidden}")),
        ("chunks twice", format!("{chunked}transfer-encoding: chunked\r\n\r\n{none}{hidden}")),
        ("chunks after another coding", format!("{post}transfer-encoding: gzip, chunked\r\n\r\n{none}{hidden}")),
        ("identity", format!("{post}transfer-encoding: identity\r\ncontent-length: {length}\r\n\r\n{hidden}")),
        ("a tab before chunked", format!("{post}transfer-encoding:\u{b}chunked\r\n\r\n{none}{hidden}")),
        ("chunked in a folded line", format!("{post}transfer-encoding:\r\n chunked\r\n\r\n{none}{hidden}")),
        ("a folded line", format!("{post}x: a\r\n\tcontent-length: {length}\r\ncontent-length: 0\r\n\r\n{hidden}")),
        ("bare line ends", format!("{post}x: a\ncontent-length: {length}\n\n{hidden}")),
        ("a bare CR", format!("{post}x: a\rcontent-length: {length}\r\ncontent-length: 0\r\n\r\n{hidden}")),
        (
            "a space before the colon",
            format!("{post}transfer-encoding : chunked\r\ncontent-length: {length}\r\n\r\n{hidden}"),
        ),
        (
            "an underscore",
            format!(
                "{post}content_length: {length}\r\ntransfer_encoding: chunked\r\ncontent-length: 0\r\n\r\n{hidden}"
            ),
        ),
        ("two lengths", format!("{post}content-length: 0\r\ncontent-length: {length}\r\n\r\n{hidden}")),
        ("a list of lengths", format!("{post}content-length: 0, {length}\r\n\r\n{hidden}")),
        ("a length with a sign", format!("{post}content-length: +{length}\r\n\r\n{hidden}")),
        ("an extension of a chunk", format!("{chunked}\r\n2;a=b\r\n{{}}\r\n{none}{hidden}")),
        ("an extension with a line end in it", format!("{chunked}\r\n2;\n{{}}\r\n{none}{hidden}")),
        ("an extension with quotes", format!("{chunked}\r\n2;a=\"\r\nxx\r\n{none}{hidden}\"\r\n{none}")),
        ("a size that is too large", format!("{chunked}\r\n10000000000000002\r\n{{}}\r\n{none}{hidden}")),
        ("a size below zero", format!("{chunked}\r\n-1\r\n{hidden}")),
        ("a size of another kind", format!("{chunked}\r\n0x2\r\n{{}}\r\n{none}{hidden}")),
        ("a chunk that is longer than it says", format!("{chunked}\r\n2\r\n{{}}xx\r\n{none}{hidden}")),
        ("a chunk that ends in a bare LF", format!("{chunked}\r\n2\r\n{{}}\n{none}{hidden}")),
        (
            "trailers",
            format!(
                "{chunked}\r\n2\r\n{{}}\r\n0\r\ncontent-length: {length}\r\ntransfer-encoding: chunked\r\n\r\n{hidden}"
            ),
        ),
        ("a request in a trailer", format!("{chunked}\r\n2\r\n{{}}\r\n0\r\nx: y\r\n{hidden}")),
        ("chunks in HTTP/1.0", format!("{}\r\n{none}{hidden}", chunked.replace("HTTP/1.1", "HTTP/1.0"))),
        (
            "another host in the address",
            format!("GET http://other.example/login HTTP/1.1\r\nhost: {name}\r\n\r\n{hidden}"),
        ),
        ("two hosts", format!("GET /login HTTP/1.1\r\nhost: {name}\r\nhost: other.example\r\n\r\n{hidden}")),
        (
            "a body that nobody wants",
            format!("GET /login HTTP/1.1\r\nhost: {name}\r\ncontent-length: {length}\r\n\r\n{hidden}"),
        ),
        (
            "HTTP/2 by an upgrade",
            format!(
                "GET /login HTTP/1.1\r\nhost: {name}\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\n\
                 http2-settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n{hidden}"
            ),
        ),
        (
            "a websocket that is none",
            format!("GET /login HTTP/1.1\r\nhost: {name}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n{hidden}"),
        ),
        (
            "a line end in the address",
            format!("GET /login%0d%0a%0d%0aGET%20/x HTTP/1.1\r\nhost: {name}\r\n\r\n{hidden}"),
        ),
        ("an expectation", format!("{post}expect: 100-continue\r\ncontent-length: 2\r\n\r\n{{}}{hidden}")),
    ] {
        let mut stream = open();
        // nginx may have refused and gone before it has read all.
        let _ = stream.write_all(request.as_bytes());
        rest(&mut stream);
        agree(what);
        // Whoever comes next on a connection that was kept gets the answer to their own request.
        let mut next = open();
        write!(next, "GET /healthz?{length} HTTP/1.1\r\nhost: {name}\r\nconnection: close\r\n\r\n").unwrap();
        let reply = rest(&mut next);
        assert!(reply.starts_with("HTTP/1.1 200") && reply.ends_with("{\"status\":\"ok\"}"), "{what}: {reply:?}");
        assert_eq!(reply.matches("HTTP/1.1 ").count(), 1, "{what}: {reply:?}");
    }
    assert!(agree("all") > 45, "{} requests came to the server", agree("all"));
}
