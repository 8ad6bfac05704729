//! What unified sign-in says of its routes.

use http::Method;
use utoipa::openapi::{
    ArrayBuilder, ObjectBuilder,
    path::{OperationBuilder, ParameterBuilder},
};

use crate::openapi::{
    Operations,
    parts::{
        flag, in_path, include_auth_token, members, next, nullable_text, page_or_json, query, redirect, refusal,
        sets_cookies, shared, text, texts, user,
    },
};

pub(crate) fn describe(to: &mut Operations<'_>) {
    if !to.settings().flag("unified_signin") {
        return;
    }
    to.about(
        "Unified sign-in: whoever knows a pass code of an account is its user; a password, or a code that was mailed, \
         texted or made by an app. Codes work once.",
    );
    forms(to);
    if to.settings().flag("us_signin_replaces_login") && !to.settings().flag("passwordless") {
        sign_in(to, "login");
    }
    sign_in(to, "us_signin");
    send(to);
    links(to);
    setup(to);
    let fresh = to.settings().duration("freshness").is_some_and(|freshness| !freshness.is_negative());
    if fresh {
        renewed_proof(to);
    }
}

fn method(description: &str) -> ObjectBuilder {
    text(description).enum_values(Some(["email", "sms", "authenticator"]))
}

fn sent_method() -> ObjectBuilder {
    text("How the code is sent.").enum_values(Some(["email", "sms"]))
}

fn identity() -> ObjectBuilder {
    text("Who signs in: the address, the username or the telephone number, as the settings allow.")
}

fn forms(to: &mut Operations<'_>) {
    to.form(
        "UnifiedSigninForm",
        ObjectBuilder::new()
            .property("identity", identity())
            .required("identity")
            .property("passcode", text("The password or a code."))
            .required("passcode")
            .property("remember", flag("Whether this browser stays signed in."))
            .property("next", text("Where a browser goes afterwards.")),
    );
    to.form(
        "SendCodeForm",
        ObjectBuilder::new()
            .property("identity", identity())
            .required("identity")
            .property("chosen_method", sent_method())
            .required("chosen_method")
            .property("next", text("Where a browser goes after signing in.")),
    );
    to.form("PasscodeForm", passcode_form().property("next", text("Where a browser goes afterwards.")));
    to.form("FirstCodeForm", passcode_form());
    to.form("SendOwnCodeForm", ObjectBuilder::new().property("chosen_method", sent_method()).required("chosen_method"));
    to.form(
        "UnifiedSetupForm",
        ObjectBuilder::new()
            .property("chosen_method", method("The kind to set up."))
            .property("phone", text("The number for text messages."))
            .property(
                "delete_method",
                ArrayBuilder::new().items(method("A kind.")).description(Some("The kinds to take away.")),
            ),
    );
}

fn passcode_form() -> ObjectBuilder {
    ObjectBuilder::new().property("passcode", text("The password or a code.")).required("passcode")
}

fn ways() -> ObjectBuilder {
    members()
        .property("available_methods", texts("The kinds of pass code that are accepted."))
        .required("available_methods")
        .property("code_methods", texts("Those that can be sent."))
        .required("code_methods")
}

fn sign_in(to: &mut Operations<'_>, name: &'static str) {
    let here = ways()
        .property("identity_attributes", texts("The columns by which somebody may say who they are."))
        .required("identity_attributes")
        .property("user", user());
    let get = OperationBuilder::new()
        .summary(Some("The sign-in page, and what a program needs to sign in"))
        .parameter(next())
        .parameter(include_auth_token())
        .response("200", page_or_json("The form. `user` is there for callers who are signed in.", here))
        .response("302", redirect("A browser that is signed in already is sent on."));
    to.add(name, &Method::GET, get);
    let done = members()
        .property("tf_required", flag("Whether a second factor is still to come."))
        .required("tf_required")
        .property("user", user());
    let post = OperationBuilder::new()
        .summary(Some("Sign in with a pass code"))
        .parameter(next())
        .parameter(include_auth_token())
        .response(
            "200",
            sets_cookies(
                page_or_json("Signed in, or a second factor has to follow; for browsers, the page with errors.", done),
                "The session, and the remember-me cookie where it was asked for.",
            ),
        )
        .response("302", redirect("A browser goes on to `next`, to the second factor, or where the settings say."))
        .response("403", shared("Forbidden"))
        .response("429", refusal("Too often."));
    let post = to.takes(post, "UnifiedSigninForm");
    to.add(name, &Method::POST, post);
}

fn send(to: &mut Operations<'_>) {
    let post = OperationBuilder::new()
        .summary(Some("Send a code to sign in with"))
        .parameter(next())
        .response(
            "200",
            page_or_json("Sent. With generic replies it is the same for those who have no account.", members()),
        )
        .response("302", redirect("A browser that is signed in already is sent on."))
        .response("429", refusal("Too often."));
    let post = to.takes(post, "SendCodeForm");
    to.add("us_signin_send_code", &Method::POST, post);
}

fn links(to: &mut Operations<'_>) {
    let on = || redirect("A browser goes on, or to the sign-in page with what was wrong.");
    let old = |operation: OperationBuilder| {
        operation
            .parameter(query("id", "The user's uniquifier, in links that a Flask application mailed."))
            .parameter(query("code", "The code."))
    };
    let token = || -> ParameterBuilder { in_path("token", "The token of the mailed link.") };
    let get = || {
        OperationBuilder::new()
            .summary(Some("The link in a mailed code"))
            .response("200", page_or_json("The page that asks for a click, where links ask for one.", members()))
            .response("302", on())
    };
    let post = || {
        OperationBuilder::new()
            .summary(Some("Sign in by the link in a mailed code"))
            .response("200", page_or_json("For browsers, the page again with its errors.", members()))
            .response("302", on())
    };
    to.add("us_verify_link", &Method::GET, old(get()));
    let operation = to.takes_if_any(old(post()), "EmptyLinkForm");
    to.form("EmptyLinkForm", ObjectBuilder::new());
    to.add("us_verify_link", &Method::POST, operation);
    to.add("us_link", &Method::GET, get().parameter(token()));
    let operation = to.takes_if_any(post().parameter(token()), "EmptyLinkForm");
    to.add("us_link", &Method::POST, operation);
}

fn setup(to: &mut Operations<'_>) {
    let elsewhere = || redirect("A browser is sent to sign in, or to prove who it is.");
    let known = members()
        .property("available_methods", texts("The kinds of pass code that are accepted."))
        .required("available_methods")
        .property(
            "active_methods",
            ArrayBuilder::new()
                .items(nullable_text("A kind; null alone if there is none."))
                .description(Some("Those that the user has.")),
        )
        .required("active_methods")
        .property("setup_methods", texts("Those that can be set up."))
        .required("setup_methods")
        .property("identity_attributes", texts("The columns by which somebody may say who they are."))
        .required("identity_attributes")
        .property("phone", nullable_text("The user's number."))
        .required("phone");
    let get = OperationBuilder::new()
        .summary(Some("One's own kinds of code, and the page to change them"))
        .response("200", page_or_json("The kinds.", known))
        .response("302", elsewhere());
    let get = to.fresh(get);
    to.add("us_setup", &Method::GET, get);
    let begun = members()
        .property("chosen_method", method("The kind that is being set up; missing if some were only taken away."))
        .property("phone", nullable_text("The number for text messages, as it will be stored."))
        .property("state", text("The state, for the path of the second step."))
        .property("authr_key", text("For an app: the key, in groups."))
        .property("authr_b32key", text("For an app: the key, base32."))
        .property("authr_username", text("For an app: the name of the account."))
        .property("authr_issuer", text("For an app: the name of the site."))
        .property("authr_uri", text("For an app: all of it, as in the picture that apps read."));
    let post = OperationBuilder::new()
        .summary(Some("Take kinds of code away, and begin to set one up"))
        .response("200", page_or_json("Done, or begun; a code is on its way.", begun))
        .response("302", elsewhere())
        .response("429", refusal("Too often."));
    let post = to.takes(to.fresh(post), "UnifiedSetupForm");
    to.add("us_setup", &Method::POST, post);
    let done = members()
        .property("chosen_method", method("The kind that was set up."))
        .required("chosen_method")
        .property("phone", nullable_text("The user's number."))
        .required("phone");
    let validate = OperationBuilder::new()
        .summary(Some("Finish setting up a kind of code, by its first one"))
        .parameter(in_path("token", "The state of the first step."))
        .response("200", page_or_json("Set up; for browsers, the page again with its errors.", done))
        .response("302", redirect("A browser goes on, or back to the first step with what was wrong."))
        .response("429", refusal("Too often."));
    let validate = to.takes(to.signed_in(validate), "FirstCodeForm");
    to.add("us_setup_validate", &Method::POST, validate);
}

fn renewed_proof(to: &mut Operations<'_>) {
    let elsewhere = || redirect("A browser that is not signed in is sent to the sign-in page.");
    let here = ways()
        .property("has_webauthn_verify_credential", flag("Whether a passkey of this user may be used instead."))
        .required("has_webauthn_verify_credential")
        .property("oauth_enabled", flag("Whether an identity provider may be used instead."))
        .required("oauth_enabled")
        .property("oauth_providers", texts("The names of those providers."))
        .required("oauth_providers");
    let get = OperationBuilder::new()
        .summary(Some("The page that asks for a pass code, and the ways to prove who you are"))
        .parameter(next())
        .response("200", page_or_json("The form.", here))
        .response("302", elsewhere());
    let get = to.signed_in(get);
    to.add("us_verify", &Method::GET, get);
    let post = OperationBuilder::new()
        .summary(Some("Prove who you are by a pass code"))
        .parameter(next())
        .parameter(include_auth_token())
        .response(
            "200",
            page_or_json(
                "Proved; for browsers, the page again with its errors.",
                members().property("user", user()).required("user"),
            ),
        )
        .response("302", redirect("A browser goes on, or to the sign-in page if nobody is signed in."))
        .response("429", refusal("Too often."));
    let post = to.takes(to.signed_in(post), "PasscodeForm");
    to.add("us_verify", &Method::POST, post);
    let send = OperationBuilder::new()
        .summary(Some("Send a code to prove who you are with"))
        .parameter(next())
        .response("200", page_or_json("Sent.", members()))
        .response("302", elsewhere())
        .response("429", refusal("Too often."));
    let send = to.takes(to.signed_in(send), "SendOwnCodeForm");
    to.add("us_verify_send_code", &Method::POST, send);
}
