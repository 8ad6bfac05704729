//! The routes of the features: one list that the router, `url_for`, `lychgate routes` and the OpenAPI document share.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    ops::Deref,
    pin::Pin,
    sync::Arc,
};

use axum::{
    Router,
    extract::{FromRequestParts, OriginalUri, RawPathParams},
    response::{IntoResponse as _, Response},
    routing::{MethodFilter, MethodRouter, any, on},
};
use http::{HeaderValue, Method, StatusCode, header, request::Parts};
use parking_lot::RwLock;

use super::{answer::Reply, coverage::Marked, exchange::Exchange};
use crate::{failure::Failure, limits::Kind};

/// A call of a feature's route: the exchange and what stands in the path.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    exchange: Arc<Exchange>,
    params: Arc<Vec<(String, String)>>,
}

impl Call {
    /// What stands in the path under `name`.
    pub(crate) fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn exchange(&self) -> &Arc<Exchange> {
        &self.exchange
    }

    /// Whether the request names the host that the routes are bound to, if they are bound to one.
    fn is_on_its_host(&self) -> bool {
        self.exchange.config().route_host.as_deref().is_none_or(|host| host == self.exchange.host())
    }
}

impl Deref for Call {
    type Target = Exchange;

    fn deref(&self) -> &Exchange {
        &self.exchange
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Call {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let exchange = parts.extensions.get::<Arc<Exchange>>().cloned();
        let exchange = exchange.ok_or_else(|| Failure::MissingLayer.into_response())?;
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .map(|params| params.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect());
        Ok(Self { exchange, params: Arc::new(params.unwrap_or_default()) })
    }
}

/// Sends a client that left out the slash to the path that has it, with the same method and query.
async fn add_slash(OriginalUri(uri): OriginalUri) -> Response {
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    match HeaderValue::try_from(format!("{}/{query}", uri.path())) {
        Ok(location) => (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, location)]).into_response(),
        Err(error) => Failure::internal(error).into_response(),
    }
}

/// The methods of a path as `OPTIONS` tells them: what is served, HEAD with GET, and OPTIONS itself.
fn allow_header(methods: &[Method]) -> HeaderValue {
    let mut names: Vec<&str> = methods.iter().map(Method::as_str).collect();
    if names.contains(&"GET") {
        names.push("HEAD");
    }
    names.push("OPTIONS");
    names.sort_unstable();
    names.dedup();
    HeaderValue::from_str(&names.join(", ")).unwrap_or(HeaderValue::from_static("OPTIONS"))
}

/// A route as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RouteInfo {
    /// The endpoint's name without the blueprint, such as `login`.
    pub name: &'static str,
    /// The path, with its prefix, in axum's spelling.
    pub path: String,
    /// The methods that it answers.
    pub methods: Vec<Method>,
    /// Who may call it, in words.
    pub guard: &'static str,
    /// Whether requests to it are counted, where limits are on.
    pub limited: bool,
}

impl RouteInfo {
    /// A route of a crate that adds pages; the path is the whole one.
    #[must_use]
    pub fn new(name: &'static str, path: impl Into<String>, method: Method, guard: &'static str) -> Self {
        Self { name, path: path.into(), methods: vec![method], guard, limited: false }
    }
}

/// The routes while they are collected.
pub(crate) struct Routes<S> {
    prefix: String,
    router: BTreeMap<String, MethodRouter<S>>,
    infos: Vec<RouteInfo>,
    /// Paths that are served with a slash at their end only.
    slashed: BTreeSet<String>,
    cache_control: Option<HeaderValue>,
    /// What an endpoint does that is worth a limit.
    kind_of: KindOf,
    /// The pages of forms, by path and by name.
    pages: Pages,
}

/// What shows the page of a form.
pub(super) type Page = Arc<dyn Fn(Call) -> Pin<Box<dyn Future<Output = Result<Reply, Failure>> + Send>> + Send + Sync>;
type Pages = Arc<RwLock<BTreeMap<String, Page>>>;

/// The page of a form that is sent to more than one place.
fn page_of(pages: &Pages, path: &str, name: &str) -> Option<Page> {
    let pages = pages.read();
    let elsewhere = || pages.get(if name == "us_signin_send_code" { "us_signin" } else { name });
    pages.get(path).or_else(elsewhere).cloned()
}

/// Tells what an endpoint does by its name, a method and its path.
type KindOf = Arc<dyn Fn(&str, &Method, &str) -> Kind + Send + Sync>;

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    pub(crate) fn new(prefix: &str, cache_control: Option<&str>, kind_of: KindOf) -> Self {
        Self {
            kind_of,
            pages: Pages::default(),
            prefix: prefix.trim_end_matches('/').to_owned(),
            router: BTreeMap::new(),
            infos: Vec::new(),
            slashed: BTreeSet::new(),
            cache_control: cache_control.and_then(|value| value.parse().ok()),
        }
    }

    /// Adds a route: `handler` answers `methods` at `path` below the prefix.
    pub(crate) fn add<F, Fut>(
        &mut self,
        name: &'static str,
        methods: &[Method],
        path: &str,
        guard: &'static str,
        handler: F,
    ) where
        F: Fn(Call) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Reply, Failure>> + Send + 'static,
    {
        let path = format!("{}{path}", self.prefix);
        self.add_at(name, methods, path, guard, handler);
    }

    /// The same for a path that programs look for at the root, whatever the prefix.
    pub(crate) fn add_at_root<F, Fut>(
        &mut self,
        name: &'static str,
        methods: &[Method],
        path: &str,
        guard: &'static str,
        handler: F,
    ) where
        F: Fn(Call) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Reply, Failure>> + Send + 'static,
    {
        self.add_at(name, methods, path.to_owned(), guard, handler);
    }

    fn add_at<F, Fut>(&mut self, name: &'static str, methods: &[Method], path: String, guard: &'static str, handler: F)
    where
        F: Fn(Call) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Reply, Failure>> + Send + 'static,
    {
        let filters = methods.iter().filter_map(|method| MethodFilter::try_from(method.clone()).ok());
        let Some(filter) = filters.reduce(MethodFilter::or) else { return };
        let cache_control = self.cache_control.clone();
        // Whatever changes something may write a mail, and a followed link may write another one.
        let is_link = path.contains("{token}");
        let (kind_of, pattern) = (Arc::clone(&self.kind_of), Marked(path.clone()));
        if methods.contains(&Method::GET) {
            let shown = handler.clone();
            let page: Page = Arc::new(move |call| Box::pin(shown(call)));
            let mut pages = self.pages.write();
            pages.entry(name.to_owned()).or_insert_with(|| Arc::clone(&page));
            pages.insert(path.clone(), page);
        }
        let pages = Arc::clone(&self.pages);
        let service = on(filter, move |call: Call| {
            let (handler, cache_control) = (handler.clone(), cache_control.clone());
            let kind = kind_of(name, &call.method, pattern.text());
            let page = page_of(&pages, pattern.text(), name);
            let _ = call.endpoint.set(name);
            async move {
                if !call.is_on_its_host() {
                    return StatusCode::NOT_FOUND.into_response();
                }
                let checked = if is_link || !call.method.is_safe() { call.check_host() } else { Ok(()) };
                let checked = match checked {
                    Ok(()) => call.closed_to_impersonators(name).await,
                    Err(refused) => Err(refused),
                };
                let checked = match checked {
                    Ok(()) => call.limit_endpoint(kind).await,
                    Err(refused) => Err(refused),
                };
                let door = call.gate.challenges().door_of(name).filter(|_| !call.method.is_safe());
                let passes = match (&checked, door) {
                    (Ok(()), Some(door)) => call.passes_challenge(door, true).await,
                    _ => Ok(true),
                };
                let replied = match (checked, passes, door) {
                    (Err(refused), ..) | (_, Err(refused), _) => Err(refused),
                    (Ok(()), Ok(false), Some(door)) => call.clone().asks_for_work(door, page).await,
                    _ => handler(call.clone()).await,
                };
                let mut response = match replied {
                    Ok(reply) => reply.into_response(&call.exchange).await,
                    Err(failure) => failure.into_response(),
                };
                if let Some(value) = cache_control {
                    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(value);
                }
                response
            }
        });
        if let Some(bare) = path.strip_suffix('/').filter(|bare| !bare.is_empty()) {
            self.slashed.insert(bare.to_owned());
        }
        let existing = self.router.remove(&path).unwrap_or_default();
        self.router.insert(path.clone(), existing.merge(service));
        let limited = methods.iter().any(|method| (self.kind_of)(name, method, &path) != Kind::Free);
        self.infos.push(RouteInfo { name, path, methods: methods.to_vec(), guard, limited });
    }

    pub(crate) fn into_router(self) -> Router<S> {
        let mut methods: BTreeMap<&str, Vec<Method>> = BTreeMap::new();
        for info in &self.infos {
            methods.entry(&info.path).or_default().extend(info.methods.iter().cloned());
        }
        let mut router = Router::new();
        for (path, service) in self.router {
            let allow = allow_header(methods.get(path.as_str()).map_or(&[], Vec::as_slice));
            let options = move || async move { ([(header::ALLOW, allow)], "") };
            router = router.route(&path, service.options(options));
        }
        for bare in self.slashed {
            router = router.route(&bare, any(add_slash));
        }
        router
    }

    pub(crate) fn into_infos(self) -> Vec<RouteInfo> {
        self.infos
    }
}
