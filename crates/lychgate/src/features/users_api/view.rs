//! What is shown of a user. A member that is not written here is not shown: no hash, no secret, no uniquifier.

use lychgate_store::User;
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{flow::account, web::routes::Call};

fn moment(at: Option<OffsetDateTime>) -> Option<String> {
    at?.format(&Rfc3339).ok()
}

pub(super) fn of(call: &Call, user: &User) -> Value {
    let roles: Vec<&str> = user.roles.iter().map(|role| role.name.as_str()).collect();
    json!({
        "id": user.id,
        "uid": account::identity_text(&call.gate, user),
        "email": user.email,
        "username": user.username,
        "active": user.active,
        // Programs that know one role for a user read the first.
        "role": roles.first(),
        "roles": roles,
        "confirmed_at": moment(user.confirmed_at),
        "created_at": moment(user.create_datetime),
        "updated_at": moment(user.update_datetime),
    })
}
