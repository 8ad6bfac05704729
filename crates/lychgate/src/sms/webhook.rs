//! Posts text messages to a URL.

use std::{fmt, time::Duration};

use http::{StatusCode, header};
use reqwest::Client;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use url::Url;

use super::{SmsError, SmsSender, TextMessage, unreachable};
use crate::outgoing;

/// Posts each text message as JSON to a URL: `{"from_number": …, "to_number": …, "msg": …}`.
///
/// The header `Idempotency-Key` is the id of the message, the same at each attempt. With a token there is also
/// `Authorization: Bearer …`; `traceparent` where the request that it comes from is part of a trace. Any answer out of 200 to 299 means that the message is sent; 400, 410 and 422 that it never
/// will be. Redirects are not followed.
pub struct WebhookSender {
    client: Client,
    url: Url,
    token: Option<SecretString>,
}

impl WebhookSender {
    /// Posts to `url`, which may take as long as `timeout` to answer.
    ///
    /// # Errors
    ///
    /// One line about what is wrong with the URL.
    pub fn new(url: &str, token: Option<SecretString>, timeout: Duration) -> Result<Self, String> {
        let url = outgoing::url("sms.webhook_url", url)?;
        Ok(Self { client: outgoing::client(&url, timeout)?, url, token })
    }
}

impl SmsSender for WebhookSender {
    async fn send(&self, message: &TextMessage) -> Result<(), SmsError> {
        let body = json!({"from_number": message.from, "to_number": message.to, "msg": message.body});
        let mut request = self
            .client
            .post(self.url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header("idempotency-key", &message.id)
            .body(body.to_string());
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose_secret());
        }
        if let Some(trace) = &message.trace {
            request = request.header("traceparent", trace);
        }
        let reply = request.send().await.map_err(unreachable)?;
        let (status, _) = outgoing::read(reply).await;
        match status {
            status if status.is_success() => Ok(()),
            StatusCode::BAD_REQUEST | StatusCode::GONE | StatusCode::UNPROCESSABLE_ENTITY => {
                Err(SmsError::permanent(format_args!("the webhook answered {status}")))
            }
            status => Err(SmsError::temporary(format_args!("the webhook answered {status}"))),
        }
    }
}

impl fmt::Debug for WebhookSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Path and query may hold a secret.
        f.debug_struct("WebhookSender").field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}
