//! What the account page says of its routes.

use http::Method;
use utoipa::openapi::{ArrayBuilder, Content, ObjectBuilder, ResponseBuilder, Type, path::OperationBuilder};

use crate::openapi::{
    Operations,
    parts::{
        flag, formatted, in_path, json, members, named, nullable_text, page as html, page_or_json, redirect, text, user,
    },
};

pub(crate) fn describe(to: &mut Operations<'_>) {
    to.about("The account page: how somebody signs in, where they are signed in, what happened, and their data.");
    let with_programs = to.settings().flag("refresh_token");
    let mut shown = page(to.settings().flag("activity"));
    if with_programs {
        shown = shown.property("programs", list("AccountProgram"));
        to.schema("AccountProgram", program());
        to.form(
            "EndProgramForm",
            ObjectBuilder::new().property("program", text("The `id` of one of the programs.")).required("program"),
        );
    }
    to.schema("AccountPage", shown);
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
    deletion(to);
    let file = ResponseBuilder::new()
        .description("The file.")
        .content("application/json", Content::new(Some(ObjectBuilder::new())))
        .build();
    let export = OperationBuilder::new()
        .summary(Some("Everything that is kept of the caller, but for secrets, as a file in JSON without an envelope"))
        .response("200", file)
        .response("302", redirect("A browser is sent to sign in, or to prove who it is."));
    let export = to.fresh(export);
    to.add("account_export", &Method::GET, export);
    to.form("KeepAccountForm", ObjectBuilder::new());
    let programs = ("account_end_program", "EndProgramForm", "End one of the programs that act by refresh tokens");
    for (name, form, summary) in [
        ("account_keep", "KeepAccountForm", "Keep one's account although its deletion was asked for"),
        ("account_end_session", "EndSessionForm", "End one of one's own sessions"),
        (
            "account_end_others",
            "EndOthersForm",
            "End all sessions but the one that asks, and remember-me cookies with them",
        ),
    ]
    .into_iter()
    .chain(with_programs.then_some(programs))
    {
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

/// Asking for the deletion of an account, and the link that takes it back.
fn deletion(to: &mut Operations<'_>) {
    let due = || nullable_text("When the account will be deleted, if it will.");
    to.form(
        "DeleteAccountForm",
        ObjectBuilder::new().property("password", formatted("password", "The password, if the user has one.")),
    );
    let known = members()
        .property("active_password", flag("Whether the form asks for a password."))
        .property("deletion_due_at", due());
    let get = OperationBuilder::new()
        .summary(Some("The page that asks whether the account is to be deleted"))
        .response("200", page_or_json("The form.", known))
        .response("302", redirect("A browser is sent to sign in, or to prove who it is."));
    let get = to.fresh(get);
    to.add("account_delete", &Method::GET, get);
    let post = OperationBuilder::new()
        .summary(Some("Ask for the deletion of one's account, and sign out everywhere"))
        .response(
            "200",
            page_or_json(
                "Set down; for browsers, the page again with its errors.",
                ObjectBuilder::new().property("deletion_due_at", due()),
            ),
        )
        .response("302", redirect("Set down; or a browser is sent to sign in, or to prove who it is."));
    let post = to.takes(to.fresh(post), "DeleteAccountForm");
    to.add("account_delete", &Method::POST, post);
    let token = || in_path("token", "The token of the mailed link.");
    let get = OperationBuilder::new()
        .summary(Some("The page of the mailed link that keeps an account"))
        .parameter(token())
        .response("200", ResponseBuilder::new().description("The page with the button.").content("text/html", html()));
    to.add_plain("account_keep_link", &Method::GET, get);
    let post = OperationBuilder::new()
        .summary(Some("Keep an account by the mailed link"))
        .parameter(token())
        .response("200", json("Kept.", members()))
        .response("302", redirect("To the account page or to sign in, with what was done or is wrong."));
    let post = to.takes(post, "KeepAccountForm");
    to.add("account_keep_link", &Method::POST, post);
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
        .property("deletion_due_at", nullable_text("When the account will be deleted, if it will."))
        .property("deletion_day", nullable_text("The day of that."))
        .property("sessions_left_out", number("How many sessions the list leaves out."))
        .property("elsewhere", number("How many sessions there are beside the one that asks."));
    if with_activity { page.property("activity", list("AccountActivity")) } else { page }
}

fn section() -> ObjectBuilder {
    let action = || {
        ObjectBuilder::new().property("label", text("What the button says.")).property("url", text("Where it leads."))
    };
    let row = ObjectBuilder::new()
        .property("key", text("What row it is: `email`, `password` …"))
        .property("name", text("The same for people."))
        .property("value", text("What is so; may be empty."))
        .property(
            "badge",
            ObjectBuilder::new()
                .description(Some("A word in a coloured frame; may be null."))
                .property("text", text("The word."))
                .property("good", flag("Whether all is well.")),
        )
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

fn program() -> ObjectBuilder {
    ObjectBuilder::new()
        .description(Some("A family of refresh tokens that can be used."))
        .property("id", text("What it is called where it is to be ended. It is not its secret."))
        .required("id")
        .property("device", nullable_text("Browser and system of the session with which it was begun."))
        .property("address", nullable_text("The address from which that was begun."))
        .property("begun_at", moment("When the first token was handed out."))
        .property("last_used_at", moment("When the last token was."))
        .property("last_used", text("The same in words."))
        .property("expires_at", moment("When it ends by itself at the latest."))
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
