//! What the account page says of its routes.

use http::Method;
use utoipa::openapi::{ArrayBuilder, ObjectBuilder, Type, path::OperationBuilder};

use crate::openapi::{
    Operations,
    parts::{flag, formatted, members, named, nullable_text, page_or_json, redirect, text, user},
};

pub(crate) fn describe(to: &mut Operations<'_>) {
    to.about("The account page: how somebody signs in, where they are signed in, what happened, and their data.");
    to.schema("AccountPage", page(to.settings().flag("activity")));
    to.schema("AccountSection", section());
    to.schema("AccountSession", session());
    to.schema("AccountActivity", activity());
    to.form(
        "EndSessionForm",
        ObjectBuilder::new().property("session", text("The `id` of one of the sessions.")).required("session"),
    );
    to.form("EndOthersForm", ObjectBuilder::new());
    let get = OperationBuilder::new()
        .summary(Some("The account page"))
        .response("200", page_or_json("What there is to see.", named("AccountPage")))
        .response("302", redirect("A browser that is not signed in is sent to the sign-in page."));
    let get = to.signed_in(get);
    to.add("account", &Method::GET, get);
    for (name, form, summary) in [
        ("account_end_session", "EndSessionForm", "End one of one's own sessions"),
        (
            "account_end_others",
            "EndOthersForm",
            "End all sessions but the one that asks, and remember-me cookies with them",
        ),
    ] {
        let post = OperationBuilder::new()
            .summary(Some(summary))
            .response(
                "200",
                page_or_json("Done; where the session that asks was ended itself, without members.", members()),
            )
            .response("302", redirect("A browser is sent back to the page, which says what was done or is wrong."));
        let post = to.takes(to.signed_in(post), form);
        to.add(name, &Method::POST, post);
    }
}

fn moment(description: &str) -> ObjectBuilder {
    formatted("date-time", description)
}

fn number(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).description(Some(description))
}

fn list(of: &str) -> ArrayBuilder {
    ArrayBuilder::new().items(named(of))
}

fn page(with_activity: bool) -> ObjectBuilder {
    let account = ObjectBuilder::new()
        .property("email", text("The address."))
        .property("username", nullable_text("The username."))
        .property("confirmed_at", nullable_text("When the address was confirmed."))
        .property("created_at", nullable_text("When the account was made."))
        .property("has_password", flag("Whether there is a password."));
    let page = members()
        .property("user", user())
        .required("user")
        .property("account", account)
        .required("account")
        .property("sections", list("AccountSection"))
        .required("sections")
        .property("sessions", list("AccountSession"))
        .required("sessions")
        .property("sessions_left_out", number("How many sessions the list leaves out."))
        .property("elsewhere", number("How many sessions there are beside the one that asks."));
    if with_activity { page.property("activity", list("AccountActivity")) } else { page }
}

fn section() -> ObjectBuilder {
    let action = || {
        ObjectBuilder::new()
            .property("label", text("What the button says."))
            .property("url", text("Where it leads."))
            .property("method", text("`get` for a page, `post` for something that is done at once."))
            .property("danger", flag("Whether something goes away by it."))
    };
    let row = ObjectBuilder::new()
        .property("key", text("What row it is: `email`, `password` …"))
        .property("name", text("The same for people."))
        .property("value", text("What is so; may be empty."))
        .property("actions", ArrayBuilder::new().items(action()));
    ObjectBuilder::new()
        .description(Some("A part of the page that features fill."))
        .property("key", text("What part it is: `sign-in`, `passkeys` …"))
        .property("title", text("The same for people."))
        .property("rows", ArrayBuilder::new().items(row))
        .property("actions", ArrayBuilder::new().items(action()))
}

fn session() -> ObjectBuilder {
    ObjectBuilder::new()
        .property("id", text("What the session is called where it is to be ended. It is not its secret."))
        .required("id")
        .property("device", text("Browser and system, as the browser says."))
        .property("address", nullable_text("The address from which it was begun."))
        .property("via", text("How it was begun: `password`, `remember` …"))
        .property("remembered", flag("Whether a remember-me cookie goes with it."))
        .property("signed_in_at", moment("When it was begun."))
        .property("last_seen_at", moment("When it was last used, to a few minutes."))
        .property("last_seen", text("The same in words."))
        .property("current", flag("Whether it is the one that asks."))
        .required("current")
}

fn activity() -> ObjectBuilder {
    ObjectBuilder::new()
        .property("kind", text("What happened: `sign-in`, `password-changed` …"))
        .required("kind")
        .property("text", text("The same for people."))
        .property("detail", nullable_text("What more there is to say, such as by what somebody signed in."))
        .property("times", number("How often in a row; failed sign-ins only."))
        .property("at", moment("When it happened."))
        .required("at")
        .property("ago", text("The same in words."))
        .property("device", text("Browser and system."))
        .property("address", nullable_text("From where."))
}
