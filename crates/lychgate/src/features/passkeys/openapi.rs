//! What passkeys say of their routes.

use http::Method;
use utoipa::openapi::{ArrayBuilder, ObjectBuilder, ResponseBuilder, path::OperationBuilder};

use crate::openapi::{
    Operations,
    parts::{
        flag, formatted, in_path, include_auth_token, json, members, named, next, page_or_json, redirect, refusal,
        shared, text, texts, user,
    },
};

pub(crate) fn describe(to: &mut Operations<'_>) {
    to.about(
        "Passkeys. Each ceremony has two steps: the first gives the options for the browser and a state, the second takes the \
         browser's answer at a path that ends in the state. A state belongs to the session that began, expires, and works once.",
    );
    schemas(to);
    registration(to);
    sign_in(to);
    removal(to);
    renewed_proof(to);
    well_known(to);
}

fn schemas(to: &mut Operations<'_>) {
    let object = |description: &str| ObjectBuilder::new().description(Some(description));
    to.schema(
        "CreationOptions",
        object("PublicKeyCredentialCreationOptionsJSON of WebAuthn, for `navigator.credentials.create`."),
    );
    to.schema(
        "RequestOptions",
        object("PublicKeyCredentialRequestOptionsJSON of WebAuthn, for `navigator.credentials.get`."),
    );
    let passkey = ObjectBuilder::new()
        .property("name", text("What the user calls it."))
        .required("name")
        .property("credential_id", text("Its id, base64url."))
        .required("credential_id")
        .property("transports", texts("How its authenticator can be reached."))
        .required("transports")
        .property("lastuse", text("When it was last used, UTC without a zone."))
        .required("lastuse")
        .property("usage", text("`first` or `secondary`."))
        .required("usage")
        .property("backup_state", flag("Whether it is backed up."))
        .required("backup_state")
        .property("device_type", text("`single_device` or `multi_device`."))
        .required("device_type")
        .property("discoverable", object("Whether it is found without a user name: true, false or `Unknown`."))
        .required("discoverable");
    to.schema("Passkey", passkey);
    let credential = || text("The browser's answer, PublicKeyCredential as JSON text.");
    to.form(
        "PasskeyForm",
        ObjectBuilder::new()
            .property("name", text("What the user will call it; unique among the user's own."))
            .required("name")
            .property("usage", text("`first`: signs in alone. `secondary`: follows another proof.")),
    );
    to.form("NewPasskeyForm", ObjectBuilder::new().property("credential", credential()).required("credential"));
    to.form(
        "PasskeySigninForm",
        ObjectBuilder::new()
            .property("identity", text("Who wants to sign in, for authenticators that do not know it."))
            .property("remember", flag("Whether the browser stays signed in."))
            .property("next", text("Where a browser goes afterwards.")),
    );
    to.form(
        "UsedPasskeyForm",
        ObjectBuilder::new()
            .property("credential", credential())
            .required("credential")
            .property("remember", flag("Whether the browser stays signed in."))
            .property("next", text("Where a browser goes afterwards.")),
    );
    to.form("PasskeyNameForm", ObjectBuilder::new().property("name", text("What the user calls it.")).required("name"));
    to.form("EmptyForm", ObjectBuilder::new());
}

fn state() -> utoipa::openapi::path::ParameterBuilder {
    in_path("token", "The state of the first step.")
}

fn begun(options: &str) -> ObjectBuilder {
    members()
        .property("credential_options", named(options))
        .required("credential_options")
        .property("wan_state", text("The state, for the path of the second step."))
        .required("wan_state")
}

fn registration(to: &mut Operations<'_>) {
    let elsewhere = || redirect("A browser is sent to sign in, or to prove who it is.");
    let list = ArrayBuilder::new().items(named("Passkey")).description(Some("The user's passkeys."));
    let get = OperationBuilder::new()
        .summary(Some("One's own passkeys, and the page to add one"))
        .response(
            "200",
            page_or_json(
                "The passkeys.",
                members().property("registered_credentials", list).required("registered_credentials"),
            ),
        )
        .response("302", elsewhere());
    let get = to.fresh(get);
    to.add("wan_register", &Method::GET, get);
    let post = OperationBuilder::new()
        .summary(Some("Begin to register a passkey"))
        .response(
            "200",
            page_or_json(
                "What the browser is to be asked; for browsers, the page that does so.",
                begun("CreationOptions"),
            ),
        )
        .response("302", elsewhere());
    let post = to.takes(to.fresh(post), "PasskeyForm");
    to.add("wan_register", &Method::POST, post);
    let respond = OperationBuilder::new()
        .summary(Some("Register the passkey that was made"))
        .parameter(state())
        .response("200", json("Registered.", members()))
        .response("302", redirect("A browser goes on, or back to the list with what was wrong."));
    let respond = to.takes(to.signed_in(respond), "NewPasskeyForm");
    to.add("wan_register_response", &Method::POST, respond);
}

fn sign_in(to: &mut Operations<'_>) {
    let secondary = || flag("Whether the passkey is the second factor of a sign-in that has begun.");
    let gone = || refusal("A passkey may not be the first factor here.");
    let on = || redirect("A browser that is signed in is sent on.");
    let get = OperationBuilder::new()
        .summary(Some("The page to sign in with a passkey"))
        .parameter(next())
        .response(
            "200",
            page_or_json("The form.", members().property("is_secondary", secondary()).required("is_secondary")),
        )
        .response("302", on())
        .response("400", shared("Refused"))
        .response("404", gone());
    to.add("wan_signin", &Method::GET, get);
    let more = begun("RequestOptions")
        .property("is_secondary", secondary())
        .required("is_secondary")
        .property("remember", flag("What was asked for."))
        .required("remember");
    let post = OperationBuilder::new()
        .summary(Some("Begin to sign in with a passkey"))
        .parameter(next())
        .response("200", page_or_json("What the browser is to be asked; for browsers, the page that does so.", more))
        .response("302", on())
        .response("404", gone());
    let post = to.takes_if_any(post, "PasskeySigninForm");
    to.add("wan_signin", &Method::POST, post);
    let done = members()
        .property("post_login_url", text("Where a browser would go."))
        .property("tf_required", flag("Whether a second factor has to follow; then there is no user yet."))
        .required("tf_required")
        .property("user", user());
    let respond = OperationBuilder::new()
        .summary(Some("Sign in with the passkey that was used"))
        .parameter(state())
        .parameter(next())
        .parameter(include_auth_token())
        .response("200", json("Signed in, or a second factor has to follow.", done))
        .response(
            "302",
            redirect("A browser goes on, to the second factor, or back to the first step with what was wrong."),
        )
        .response("403", shared("Forbidden"));
    let respond = to.takes(respond, "UsedPasskeyForm");
    to.add("wan_signin_response", &Method::POST, respond);
}

fn removal(to: &mut Operations<'_>) {
    let get = OperationBuilder::new()
        .summary(Some("A CSRF token, for programs that remove passkeys"))
        .response("200", json("The token.", members()))
        .response("302", redirect("A browser is sent to the list."));
    let get = to.fresh(get);
    to.add("wan_delete", &Method::GET, get);
    let post = OperationBuilder::new()
        .summary(Some("Remove a passkey, unless it is all that its user can sign in with"))
        .response("200", json("Removed.", members()))
        .response("302", redirect("A browser is sent to the list, where the outcome is told."));
    let post = to.takes(to.fresh(post), "PasskeyNameForm");
    to.add("wan_delete", &Method::POST, post);
}

fn renewed_proof(to: &mut Operations<'_>) {
    let elsewhere = || redirect("A browser that is not signed in is sent to the sign-in page.");
    let get = OperationBuilder::new()
        .summary(Some("The page to prove by a passkey who you are"))
        .parameter(next())
        .response("200", page_or_json("The form.", members()))
        .response("302", elsewhere());
    let get = to.signed_in(get);
    to.add("wan_verify", &Method::GET, get);
    let post = OperationBuilder::new()
        .summary(Some("Begin to prove by a passkey who you are"))
        .parameter(next())
        .response(
            "200",
            page_or_json(
                "What the browser is to be asked; for browsers, the page that does so.",
                begun("RequestOptions"),
            ),
        )
        .response("302", elsewhere());
    let post = to.takes_if_any(to.signed_in(post), "EmptyForm");
    to.add("wan_verify", &Method::POST, post);
    let respond = OperationBuilder::new()
        .summary(Some("Prove by the passkey that was used who you are"))
        .parameter(state())
        .parameter(next())
        .parameter(include_auth_token())
        .response("200", json("Proved.", members().property("user", user()).required("user")))
        .response("302", redirect("A browser goes on, or back to the first step with what was wrong."));
    let respond = to.takes(to.signed_in(respond), "UsedPasskeyForm");
    to.add("wan_verify_response", &Method::POST, respond);
}

fn well_known(to: &mut Operations<'_>) {
    let url = |description: &str| formatted("uri", description);
    let places = ObjectBuilder::new()
        .property("enroll", url("Where a passkey is added."))
        .required("enroll")
        .property("manage", url("Where passkeys are removed."))
        .required("manage");
    let document = |description: &str, schema: ObjectBuilder| {
        ResponseBuilder::new()
            .description(description)
            .content("application/json", utoipa::openapi::Content::new(Some(schema)))
    };
    let get = OperationBuilder::new()
        .summary(Some("Where password managers send people to add and remove passkeys"))
        .response("200", document("The places.", places));
    to.add_plain("passkey_endpoints", &Method::GET, get);
    let origins = ObjectBuilder::new().property("origins", texts("The origins.")).required("origins");
    let get = OperationBuilder::new()
        .summary(Some("Other origins on which passkeys of this site may be used"))
        .response("200", document("The origins.", origins));
    to.add_plain("related_origins", &Method::GET, get);
}
