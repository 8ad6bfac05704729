//! The OpenAPI document of this gate at an address of its own, and a page that shows it to people.

mod viewer;

use std::sync::{Arc, OnceLock};

use axum::response::IntoResponse as _;
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Map, Value};
use utoipa::openapi::{Content, ObjectBuilder, ResponseBuilder, path::OperationBuilder};

use crate::{
    failure::Failure,
    gate::Lychgate,
    openapi::{Operations, parts::page},
    settings::Settings,
    web::{
        answer::Reply,
        routes::{Call, Routes},
    },
};

/// Nothing from elsewhere, nothing written into the page.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; \
                      form-action 'self'; frame-ancestors 'none'";

pub(crate) fn endpoints(settings: &Settings) -> Vec<(&'static str, String)> {
    let on = settings.flag("openapi");
    [("openapi", "openapi_url"), ("openapi_page", "openapi_page_url")]
        .into_iter()
        .filter_map(|(name, setting)| Some((name, settings.text_opt(setting).filter(|_| on)?.to_owned())))
        .collect()
}

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(gate: &Lychgate, routes: &mut Routes<S>) {
    let written: Arc<OnceLock<Written>> = Arc::default();
    for (name, url) in endpoints(gate.settings()) {
        let written = Arc::clone(&written);
        let for_people = name == "openapi_page";
        routes.add(name, &[Method::GET], &url, "anyone", move |call: Call| {
            let written = Arc::clone(&written);
            async move {
                let written = written.get_or_init(|| Written::of(&call.gate));
                if for_people && !call.wants_json() { shown(&call, written).await } else { Ok(document(written)) }
            }
        });
    }
}

/// The document as programs and as people read it, written when first asked for.
#[derive(Debug)]
struct Written {
    document: Bytes,
    groups: Value,
}

impl Written {
    fn of(gate: &Lychgate) -> Self {
        let document = gate.openapi();
        Self { groups: viewer::groups(&document), document: Bytes::from(format!("{document:#}\n")) }
    }
}

fn document(written: &Written) -> Reply {
    Reply::Other(([(header::CONTENT_TYPE, "application/json")], written.document.clone()).into_response())
}

async fn shown(call: &Call, written: &Written) -> Result<Reply, Failure> {
    let mut context = Map::new();
    context.insert("groups".to_owned(), written.groups.clone());
    context.insert("document_url".to_owned(), call.gate.endpoint_url(".openapi").into());
    let mut response = call.exchange().page(StatusCode::OK, "security/openapi.html", context).await?;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    Ok(Reply::Other(response))
}

pub(crate) fn describe(to: &mut Operations<'_>) {
    to.about("This document.");
    let document = || {
        ResponseBuilder::new()
            .description("OpenAPI 3.1.")
            .content("application/json", Content::new(Some(ObjectBuilder::new())))
    };
    to.add_plain(
        "openapi",
        &Method::GET,
        OperationBuilder::new().summary(Some("The OpenAPI document")).response("200", document()),
    );
    to.add_plain(
        "openapi_page",
        &Method::GET,
        OperationBuilder::new()
            .summary(Some("The same for people"))
            .response("200", document().content("text/html", page())),
    );
}
