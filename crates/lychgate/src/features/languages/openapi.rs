//! What the choice of a language says of its routes.

use http::Method;
use utoipa::openapi::{ObjectBuilder, path::OperationBuilder};

use crate::openapi::{
    Operations,
    parts::{members, next, page_or_json, redirect, text},
};

pub(crate) fn describe(to: &mut Operations<'_>) {
    to.about("The language of pages, messages and mails.");
    to.form(
        "LanguageForm",
        ObjectBuilder::new()
            .property("language", text("The tag of one of the offered languages."))
            .required("language")
            .property("next", text("Where a browser goes afterwards.")),
    );
    let known = || {
        let language = ObjectBuilder::new()
            .property("tag", text("The tag of the language, such as `de`."))
            .required("tag")
            .property("name", text("What the language calls itself."))
            .required("name")
            .property("direction", text("`ltr` or `rtl`."))
            .required("direction");
        members()
            .property("language", text("The tag of the language of this client."))
            .required("language")
            .property("languages", language.to_array_builder())
            .required("languages")
    };
    let operation = OperationBuilder::new()
        .summary(Some("The languages to choose from"))
        .parameter(next())
        .response("200", page_or_json("The languages.", known()));
    to.add("language", &Method::GET, operation);
    let operation = OperationBuilder::new()
        .summary(Some("Choose a language"))
        .parameter(next())
        .response(
            "200",
            page_or_json("Chosen: a cookie holds it; for browsers, the page again with its errors.", known()),
        )
        .response("302", redirect("A browser goes on."));
    let operation = to.takes(operation, "LanguageForm");
    to.add("language", &Method::POST, operation);
}
