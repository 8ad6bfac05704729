//! Whether a new password is known from breaches: by a list in a file, or by a service that is not told the password.

use std::time::Duration;

use http::header::USER_AGENT;
use lychgate_passwords::breached::{List, MAX_REPLY, Query};
use reqwest::Client;

use crate::{outgoing, settings::Settings};

/// How long the service may take. A person waits for it.
const PATIENCE: Duration = Duration::from_secs(3);

/// Who says which passwords are known.
#[derive(Debug, Default)]
pub(crate) struct Breached {
    list: Option<List>,
    service: Option<Service>,
    strict: bool,
}

#[derive(Debug)]
struct Service {
    client: Client,
    /// What the digits of a question are put behind.
    url: String,
}

/// What was found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sightings {
    /// Seen so often, as far as is known.
    Seen(u64),
    /// It has to be known and is not.
    Unknown,
}

impl Breached {
    pub(crate) fn from_settings(settings: &Settings) -> Result<Self, String> {
        let Some(mode) = settings.text_opt("password_check_breached") else { return Ok(Self::default()) };
        let list = settings.text_opt("password_breached_list").map(read).transpose()?;
        let service = match settings.text_opt("password_breached_url") {
            Some(text) => {
                let url = outgoing::url("password_breached_url", text)?;
                let client =
                    outgoing::client(&url, PATIENCE).map_err(|error| format!("password_breached_url: {error}"))?;
                Some(Service { client, url: text.to_owned() })
            }
            None => None,
        };
        Ok(Self { list, service, strict: mode == "strict" })
    }

    /// How often `password`, in its normal form, was seen. What the list has counts as seen more often than any limit.
    pub(crate) async fn sightings(&self, password: &str) -> Sightings {
        if self.list.as_ref().is_some_and(|list| list.contains(password)) {
            return Sightings::Seen(u64::MAX);
        }
        let Some(service) = &self.service else { return Sightings::Seen(0) };
        match service.ask(password).await {
            Ok(count) => Sightings::Seen(count),
            Err(error) => {
                tracing::warn!(%error, "whether a password is known from breaches was not found out");
                if self.strict { Sightings::Unknown } else { Sightings::Seen(0) }
            }
        }
    }
}

impl Service {
    async fn ask(&self, password: &str) -> Result<u64, String> {
        let query = Query::new(password);
        // Padding hides from whoever watches the line how many answers there are.
        let asked = self.client.get(format!("{}{}", self.url, query.prefix()));
        let asked = asked.header(USER_AGENT, "lychgate").header("Add-Padding", "true");
        let mut reply = asked.send().await.map_err(outgoing::explain)?;
        if !reply.status().is_success() {
            return Err(format!("the service answered {}", reply.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = reply.chunk().await.map_err(outgoing::explain)? {
            if body.len() + chunk.len() > MAX_REPLY {
                return Err("the service's answer is too long".to_owned());
            }
            body.extend_from_slice(&chunk);
        }
        query.count(&body).map_err(|error| error.to_string())
    }
}

fn read(path: &str) -> Result<List, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("password_breached_list: {path}: {error}"))?;
    List::read(&bytes).map_err(|error| format!("password_breached_list: {path}: {error}"))
}
