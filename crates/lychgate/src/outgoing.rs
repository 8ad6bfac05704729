//! The HTTP client for services that Lychgate asks: gateways of text messages, lists of breached passwords.

use std::{error::Error as _, sync::Arc, time::Duration};

use http::StatusCode;
use reqwest::{Client, Response, redirect::Policy};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use url::{Host, Url};

/// The most of a reply that is read, in bytes.
const MOST_REPLY: usize = 16 * 1024;

/// A client for `url`: it follows no redirect, and goes through a proxy of the environment unless `url` is on this
/// machine.
pub(crate) fn client(url: &Url, timeout: Duration) -> Result<Client, String> {
    let roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let builder = Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .user_agent("lychgate")
        .timeout(timeout)
        .connect_timeout(timeout);
    let builder = if is_here(url) { builder.no_proxy() } else { builder };
    builder.build().map_err(|error| error.to_string())
}

/// A URL of `http` or `https` out of the settings; its error does not show it, as it may hold a secret.
pub(crate) fn url(name: &str, text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("{name} is no URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("{name} begins with neither https:// nor http://"));
    }
    if url.scheme() == "http" && !is_here(&url) {
        tracing::warn!("{name} is not https: what is sent there can be read on the way");
    }
    Ok(url)
}

fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Why there was no reply, without the URL.
pub(crate) fn explain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        text = format!("{text}: {deeper}");
        cause = deeper.source();
    }
    text
}

/// Status and beginning of a reply. What is read to its end leaves a connection that can be used again.
pub(crate) async fn read(mut reply: Response) -> (StatusCode, Vec<u8>) {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = reply.chunk().await {
        let room = MOST_REPLY.saturating_sub(body.len());
        body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if body.len() >= MOST_REPLY {
            break;
        }
    }
    (reply.status(), body)
}
