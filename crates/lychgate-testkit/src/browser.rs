//! A browser, or a program that keeps cookies as one does.

use std::{collections::BTreeMap, net::SocketAddr};

use axum::{Router, body::Body, extract::ConnectInfo};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, Method, Request};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::{PASSWORD, Reply};

/// Keeps cookies and sends them again; follows no redirects by itself.
#[derive(Clone, Debug)]
pub struct Browser {
    router: Router,
    cookies: BTreeMap<String, String>,
    /// Where it connects from.
    pub peer: SocketAddr,
    /// Scheme and host that it asks.
    pub origin: String,
    /// What it calls itself.
    pub user_agent: String,
}

impl Browser {
    pub(crate) fn new(router: Router) -> Self {
        Self {
            router,
            cookies: BTreeMap::new(),
            peer: SocketAddr::from(([127, 0, 0, 1], 50_000)),
            origin: "http://localhost".to_owned(),
            user_agent: "test/1.0".to_owned(),
        }
    }

    /// The same browser, before another router.
    #[must_use]
    pub fn at(self, router: Router) -> Self {
        Self { router, ..self }
    }

    /// Begins a request.
    pub fn call(&mut self, method: &str, path: &str) -> Call<'_> {
        let method = method.parse().unwrap();
        Call { browser: self, method, path: path.to_owned(), headers: HeaderMap::new(), body: Body::empty() }
    }

    /// Asks for a page.
    pub async fn get(&mut self, path: &str) -> Reply {
        self.call("GET", path).send().await
    }

    /// Asks as a program that wants JSON.
    pub async fn get_json(&mut self, path: &str) -> Reply {
        self.call("GET", path).header("accept", "application/json").send().await
    }

    /// Sends a form, without a CSRF token of its own.
    pub async fn post_form(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        self.call("POST", path).form(fields).send().await
    }

    /// Sends JSON, without a CSRF token of its own.
    pub async fn post_json(&mut self, path: &str, body: Value) -> Reply {
        self.call("POST", path).json(&body).send().await
    }

    /// Asks for a page and follows redirects of this host.
    pub async fn follow(&mut self, path: &str) -> Reply {
        let mut reply = self.get(path).await;
        for _ in 0..10 {
            if reply.status() != 302 {
                return reply;
            }
            let next = reply.location().to_owned();
            assert!(next.starts_with('/'), "{next}");
            reply = self.get(&next).await;
        }
        panic!("redirected in circles from {path}");
    }

    /// Signs in with the password that everybody has; gives the CSRF token of the new session.
    pub async fn sign_in(&mut self, email: &str) -> String {
        self.sign_in_with(json!({"email": email, "password": PASSWORD})).await
    }

    /// As [`sign_in`](Self::sign_in), with fields of one's own.
    pub async fn sign_in_with(&mut self, mut fields: Value) -> String {
        let token = self.get_json("/login").await.csrf_token();
        fields["csrf_token"] = token.clone().into();
        let referer = format!("{}/login", self.origin);
        let call = self.call("POST", "/login").header("x-csrftoken", &token).header("referer", &referer);
        let reply = call.json(&fields).send().await;
        assert_eq!(reply.status(), 200, "{}", reply.text());
        reply.csrf_token()
    }

    /// Who the application takes it for: an address, or "nobody".
    pub async fn who(&mut self) -> String {
        let reply = self.get("/whoami").await;
        assert_eq!(reply.status(), 200, "{}", reply.text());
        reply.json()["email"].as_str().unwrap_or("nobody").to_owned()
    }

    /// A cookie that it keeps.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    /// Puts a cookie in its jar.
    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    /// Takes a cookie out of its jar, as closing the window does with a session's.
    pub fn drop_cookie(&mut self, name: &str) -> Option<String> {
        self.cookies.remove(name)
    }

    fn keep(&mut self, reply: &Reply) {
        for cookie in reply.set_cookies() {
            let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.set_cookie(name, value);
            }
        }
    }
}

/// What all of these give, run at once; in the order in which they end.
pub async fn at_once<T: Send + 'static>(
    calls: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    calls.into_iter().collect::<tokio::task::JoinSet<T>>().join_all().await
}

/// A request that is being put together.
#[derive(Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct Call<'a> {
    browser: &'a mut Browser,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Body,
}

impl Call<'_> {
    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        self
    }

    /// Adds HTTP Basic credentials.
    pub fn basic(self, name: &str, password: &str) -> Self {
        self.header("authorization", &format!("Basic {}", STANDARD.encode(format!("{name}:{password}"))))
    }

    /// A body of any kind.
    pub fn body(mut self, content_type: &str, body: impl Into<Body>) -> Self {
        if !content_type.is_empty() {
            self = self.header("content-type", content_type);
        }
        Self { body: body.into(), ..self }
    }

    /// The fields of a form.
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.body("application/x-www-form-urlencoded", body)
    }

    /// JSON.
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    /// Sends it and keeps the cookies of the reply.
    pub async fn send(self) -> Reply {
        let browser = self.browser;
        let cookies: Vec<String> = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let host = browser.origin.split("://").nth(1).unwrap();
        let mut request = Request::builder().method(self.method).uri(format!("{}{}", browser.origin, self.path));
        request = request.header("host", host).header("user-agent", &browser.user_agent);
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        let mut request = request.body(self.body).unwrap();
        request.headers_mut().extend(self.headers);
        request.extensions_mut().insert(ConnectInfo(browser.peer));
        let (parts, body) = browser.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let reply = Reply { status: parts.status, headers: parts.headers, body };
        browser.keep(&reply);
        reply
    }
}
