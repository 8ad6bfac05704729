//! The figures for Prometheus, on a listener of their own.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use lychgate::Lychgate;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use subtle::ConstantTimeEq as _;
use tokio::net::TcpListener;

use crate::{commands::serve::bind, exit::Exit};

/// How long the database may take for the figures that it is asked for.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often times that were recorded are put into their buckets, if nobody asks.
const UPKEEP: Duration = Duration::from_secs(5);

/// What a request for the figures needs.
#[derive(Clone)]
struct Figures {
    gate: Lychgate,
    recorder: PrometheusHandle,
    token: Option<String>,
}

/// Begins to record and to tell, if the settings say where; gives that place.
pub(crate) async fn start(gate: &Lychgate) -> Result<Option<SocketAddr>, Exit> {
    let Some(address) = gate.settings().text_opt("metrics_listen") else { return Ok(None) };
    let listener = bind(address).await?;
    let local = listener.local_addr().map_err(Exit::failed)?;
    let recorder = install().map_err(|error| Exit::failed(format!("metrics: {error}")))?;
    gate.describe_metrics();
    let token = gate.settings().text_opt("metrics_token").map(str::to_owned);
    let figures = Figures { gate: gate.clone(), recorder, token };
    tokio::spawn(keep_up(figures.recorder.clone()));
    tokio::spawn(serve(listener, router(figures)));
    Ok(Some(local))
}

fn install() -> Result<PrometheusHandle, BuildError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), Lychgate::metric_buckets())?
        .install_recorder()
}

/// Without it, times would pile up while nobody asks.
async fn keep_up(recorder: PrometheusHandle) {
    loop {
        tokio::time::sleep(UPKEEP).await;
        recorder.run_upkeep();
    }
}

async fn serve(listener: TcpListener, app: Router) {
    if let Err(error) = axum::serve(listener, app).await {
        tracing::error!(%error, "metrics are not told any more");
    }
}

fn router(figures: Figures) -> Router {
    Router::new().route("/metrics", get(tell)).with_state(figures)
}

async fn tell(State(figures): State<Figures>, headers: HeaderMap) -> Response {
    if !is_allowed(figures.token.as_deref(), &headers) {
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")]).into_response();
    }
    figures.gate.measure(PATIENCE).await;
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, figures.recorder.render()).into_response()
}

fn is_allowed(token: Option<&str>, headers: &HeaderMap) -> bool {
    let Some(token) = token else { return true };
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    given.is_some_and(|given| given.ct_eq(token.as_bytes()).into())
}
