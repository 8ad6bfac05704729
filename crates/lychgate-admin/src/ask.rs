//! What an administrator asks, and the ways to answer.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts as _, RawPathParams, Request},
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, Method, StatusCode, header};
use lychgate::{
    AccountError, Csrf, Error, Lychgate, Mechanism, Operator, Page, WantsJson,
    store::{ErrorKind, StoreError, User},
};
use serde_json::{Map, Value, json};

use crate::texts::{Text, say};

/// The longest body, in bytes: a table to be imported.
const LONGEST_BODY: usize = 1 << 20;

/// The most fields and parameters that are looked at.
const MOST_FIELDS: usize = 2000;

pub(crate) type Pairs = Vec<(String, String)>;

/// A request of an administrator. One that changes something has proved that it comes from our own page.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) operator: Operator,
    /// Whether the client is a program.
    pub(crate) json: bool,
    /// How many accounts wait for approval, for the frame of pages.
    waiting: i64,
    csrf: Csrf,
    path: Pairs,
    query: Pairs,
    fields: Pairs,
}

/// Why a handler does not answer as asked.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The client's mistake.
    Reply(StatusCode, Text),
    Error(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        match error.kind() {
            ErrorKind::Invalid(text) => Self::bad(text.clone()),
            ErrorKind::Conflict { .. } => Self::reply(StatusCode::CONFLICT, say("This is there already.")),
            ErrorKind::Referenced => Self::reply(StatusCode::CONFLICT, lychgate::Refused::Referenced.to_string()),
            _ => Self::Error(error.into()),
        }
    }
}

impl From<AccountError> for Stop {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Invalid(_) => Self::reply(StatusCode::CONFLICT, error.to_string()),
            other => Self::reply(StatusCode::SERVICE_UNAVAILABLE, other.to_string()),
        }
    }
}

impl Stop {
    pub(crate) fn reply(status: StatusCode, text: impl Into<Text>) -> Self {
        Self::Reply(status, text.into())
    }

    pub(crate) fn bad(text: impl Into<Text>) -> Self {
        Self::reply(StatusCode::BAD_REQUEST, text)
    }

    pub(crate) fn missing() -> Self {
        Self::reply(StatusCode::NOT_FOUND, say("There is no such thing here."))
    }
}

pub(crate) type Answer = Result<Response, Response>;

impl<S: Send + Sync> FromRequest<S> for Ask {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let refuse = |error: Error| error.into_response();
        let operator = Operator::from_request_parts(&mut parts, state).await.map_err(refuse)?;
        let csrf = Csrf::from_request_parts(&mut parts, state).await.map_err(refuse)?;
        let WantsJson(json) = WantsJson::from_request_parts(&mut parts, state).await.map_err(refuse)?;
        let path = RawPathParams::from_request_parts(&mut parts, state).await.map_err(|error| error.into_response())?;
        let path = path.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let query = pairs(parts.uri.query().unwrap_or_default().as_bytes());
        let waiting = if json { Ok(0) } else { operator.gate().store().count_marked("waiting").await };
        let waiting = waiting.map_err(|error| refuse(error.into()))?;
        let mut ask = Self { operator, json, waiting, csrf, path, query, fields: Pairs::new() };
        if parts.method != Method::GET && parts.method != Method::HEAD {
            // Browsers send cookies, and a password that was typed once, by themselves: for a page of somebody else, too.
            if matches!(ask.operator.user().mechanism(), Mechanism::Session | Mechanism::Basic) {
                ask.csrf.verify().map_err(refuse)?;
            }
            let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
            let is_json =
                kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
            let body = axum::body::to_bytes(body, LONGEST_BODY).await;
            let too_large = || ask.stop(Stop::reply(StatusCode::PAYLOAD_TOO_LARGE, say("This is too much.")));
            let body = body.map_err(|_| too_large())?;
            let fields = if is_json { members(&body) } else { Some(pairs(&body)) };
            ask.fields = fields.ok_or_else(|| ask.stop(Stop::bad("The body is not a JSON object.")))?;
        }
        Ok(ask)
    }
}

pub(crate) fn pairs(text: &[u8]) -> Pairs {
    let all = form_urlencoded::parse(text).take(MOST_FIELDS);
    all.map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

/// The members of a JSON object as fields; a list is a field that is there several times.
fn members(body: &Bytes) -> Option<Pairs> {
    if body.is_empty() {
        return Some(Pairs::new());
    }
    let object: Map<String, Value> = serde_json::from_slice(body).ok()?;
    let mut fields = Pairs::new();
    for (name, value) in object {
        let list = if let Value::Array(list) = value { list } else { vec![value] };
        for value in list.into_iter().take(MOST_FIELDS) {
            let text = match value {
                Value::String(text) => text,
                Value::Null => continue,
                other => other.to_string(),
            };
            fields.push((name.clone(), text));
        }
    }
    Some(fields)
}

pub(crate) fn first<'p>(pairs: &'p Pairs, name: &str) -> &'p str {
    pairs.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim())
}

impl Ask {
    pub(crate) fn gate(&self) -> &Lychgate {
        self.operator.gate()
    }

    /// What stands in the path.
    pub(crate) fn part(&self, name: &str) -> &str {
        first(&self.path, name)
    }

    /// A parameter of the query; empty if it is not there.
    pub(crate) fn query(&self, name: &str) -> &str {
        first(&self.query, name)
    }

    /// All parameters of the query.
    pub(crate) fn asked(&self) -> &Pairs {
        &self.query
    }

    pub(crate) fn queries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.query.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A field of the form or a member of the JSON; empty if it is not there.
    pub(crate) fn field(&self, name: &str) -> &str {
        first(&self.fields, name)
    }

    pub(crate) fn fields<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether a box was ticked.
    pub(crate) fn ticked(&self, name: &str) -> bool {
        matches!(self.field(name), "y" | "yes" | "on" | "true" | "1")
    }

    /// The user whom the path names.
    pub(crate) async fn subject(&self) -> Result<std::sync::Arc<User>, Response> {
        let id = self.part("id").parse::<i64>().map_err(|_| self.stop(Stop::missing()))?;
        let found = self.gate().store().user_by_id(id).await.map_err(|error| self.stop(error.into()))?;
        found.ok_or_else(|| self.stop(Stop::missing()))
    }

    /// The path of a page of the panel.
    pub(crate) fn url(&self, page: &str) -> String {
        format!("{}{page}", self.gate().admin_url())
    }

    /// A page, or its values for a program.
    pub(crate) fn page(&self, template: &str, here: &str, mut values: Map<String, Value>) -> Response {
        if self.json {
            values.insert("csrf_token".to_owned(), self.csrf.token().into());
            return envelope(StatusCode::OK, &values.into());
        }
        let page = values.into_iter().fold(Page::new(template), |page, (name, value)| page.with(name, value));
        let page =
            page.with("panel", self.url("")).with("here", here).with("approvals_waiting", self.waiting).into_response();
        private(page)
    }

    /// Something was done: back to a page, which says so.
    pub(crate) fn done(&self, text: impl Into<Text>, to: &str, more: Value) -> Response {
        let text = text.into().to(&self.operator);
        if self.json {
            let mut values = json!({"message": text});
            if let (Value::Object(values), Value::Object(more)) = (&mut values, more) {
                values.extend(more);
            }
            return envelope(StatusCode::OK, &values);
        }
        self.operator.flash("success", &text);
        see_other(&self.url(to))
    }

    /// Away from the panel, to a path of the application.
    pub(crate) fn leave(&self, to: &str) -> Response {
        see_other(to)
    }

    pub(crate) fn csrf_token(&self) -> String {
        self.csrf.token()
    }

    /// It was not done: back to a page, which says why.
    pub(crate) fn refused(&self, text: impl Into<Text>, to: &str) -> Response {
        let text = text.into().to(&self.operator);
        if self.json {
            return envelope(StatusCode::CONFLICT, &json!({"errors": [text]}));
        }
        self.operator.flash("error", &text);
        see_other(&self.url(to))
    }

    pub(crate) fn stop(&self, stop: Stop) -> Response {
        match stop {
            Stop::Error(error) => error.into_response(),
            Stop::Reply(status, text) if self.json => envelope(status, &json!({"errors": [text.to(&self.operator)]})),
            Stop::Reply(status, text) => {
                let text = text.to(&self.operator);
                let page = Page::new("security/error.html").with("status", status.as_u16()).with("text", text);
                page.status(status).into_response()
            }
        }
    }
}

/// `{"meta": {"code": …}, "response": …}`, as everywhere.
fn envelope(status: StatusCode, values: &Value) -> Response {
    let body = format!("{}\n", json!({"meta": {"code": status.as_u16()}, "response": values}));
    private((status, [(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// What is about other people is kept by no cache.
fn private(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn see_other(to: &str) -> Response {
    match HeaderValue::try_from(to) {
        Ok(to) => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The members of an object.
pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
