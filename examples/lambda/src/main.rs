//! The same application as anywhere, as a function of AWS Lambda: behind API Gateway, a function URL or a load balancer.
//!
//! Settings come from the environment, as in `docs/guides/serverless.md`.

use std::net::{IpAddr, SocketAddr};

use axum::{
    Router,
    body::Bytes,
    extract::{ConnectInfo, OriginalUri, Request},
    http::{HeaderMap, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use lambda_http::{Error, request::RequestContext};
use lychgate::{CurrentUser, Lychgate, Settings, guard};

#[cfg(test)]
mod tests;

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing_subscriber::fmt().json().init();
    // Between two events the function stands still: nothing runs beside requests. So the settings say
    // `delivery = "inline"`, and there is no outbox to empty.
    let gate = Lychgate::builder().settings(Settings::load()?).outbox_worker(false).build().await?;
    lambda_http::run(app(&gate)).await
}

fn app(gate: &Lychgate) -> Router {
    let app = Router::new()
        .route("/profile", get(profile).route_layer(guard::authenticated()))
        .route("/picture", get(picture))
        .route("/bytes", post(bytes).route_layer(guard::authenticated()))
        .merge(gate.routes())
        .layer(gate.layer());
    gate.mount(app).layer(middleware::from_fn(name_the_client))
}

/// The event says who connected, and by which scheme. What a client wrote into `X-Forwarded-For` itself is not asked.
async fn name_the_client(mut request: Request, next: Next) -> Response {
    if let Some(uri) = whole_address(&request) {
        request.extensions_mut().insert(OriginalUri(uri));
    }
    let address = match request.extensions().get::<RequestContext>() {
        Some(RequestContext::ApiGatewayV2(context)) => context.http.source_ip.as_deref().and_then(parse),
        Some(RequestContext::ApiGatewayV1(context)) => context.identity.source_ip.as_deref().and_then(parse),
        // A load balancer says it in the last entry of the header, and nowhere else.
        Some(RequestContext::Alb(_)) => {
            let header = request.headers().get("x-forwarded-for").and_then(|value| value.to_str().ok());
            header.and_then(|entries| entries.rsplit(',').next()).and_then(parse)
        }
        _ => None,
    };
    if let Some(address) = address {
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(address, 0)));
    }
    next.run(request).await
}

/// The address with scheme and host, for events that hold headers as lists, where it begins with the path. These services
/// set both headers themselves.
fn whole_address(request: &Request) -> Option<Uri> {
    if request.uri().scheme().is_some() {
        return None;
    }
    let header = |name: &str| request.headers().get(name)?.to_str().ok();
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    format!("{}://{}{path}", header("x-forwarded-proto")?, header("host")?).parse().ok()
}

fn parse(text: &str) -> Option<IpAddr> {
    text.trim().parse().ok()
}

async fn profile(user: CurrentUser) -> String {
    format!("You are {}.\n", user.email())
}

/// A reply that is no text.
async fn picture() -> impl IntoResponse {
    const DOT: &[u8] = b"\x89PNG\r\n\x1a\n\xff\xfe";
    ([(header::CONTENT_TYPE, "image/png")], DOT)
}

/// A request that is no text.
async fn bytes(headers: HeaderMap, body: Bytes) -> String {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("nothing");
    format!("{} bytes of {kind}, the last one {:?}\n", body.len(), body.last())
}
