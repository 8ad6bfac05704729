//! What the recovery of usernames says of its routes.

use crate::openapi::{Operations, shapes::For};

pub(crate) fn describe(to: &mut Operations<'_>) {
    to.about("Having one's username mailed.");
    to.mails("recover_username", "The page that asks for the address", "Mail the username", For::Strangers);
}
