//! What the second factor says of its routes.

use http::Method;
use utoipa::openapi::{ObjectBuilder, path::OperationBuilder, schema::AdditionalProperties};

use crate::openapi::{
    Operations,
    parts::{
        flag, in_path, include_auth_token, members, next, nullable_text, page_or_json, redirect, refusal, sets_cookies,
        shared, text, texts, user,
    },
};

pub(crate) fn describe(to: &mut Operations<'_>) {
    let codes = to.settings().flag("two_factor");
    if !codes && !to.settings().flag("webauthn") {
        return;
    }
    to.about("The second step of a sign-in: choosing it, proving it, setting it up.");
    select(to);
    if codes {
        to.form("CodeForm", ObjectBuilder::new().property("code", code()).required("code"));
        setup(to);
        validate(to);
        rescue(to);
        prove(to);
    }
}

fn code() -> ObjectBuilder {
    text("The code. Programs may send it as a number.")
}

fn elsewhere() -> &'static str {
    "A browser whose sign-in is not at this step is sent to the sign-in page."
}

fn select(to: &mut Operations<'_>) {
    to.form("SelectForm", ObjectBuilder::new().property("which", text("One of `tf_setup_methods`.")).required("which"));
    let known = members()
        .property("tf_select", flag("Always true."))
        .required("tf_select")
        .property("tf_setup_methods", texts("The second factors to choose from."))
        .required("tf_setup_methods");
    let get = OperationBuilder::new()
        .summary(Some("The second factors to choose from"))
        .parameter(next())
        .response("200", page_or_json("The form.", known))
        .response("302", redirect(elsewhere()))
        .response("400", shared("Refused"));
    to.add("tf_select", &Method::GET, get);
    let post = OperationBuilder::new()
        .summary(Some("Choose a second factor"))
        .parameter(next())
        .response("200", page_or_json("What is asked for; for browsers, the page again with its errors.", asked()))
        .response("302", redirect("A browser goes to the page of what was chosen, or back to sign-in."))
        .response("429", refusal("Too many codes were sent."))
        .response("500", refusal("The code could not be sent."));
    let post = to.takes(post, "SelectForm");
    to.add("tf_select", &Method::POST, post);
}

/// The reply that asks for a second factor.
fn asked() -> ObjectBuilder {
    members()
        .property("tf_required", flag("Always true."))
        .required("tf_required")
        .property("tf_state", text("`ready`: the proof is awaited."))
        .required("tf_state")
        .property("tf_method", text("What is awaited: `authenticator`, `email`, `sms` or `webauthn`."))
        .required("tf_method")
        .property("tf_primary_method", text("The same, for a code."))
        .property("tf_signin_url", text("Where to go on, for `webauthn`."))
}

fn setup(to: &mut Operations<'_>) {
    to.form(
        "TwoFactorSetupForm",
        ObjectBuilder::new()
            .property("setup", text("One of `tf_available_methods`."))
            .required("setup")
            .property("phone", text("The telephone number, for `sms`.")),
    );
    let known = members()
        .property("tf_required", flag("Whether this user has to have a second factor."))
        .required("tf_required")
        .property("tf_primary_method", nullable_text("What is set up."))
        .required("tf_primary_method")
        .property("tf_method", nullable_text("The same."))
        .required("tf_method")
        .property("tf_phone_number", nullable_text("The telephone number of `sms`."))
        .required("tf_phone_number")
        .property("tf_available_methods", texts("What can be set up; `disable` switches it off."))
        .required("tf_available_methods");
    let get = OperationBuilder::new()
        .summary(Some("What is set up, and what can be"))
        .response("200", page_or_json("The form.", known))
        .response("302", redirect("A browser is sent to sign in, or to prove who it is."))
        .response("400", shared("Refused"));
    let get = to.fresh(get);
    to.add("two_factor_setup", &Method::GET, get);
    let begun = members()
        .property("tf_state", text("`validating_profile`: the first code is awaited."))
        .property("tf_primary_method", text("What is being set up."))
        .property("tf_method", text("The same."))
        .property("tf_state_token", nullable_text("Goes into the path of the next request; null at sign-in."))
        .property("tf_authr_key", text("The key of an authenticator app, in groups for reading."))
        .property("tf_authr_b32key", text("The same key without groups."))
        .property("tf_authr_username", text("The name of the account in the app."))
        .property("tf_authr_issuer", text("The name of the site in the app."))
        .property("tf_authr_uri", text("All of it as an `otpauth` link."))
        .property("user", user());
    let post = OperationBuilder::new()
        .summary(Some("Begin to set up a method, or switch it off"))
        .response("200", page_or_json("The first code is awaited, or, for `disable`, it is off.", begun))
        .response("302", redirect("It is off; or a browser is sent to sign in, or to prove who it is."))
        .response("429", refusal("Too many codes were sent."))
        .response("500", refusal("The code could not be sent."));
    let post = to.takes(to.fresh(post), "TwoFactorSetupForm");
    to.add("two_factor_setup", &Method::POST, post);
    let done = members()
        .property("tf_primary_method", text("What is set up now."))
        .property("tf_method", text("The same."))
        .property("tf_phone", nullable_text("The telephone number."));
    let post = OperationBuilder::new()
        .summary(Some("Prove a new method by its first code"))
        .parameter(in_path("token", "`tf_state_token`."))
        .response("200", page_or_json("It is set up; for browsers, the page again with its errors.", done))
        .response("302", redirect("It is set up; or the state is not valid, and a browser begins again."))
        .response("429", refusal("Too many guesses."));
    let post = to.takes(to.signed_in(post), "CodeForm");
    to.add("two_factor_setup_validate", &Method::POST, post);
}

fn validate(to: &mut Operations<'_>) {
    let get = OperationBuilder::new()
        .summary(Some("The page for the code of a sign-in, or of what was begun in this session"))
        .parameter(next())
        .response(
            "200",
            page_or_json("The form.", members().property("recovery_options", ways_out()).property("user", user())),
        )
        .response("302", redirect(elsewhere()))
        .response("400", shared("Refused"));
    to.add("two_factor_token_validation", &Method::GET, get);
    let done = members().property("user", user()).required("user");
    let post = OperationBuilder::new()
        .summary(Some("Finish a sign-in by a code, or the set-up that was begun in this session"))
        .parameter(next())
        .parameter(include_auth_token())
        .response(
            "200",
            sets_cookies(
                page_or_json("Signed in; for browsers, the page again with its errors.", done),
                "The session, and where they were asked for the remember-me cookie and that of a trusted browser.",
            ),
        )
        .response("302", redirect("A browser that signed in goes on; one that is not at this step begins again."))
        .response("429", refusal("Too many guesses."));
    let post = to.takes(post, "CodeForm");
    to.add("two_factor_token_validation", &Method::POST, post);
}

fn ways_out() -> ObjectBuilder {
    ObjectBuilder::new()
        .additional_properties(Some(AdditionalProperties::FreeForm(true)))
        .description(Some("What to do without a code, and where: `help`, `email`, `recovery_code`."))
}

fn options() -> ObjectBuilder {
    members().property("recovery_options", ways_out()).required("recovery_options")
}

fn rescue(to: &mut Operations<'_>) {
    to.form(
        "RescueForm",
        ObjectBuilder::new().property("help_setup", text("One of `recovery_options`.")).required("help_setup"),
    );
    let get = OperationBuilder::new()
        .summary(Some("What to do without a code"))
        .response("200", page_or_json("The form.", options()))
        .response("302", redirect(elsewhere()))
        .response("400", shared("Refused"));
    to.add("two_factor_rescue", &Method::GET, get);
    let post = OperationBuilder::new()
        .summary(Some("Have a code mailed, or ask the operator for help"))
        .response("200", page_or_json("Done; for browsers, the page again.", options()))
        .response("302", redirect("For `recovery_code`, to its page; or back to sign-in."))
        .response("429", refusal("Too often."))
        .response("500", refusal("The code could not be sent."));
    let post = to.takes(post, "RescueForm");
    to.add("two_factor_rescue", &Method::POST, post);
}

fn prove(to: &mut Operations<'_>) {
    to.form(
        "ProveForm",
        ObjectBuilder::new()
            .property("code", code())
            .property("send_code", flag("Sends a code instead of taking one."))
            .property("next", text("Where a browser goes afterwards.")),
    );
    let known = || members().property("tf_method", text("What is asked for: `authenticator`, `email` or `sms`."));
    let elsewhere = || redirect("A browser is sent to sign in, or to where another second factor is proved or set up.");
    let get = OperationBuilder::new()
        .summary(Some("The page to prove the second factor again"))
        .parameter(next())
        .response("200", page_or_json("The form.", known()))
        .response("302", elsewhere())
        .response("400", shared("Refused"));
    let get = to.signed_in(get);
    to.add("two_factor_verify", &Method::GET, get);
    let post = OperationBuilder::new()
        .summary(Some("Prove the second factor again, or have a code sent"))
        .parameter(next())
        .response(
            "200",
            page_or_json("Proved, or sent; for browsers, the page again.", known().property("user", user())),
        )
        .response("302", redirect("Proved; a browser goes on to `next`. Or as for the page."))
        .response("429", refusal("Too often."))
        .response("500", refusal("The code could not be sent."));
    let post = to.takes(to.signed_in(post), "ProveForm");
    to.add("two_factor_verify", &Method::POST, post);
}
