//! Turns what a handler decided into what the client asked for: JSON, a page or a redirect.

use std::sync::Arc;

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;

use super::{
    exchange::Exchange,
    form::{Form, Message},
};
use crate::{
    failure::{Failure, Refused},
    flow::{
        account::{self, AccountStatus, Standing},
        passkeys,
        second_factor::{self, Proof},
    },
    messages,
};

/// What a handler of a feature answers.
#[derive(Debug)]
pub(crate) enum Reply {
    /// The JSON envelope around these members.
    Json(Map<String, Value>),
    /// The page of a form.
    Form(Box<Form>),
    /// A page.
    Page { template: String, context: Map<String, Value> },
    /// Another URL.
    Redirect(String),
    /// Anything else, as it is.
    Other(Response),
}

impl Reply {
    pub(crate) async fn into_response(self, exchange: &Arc<Exchange>) -> Response {
        let made = match self {
            Reply::Json(members) => Ok(envelope(StatusCode::OK, members.into())),
            Reply::Redirect(to) => Ok(redirect_to(&to)),
            Reply::Form(form) => exchange.form_page(&form).await,
            Reply::Page { template, context } => exchange.page(StatusCode::OK, &template, context).await,
            Reply::Other(response) => Ok(response),
        };
        made.unwrap_or_else(Failure::into_response)
    }
}

/// `{"meta": {"code": …}, "response": …}`, compact, keys sorted, with a line feed at its end.
pub(crate) fn envelope(status: StatusCode, response: Value) -> Response {
    let body = format!("{}\n", json!({"meta": {"code": status.as_u16()}, "response": response}));
    (status, [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}

/// JSON without an envelope, with a line feed at its end.
pub(crate) fn plain_json(status: StatusCode, body: &Value) -> Response {
    let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    (status, json, format!("{body}\n")).into_response()
}

pub(crate) fn redirect_to(location: &str) -> Response {
    match HeaderValue::try_from(location) {
        Ok(location) => (StatusCode::FOUND, [(header::LOCATION, location)]).into_response(),
        Err(error) => Failure::internal(error).into_response(),
    }
}

impl Exchange {
    /// The reply to a failure, in the form that the client wants.
    pub(crate) async fn answer_failure(self: &Arc<Self>, failure: &Failure) -> Response {
        self.log_failure(failure);
        if let Some(response) = self.own_reply(failure).await {
            return response;
        }
        if matches!(failure, Failure::Unauthenticated { .. } | Failure::SignInAt(_) | Failure::Forbidden { .. }) {
            let stopped = self.stopped.lock().clone();
            if let Some(standing) = stopped {
                return self.answer_stopped(&standing).await;
            }
        }
        match failure {
            Failure::Stopped(standing) => self.answer_stopped(standing).await,
            Failure::Unauthenticated { realm } => self.answer_unauthenticated(realm.as_deref(), None).await,
            Failure::SignInAt(path) => self.answer_unauthenticated(None, Some(path)).await,
            Failure::NotFresh => self.answer_not_fresh(None).await,
            Failure::NeedsProof(proof) => self.answer_not_proved(*proof).await,
            Failure::Forbidden { refused } => {
                self.note_refusal(refused.as_deref()).await;
                self.answer_refused(refused.as_deref()).await
            }
            Failure::AlreadySignedIn if self.wants_json() => {
                self.errors(failure.status(), &messages::ANONYMOUS_USER_REQUIRED.into())
            }
            Failure::AlreadySignedIn => redirect_to(&self.signed_in_home()),
            Failure::Challenge(door) => self.answer_challenge(door).await,
            Failure::Form(rejected) if self.wants_json() => self.form_errors(&rejected.form),
            Failure::Form(rejected) => self.or_error_page(self.form_page(&rejected.form).await).await,
            Failure::Csrf(message) | Failure::Bad { message, .. } if self.wants_json() => {
                self.errors(failure.status(), &(*message).into())
            }
            Failure::Csrf(message) | Failure::Bad { message, .. } => {
                self.error_page(failure.status(), (*message).into()).await
            }
            Failure::Said { status, body } => plain_json(*status, body),
            Failure::Busy { retry_after } => {
                let mut response = self.plain_error(failure.status(), messages::TRY_AGAIN_LATER.into()).await;
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*retry_after));
                response
            }
            Failure::TooMany { retry_after } => {
                let message = crate::flow::codes::wait_message(*retry_after);
                let mut response = if self.wants_json() && !self.config().as_flask {
                    let text = self.text(&message);
                    let members = json!({"errors": [text], "code": "too_many_requests", "retry_after": retry_after});
                    self.in_language(envelope(failure.status(), members))
                } else {
                    self.plain_error(failure.status(), message).await
                };
                self.tell_wait(*retry_after, &mut response);
                response
            }
            Failure::Internal(_) | Failure::MissingLayer => {
                let id = self.request_id();
                self.plain_error(failure.status(), Message::from(messages::INTERNAL_ERROR).with("request_id", id)).await
            }
        }
    }

    fn log_failure(&self, failure: &Failure) {
        crate::measure::refused(failure);
        let (id, path) = (self.request_id(), self.logged_path());
        match failure {
            Failure::Internal(what) => tracing::error!(request_id = id, path, what, "a request failed"),
            Failure::Forbidden { refused } => {
                let who = self.admitted.lock().as_ref().map(|who| who.user.id);
                let needed = refused.as_ref().map(|refused| refused.needed.as_str());
                tracing::info!(request_id = id, path, user_id = who, needed, "a request was refused");
                self.audit_refusal("refused", needed);
            }
            Failure::TooMany { .. } => {
                tracing::debug!(request_id = id, path, "a limit is reached");
                self.audit_refusal("limited", None);
            }
            _ => tracing::debug!(request_id = id, path, status = failure.status().as_u16(), "a request was refused"),
        }
    }

    async fn answer_unauthenticated(self: &Arc<Self>, realm: Option<&str>, at: Option<&str>) -> Response {
        let text = self.text(&messages::UNAUTHENTICATED.into());
        let challenge = realm.map(|realm| format!("Basic realm=\"{}\"", realm.replace(['"', '\\'], "")));
        let mut response = if self.wants_json() {
            self.in_language(envelope(StatusCode::UNAUTHORIZED, json!({"errors": [text]})))
        } else if challenge.is_some() {
            let html = [(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"))];
            (StatusCode::UNAUTHORIZED, html, text).into_response()
        } else {
            self.flash(messages::UNAUTHENTICATED);
            let login = match at {
                Some(path) => format!("{}{path}", self.config().application_root),
                None => self.gate.url("login"),
            };
            redirect_to(&self.with_next(&login, self.relative_url()))
        };
        if let Some(value) = challenge.and_then(|challenge| HeaderValue::try_from(challenge).ok()) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
        }
        response
    }

    /// Sends a browser to where the proof is taken, or where it is set up first.
    async fn answer_not_proved(self: &Arc<Self>, proof: Proof) -> Response {
        if self.wants_json() {
            return self.answer_not_fresh(Some(proof)).await;
        }
        let admitted = self.admitted.lock().clone();
        let Some(who) = admitted else { return self.answer_unauthenticated(None, None).await };
        let page = match second_factor::where_to_prove(self, &who.user, proof).await {
            Ok(page) => page,
            Err(failure) => return failure.into_response(),
        };
        match page {
            Some(page) => {
                self.flash(messages::REAUTHENTICATION_REQUIRED);
                redirect_to(&self.with_next(&page, self.relative_url()))
            }
            // Nobody here can prove that.
            None => self.answer_forbidden().await,
        }
    }

    async fn answer_not_fresh(&self, proof: Option<Proof>) -> Response {
        let settings = self.gate.settings();
        if self.wants_json() {
            let text = self.text(&messages::REAUTHENTICATION_REQUIRED.into());
            let admitted = self.admitted.lock().clone();
            let passkey = match admitted {
                Some(who) => passkeys::can_verify(&self.gate, &who.user).await.unwrap_or(false),
                None => false,
            };
            let mut members = json!({
                "errors": [text],
                "reauth_required": true,
                "unified_signin_enabled": settings.flag("unified_signin"),
                "has_webauthn_verify_credential": passkey,
                "oauth_enabled": settings.flag("oauth_enable"),
                "oauth_providers": [],
            });
            if let (Value::Object(members), Some(proof)) = (&mut members, proof) {
                members.insert("proof_required".to_owned(), proof.name().into());
            }
            return self.in_language(envelope(StatusCode::UNAUTHORIZED, members));
        }
        self.flash(messages::REAUTHENTICATION_REQUIRED);
        let page = if settings.flag("unified_signin") { "us_verify" } else { "verify" };
        redirect_to(&self.with_next(&self.gate.url(page), self.relative_url()))
    }

    /// A refusal, with the status and to the place that its guard chose.
    async fn answer_refused(self: &Arc<Self>, refused: Option<&Refused>) -> Response {
        let instead = refused.and_then(|refused| refused.instead.as_deref()).filter(|_| !self.wants_json());
        if let Some(path) = instead.filter(|path| *path != self.uri.path()) {
            self.flash(messages::UNAUTHORIZED);
            return redirect_to(&format!("{}{path}", self.config().application_root));
        }
        let because = refused.and_then(|refused| refused.because);
        match refused.map(|refused| refused.status).filter(|status| *status != StatusCode::FORBIDDEN) {
            // Neither signing in nor another page would help.
            None if because.is_some() => {
                let message = because.unwrap_or(messages::UNAUTHORIZED);
                self.with_reference(self.plain_error(StatusCode::FORBIDDEN, message.into()).await)
            }
            None if !self.wants_json() && self.gate.settings().flag("unauthorized_sign_in") => {
                match self.current().await {
                    Ok(None) => self.answer_unauthenticated(None, None).await,
                    _ => self.answer_forbidden().await,
                }
            }
            None => self.answer_forbidden().await,
            Some(StatusCode::NOT_FOUND) => self.answer_status(StatusCode::NOT_FOUND).await,
            Some(StatusCode::UNAUTHORIZED) => {
                self.plain_error(StatusCode::UNAUTHORIZED, messages::UNAUTHENTICATED.into()).await
            }
            Some(status) => self.plain_error(status, messages::UNAUTHORIZED.into()).await,
        }
    }

    async fn answer_forbidden(self: &Arc<Self>) -> Response {
        let response = if self.wants_json() {
            let mut members = json!({"errors": [self.text(&messages::UNAUTHORIZED.into())]});
            // The reference's reply has nothing of the kind.
            if let (false, Value::Object(members)) = (self.config().as_flask, &mut members) {
                members.insert("reference".to_owned(), self.request_id().into());
            }
            self.in_language(envelope(StatusCode::FORBIDDEN, members))
        } else {
            match self.gate.unauthorized_view(self) {
                Some(to) => {
                    self.flash(messages::UNAUTHORIZED);
                    redirect_to(&to)
                }
                None => self.error_page(StatusCode::FORBIDDEN, messages::UNAUTHORIZED.into()).await,
            }
        };
        self.with_reference(response)
    }

    /// The reply with the id under which an administrator finds it.
    fn with_reference(&self, mut response: Response) -> Response {
        if let Ok(id) = HeaderValue::from_str(self.request_id()) {
            response.headers_mut().insert("x-request-id", id);
        }
        response
    }

    /// To whoever proved that an account is theirs: why it may not be used.
    async fn answer_stopped(self: &Arc<Self>, standing: &Standing) -> Response {
        let text = self.text(&account::stopped_message(standing));
        if self.wants_json() {
            let mut members = json!({"errors": [text], "code": standing.status.code()});
            if let Value::Object(members) = &mut members {
                let until = standing.until.filter(|_| standing.status == AccountStatus::Suspended);
                if let Some(until) = until.and_then(|until| until.format(&Rfc3339).ok()) {
                    members.insert("until".to_owned(), until.into());
                }
                if let Some(reason) = &standing.reason {
                    members.insert("reason".to_owned(), reason.as_str().into());
                }
            }
            return self.in_language(envelope(StatusCode::FORBIDDEN, members));
        }
        let view = self.view("suspended_view").filter(|_| standing.status == AccountStatus::Suspended);
        // The view may be a page that asks for somebody signed in, by mistake.
        if let Some(to) = view.filter(|to| to.split('?').next() != Some(self.uri.path())) {
            return redirect_to(&to);
        }
        self.settle_language().await;
        let mut context = Map::new();
        context.insert("status".to_owned(), 403.into());
        context.insert("state".to_owned(), standing.status.word().into());
        context.insert("text".to_owned(), text.into());
        context.insert("reason".to_owned(), standing.reason.clone().into());
        context.insert("keep_flashes".to_owned(), true.into());
        let template = self.gate.settings().text("account_state_template");
        let page = self.page(StatusCode::FORBIDDEN, template, context).await;
        self.or_error_page(page).await
    }

    /// Programs find the work in the reply.
    async fn answer_challenge(self: &Arc<Self>, door: &str) -> Response {
        if !self.wants_json() {
            return self.error_page(StatusCode::FORBIDDEN, messages::CHALLENGE_REQUIRED.into()).await;
        }
        let text = self.text(&messages::CHALLENGE_REQUIRED.into());
        match self.offer_challenge(door) {
            Ok(offer) => {
                let members = json!({"errors": [text], "code": "challenge_required", "challenge": offer});
                self.in_language(envelope(StatusCode::FORBIDDEN, members))
            }
            Err(failure) => failure.into_response(),
        }
    }

    fn errors(&self, status: StatusCode, message: &Message) -> Response {
        self.in_language(envelope(status, json!({"errors": [self.text(message)]})))
    }

    fn form_errors(&self, form: &Form) -> Response {
        let mut errors = Vec::new();
        let mut by_field: Map<String, Value> = Map::new();
        for (field, message) in form.errors_in_order() {
            let text = Value::from(self.text(message));
            errors.push(text.clone());
            if let Value::Array(list) = by_field.entry(field).or_insert_with(|| Value::Array(Vec::new())) {
                list.push(text);
            }
        }
        self.in_language(envelope(StatusCode::BAD_REQUEST, json!({"errors": errors, "field_errors": by_field})))
    }

    async fn plain_error(self: &Arc<Self>, status: StatusCode, message: Message) -> Response {
        if self.wants_json() { self.errors(status, &message) } else { self.error_page(status, message).await }
    }

    /// An error in the form that the client wants, for replies that some other part of the application left empty.
    pub(crate) async fn answer_status(self: &Arc<Self>, status: StatusCode) -> Response {
        let message = match status {
            StatusCode::NOT_FOUND => messages::NOT_FOUND,
            StatusCode::METHOD_NOT_ALLOWED => messages::METHOD_NOT_ALLOWED,
            StatusCode::PAYLOAD_TOO_LARGE => messages::BODY_TOO_LARGE,
            _ => messages::BAD_REQUEST,
        };
        self.plain_error(status, message.into()).await
    }

    pub(crate) async fn form_page(self: &Arc<Self>, form: &Form) -> Result<Response, Failure> {
        self.settle_language().await;
        let mut context = form.payload.clone();
        let mut view = form.view(self.messages());
        if let Some(challenge) = self.challenge_of_page().await? {
            view["challenge"] = challenge;
        }
        context.insert("form".to_owned(), view);
        self.page(StatusCode::OK, &form.template, context).await
    }

    async fn error_page(self: &Arc<Self>, status: StatusCode, message: Message) -> Response {
        self.settle_language().await;
        let mut context = Map::new();
        context.insert("status".to_owned(), status.as_u16().into());
        context.insert("title".to_owned(), self.translate(status.canonical_reason().unwrap_or("Error")).into());
        context.insert("text".to_owned(), self.text(&message).into());
        // Messages wait for a page that people asked for; a browser asks for icons of its own accord.
        context.insert("keep_flashes".to_owned(), true.into());
        let page = self.page(status, "security/error.html", context).await;
        page.unwrap_or_else(|failure| {
            // The error page itself is broken, as an app's override may be: say it in plain text, once.
            tracing::error!(request_id = self.request_id(), ?failure, "the error page cannot be shown");
            (status, status.canonical_reason().unwrap_or_default()).into_response()
        })
    }

    async fn or_error_page(self: &Arc<Self>, page: Result<Response, Failure>) -> Response {
        match page {
            Ok(page) => page,
            Err(failure) => {
                self.log_failure(&failure);
                let message = Message::from(messages::INTERNAL_ERROR).with("request_id", self.request_id());
                self.error_page(failure.status(), message).await
            }
        }
    }
}

/// Whether a reply is an error that nobody wrote a body for.
pub(crate) fn is_bare_error(response: &Response<Body>) -> bool {
    use http_body::Body as _;
    let status = response.status();
    (status.is_client_error() || status.is_server_error())
        && !response.headers().contains_key(header::CONTENT_TYPE)
        && response.body().is_end_stream()
}
