//! What confirmation says of its routes.

use crate::openapi::{Operations, shapes::For};

pub(crate) fn describe(to: &mut Operations<'_>) {
    to.about("Confirming an e-mail address by a mailed link.");
    to.mails_with_codes("send_confirmation", "The page that asks for the address", "Mail the link anew", For::Anyone);
    to.mailed_link("confirm_email", "Confirm the address", For::Anyone);
}
