//! What the pages show.

use lychgate::{Page, store::User};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

/// The page of the testbed around some content.
pub(crate) fn page(content: &str) -> Page {
    Page::new("testbed.html").with("content", content)
}

/// What JSON replies tell a user about themselves.
pub(crate) fn user_payload(user: &User) -> Value {
    json!({"email": user.email, "last_update": user.update_datetime.map(http_date)})
}

fn http_date(at: OffsetDateTime) -> Option<String> {
    Some(at.format(&Rfc2822).ok()?.replace("+0000", "GMT"))
}
