//! Changes of users as columns and values.

use serde_json::Value as Json;

use crate::error::{Result, StoreError};
use crate::records::{NewUser, UserPatch};
use crate::schema::Layout;
use crate::value::{Value, join_list};

/// Columns with a field of their own, which therefore cannot come as extra ones.
const TYPED: [&str; 23] = [
    "id",
    "email",
    "username",
    "password",
    "active",
    "fs_uniquifier",
    "fs_token_uniquifier",
    "confirmed_at",
    "last_login_at",
    "current_login_at",
    "last_login_ip",
    "current_login_ip",
    "login_count",
    "tf_primary_method",
    "tf_totp_secret",
    "tf_phone_number",
    "us_totp_secrets",
    "us_phone_number",
    "fs_webauthn_user_handle",
    "mf_recovery_codes",
    "create_datetime",
    "update_datetime",
    "roles",
];

impl UserPatch {
    /// The columns that the patch names, with their values.
    pub(crate) fn assignments(&self) -> Result<Vec<(String, Value)>> {
        let mut list: Vec<(String, Value)> = Vec::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                list.push((name.to_owned(), value));
            }
        };
        put("email", self.email.clone().map(Into::into));
        put("username", self.username.clone().map(Into::into));
        put("password", self.password.clone().map(Into::into));
        put("active", self.active.map(Into::into));
        put("fs_uniquifier", self.fs_uniquifier.clone().map(Into::into));
        put("fs_token_uniquifier", self.fs_token_uniquifier.clone().map(Into::into));
        put("confirmed_at", self.confirmed_at.map(Into::into));
        put("last_login_at", self.last_login_at.map(Into::into));
        put("current_login_at", self.current_login_at.map(Into::into));
        put("last_login_ip", self.last_login_ip.clone().map(Into::into));
        put("current_login_ip", self.current_login_ip.clone().map(Into::into));
        put("login_count", self.login_count.map(Into::into));
        put("tf_primary_method", self.tf_primary_method.clone().map(Into::into));
        put("tf_totp_secret", self.tf_totp_secret.clone().map(Into::into));
        put("tf_phone_number", self.tf_phone_number.clone().map(Into::into));
        put("us_totp_secrets", self.us_totp_secrets.clone().map(Into::into));
        put("us_phone_number", self.us_phone_number.clone().map(Into::into));
        put("fs_webauthn_user_handle", self.fs_webauthn_user_handle.clone().map(Into::into));
        let codes = self.mf_recovery_codes.as_deref().map(join_list);
        put("mf_recovery_codes", codes.transpose()?.map(Into::into));
        for (name, value) in &self.extra {
            if TYPED.contains(&name.as_str()) {
                return Err(StoreError::invalid(format!("the column \"{name}\" is not one of the application's own")));
            }
            put(name, Some(from_json(name, value)?));
        }
        Ok(list)
    }
}

impl NewUser {
    /// The columns of the new row.
    pub(crate) fn assignments(&self, user: &Layout) -> Result<Vec<(String, Value)>> {
        let mut list: Vec<(String, Value)> = vec![
            ("email".to_owned(), self.email.as_str().into()),
            ("password".to_owned(), self.password.clone().into()),
            ("active".to_owned(), self.active.into()),
            ("fs_uniquifier".to_owned(), self.fs_uniquifier.as_str().into()),
        ];
        // Random texts for features that the database may not have.
        for (name, value) in [
            ("fs_token_uniquifier", &self.fs_token_uniquifier),
            ("fs_webauthn_user_handle", &self.fs_webauthn_user_handle),
        ] {
            if let Some(value) = value
                && user.has(name)
            {
                list.push((name.to_owned(), value.as_str().into()));
            }
        }
        let rest = UserPatch {
            username: self.username.clone().map(Some),
            confirmed_at: self.confirmed_at.map(Some),
            us_phone_number: self.us_phone_number.clone().map(Some),
            ..UserPatch::default()
        };
        for (name, value) in rest.assignments()?.into_iter().chain(self.columns.assignments()?) {
            match list.iter_mut().find(|(known, _)| *known == name) {
                Some((_, slot)) => *slot = value,
                None => list.push((name, value)),
            }
        }
        Ok(list)
    }
}

fn from_json(name: &str, value: &Json) -> Result<Value> {
    match value {
        Json::Null => Ok(Value::Null),
        Json::Bool(flag) => Ok(Value::Bool(*flag)),
        Json::String(text) => Ok(Value::Text(text.clone())),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Ok(Value::Int(number)),
            (None, Some(number)) => Ok(Value::Float(number)),
            (None, None) => Err(StoreError::invalid(format!("the number for \"{name}\" is too large"))),
        },
        Json::Array(_) | Json::Object(_) => {
            Err(StoreError::invalid(format!("the column \"{name}\" cannot hold a list or an object")))
        }
    }
}

/// Refuses columns that the database does not have.
pub(crate) fn check_columns(user: &Layout, list: &[(String, Value)]) -> Result<()> {
    for (name, value) in list {
        if !user.has(name) {
            return Err(StoreError::invalid(format!("the table \"{}\" has no column \"{name}\"", user.name)));
        }
        value.check()?;
    }
    Ok(())
}
