//! The fields of the sign-in form.

use serde_json::Value;

use crate::web::{
    exchange::Exchange,
    form::{Field, Form, Kind},
};

/// The form, empty. With usernames in use the address is optional and comes last, as the reference has it.
pub(crate) fn login(exchange: &Exchange) -> Form {
    let settings = exchange.gate.settings();
    let usernames = settings.flag("username_enable");
    let remember = settings.flag("default_remember_me");
    // Browsers then offer passkeys where the name is typed.
    let passkeys = settings.flag("webauthn") && settings.flag("wan_allow_as_first_factor");
    let email = match (passkeys, usernames) {
        (true, false) => "username webauthn",
        _ => "email",
    };
    let email = Field::new("email", Kind::Email, "Email").autocomplete(email).required_if(!usernames);
    let password = Field::new("password", Kind::Password, "Password").autocomplete("current-password").required();
    let next = Field::new("next", Kind::Hidden, "");
    let remember = Field::new("remember", Kind::Checkbox, "").checked(remember);
    let fields = if usernames {
        let username = if passkeys { "username webauthn" } else { "username" };
        let username = Field::new("username", Kind::Text, "Username").autocomplete(username);
        vec![email, username, password, next, remember]
    } else {
        vec![email, password, next, remember]
    };
    let form = Form::new("login_user_form", settings.text("login_user_template"), exchange.action("login"), fields);
    let mut form = form.error_order(&["password", "next", "username", "email"]);
    if passkeys {
        let within = settings.duration("wan_signin_within").map_or(0, |within| within.as_secs());
        form.payload.insert("passkey_within".to_owned(), within.into());
    }
    if let Some(next) = exchange.query("next") {
        form.set_value("next", &next);
    }
    form
}

/// The names of the columns by which somebody may say who they are.
pub(crate) fn identity_attributes(exchange: &Exchange) -> Vec<Value> {
    exchange.gate.settings().identity_attributes().iter().map(|attribute| attribute.name.as_str().into()).collect()
}
