//! The page between a mailed link and what it does: mail scanners follow links, but do not press buttons.

use serde_json::{Map, json};

use super::waiting::RelayCode;
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
        self.relay_page_with(title, button, None)
    }

    /// The same with the code for the device that asked, if it is another one.
    pub(crate) fn relay_page_with(&self, title: &'static str, button: &'static str, code: Option<RelayCode>) -> Reply {
        if self.wants_json() {
            let code = code.map(|code| json!({"relay_code": code.code, "asked_from": code.asked_from}));
            return Reply::Json(self.members(code.unwrap_or_else(|| json!({"relay_code": null, "asked_from": null}))));
        }
        let mut form = self.relay_form();
        let mut payload = Map::new();
        payload.insert("title".to_owned(), Said::Text(title).into());
        payload.insert("button".to_owned(), Said::Text(button).into());
        if let Some(code) = code {
            payload.insert("relay_code".to_owned(), code.code.into());
            payload.insert("asked_from".to_owned(), code.asked_from.into());
        }
        form.payload = payload;
        Reply::Form(Box::new(form))
    }
}
