//! One request and what Lychgate knows of it, from the first look at its cookies to the last one it sets.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::extract::{ConnectInfo, MatchedPath, OriginalUri};
use http::{HeaderMap, HeaderValue, Method, Uri, header, request::Parts};
use parking_lot::Mutex;
use tokio::sync::OnceCell;

use super::{
    body::Submitted,
    config::WebConfig,
    cookie, csrf,
    identify::{Authenticated, Mechanism},
    jwt::{Refusal, bearer::Bearer},
    language::Asked,
    limits::Told,
    negotiate,
    proxy::{Forwarded, Transport},
    session::Session,
};
use crate::{clock::Moment, flow::account::Standing, gate::Lychgate, web::form::Message};

/// A request on its way through Lychgate; every part of it is looked at when first needed, and once.
pub(crate) struct Exchange {
    pub(crate) gate: Lychgate,
    pub(crate) method: Method,
    /// As the client asked, whatever prefix a router took off.
    pub(crate) uri: Uri,
    headers: Headers,
    peer: Option<IpAddr>,
    /// Whether it came by TLS, where our own listener knows.
    encrypted: Option<bool>,
    pub(crate) submitted: Submitted,
    pub(crate) now: Moment,
    request_id: OnceLock<String>,
    pub(crate) language: OnceLock<Asked>,
    session: Mutex<Option<Session>>,
    pub(crate) csrf: Mutex<csrf::State>,
    pub(crate) by_session: OnceCell<Option<Arc<Authenticated>>>,
    pub(crate) by_token: OnceCell<Option<Arc<Authenticated>>>,
    pub(crate) by_basic: OnceCell<Option<Arc<Authenticated>>>,
    pub(crate) by_api_key: OnceCell<Option<Arc<Authenticated>>>,
    pub(crate) by_jwt: OnceCell<Option<Arc<Authenticated>>>,
    pub(crate) jwt_access: OnceCell<Result<Arc<Bearer>, Refusal>>,
    /// Whose JSON Web Token a guard let in.
    pub(crate) jwt_bearer: Mutex<Option<Arc<Bearer>>>,
    /// Who a guard let in, which then is the current user.
    pub(crate) admitted: Mutex<Option<Arc<Authenticated>>>,
    /// Where the application sends whoever signed in during this request.
    pub(crate) landing: Mutex<Option<String>>,
    /// What is with an account that the caller proved to be theirs, if it may not be used.
    pub(crate) stopped: Mutex<Option<Standing>>,
    pub(crate) outgoing: Mutex<Outgoing>,
    /// What the reply says of limits.
    pub(crate) told: Mutex<Vec<Told>>,
    pattern: Option<MatchedPath>,
    /// Without a request: what happens by itself.
    of_nobody: bool,
    /// The session that this request began.
    pub(crate) began_session: OnceLock<String>,
    failed: AtomicBool,
    /// The endpoint of ours that it came to.
    pub(super) endpoint: OnceLock<&'static str>,
    /// Whether it was refused as it brought no work.
    pub(super) is_refused_for_work: AtomicBool,
    /// What lets in the scripts of this reply's page.
    pub(super) nonce: OnceLock<String>,
}

/// Cookies beside the session's that the reply sets.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    pub(crate) remember: Remember,
    pub(crate) cookies: Vec<String>,
}

/// What becomes of the remember cookie.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Remember {
    #[default]
    Keep,
    Set(String),
    Clear,
}

/// The headers that matter here. Their values share the request's memory.
#[derive(Clone, Default)]
pub(crate) struct Headers {
    cookie: Vec<HeaderValue>,
    host: Option<HeaderValue>,
    accept: Option<HeaderValue>,
    pub(crate) accept_language: Option<HeaderValue>,
    content_type: Option<HeaderValue>,
    user_agent: Option<HeaderValue>,
    pub(crate) authorization: Option<HeaderValue>,
    pub(crate) token: Option<HeaderValue>,
    pub(crate) api_key: Option<HeaderValue>,
    pub(crate) jwt: Option<HeaderValue>,
    /// The CSRF tokens beside cookies with an access token and with a refresh token.
    pub(crate) jwt_csrf: [Option<HeaderValue>; 2],
    pub(crate) csrf: Vec<HeaderValue>,
    pub(crate) origin: Option<HeaderValue>,
    pub(crate) referer: Option<HeaderValue>,
    pub(crate) fetch_site: Option<HeaderValue>,
    pub(crate) forwarded: Forwarded,
    request_id: Option<HeaderValue>,
}

impl Headers {
    fn take(map: &HeaderMap, peer: Option<IpAddr>, config: &WebConfig) -> Self {
        let one = |name: &str| map.get(name).cloned();
        Self {
            cookie: map.get_all(header::COOKIE).iter().cloned().collect(),
            host: map.get(header::HOST).cloned(),
            accept: map.get(header::ACCEPT).cloned(),
            accept_language: map.get(header::ACCEPT_LANGUAGE).filter(|_| config.language.is_chosen).cloned(),
            content_type: map.get(header::CONTENT_TYPE).cloned(),
            user_agent: map.get(header::USER_AGENT).cloned(),
            authorization: map.get(header::AUTHORIZATION).cloned(),
            token: map.get(&config.token.header).cloned(),
            api_key: map.get(&config.api_keys.header).filter(|_| config.api_keys.on).cloned(),
            jwt: config.jwt.as_ref().and_then(|jwt| map.get(&jwt.header).cloned()),
            jwt_csrf: config.jwt.as_ref().map_or([None, None], |jwt| {
                [&jwt.access, &jwt.refresh].map(|kind| map.get(&kind.csrf_header).cloned())
            }),
            csrf: config.csrf.headers.iter().filter_map(|name| map.get(name).cloned()).collect(),
            origin: map.get(header::ORIGIN).cloned(),
            referer: map.get(header::REFERER).cloned(),
            fetch_site: one("sec-fetch-site"),
            forwarded: config.proxy.read(peer, map),
            request_id: one("x-request-id"),
        }
    }
}

/// Whether a host, with or without a port, is this machine.
pub(crate) fn is_loopback_host(host: &str) -> bool {
    let Some(authority) = host.parse::<http::uri::Authority>().ok().filter(|_| !host.contains('@')) else {
        return false;
    };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    let named = name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost");
    named || name.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// The longest segment of a path that the log shows; secrets of links are longer.
const MOST_LOGGED: usize = 32;

fn without_secrets(path: &str) -> String {
    let shown = path.split('/').map(|segment| if segment.len() > MOST_LOGGED { "…" } else { segment });
    shown.collect::<Vec<_>>().join("/")
}

fn text(value: Option<&HeaderValue>) -> &str {
    value.and_then(|value| value.to_str().ok()).unwrap_or_default()
}

impl Exchange {
    pub(crate) fn begin(gate: Lychgate, parts: &Parts, submitted: Submitted) -> Self {
        let config = gate.web();
        let uri =
            parts.extensions.get::<OriginalUri>().map_or_else(|| parts.uri.clone(), |original| original.0.clone());
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical());
        Self {
            method: parts.method.clone(),
            uri,
            headers: Headers::take(&parts.headers, peer, config),
            peer,
            encrypted: parts.extensions.get::<Transport>().map(|transport| transport.encrypted),
            submitted,
            now: Moment::of(gate.clock()),
            request_id: OnceLock::new(),
            language: OnceLock::new(),
            session: Mutex::new(None),
            csrf: Mutex::default(),
            by_session: OnceCell::new(),
            by_token: OnceCell::new(),
            by_basic: OnceCell::new(),
            by_api_key: OnceCell::new(),
            by_jwt: OnceCell::new(),
            jwt_access: OnceCell::new(),
            jwt_bearer: Mutex::new(None),
            admitted: Mutex::new(None),
            landing: Mutex::default(),
            stopped: Mutex::new(None),
            outgoing: Mutex::default(),
            told: Mutex::default(),
            pattern: parts.extensions.get::<MatchedPath>().cloned(),
            of_nobody: false,
            began_session: OnceLock::new(),
            failed: AtomicBool::new(false),
            endpoint: OnceLock::new(),
            is_refused_for_work: AtomicBool::new(false),
            nonce: OnceLock::new(),
            gate,
        }
    }

    /// For what happens by itself, without a request.
    pub(crate) fn of_nobody(gate: Lychgate) -> Self {
        let (mut parts, ()) = http::Request::new(()).into_parts();
        // Where no `base_url` is set, links have to lead somewhere.
        parts.headers.insert(header::HOST, HeaderValue::from_static("localhost"));
        Self { of_nobody: true, ..Self::begin(gate, &parts, Submitted::Nothing) }
    }

    /// The same request at a later moment, for what goes on behind its reply. What is written to its session and cookies
    /// goes nowhere.
    pub(crate) fn later(&self) -> Self {
        Self {
            method: self.method.clone(),
            uri: self.uri.clone(),
            headers: self.headers.clone(),
            peer: self.peer,
            encrypted: self.encrypted,
            request_id: OnceLock::from(self.request_id().to_owned()),
            language: self.language.clone(),
            // Opened anew where the reply has taken it.
            session: Mutex::new(Some(self.peek(Clone::clone))),
            admitted: Mutex::new(self.acting()),
            pattern: self.pattern.clone(),
            of_nobody: self.of_nobody,
            ..Self::of_nobody(self.gate.clone())
        }
    }

    /// Whether there is no request.
    pub(crate) fn is_of_nobody(&self) -> bool {
        self.of_nobody
    }

    /// Whether nobody has failed to prove in this request who they are, up to this call.
    pub(crate) fn is_first_failure(&self) -> bool {
        !self.failed.swap(true, Ordering::Relaxed)
    }

    /// Who acts, as far as anything of this request has asked.
    fn acting(&self) -> Option<Arc<Authenticated>> {
        if let Some(admitted) = self.admitted.lock().clone() {
            return Some(admitted);
        }
        [&self.by_session, &self.by_token, &self.by_basic, &self.by_api_key, &self.by_jwt]
            .into_iter()
            .find_map(|found| found.get().cloned().flatten())
    }

    /// Who really acts: the administrator, where one acts as somebody else.
    pub(crate) fn acting_user_id(&self) -> Option<i64> {
        self.acting().map(|who| who.acting_id())
    }

    /// Who acts as whom, where an administrator acts as somebody else.
    pub(crate) fn acting_as(&self) -> Option<(i64, i64)> {
        self.acting().and_then(|who| who.impersonator.as_ref().map(|by| (by.id(), who.user.id)))
    }

    pub(crate) fn acting_mechanism(&self) -> Option<Mechanism> {
        self.acting().map(|who| who.via)
    }

    /// The id of the session, if anything of this request looked at it.
    pub(crate) fn seen_session_id(&self) -> Option<String> {
        if let Some(began) = self.began_session.get() {
            return Some(began.clone());
        }
        let slot = self.session.lock();
        slot.as_ref().and_then(|session| session.text(super::session::key::SESSION_ID).map(str::to_owned))
    }

    pub(crate) fn config(&self) -> &WebConfig {
        self.gate.web()
    }

    pub(crate) fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The id that logs, error pages and refusals carry: a well-formed one of the request's own, or a new one.
    pub(crate) fn request_id(&self) -> &str {
        self.request_id.get_or_init(|| {
            let well_formed =
                |id: &&str| (8..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            let given = self.headers.request_id.as_ref().and_then(|value| value.to_str().ok());
            given.filter(well_formed).map_or_else(crate::random::short_id, str::to_owned)
        })
    }

    /// Whether the client wants JSON: it sent JSON, its best `Accept` entry is JSON, or nothing else is to be had there.
    pub(crate) fn wants_json(&self) -> bool {
        self.sent_json() || negotiate::prefers_json(text(self.headers.accept.as_ref())) || self.is_for_programs()
    }

    /// Whether the path is below the panel's `/api`, where everything is JSON, refusals too.
    fn is_for_programs(&self) -> bool {
        let below = self.uri.path().strip_prefix(self.gate.admin_url()).and_then(|rest| rest.strip_prefix("/api"));
        below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) && self.gate.has_panel()
    }

    /// Whether the body is JSON.
    pub(crate) fn sent_json(&self) -> bool {
        negotiate::is_json(text(self.headers.content_type.as_ref()))
    }

    /// The host that the client asked for, with its port if it named one.
    pub(crate) fn host(&self) -> &str {
        if let Some(host) = self.headers.forwarded.host() {
            return host;
        }
        self.uri.authority().map_or_else(|| text(self.headers.host.as_ref()), |authority| authority.as_str())
    }

    pub(crate) fn is_https(&self) -> bool {
        // Without a listener of ours, whoever terminates TLS in this process says so in the address.
        let here = || self.encrypted.unwrap_or_else(|| self.uri.scheme_str() == Some("https"));
        self.headers.forwarded.is_https().unwrap_or_else(here)
    }

    pub(crate) fn scheme(&self) -> &'static str {
        if self.is_https() { "https" } else { "http" }
    }

    /// `scheme://host`, for links in mails.
    ///
    /// It is the operator's word, `base_url` or `server_name`. Without one, the request's own host counts only where it
    /// is this machine, in development, and in the flask profile, as in the reference: whoever names another host in a
    /// request must not get a link to that host mailed to somebody else.
    pub(crate) fn origin(&self) -> String {
        self.known_origin().unwrap_or_else(|| {
            tracing::error!(request_id = self.request_id(), "links in mails lead nowhere: `base_url` is not set");
            format!("{}://localhost", self.scheme())
        })
    }

    /// The same, if it is known.
    pub(crate) fn known_origin(&self) -> Option<String> {
        let config = self.config();
        if config.base_url.is_some() {
            return config.base_url.clone();
        }
        let named = || config.as_flask || self.gate.settings().text("environment") == "development";
        let host = match config.server_name.as_deref() {
            Some(name) => name,
            None if is_loopback_host(self.host()) || named() => self.host(),
            None => return None,
        };
        Some(format!("{}://{host}", self.scheme()))
    }

    /// The client's address: the peer's, or what as many trusted proxies as configured say.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.config().proxy.client(self.peer, &self.headers.forwarded)
    }

    /// Who connected, whatever the request says of others before them.
    pub(crate) fn peer(&self) -> Option<IpAddr> {
        self.peer
    }

    pub(crate) fn address_text(&self) -> Option<String> {
        self.address().map(|address| address.to_string())
    }

    pub(crate) fn user_agent(&self) -> Option<&[u8]> {
        self.headers.user_agent.as_ref().map(HeaderValue::as_bytes)
    }

    /// The path for the log. A segment that may be the secret of a mailed link is left out.
    pub(crate) fn logged_path(&self) -> String {
        without_secrets(self.uri.path())
    }

    /// The path.
    pub(crate) fn path(&self) -> &str {
        self.uri.path()
    }

    /// The route that it came to, as the router knows it.
    pub(crate) fn pattern(&self) -> Option<&str> {
        self.pattern.as_ref().map(MatchedPath::as_str)
    }

    /// The path and query, for a `next` that leads back here.
    pub(crate) fn relative_url(&self) -> &str {
        self.uri.path_and_query().map_or("/", |path| path.as_str())
    }

    /// A query parameter.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        let query = self.uri.query()?;
        form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// The first cookie of a name whose value `open` accepts.
    pub(crate) fn cookie<T>(&self, name: &str, open: impl FnMut(&str) -> Option<T>) -> Option<T> {
        self.cookies(name).find_map(open)
    }

    /// The values of all cookies of a name, in the order in which they were sent.
    fn cookies<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let headers = self.headers.cookie.iter().filter_map(|header| header.to_str().ok());
        headers.flat_map(move |header| cookie::values(header, name))
    }

    pub(crate) fn has_cookie(&self, name: &str) -> bool {
        self.cookie(name, |_| Some(())).is_some()
    }

    /// Works on the session, which is opened the first time.
    pub(crate) fn session<T>(&self, work: impl FnOnce(&mut Session) -> T) -> T {
        let mut slot = self.session.lock();
        let session = slot.get_or_insert_with(|| self.open_session());
        work(session)
    }

    /// Looks into the session without having used it.
    pub(crate) fn peek<T>(&self, look: impl FnOnce(&Session) -> T) -> T {
        match self.session.lock().as_ref() {
            Some(session) => look(session),
            None => look(&self.open_session()),
        }
    }

    /// The session, if anything of this request looked at it.
    pub(crate) fn touched_session(&self) -> Option<Session> {
        self.session.lock().take()
    }

    fn open_session(&self) -> Session {
        let config = self.config();
        let had_cookie = self.has_cookie(&config.session.name);
        let mut seen: Option<&str> = None;
        let mut ours = None;
        for value in self.cookies(&config.session.name) {
            if seen == Some(value) {
                continue;
            }
            let Some(map) = self.gate.open_session_cookie(value, self.now.unix(), config.session.lifetime) else {
                continue;
            };
            if seen.is_some() {
                // A neighbouring host can set a cookie of ours beside the right one, and nobody can tell which that is.
                tracing::warn!(request_id = self.request_id(), "two sessions came with a request; neither counts");
                ours = None;
                break;
            }
            (seen, ours) = (Some(value), Some(map));
            if config.as_flask {
                break;
            }
        }
        Session::new(ours.unwrap_or_default(), had_cookie)
    }

    /// The text of a message, in the client's language.
    pub(crate) fn text(&self, message: &Message) -> String {
        message.text(self.messages())
    }

    /// Stores a message for the next page, if messages are kept at all.
    pub(crate) fn flash(&self, message: impl Into<Message>) {
        if self.config().flash_messages {
            let message = message.into();
            let text = self.text(&message);
            self.session(|session| session.flash(self.gate.category(message.key), &text));
        }
    }

    pub(crate) fn set_cookie(&self, cookie: String) {
        self.outgoing.lock().cookies.push(cookie);
    }
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange")
            .field("method", &self.method)
            .field("path", &self.logged_path())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    #[rstest]
    #[case("localhost", true)]
    #[case("LOCALHOST:5000", true)]
    #[case("app.localhost:5000", true)]
    #[case("127.0.0.1:80", true)]
    #[case("127.8.8.8", true)]
    #[case("[::1]:5000", true)]
    #[case("localhost.evil.example", false)]
    #[case("evil.example", false)]
    #[case("127.0.0.1.evil.example", false)]
    #[case("evil.example/localhost", false)]
    #[case("evil@localhost", false)]
    #[case("10.0.0.1", false)]
    #[case("", false)]
    fn loopback_hosts(#[case] host: &str, #[case] expected: bool) {
        assert_eq!(super::is_loopback_host(host), expected);
    }

    #[test]
    fn the_log_shows_no_secrets_of_links() {
        let token = "IjJiZTY5Y2RkZWQ0ZjRhMzI5MmQxZGI1NzQ1ZWE3ZGY4Ig.aE7hgA.QFsvmqK1Y2kTLUqDUc3nGkYwkKg";
        assert_eq!(super::without_secrets(&format!("/reset/{token}")), "/reset/…");
        assert_eq!(super::without_secrets(&format!("/a/{token}/b/")), "/a/…/b/");
        assert_eq!(super::without_secrets("/account/sessions/end-others"), "/account/sessions/end-others");
        assert_eq!(super::without_secrets("/"), "/");
    }
}
