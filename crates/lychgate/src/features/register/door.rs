//! Registration pages of the application's own, whose accounts get roles with them.

use crate::{gate::SignUp, web::exchange::Exchange};

/// The page of this request, if it is one of them.
pub(super) fn of(call: &Exchange) -> Option<&SignUp> {
    let prefix = call.gate.settings().text_opt("url_prefix").unwrap_or_default().trim_end_matches('/');
    let path = call.path().strip_prefix(prefix)?;
    call.gate.sign_ups().iter().find(|sign_up| sign_up.path == path)
}

/// Where its form is sent: to the page that it is on.
pub(super) fn action(call: &Exchange) -> String {
    match of(call) {
        Some(_) => call.relative_url().to_owned(),
        None => call.action("register"),
    }
}
