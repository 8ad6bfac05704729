//! Replies of the application's own to requests that are refused.

use std::sync::Arc;

use axum::response::{IntoResponse as _, Response};
use http::Method;

use super::{exchange::Exchange, page::PendingPage};
use crate::{failure::Failure, flow::account::AccountStatus};

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// Nobody is signed in.
    SignIn,
    /// Somebody is, but has to prove anew who they are.
    Fresh,
    /// A right is missing.
    Forbidden,
    /// The account may not be used.
    Stopped(AccountStatus),
}

/// A request that is refused, for a reply of the application's own; see [`Builder::replies`](crate::Builder::replies).
/// It says nothing of what was needed: that is for the log and for administrators.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RefusedRequest<'a> {
    /// Why.
    pub why: Why,
    /// Its method.
    pub method: &'a Method,
    /// Its path.
    pub path: &'a str,
    /// Whether the client wants JSON.
    pub wants_json: bool,
    /// Under which an administrator finds out what was missing.
    pub reference: &'a str,
}

type OwnReply = Arc<dyn Fn(&RefusedRequest<'_>) -> Option<Response> + Send + Sync>;

/// A reply of the application's own for paths below a prefix.
#[derive(Clone)]
pub(crate) struct ReplyHook {
    pub(crate) below: String,
    pub(crate) reply: OwnReply,
}

impl ReplyHook {
    /// Whether a path is below the prefix, by whole segments.
    fn covers(&self, path: &str) -> bool {
        let below = self.below.trim_end_matches('/');
        path.strip_prefix(below).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl Exchange {
    /// What the application answers to this failure, if it wants to; the hook of the longest prefix is asked first.
    pub(crate) async fn own_reply(self: &Arc<Self>, failure: &Failure) -> Option<Response> {
        let hooks = self.gate.reply_hooks();
        if hooks.is_empty() {
            return None;
        }
        let stopped = self.stopped.lock().as_ref().map(|standing| Why::Stopped(standing.status));
        let why = match failure {
            Failure::Unauthenticated { .. } | Failure::SignInAt(_) => stopped.unwrap_or(Why::SignIn),
            Failure::Forbidden { .. } => stopped.unwrap_or(Why::Forbidden),
            Failure::Stopped(standing) => Why::Stopped(standing.status),
            Failure::NotFresh | Failure::NeedsProof(_) => Why::Fresh,
            _ => return None,
        };
        let path = self.uri.path();
        let refused = RefusedRequest {
            why,
            method: &self.method,
            path,
            wants_json: self.wants_json(),
            reference: self.request_id(),
        };
        let mut hooks: Vec<&ReplyHook> = hooks.iter().filter(|hook| hook.covers(path)).collect();
        hooks.sort_by_key(|hook| std::cmp::Reverse(hook.below.len()));
        let mut response = hooks.into_iter().find_map(|hook| (hook.reply)(&refused))?;
        if why == Why::Forbidden {
            let missing = match failure {
                Failure::Forbidden { refused } => refused.as_deref(),
                _ => None,
            };
            self.note_refusal(missing).await;
        }
        if let Some(page) = response.extensions_mut().remove::<PendingPage>() {
            response = match self.page(response.status(), &page.template, page.context).await {
                Ok(response) => response,
                Err(failure) => failure.into_response(),
            };
        }
        Some(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_end_at_segments() {
        for (below, path, covered) in [
            ("", "/anything", true),
            ("/", "/anything", true),
            ("/sponsor", "/sponsor", true),
            ("/sponsor", "/sponsor/documents", true),
            ("/sponsor/", "/sponsor/documents", true),
            ("/sponsor", "/sponsors", false),
            ("/sponsor", "/editor/sponsor", false),
        ] {
            let hook = ReplyHook { below: below.to_owned(), reply: Arc::new(|_| None) };
            assert_eq!(hook.covers(path), covered, "{below} {path}");
        }
    }
}
