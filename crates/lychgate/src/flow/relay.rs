//! The page between a mailed link and what it does: mail scanners follow links, but do not press buttons.

use serde_json::Map;

use crate::{
    messages::Said,
    web::{answer::Reply, exchange::Exchange, form::Form},
};

impl Exchange {
    /// Whether a followed link asks for a click before it acts.
    pub(crate) fn asks_for_a_click(&self) -> bool {
        // A HEAD request looks whether a link is there; it must not use it up.
        self.method == http::Method::HEAD || self.gate.settings().flag("links_ask_for_a_click")
    }

    /// The form of the button: it posts to the link itself.
    pub(crate) fn relay_form(&self) -> Form {
        Form::new("relay_form", "security/relay.html", self.uri.path().to_owned(), Vec::new())
    }

    /// The page, with what will happen and the word on the button, both in English.
    pub(crate) fn relay_page(&self, title: &'static str, button: &'static str) -> Reply {
        let mut form = self.relay_form();
        let mut payload = Map::new();
        payload.insert("title".to_owned(), Said::Text(title).into());
        payload.insert("button".to_owned(), Said::Text(button).into());
        form.payload = payload;
        Reply::Form(Box::new(form))
    }
}
