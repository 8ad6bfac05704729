//! Which language a reply is in: what the visitor chose, what is stored with the user, what the browser asks for, the
//! default; and the headers that say so.

use axum::response::Response;
use http::{HeaderMap, HeaderValue, header};
use lychgate_store::User;

use super::exchange::Exchange;
use crate::{
    gate::Lychgate,
    messages::{Messages, matching},
};

/// The most entries of `Accept-Language` that are looked at, and the longest header.
const MOST_ENTRIES: usize = 32;
const MOST_BYTES: usize = 1_000;

/// What the request itself says of its language.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    /// Chosen by the visitor.
    chosen: Option<usize>,
    /// Asked for by the browser, or the default.
    preferred: usize,
}

impl Exchange {
    /// The texts of this request's language.
    pub(crate) fn messages(&self) -> &Messages {
        self.gate.messages(self.language())
    }

    /// The place of this request's language among those offered.
    pub(crate) fn language(&self) -> usize {
        if self.gate.languages().len() < 2 {
            return 0;
        }
        let asked = self.asked_language();
        asked.chosen.or_else(|| self.stored_language()).unwrap_or(asked.preferred)
    }

    fn asked_language(&self) -> Asked {
        *self.language.get_or_init(|| {
            let offered = self.gate.languages();
            let is = |value: &str| offered.iter().position(|language| language.locale() == value);
            let tags: Vec<&str> = offered.iter().map(Messages::locale).collect();
            let accept = self.headers().accept_language.as_ref().and_then(|value| value.to_str().ok());
            Asked {
                chosen: self.cookie(&self.config().language.cookie_name, is),
                preferred: accept.and_then(|accept| preferred(accept, &tags)).unwrap_or(0),
            }
        })
    }

    /// That of the user, if it is known already who asks.
    fn stored_language(&self) -> Option<usize> {
        let admitted = self.admitted.lock().clone();
        let known = admitted.or_else(|| self.by_session.get().cloned().flatten());
        known.and_then(|who| self.gate.language_of(&who.user))
    }

    /// The texts of what is written to a user: in their language if it is stored, else in that of the request.
    pub(crate) fn messages_for(&self, user: &User) -> &Messages {
        self.gate.language_of(user).map_or_else(|| self.messages(), |language| self.gate.messages(language))
    }

    /// Finds out who asks, before the texts of a page are looked up: it may be stored which language they read.
    pub(crate) async fn settle_language(&self) {
        if self.config().language.is_chosen {
            // A page about a database that is away must not need the database.
            let _ = self.current().await;
        }
    }

    /// What stands for an English text.
    pub(crate) fn translate(&self, english: &str) -> String {
        self.messages().translate(english).to_owned()
    }

    /// The reply with a header that says which language it is in.
    pub(crate) fn in_language(&self, mut response: Response) -> Response {
        if self.config().language.is_told
            && let Ok(tag) = HeaderValue::from_str(self.messages().locale())
        {
            response.headers_mut().insert(header::CONTENT_LANGUAGE, tag);
        }
        response
    }

    /// Tells caches that another visitor may get another language, if it was looked at.
    pub(crate) fn vary_by_language(&self, headers: &mut HeaderMap) {
        if self.language.get().is_some() {
            headers.append(header::VARY, HeaderValue::from_static("Accept-Language"));
            let by_cookie = headers.get_all(header::VARY).iter().any(|value| value == "Cookie");
            if !by_cookie {
                headers.append(header::VARY, HeaderValue::from_static("Cookie"));
            }
        }
    }
}

impl Lychgate {
    /// The language that is stored with a user, if it is offered.
    pub(crate) fn language_of(&self, user: &User) -> Option<usize> {
        let column = self.web().language.column.as_deref()?;
        self.language_called(&user.column(column)?)
    }

    /// Where in the offered languages a tag leads.
    pub(crate) fn language_called(&self, tag: &str) -> Option<usize> {
        let tags: Vec<&str> = self.languages().iter().map(Messages::locale).collect();
        matching(tag, &tags).filter(|_| !tag.is_empty() && tag.len() <= 35)
    }
}

/// The best of `offered` by an `Accept-Language` header (RFC 9110, 12.5.4); nothing if it names none of them.
fn preferred(accept: &str, offered: &[&str]) -> Option<usize> {
    if accept.len() > MOST_BYTES {
        return None;
    }
    let entries = accept.split(',').take(MOST_ENTRIES).filter_map(|entry| {
        let (range, parameters) = entry.split_once(';').unwrap_or((entry, ""));
        let quality = match parameters.trim() {
            "" => 1.0,
            text => text.strip_prefix("q=").or(text.strip_prefix("Q="))?.trim().parse::<f32>().ok()?,
        };
        (0.0..=1.0).contains(&quality).then_some((range.trim(), quality))
    });
    let mut entries: Vec<(&str, f32)> = entries.filter(|(range, _)| !range.is_empty()).collect();
    let refused = |at: usize, entries: &[(&str, f32)]| {
        let tag = offered.get(at).copied().unwrap_or_default();
        entries.iter().any(|(range, quality)| *quality == 0.0 && range.eq_ignore_ascii_case(tag))
    };
    // Stable: of two that are liked equally, the first one.
    entries.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    entries.iter().filter(|(_, quality)| *quality > 0.0).find_map(|(range, _)| {
        let found = if *range == "*" {
            (0..offered.len()).find(|at| !refused(*at, &entries))
        } else {
            matching(range, offered)
        };
        found.filter(|at| !refused(*at, &entries))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::preferred;

    #[rstest]
    #[case("de", Some("de"))]
    #[case("DE-at", Some("de"))]
    #[case("fr, es;q=0.5, de;q=0.8", Some("de"))]
    #[case("es;q=0.8,de;q=0.8", Some("es"))]
    #[case("fr", None)]
    #[case("*", Some("en"))]
    #[case("fr, *;q=0.1", Some("en"))]
    #[case("en;q=0, *", Some("de"))]
    #[case("de;q=0", None)]
    #[case("de-CH, de;q=0", None)]
    #[case("pt", Some("pt-BR"))]
    #[case("pt-PT", Some("pt-BR"))]
    #[case("zh-Hant-TW", Some("zh-Hant"))]
    #[case("de;q=2", None)]
    #[case("de;q=x, es;q=0.1", Some("es"))]
    #[case("de; Q=0.5 , es;q=0.7", Some("es"))]
    #[case("", None)]
    #[case(",;,", None)]
    #[case("e", None)]
    fn negotiation(#[case] accept: &str, #[case] want: Option<&str>) {
        let offered = ["en", "de", "es", "pt-BR", "zh-Hant"];
        assert_eq!(preferred(accept, &offered).and_then(|at| offered.get(at)).copied(), want);
    }

    #[test]
    fn only_so_much_is_read() {
        let long = "fr,".repeat(31);
        assert_eq!(preferred(&format!("{long}de"), &["en", "de"]), Some(1));
        assert_eq!(preferred(&format!("{long}fr,de"), &["en", "de"]), None);
        assert_eq!(preferred(&format!("de,{}", "x".repeat(1_000)), &["en", "de"]), None);
    }

    proptest! {
        #[test]
        fn never_panics(accept in "[a-z,;=*q0-9. -]{0,80}") {
            let at = preferred(&accept, &["en", "de"]);
            prop_assert!(at.is_none_or(|at| at < 2));
        }
    }
}
