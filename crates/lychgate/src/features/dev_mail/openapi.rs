//! What the inbox of development says of its routes.

use http::Method;
use utoipa::openapi::{ArrayBuilder, ObjectBuilder, path::OperationBuilder};

use crate::openapi::{
    Operations,
    parts::{in_path, named, nullable_text, page_or_json, shared, text},
};

pub(crate) fn describe(to: &mut Operations<'_>) {
    to.about("The inbox of development: mails and text messages that were sent or wait. Only in development, only for this machine.");
    to.schema(
        "DevLetter",
        ObjectBuilder::new()
            .property("id", text("The id of the letter."))
            .required("id")
            .property("kind", text("`mail` or `sms`."))
            .property("to", text("The address or number of the recipient."))
            .property("subject", nullable_text("The subject."))
            .property("when", text("When it was written."))
            .property("state", text("`waiting`, `sent` or `dead`."))
            .property("error", nullable_text("Why the last attempt to send it failed."))
            .property("url", text("Where it is shown."))
            .property(
                "text",
                nullable_text("The text part, or what the text message says; in the answer about one letter only."),
            )
            .property("html", nullable_text("The HTML part; in the answer about one letter only.")),
    );
    let letters = ObjectBuilder::new().property("letters", ArrayBuilder::new().items(named("DevLetter")));
    to.add(
        "dev_mail",
        &Method::GET,
        OperationBuilder::new()
            .summary(Some("The mails"))
            .response("200", page_or_json("The newest mails.", letters.required("letters")))
            .response("404", shared("NotFound")),
    );
    to.add(
        "dev_mail_letter",
        &Method::GET,
        OperationBuilder::new()
            .summary(Some("One mail"))
            .parameter(in_path("id", "The id of the letter."))
            .response("200", page_or_json("The mail.", named("DevLetter")))
            .response("404", shared("NotFound")),
    );
}
