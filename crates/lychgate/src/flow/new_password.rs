//! A new password out of a form.

use lychgate_store::User;
use zeroize::Zeroizing;

use crate::{
    failure::Failure,
    messages,
    web::{exchange::Exchange, form::Form},
};

impl Exchange {
    /// The password in `field`, if it may be the new one, in the form in which it is hashed.
    pub(crate) async fn new_password(
        &self,
        form: &mut Form,
        field: &'static str,
        user: &User,
    ) -> Result<Option<Zeroizing<String>>, Failure> {
        let words = [user.email.as_str(), user.username.as_deref().unwrap_or_default()];
        Ok(match self.gate.check_password(form.value(field), &words).await? {
            Ok(password) => Some(password),
            Err(message) => {
                form.field_error(field, message);
                None
            }
        })
    }
}

/// Whether a password was typed, and the same again; what is wrong becomes an error of its field.
pub(crate) fn is_typed_twice(form: &mut Form, field: &'static str, repeat: &'static str) -> bool {
    for name in [field, repeat] {
        if form.value(name).trim().is_empty() && !form.has_error_in(name) {
            form.field_error(name, messages::PASSWORD_NOT_PROVIDED);
        }
    }
    if form.value(field) != form.value(repeat) && !form.has_error_in(repeat) {
        form.field_error(repeat, messages::RETYPE_PASSWORD_MISMATCH);
    }
    !form.has_error_in(field) && !form.has_error_in(repeat)
}
