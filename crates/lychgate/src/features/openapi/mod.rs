//! The OpenAPI document of this gate, at an address of its own.

use std::sync::{Arc, OnceLock};

use axum::response::IntoResponse as _;
use bytes::Bytes;
use http::{Method, header};
use utoipa::openapi::{Content, ObjectBuilder, ResponseBuilder, path::OperationBuilder};

use crate::{
    gate::Lychgate,
    openapi::Operations,
    settings::Settings,
    web::{
        answer::Reply,
        routes::{Call, Routes},
    },
};

pub(crate) fn endpoints(settings: &Settings) -> Vec<(&'static str, String)> {
    let on = settings.flag("openapi");
    settings.text_opt("openapi_url").filter(|_| on).map(|url| ("openapi", url.to_owned())).into_iter().collect()
}

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(gate: &Lychgate, routes: &mut Routes<S>) {
    for (name, url) in endpoints(gate.settings()) {
        let written: Arc<OnceLock<Bytes>> = Arc::default();
        routes.add(name, &[Method::GET], &url, "anyone", move |call: Call| {
            let body = written.get_or_init(|| Bytes::from(format!("{:#}\n", call.gate.openapi()))).clone();
            async move { Ok(Reply::Other(([(header::CONTENT_TYPE, "application/json")], body).into_response())) }
        });
    }
}

pub(crate) fn describe(to: &mut Operations<'_>) {
    to.about("This document.");
    let document = ResponseBuilder::new()
        .description("OpenAPI 3.1.")
        .content("application/json", Content::new(Some(ObjectBuilder::new())));
    to.add_plain(
        "openapi",
        &Method::GET,
        OperationBuilder::new().summary(Some("The OpenAPI document")).response("200", document),
    );
}
