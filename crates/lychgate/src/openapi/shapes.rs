//! Operations that several features have in common.

use http::Method;
use utoipa::openapi::{ObjectBuilder, ResponseBuilder, path::OperationBuilder};

use super::{
    Operations,
    parts::{formatted, in_path, members, page, page_or_json, redirect, shared},
};

/// Whether a reply to callers who are signed in is described.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum For {
    Anyone,
    Strangers,
}

impl Operations<'_> {
    /// A form that asks for an address and mails something there: page and submission.
    pub(crate) fn mails(&mut self, name: &'static str, page: &str, action: &str, whom: For) {
        self.form(
            "AddressForm",
            ObjectBuilder::new().property("email", formatted("email", "The e-mail address.")).required("email"),
        );
        let seen = |operation: OperationBuilder| match whom {
            For::Anyone => operation,
            For::Strangers => operation.response("302", redirect("A browser that is signed in is sent on.")),
        };
        let get =
            seen(OperationBuilder::new().summary(Some(page))).response("200", page_or_json("The form.", members()));
        let get = if whom == For::Strangers { get.response("400", shared("Refused")) } else { get };
        self.add(name, &Method::GET, get);
        let sent = "A mail is on its way; for browsers, the page again. Where replies are generic, also for an address \
                    that nobody has.";
        let post = OperationBuilder::new()
            .summary(Some(action))
            .response("200", page_or_json(sent, members()))
            .response("302", redirect("A browser goes on, or to the page that explains what is missing."));
        let post = self.takes(post, "AddressForm");
        self.add(name, &Method::POST, post);
    }

    /// A mailed link that acts: at once, or after a click where the settings want one.
    pub(crate) fn mailed_link(&mut self, name: &'static str, action: &str, whom: For) {
        let asks = self.settings().flag("links_ask_for_a_click");
        self.form("ClickForm", ObjectBuilder::new());
        let token = || in_path("token", "The secret of the link.");
        let done = || redirect("Done or refused; the page there says which.");
        let mut get = OperationBuilder::new().summary(Some(action)).parameter(token()).response("302", done());
        if asks {
            let button = ResponseBuilder::new().description("A page with the button that does it.");
            get = get.response("200", button.content("text/html", page()));
        }
        if whom == For::Strangers {
            get = get.response("400", shared("Refused"));
        }
        self.add(name, &Method::GET, get);
        let again = ResponseBuilder::new().description("For browsers, the page again with its errors.");
        let post = OperationBuilder::new()
            .summary(Some("The button of the mailed link"))
            .parameter(token())
            .response("200", again.content("text/html", page()))
            .response("302", done());
        let post = self.takes_if_any(post, "ClickForm");
        self.add(name, &Method::POST, post);
    }
}
