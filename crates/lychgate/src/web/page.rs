//! Pages: a template, what the handler gives it, and what every page knows.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use minijinja::{
    Value,
    value::{Kwargs, Serde},
};
use serde_json::{Map, json};

use super::{exchange::Exchange, identify::Authenticated};
use crate::{
    failure::Failure,
    gate::Lychgate,
    messages::{Messages, Said},
    principal::{Identity, Need, NeedValue},
};

/// A page of the application, rendered by Lychgate's layer: templates see `current_user`, `csrf_token()`, flashed
/// messages and everything else that Lychgate's own pages see.
///
/// ```
/// use lychgate::Page;
///
/// async fn home() -> Page {
///     Page::new("home.html").with("title", "Hello")
/// }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a page is shown by returning it from a handler"]
pub struct Page {
    template: String,
    context: Map<String, serde_json::Value>,
    status: StatusCode,
}

impl Page {
    /// The page of a template.
    pub fn new(template: impl Into<String>) -> Self {
        Self { template: template.into(), context: Map::new(), status: StatusCode::OK }
    }

    /// Gives the template a value; one that cannot be written as JSON reads as `none`.
    pub fn with(mut self, name: impl Into<String>, value: impl serde::Serialize) -> Self {
        self.context.insert(name.into(), serde_json::to_value(value).unwrap_or_default());
        self
    }

    /// Answers with this status instead of 200.
    pub fn status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }
}

/// A page on its way up to the layer.
#[derive(Clone, Debug)]
pub(crate) struct PendingPage {
    pub(crate) template: String,
    pub(crate) context: Map<String, serde_json::Value>,
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(PendingPage { template: self.template, context: self.context });
        response
    }
}

/// The values of a context as templates see them.
pub(crate) fn in_words(
    context: Map<String, serde_json::Value>,
    messages: &Messages,
) -> std::collections::BTreeMap<String, Value> {
    context.into_iter().map(|(name, value)| (name, Value::from(Serde(Said::resolve(value, messages))))).collect()
}

/// `can("reports")` asks a permission that the application named, `can("role", "admin")` and `can("permission", "write")`
/// one right, `can("edit", 27, "document")` the right to one item.
fn can(gate: Lychgate, who: Option<Arc<Authenticated>>) -> Value {
    Value::from_function(move |method: String, value: Option<Value>, kind: Option<String>| {
        let nobody = Identity::anonymous();
        let identity = who.as_ref().map_or(&nobody, |who| who.identity());
        let Some(value) = value else {
            let named = gate.named_permission(&method).map(|permission| permission.allows(identity));
            let unknown = || format!("no permission is called {method:?}; `Builder::permission` names one");
            return named.ok_or_else(|| minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, unknown()));
        };
        let value: NeedValue = match i64::try_from(value.clone()) {
            Ok(number) if value.kind() == minijinja::value::ValueKind::Number => number.into(),
            _ => value.to_string().into(),
        };
        Ok(identity.has(&match (method.as_str(), kind) {
            ("permission", None) => Need::permission(value),
            (_, Some(kind)) => Need::item(method, value, kind),
            (_, None) => Need::new(method, value),
        }))
    })
}

impl Exchange {
    /// Renders a template for this request.
    pub(crate) async fn page(
        self: &Arc<Self>,
        status: StatusCode,
        template: &str,
        context: Map<String, serde_json::Value>,
    ) -> Result<Response, Failure> {
        // A page about a database that is away must not need the database.
        let user = self.current().await.ok().flatten();
        let mut all: std::collections::BTreeMap<String, Value> = in_words(context, self.messages());
        all.insert("can".to_owned(), can(self.gate.clone(), user.clone()));
        let impersonator = user.as_ref().map(|who| self.impersonator_view(who)).unwrap_or_default();
        all.insert("impersonator".to_owned(), Value::from(Serde(impersonator)));
        let current_user = user.map_or(Value::from(()), |who| {
            let view = crate::flow::account::template_view(&self.gate, &who.user);
            Value::from(Serde(view))
        });
        all.insert("current_user".to_owned(), current_user);
        all.insert("csrf_enabled".to_owned(), self.config().csrf.enabled.into());
        all.insert("csrf_field".to_owned(), self.config().csrf.field.into());
        all.insert("request_id".to_owned(), self.request_id().into());
        all.insert("next".to_owned(), self.query("next").map_or(Value::from(()), Value::from));
        all.insert("home_url".to_owned(), self.root().into());
        all.insert("language_choice".to_owned(), self.language_choice());
        if let Some(nonce) = self.csp_nonce() {
            let name = self.gate.settings().text_opt("script_nonce_key").filter(|name| *name != "csp_nonce");
            all.extend(name.map(|name| (name.to_owned(), nonce.into())));
            all.insert("csp_nonce".to_owned(), nonce.into());
        }
        let exchange = Arc::clone(self);
        all.insert("csrf_token".to_owned(), Value::from_function(move || exchange.csrf_token()));
        let exchange = Arc::clone(self);
        let challenge = move |door: String| -> Result<Value, minijinja::Error> {
            let named = crate::challenge::is_door(&door).then(|| exchange.challenge_view(&door).ok()).flatten();
            let unusable = || format!("no form can be called {door:?}");
            named
                .map(|view| Value::from(Serde(view)))
                .ok_or_else(|| minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, unusable()))
        };
        all.insert("challenge_for".to_owned(), Value::from_function(challenge));
        let keep = all.get("keep_flashes").is_some_and(Value::is_true);
        let exchange = Arc::clone(self);
        let flashes = move |options: Kwargs| -> Result<Value, minijinja::Error> {
            let with_categories: Option<bool> = options.get("with_categories")?;
            let flashes = if keep { Vec::new() } else { exchange.session(super::session::Session::take_flashes) };
            Ok(if with_categories == Some(false) {
                flashes.into_iter().map(|(_, text)| text).collect()
            } else {
                flashes.into_iter().map(|(category, text)| Value::from(vec![category, text])).collect()
            })
        };
        all.insert("get_flashed_messages".to_owned(), Value::from_function(flashes));
        let html = self.gate.renderer().render(template, all, self.messages()).map_err(Failure::internal)?;
        let html_type = [(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"))];
        let mut response = (status, html_type, html).into_response();
        if self.config().headers.is_none() {
            // Pages are never without these.
            for (name, value) in [
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
                (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
                (header::REFERRER_POLICY, "same-origin"),
            ] {
                response.headers_mut().insert(name, HeaderValue::from_static(value));
            }
        }
        Ok(self.in_language(response))
    }

    /// The languages to choose from, and where; none where there is nothing to choose.
    fn language_choice(&self) -> Value {
        let Some(url) = self.gate.endpoint_url(".language") else { return Value::from(()) };
        let one = |language: &Messages| {
            let (name, dir) = (language.language_name(), language.direction().as_str());
            json!({"tag": language.locale(), "name": name, "dir": dir})
        };
        Value::from(Serde(json!({
            "name": self.messages().language_name(),
            "url": self.with_next(&url, self.relative_url()),
            "languages": self.gate.languages().iter().map(one).collect::<Vec<_>>(),
        })))
    }
}
