//! The fields of the registration form.

use super::{door, entry::Entry};
use crate::web::{
    body::Submitted,
    exchange::Exchange,
    form::{Field, Form, Kind},
};

/// The form, empty; errors are told in the reference's order, whatever order the page has.
pub(super) fn register(exchange: &Exchange, entry: &Entry) -> Form {
    let settings = exchange.gate.settings();
    let mut fields = vec![Field::new("email", Kind::Email, "Email").autocomplete("email").required()];
    if settings.flag("username_enable") {
        let username = Field::new("username", Kind::Text, "Username").autocomplete("username");
        fields.push(username.required_if(settings.flag("username_required")));
    }
    for field in exchange.gate.register_fields() {
        fields.push(Field::new(field.name, Kind::Text, field.label).required_if(field.required));
    }
    // The older pair of forms: one for programs and for those who confirm by mail, the other repeats the password.
    let older = !settings.flag("use_register_v2");
    let required = settings.flag("password_required") && !older;
    let short = older && (settings.flag("confirmable") || exchange.sent_json());
    fields.push(Field::new("password", Kind::Password, "Password").autocomplete("new-password").required_if(required));
    if !short && settings.flag("password_confirm_required") {
        let repeat = Field::new("password_confirm", Kind::Password, "Repeat the password");
        fields.push(if older { repeat } else { repeat.autocomplete("new-password").required_if(required) });
    }
    if !short {
        fields.push(Field::new("next", Kind::Hidden, ""));
    }
    if matches!(entry, Entry::Invited(_)) {
        fields.push(Field::new("invitation", Kind::Hidden, ""));
    }
    let template = settings.text("register_user_template");
    let form = Form::new("register_user_form", template, door::action(exchange), fields);
    let mut form = form.error_order(&["email", "password", "password_confirm", "next", "username"]);
    form.payload.insert("password_min_length".to_owned(), settings.int("password_length_min").into());
    form.payload.insert("register_mode".to_owned(), entry.mode().into());
    if let Some(next) = exchange.query("next") {
        form.set_value("next", &next);
    }
    if let Entry::Invited(invitation) = entry {
        form.set_value("email", &invitation.email);
        form.set_value("invitation", &token(exchange));
    }
    form
}

/// The invitation that the client brings, in the form or the query.
pub(super) fn token(exchange: &Exchange) -> String {
    let sent = match &exchange.submitted {
        Submitted::Json(members) => members.get("invitation").and_then(serde_json::Value::as_str),
        Submitted::Form(fields) => {
            fields.iter().find(|(name, _)| name == "invitation").map(|(_, value)| value.as_str())
        }
        _ => None,
    };
    let sent = sent.filter(|token| !token.is_empty()).map(str::to_owned);
    sent.or_else(|| exchange.query("invitation")).unwrap_or_default()
}
