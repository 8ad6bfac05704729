//! What came back.

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

/// A reply, read to its end.
#[derive(Clone, Debug)]
pub struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    /// The status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// All headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// A header; empty if it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Where a redirect leads.
    #[must_use]
    pub fn location(&self) -> &str {
        assert!(matches!(self.status(), 302 | 303), "{}", self.text());
        self.header("location")
    }

    /// The `Set-Cookie` headers.
    #[must_use]
    pub fn set_cookies(&self) -> Vec<&str> {
        self.headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap()).collect()
    }

    /// The `Set-Cookie` header of one cookie.
    #[must_use]
    pub fn set_cookie(&self, name: &str) -> Option<&str> {
        self.set_cookies().into_iter().find(|cookie| cookie.split('=').next() == Some(name))
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// `response` of the JSON envelope, whose `meta.code` has to be the status.
    #[must_use]
    pub fn response(&self) -> Value {
        let mut json = self.json();
        assert_eq!(json["meta"]["code"], self.status());
        json["response"].take()
    }

    /// `field_errors` of the JSON envelope.
    #[must_use]
    pub fn field_errors(&self) -> Value {
        self.response()["field_errors"].take()
    }

    /// The value of an input of the page, as a browser would send it.
    #[must_use]
    pub fn input(&self, name: &str) -> Option<String> {
        let tag = self.text().split("<input").skip(1).filter_map(|rest| rest.split('>').next());
        let tag = tag.into_iter().find(|tag| tag.contains(&format!("name=\"{name}\"")))?;
        let value = tag.split("value=\"").nth(1)?.split('"').next()?;
        Some(value.replace("&#39;", "'").replace("&#34;", "\"").replace("&lt;", "<").replace("&amp;", "&"))
    }

    /// The CSRF token of a page or of a JSON reply.
    #[must_use]
    pub fn csrf_token(&self) -> String {
        let is_json = self.header("content-type").starts_with("application/json");
        let token =
            if is_json { self.response()["csrf_token"].as_str().map(str::to_owned) } else { self.input("csrf_token") };
        token.unwrap_or_else(|| panic!("no CSRF token: {}", self.text()))
    }
}
