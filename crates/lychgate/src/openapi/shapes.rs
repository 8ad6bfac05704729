//! Operations that several features have in common.

use http::Method;
use utoipa::openapi::{ObjectBuilder, ResponseBuilder, path::OperationBuilder};

use super::{
    Operations,
    parts::{flag, formatted, in_path, members, named, nullable_text, page, page_or_json, redirect, shared, text},
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
        self.mails_or_takes(name, page, action, whom, false);
    }

    /// The same, and where the settings offer codes for links that are opened elsewhere, the form takes them.
    pub(crate) fn mails_with_codes(&mut self, name: &'static str, page: &str, action: &str, whom: For) {
        let offers = self.settings().flag("links_offer_a_code") && self.settings().flag("links_ask_for_a_click");
        self.mails_or_takes(name, page, action, whom, offers);
    }

    fn mails_or_takes(&mut self, name: &'static str, page: &str, action: &str, whom: For, codes: bool) {
        let address =
            || ObjectBuilder::new().property("email", formatted("email", "The e-mail address.")).required("email");
        let form = if codes { "AddressOrCodeForm" } else { "AddressForm" };
        self.form(
            form,
            match codes {
                true => address().property("relay_code", text("The code that the link showed on another device.")),
                false => address(),
            },
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
        let reply = match codes {
            true => members()
                .property("user", named("User"))
                .property("tf_required", flag("With a code that signs in: whether a second factor is asked for.")),
            false => members(),
        };
        let post = OperationBuilder::new()
            .summary(Some(action))
            .response("200", page_or_json(sent, reply))
            .response("302", redirect("A browser goes on, or to the page that explains what is missing."));
        let post = self.takes(post, form);
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
            let code = members()
                .property(
                    "relay_code",
                    nullable_text("The code to be typed on the device that asked, if it is another one."),
                )
                .property("asked_from", nullable_text("What that device is."));
            get = get.response("200", page_or_json("A page with the button that does it.", code));
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
