//! What the assets say of their route.

use http::Method;
use utoipa::openapi::{ResponseBuilder, path::OperationBuilder};

use crate::openapi::{
    Operations,
    parts::{in_path, page, shared},
};

pub(crate) fn describe(to: &mut Operations<'_>) {
    to.about("The style sheet, the script and the pictures of the pages.");
    let file = ["text/css", "text/javascript", "image/svg+xml"]
        .into_iter()
        .fold(ResponseBuilder::new().description("The file."), |file, kind| file.content(kind, page()));
    to.add_plain(
        "static",
        &Method::GET,
        OperationBuilder::new()
            .summary(Some("A file of the pages"))
            .parameter(in_path("file", "The file's path, such as `css/lychgate.css`; its slashes are not escaped."))
            .response("200", file)
            .response("404", shared("NotFound")),
    );
}
