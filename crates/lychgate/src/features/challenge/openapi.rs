//! What the work that forms ask for says of its route.

use http::Method;
use utoipa::openapi::{ObjectBuilder, Type, path::OperationBuilder};

use crate::openapi::{
    Operations,
    parts::{flag, json, query, shared, text},
};

pub(crate) fn describe(to: &mut Operations<'_>) {
    if !to.settings().flag("challenge.enabled") {
        return;
    }
    to.about("Work that senders of forms prove, which costs robots dearly.");
    let number = |description: &str| ObjectBuilder::new().schema_type(Type::Integer).description(Some(description));
    let challenge = ObjectBuilder::new()
        .description(Some(
            "For each `piece` from 0 on find a whole number below 2^32 for which the SHA-256 hash of the text \
             `seed.piece.number` begins with `bits` zero bits. Send the token as `challenge` and the numbers, between \
             commas, as `challenge_solution` beside the fields of the form; once.",
        ))
        .property("token", text("What is sent back as it is."))
        .required("token")
        .property("seed", text("What each text begins with."))
        .required("seed")
        .property("bits", number("How many bits are zero."))
        .required("bits")
        .property("pieces", number("How many numbers are to be found."))
        .required("pieces")
        .property("expires_in", number("For how many seconds it counts."))
        .required("expires_in")
        .property(
            "wait",
            number("After so many seconds it counts without a solution, now and then; left out if never."),
        );
    let reply = ObjectBuilder::new()
        .property("challenge", challenge)
        .required("challenge")
        .property("needed", flag("Whether the form asks for it, from this address."))
        .required("needed");
    let operation = OperationBuilder::new()
        .summary(Some("The calculation that a form asks for"))
        .description(Some(
            "Where it is missing, a form answers 403 with `code` `challenge_required` and the `challenge` itself.",
        ))
        .parameter(query("for", "Which form: `register`, `login`, `recover`, `confirm`, or one of the application."))
        .response("200", json("A calculation, for this address.", reply))
        .response("400", shared("Refused"));
    to.add_plain("challenge", &Method::GET, operation);
}
