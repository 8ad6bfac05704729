//! What signing in by a mailed link says of its routes.

use crate::openapi::{Operations, shapes::For};

pub(crate) fn describe(to: &mut Operations<'_>) {
    // Else the place of the sign-in page is another feature's.
    if to.settings().flag("passwordless") {
        to.about("Signing in by a mailed link instead of a password.");
        to.mails_with_codes("login", "The page that asks for the address", "Mail a link that signs in", For::Strangers);
        to.mailed_link("token_login", "Sign in", For::Strangers);
    }
}
