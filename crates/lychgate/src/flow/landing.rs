//! Where a followed link ends: a page of ours with a message, or a page of a single-page application with a query.

use lychgate_store::User;

use crate::web::{answer::Reply, exchange::Exchange, form::Message};

impl Exchange {
    /// Whether links lead to pages of a single-page application.
    pub(crate) fn is_spa(&self) -> bool {
        self.gate.settings().text_opt("redirect_behavior") == Some("spa")
    }

    /// Ends at the view that a setting names, else at `fallback`, with a message: as a flash, and for a single-page
    /// application as a query, beside the address of `who` where one may be told.
    pub(crate) fn landed(&self, message: Message, view: &str, fallback: String, who: Option<&User>) -> Reply {
        let (category, text) = (self.gate.category(message.key), self.text(&message));
        let target = self.view(view);
        self.flash(message);
        match target.filter(|_| self.is_spa()) {
            Some(target) => {
                let identity = who.map(|user| crate::flow::account::identity_text(&self.gate, user));
                let mut query = vec![(category, text.as_str())];
                query.extend(who.map(|user| ("email", user.email.as_str())));
                query.extend(identity.as_deref().map(|identity| ("identity", identity)));
                Reply::Redirect(with_query(&target, &query))
            }
            None => Reply::Redirect(self.view(view).unwrap_or(fallback)),
        }
    }

    /// An absolute link to a path of ours.
    pub(crate) fn link_to(&self, path: &str) -> String {
        format!("{}{path}", self.origin())
    }

    /// The path of a mailed link: the endpoint's own path and the token; the slash at its end is kept.
    pub(crate) fn token_path(&self, endpoint: &str, token: &str) -> String {
        let base = self.gate.url(endpoint);
        if base.ends_with('/') { format!("{base}{token}/") } else { format!("{base}/{token}") }
    }
}

/// The axum pattern of the path of a mailed link below `url`.
pub(crate) fn token_route(url: &str) -> String {
    if url.ends_with('/') { format!("{url}{{token}}/") } else { format!("{url}/{{token}}") }
}

/// `target` with more query parameters behind those it has.
pub(crate) fn with_query(target: &str, more: &[(&str, &str)]) -> String {
    let (head, fragment) = target.split_once('#').map_or((target, None), |(head, tail)| (head, Some(tail)));
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(more).finish();
    let separator = if head.contains('?') { '&' } else { '?' };
    let fragment = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
    format!("{head}{separator}{query}{fragment}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_added_behind_what_is_there() {
        assert_eq!(with_query("/done", &[("error", "no way")]), "/done?error=no+way");
        assert_eq!(with_query("/done?a=1#f", &[("b", "&")]), "/done?a=1&b=%26#f");
    }

    #[test]
    fn routes_of_links() {
        assert_eq!(token_route("/reset"), "/reset/{token}");
        assert_eq!(token_route("/reset/"), "/reset/{token}/");
    }
}
