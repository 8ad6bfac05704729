//! A new password out of a form.

use lychgate_store::User;
use zeroize::Zeroizing;

use crate::{
    messages,
    web::{exchange::Exchange, form::Form},
};

impl Exchange {
    /// The password in `field`, if it may be the new one and was repeated rightly, in the form in which it is hashed.
    pub(crate) fn new_password(
        &self,
        form: &mut Form,
        field: &'static str,
        repeat: &'static str,
        user: &User,
    ) -> Option<Zeroizing<String>> {
        if form.has_error_in(field) {
            return None;
        }
        if form.value(field) != form.value(repeat) {
            form.field_error(repeat, messages::RETYPE_PASSWORD_MISMATCH);
        }
        let words = [user.email.as_str(), user.username.as_deref().unwrap_or_default()];
        match self.gate.check_password(form.value(field), &words) {
            Ok(password) => Some(password),
            Err(message) => {
                form.field_error(field, message);
                None
            }
        }
    }
}
