//! The layer around the application: once down, once up.
//!
//! Down: the body is read if it is small and ours to read, the exchange is made, the application-wide CSRF check runs.
//! Up: failures and pages become replies, and the cookies of session, remember-me and CSRF are written.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use axum::{
    body::Body,
    extract::{MatchedPath, Request},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use tower::{Layer, Service};
use tracing::Instrument as _;

use super::{
    answer,
    body::{self, Submitted},
    body_limit::Capped,
    cookie::{Keep, LONGEST_COOKIE},
    coverage,
    exchange::{Exchange, Remember},
    host,
    page::PendingPage,
    session::key,
};
use crate::{
    failure::{Failure, Pending},
    gate::Lychgate,
    measure,
};

tokio::task_local! {
    /// The request that a task serves, for what has to know it without being handed it, such as the audit log.
    pub(crate) static REQUEST: Arc<Exchange>;
}

/// Puts Lychgate around a router; made by [`Lychgate::layer`].
#[derive(Clone, Debug)]
pub struct GateLayer(pub(crate) Lychgate);

impl<S> Layer<S> for GateLayer {
    type Service = Gated<S>;

    fn layer(&self, inner: S) -> Gated<S> {
        Gated { gate: self.0.clone(), inner }
    }
}

/// A service inside a [`GateLayer`].
#[derive(Debug)]
pub struct Gated<S> {
    gate: Lychgate,
    inner: S,
}

impl<S: Clone> Clone for Gated<S> {
    fn clone(&self) -> Self {
        Self { gate: self.gate.clone(), inner: coverage::below(&self.gate, || self.inner.clone()) }
    }
}

impl<S> Service<Request> for Gated<S>
where
    S: Service<Request, Error = Infallible> + Clone + Send + 'static,
    S::Response: IntoResponse,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let waiting = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, waiting);
        let gate = self.gate.clone();
        let began = Instant::now();
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            if parts.extensions.get::<Arc<Exchange>>().is_some() {
                // The layer was put on twice; the outer one does the work.
                let response = inner.call(Request::from_parts(parts, body)).await?;
                return Ok(response.into_response());
            }
            let cors = gate.web().cors.as_ref();
            if cors.is_some_and(|cors| cors.is_preflight(&parts.method, parts.uri.path(), &parts.headers)) {
                // A preflight carries no cookies and reaches no handler.
                let matched = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
                let mut response = Response::default();
                if let Some(cors) = cors {
                    *response.status_mut() = cors.preflight_status();
                    cors.answer(parts.uri.path(), &parts.headers, true, response.headers_mut());
                }
                Exchange::begin(gate, &parts, Submitted::Nothing).add_headers(None, &mut response);
                measure::request(&parts.method, matched, response.status(), began);
                return Ok(response);
            }
            let asked = cors.map(|_| (parts.uri.clone(), parts.headers.clone()));
            let (submitted, body) = if parts.method.is_safe() {
                (Submitted::Nothing, body)
            } else {
                body::read(&parts.headers, body, gate.web().body).await
            };
            let body = match gate.web().most_bytes {
                None => body,
                Some(most) => Body::new(Capped::new(body, most, &mut parts.extensions)),
            };
            let exchange = Arc::new(Exchange::begin(gate, &parts, submitted));
            let matched = parts.extensions.get::<MatchedPath>().cloned();
            let matched = matched.as_ref().map(MatchedPath::as_str);
            let method = parts.method.clone();
            // Every line that is logged on the way says which request it was. The template, not the path: a path may hold
            // the secret of a link.
            let span = tracing::info_span!(
                "request",
                request_id = exchange.request_id(),
                method = method.as_str(),
                route = matched.unwrap_or("none"),
                status = tracing::field::Empty,
                trace_id = tracing::field::Empty,
                parent_id = tracing::field::Empty,
                span_id = tracing::field::Empty,
            );
            if let Some(trace) = &exchange.headers().forwarded.trace {
                span.record("trace_id", trace.id()).record("parent_id", trace.parent()).record("span_id", trace.span());
            }
            let serving = Arc::clone(&exchange);
            let work = async {
                let let_in = match exchange.led_to_https() {
                    Some(redirect) => Err(redirect),
                    None => {
                        match host::check(&parts).and_then(|()| exchange.check_address(parts.uri.path(), matched)) {
                            Ok(()) => match exchange.limit_route(matched).await {
                                Ok(()) => exchange
                                    .csrf_application_wide(matched)
                                    .await
                                    .map_err(|failure| refused(&exchange, matched, failure)),
                                Err(failure) => Err(failure.into_response()),
                            },
                            Err(failure) => Err(failure.into_response()),
                        }
                    }
                };
                let response = match let_in {
                    Ok(()) => {
                        parts.extensions.insert(Arc::clone(&exchange));
                        let request = Request::from_parts(parts, body);
                        inner.call(request).await?.into_response()
                    }
                    Err(response) => response,
                };
                let response = finish(&exchange, response).await;
                let status = response.status().as_u16();
                tracing::Span::current().record("status", status);
                tracing::debug!(status, "a request was served");
                Ok::<_, Infallible>(response)
            };
            let mut response = REQUEST.scope(serving, work.instrument(span)).await?;
            measure::request(&method, matched, response.status(), began);
            if let (Some(cors), Some((uri, headers))) = (&exchange.config().cors, asked) {
                cors.answer(uri.path(), &headers, false, response.headers_mut());
            }
            Ok(response)
        })
    }
}

/// The reply to a request that does not prove that it comes from our own page.
fn refused(exchange: &Exchange, matched: Option<&str>, failure: Failure) -> Response {
    if matches!(failure, Failure::Csrf(_)) && matched.is_none() {
        // A path that is no route is a 404 whatever token came with it, also where a fallback would answer.
        return StatusCode::NOT_FOUND.into_response();
    }
    let mut response = failure.into_response();
    let own = matched.is_some_and(|path| exchange.gate.is_own_route(path));
    let cached = exchange.config().cache_control.as_deref().filter(|_| own);
    if let Some(value) = cached.and_then(|value| HeaderValue::from_str(value).ok()) {
        response.headers_mut().insert(header::CACHE_CONTROL, value);
    }
    response
}

async fn finish(exchange: &Arc<Exchange>, mut response: Response<Body>) -> Response {
    let without = response.extensions_mut().remove();
    let mut response = render(exchange, response).await;
    exchange.audit_impersonator(response.status().as_u16());
    exchange.settle_csrf_cookie();
    if exchange.config().remember.refresh_each_request {
        // Renewed for whoever is signed in, whether or not the route asked.
        let _ = exchange.by(super::identify::Mechanism::Session).await;
    }
    remember_cookie(exchange);
    session_cookie(exchange, response.headers_mut());
    exchange.vary_by_language(response.headers_mut());
    exchange.tell_limits(response.headers_mut());
    for cookie in std::mem::take(&mut exchange.outgoing.lock().cookies) {
        if let Ok(value) = HeaderValue::try_from(cookie) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }
    exchange.add_headers(without, &mut response);
    response
}

/// Headers of pages that a route may have set already.
const ONLY_ONE: [HeaderName; 3] = [header::X_CONTENT_TYPE_OPTIONS, header::X_FRAME_OPTIONS, header::REFERRER_POLICY];

/// Replaces what was left for the layer to render; headers that were set on the way stay.
async fn render(exchange: &Arc<Exchange>, mut response: Response) -> Response {
    let rendered = if let Some(Pending(failure)) = response.extensions_mut().remove::<Pending>() {
        exchange.answer_failure(&failure).await
    } else if let Some(page) = response.extensions_mut().remove::<PendingPage>() {
        match exchange.page(response.status(), &page.template, page.context).await {
            Ok(response) => response,
            Err(failure) => exchange.answer_failure(&failure).await,
        }
    } else if answer::is_bare_error(&response) {
        exchange.answer_status(response.status()).await
    } else {
        return response;
    };
    let (parts, body) = rendered.into_parts();
    let mut headers = std::mem::take(response.headers_mut());
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::CONTENT_TYPE);
    for (name, value) in &parts.headers {
        if !(ONLY_ONE.contains(name) && headers.contains_key(name)) {
            headers.append(name, value.clone());
        }
    }
    let mut response = Response::from_parts(parts, body);
    *response.headers_mut() = headers;
    response
}

fn remember_cookie(exchange: &Exchange) {
    let config = &exchange.config().remember;
    let https = exchange.is_https();
    let action = std::mem::take(&mut exchange.outgoing.lock().remember);
    let until = exchange.now.unix().saturating_add(config.seconds);
    match action {
        Remember::Set(value) => exchange.set_cookie(config.cookie.set(&config.name, &value, Keep::Until(until), https)),
        Remember::Clear if exchange.has_cookie(&config.name) => {
            exchange.set_cookie(config.cookie.remove(&config.name));
        }
        Remember::Keep if config.refresh_each_request => {
            if let Some(who) = exchange.by_session.get().and_then(Option::as_ref)
                && who.impersonator.is_none()
                && let Ok(value) = exchange.remember_value(&who.user.fs_uniquifier)
            {
                exchange.set_cookie(config.cookie.set(&config.name, &value, Keep::Until(until), https));
            }
        }
        _ => {}
    }
}

fn session_cookie(exchange: &Exchange, headers: &mut HeaderMap) {
    let Some(session) = exchange.touched_session() else { return };
    headers.append(header::VARY, HeaderValue::from_static("Cookie"));
    let config = &exchange.config().session;
    let https = exchange.is_https();
    if session.is_empty() {
        if session.modified && session.had_cookie {
            exchange.set_cookie(config.cookie.set(&config.name, "", Keep::Remove, https));
        }
        return;
    }
    let permanent = session.flag(key::PERMANENT);
    let renew = permanent && config.refresh_each_request;
    if !session.modified && !renew {
        return;
    }
    match exchange.gate.session_codec().encode(session.map(), exchange.now.unix()) {
        Ok(value) => {
            let keep = if permanent {
                Keep::Until(exchange.now.unix().saturating_add(config.lifetime))
            } else {
                Keep::Session
            };
            if config.name.len() + value.len() > LONGEST_COOKIE {
                tracing::error!(bytes = value.len(), "the session is too long for a cookie; browsers drop it");
            }
            exchange.set_cookie(config.cookie.set(&config.name, &value, keep, https));
        }
        Err(error) => tracing::error!(%error, "the session cannot be written"),
    }
}
