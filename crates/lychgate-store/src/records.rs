//! What is stored: users, roles, sessions, and the changes that can be made to them.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value as Json};
use time::OffsetDateTime;

/// A role and what it permits.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Role {
    /// The primary key.
    pub id: i64,
    /// The unique name.
    pub name: String,
    /// What the role is for.
    pub description: Option<String>,
    /// The permissions, in stored order; compare them as a set.
    pub permissions: Vec<String>,
    /// When the row was last changed.
    pub update_datetime: Option<OffsetDateTime>,
}

/// A user as one row, with its roles.
///
/// Columns that the database does not have are `None`. `Debug` shows no password, secret, code or uniquifier.
#[derive(Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct User {
    /// The primary key.
    pub id: i64,
    /// The normalised address.
    pub email: String,
    /// The normalised user name.
    pub username: Option<String>,
    /// The password's hash; `None` for a user without one.
    pub password: Option<String>,
    /// Whether the user may sign in at all.
    pub active: bool,
    /// What sessions are bound to; a new one ends them all.
    pub fs_uniquifier: String,
    /// What auth tokens are bound to, in databases that have the column.
    pub fs_token_uniquifier: Option<String>,
    /// When the address was confirmed.
    pub confirmed_at: Option<OffsetDateTime>,
    /// When the sign-in before the current one happened.
    pub last_login_at: Option<OffsetDateTime>,
    /// When the latest sign-in happened.
    pub current_login_at: Option<OffsetDateTime>,
    /// From where the sign-in before the current one came.
    pub last_login_ip: Option<String>,
    /// From where the latest sign-in came.
    pub current_login_ip: Option<String>,
    /// How often the user has signed in.
    pub login_count: Option<i64>,
    /// The chosen second factor.
    pub tf_primary_method: Option<String>,
    /// The second factor's key, as a TOTP wallet text.
    pub tf_totp_secret: Option<String>,
    /// The phone number for second factor codes.
    pub tf_phone_number: Option<String>,
    /// The keys of the unified sign-in's methods, as JSON text.
    pub us_totp_secrets: Option<String>,
    /// The phone number for unified sign-in, E.164.
    pub us_phone_number: Option<String>,
    /// What passkeys know the user by.
    pub fs_webauthn_user_handle: Option<String>,
    /// The unused recovery codes, as stored.
    pub mf_recovery_codes: Vec<String>,
    /// When the row was made.
    pub create_datetime: Option<OffsetDateTime>,
    /// When the row was last changed.
    pub update_datetime: Option<OffsetDateTime>,
    /// The roles, by id, each once.
    pub roles: Vec<Arc<Role>>,
    /// The application's own columns; binary ones are left out.
    pub extra: Map<String, Json>,
}

impl User {
    /// Whether the user has the role of this name.
    #[must_use]
    pub fn has_role(&self, name: &str) -> bool {
        self.roles.iter().any(|role| role.name == name)
    }

    /// Whether one of the user's roles has this permission.
    #[must_use]
    pub fn has_permission(&self, permission: &str) -> bool {
        self.roles.iter().any(|role| role.permissions.iter().any(|item| item == permission))
    }

    /// The value of a column that can name a user: an address, a user name, a phone number, the id, or a text or number
    /// of the application's own. Secrets are not reachable this way.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<String> {
        match name {
            "id" => Some(self.id.to_string()),
            "email" => Some(self.email.clone()),
            "username" => self.username.clone(),
            "us_phone_number" => self.us_phone_number.clone(),
            "tf_phone_number" => self.tf_phone_number.clone(),
            "fs_webauthn_user_handle" => self.fs_webauthn_user_handle.clone(),
            _ => match self.extra.get(name)? {
                Json::String(text) => Some(text.clone()),
                Json::Number(number) => Some(number.to_string()),
                _ => None,
            },
        }
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .field("email", &self.email)
            .field("username", &self.username)
            .field("has_password", &self.password.is_some())
            .field("active", &self.active)
            .field("confirmed_at", &self.confirmed_at)
            .field("login_count", &self.login_count)
            .field("tf_primary_method", &self.tf_primary_method)
            .field("create_datetime", &self.create_datetime)
            .field("update_datetime", &self.update_datetime)
            .field("roles", &self.roles.iter().map(|r| &r.name).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// A user to be created.
///
/// Randomness is the caller's: the uniquifiers and the handle are 32 hexadecimal digits each.
#[derive(Clone, Default)]
pub struct NewUser {
    /// The normalised address.
    pub email: String,
    /// A new random text.
    pub fs_uniquifier: String,
    /// A new random text; left out where the database has no such column.
    pub fs_token_uniquifier: Option<String>,
    /// A new random text; left out where the database has no such column.
    pub fs_webauthn_user_handle: Option<String>,
    /// The normalised user name.
    pub username: Option<String>,
    /// The password's hash.
    pub password: Option<String>,
    /// Whether the user may sign in.
    pub active: bool,
    /// When the address was confirmed.
    pub confirmed_at: Option<OffsetDateTime>,
    /// The phone number for unified sign-in.
    pub us_phone_number: Option<String>,
    /// Names of existing roles.
    pub roles: Vec<String>,
    /// Any further columns, the application's own among them.
    pub columns: UserPatch,
}

impl NewUser {
    /// An active user without password and roles.
    #[must_use]
    pub fn new(email: impl Into<String>, fs_uniquifier: impl Into<String>) -> Self {
        Self { email: email.into(), fs_uniquifier: fs_uniquifier.into(), active: true, ..Self::default() }
    }
}

impl fmt::Debug for NewUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewUser")
            .field("email", &self.email)
            .field("username", &self.username)
            .field("active", &self.active)
            .field("roles", &self.roles)
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}

/// A change of a user's columns: `None` leaves one alone, `Some(None)` clears it.
///
/// The same type says what columns have to hold for a conditional change
/// ([`Store::update_user_if`](crate::Store::update_user_if)).
#[derive(Clone, Default, PartialEq)]
pub struct UserPatch {
    /// The normalised address.
    pub email: Option<String>,
    /// The normalised user name.
    pub username: Option<Option<String>>,
    /// The password's hash.
    pub password: Option<Option<String>>,
    /// Whether the user may sign in.
    pub active: Option<bool>,
    /// What sessions are bound to.
    pub fs_uniquifier: Option<String>,
    /// What auth tokens are bound to.
    pub fs_token_uniquifier: Option<String>,
    /// When the address was confirmed.
    pub confirmed_at: Option<Option<OffsetDateTime>>,
    /// When the sign-in before the current one happened.
    pub last_login_at: Option<Option<OffsetDateTime>>,
    /// When the latest sign-in happened.
    pub current_login_at: Option<Option<OffsetDateTime>>,
    /// From where the sign-in before the current one came.
    pub last_login_ip: Option<Option<String>>,
    /// From where the latest sign-in came.
    pub current_login_ip: Option<Option<String>>,
    /// How often the user has signed in.
    pub login_count: Option<Option<i64>>,
    /// The chosen second factor.
    pub tf_primary_method: Option<Option<String>>,
    /// The second factor's key.
    pub tf_totp_secret: Option<Option<String>>,
    /// The phone number for second factor codes.
    pub tf_phone_number: Option<Option<String>>,
    /// The keys of the unified sign-in's methods.
    pub us_totp_secrets: Option<Option<String>>,
    /// The phone number for unified sign-in.
    pub us_phone_number: Option<Option<String>>,
    /// What passkeys know the user by.
    pub fs_webauthn_user_handle: Option<Option<String>>,
    /// The unused recovery codes.
    pub mf_recovery_codes: Option<Vec<String>>,
    /// The application's own columns: texts, numbers, booleans and null.
    pub extra: Map<String, Json>,
}

impl UserPatch {
    /// Whether nothing is to be changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Debug for UserPatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<String> = match self.assignments() {
            Ok(list) => list.into_iter().map(|(name, _)| name).collect(),
            Err(_) => Vec::new(),
        };
        f.debug_tuple("UserPatch").field(&columns).finish()
    }
}

/// A session that the registry knows.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionRecord {
    /// The session's id. Whoever has it and the signing key has the session: it is a secret.
    pub sid: String,
    /// Whose session it is.
    pub user_id: i64,
    /// When it began.
    pub created_at: OffsetDateTime,
    /// When it was last used.
    pub last_seen_at: OffsetDateTime,
    /// When no copy of its cookie can be valid any more.
    pub expires_at: OffsetDateTime,
    /// When it was ended, if it was.
    pub revoked_at: Option<OffsetDateTime>,
    /// From where it was begun.
    pub address: Option<String>,
    /// The browser that began it, as it called itself.
    pub user_agent: Option<String>,
    /// How the user signed in.
    pub via: String,
    /// Whether a remember cookie goes with it.
    pub remembered: bool,
}

impl SessionRecord {
    /// Whether the session may be used at this time.
    #[must_use]
    pub fn is_live(&self, now: OffsetDateTime) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

impl fmt::Debug for SessionRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionRecord")
            .field("user_id", &self.user_id)
            .field("created_at", &self.created_at)
            .field("last_seen_at", &self.last_seen_at)
            .field("expires_at", &self.expires_at)
            .field("revoked_at", &self.revoked_at)
            .field("address", &self.address)
            .field("via", &self.via)
            .field("remembered", &self.remembered)
            .finish_non_exhaustive()
    }
}

/// A session to be entered in the registry.
#[derive(Clone)]
pub struct NewSession {
    /// The session's id, random, at most 256 bytes.
    pub sid: String,
    /// Whose session it is.
    pub user_id: i64,
    /// When it began.
    pub created_at: OffsetDateTime,
    /// When no copy of its cookie can be valid any more.
    pub expires_at: OffsetDateTime,
    /// From where it was begun.
    pub address: Option<String>,
    /// The browser, as it calls itself; cut to 512 characters.
    pub user_agent: Option<String>,
    /// How the user signed in.
    pub via: String,
    /// Whether a remember cookie goes with it.
    pub remembered: bool,
}

impl fmt::Debug for NewSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSession")
            .field("user_id", &self.user_id)
            .field("created_at", &self.created_at)
            .field("expires_at", &self.expires_at)
            .field("via", &self.via)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_keeps_secrets() {
        let user = User {
            id: 1,
            email: "joe@lp.com".to_owned(),
            password: Some("HIDDEN".to_owned()),
            fs_uniquifier: "HIDDEN".to_owned(),
            fs_token_uniquifier: Some("HIDDEN".to_owned()),
            tf_totp_secret: Some("HIDDEN".to_owned()),
            us_totp_secrets: Some("HIDDEN".to_owned()),
            mf_recovery_codes: vec!["HIDDEN".to_owned()],
            ..User::default()
        };
        assert!(!format!("{user:?}").contains("HIDDEN"));
        let patch = UserPatch { password: Some(Some("HIDDEN".to_owned())), ..UserPatch::default() };
        assert_eq!(format!("{patch:?}"), "UserPatch([\"password\"])");
        let new =
            NewUser { password: Some("HIDDEN".to_owned()), columns: patch, ..NewUser::new("joe@lp.com", "HIDDEN") };
        assert!(!format!("{new:?}").contains("HIDDEN"));
    }

    #[test]
    fn a_user_has_what_the_roles_have() {
        let role = Role {
            id: 1,
            name: "editor".to_owned(),
            description: None,
            permissions: vec!["read".to_owned()],
            update_datetime: None,
        };
        let user = User { roles: vec![Arc::new(role)], ..User::default() };
        assert!(user.has_role("editor") && user.has_permission("read"));
        assert!(!user.has_role("Editor") && !user.has_permission("editor"));
    }
}
