//! The style sheet, the script and the pictures of the pages.

pub(crate) mod openapi;

use axum::response::IntoResponse as _;
use http::{HeaderValue, Method, StatusCode, header};
use rust_embed::RustEmbed;

use crate::{
    failure::Failure,
    gate::Lychgate,
    messages,
    settings::Settings,
    web::{
        answer::Reply,
        routes::{Call, Routes},
    },
};

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/static"]
struct Embedded;

fn base(settings: &Settings) -> &str {
    settings.text("static_folder_url").trim_end_matches('/')
}

pub(crate) fn endpoints(settings: &Settings) -> Vec<(&'static str, String)> {
    vec![("static", base(settings).to_owned())]
}

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(gate: &Lychgate, routes: &mut Routes<S>) {
    routes.add("static", &[Method::GET], &format!("{}/{{*file}}", base(gate.settings())), "anyone", get);
}

/// A file. Its URL names the version, so it may be kept for a year.
async fn get(call: Call) -> Result<Reply, Failure> {
    let name = call.param("file");
    let file = Embedded::get(name).ok_or_else(|| Failure::bad(StatusCode::NOT_FOUND, messages::NOT_FOUND))?;
    let content_type = match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    Ok(Reply::Other((headers, file.data).into_response()))
}
