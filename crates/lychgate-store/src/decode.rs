//! From rows to records.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Number, Value as Json};

use crate::credentials::Credential;
use crate::error::{ErrorKind, Result, StoreError};
use crate::records::{Role, SessionRecord, User};
use crate::schema::{ColumnKind, Field, Layout};
use crate::value::{Value, split_list};

/// The values of one row, in the order of the select list.
pub(crate) type Row = Vec<Value>;

/// Gathers rows of users joined with their roles; rows of one user need not be neighbours.
pub(crate) fn users(user: &Layout, role: &Layout, rows: Vec<Row>) -> Result<Vec<User>> {
    let mut list: Vec<User> = Vec::new();
    let mut places: HashMap<i64, usize> = HashMap::new();
    let mut roles: HashMap<i64, Arc<Role>> = HashMap::new();
    for row in rows {
        let mut values = row.into_iter();
        let mut one = User::default();
        for field in &user.fields {
            user_column(&mut one, field, next(&mut values)?)?;
        }
        let place = *places.entry(one.id).or_insert_with(|| {
            list.push(one);
            list.len() - 1
        });
        let Some(joined) = role_or_none(role, &mut values)? else {
            continue;
        };
        let joined = roles.entry(joined.id).or_insert_with(|| Arc::new(joined)).clone();
        // Links have no key in most schemas, so one may be there twice.
        if let Some(user) = list.get_mut(place)
            && !user.roles.iter().any(|known| known.id == joined.id)
        {
            user.roles.push(joined);
        }
    }
    for user in &mut list {
        user.roles.sort_by_key(|role| role.id);
    }
    Ok(list)
}

pub(crate) fn roles(role: &Layout, rows: Vec<Row>) -> Result<Vec<Role>> {
    rows.into_iter().filter_map(|row| role_or_none(role, &mut row.into_iter()).transpose()).collect()
}

/// The columns of `SESSION_COLUMNS`, in that order.
pub(crate) fn session(row: Row) -> Result<SessionRecord> {
    let mut values = row.into_iter();
    let mut text = || next(&mut values)?.text();
    let (sid, via, address, user_agent) = (text()?, text()?, text()?, text()?);
    let user_id = next(&mut values)?.int()?;
    let created_at = next(&mut values)?.time()?;
    let last_seen_at = next(&mut values)?.time()?;
    let expires_at = next(&mut values)?.time()?;
    let revoked_at = next(&mut values)?.time()?;
    let remembered = next(&mut values)?.bool()?;
    Ok(SessionRecord {
        sid: sid.ok_or_else(short)?,
        user_id: user_id.ok_or_else(short)?,
        created_at: created_at.ok_or_else(short)?,
        last_seen_at: last_seen_at.ok_or_else(short)?,
        expires_at: expires_at.ok_or_else(short)?,
        revoked_at,
        address,
        user_agent,
        via: via.unwrap_or_default(),
        remembered: remembered.unwrap_or_default(),
    })
}

/// The columns of `CREDENTIAL_COLUMNS`, in that order.
pub(crate) fn credential(row: Row) -> Result<Credential> {
    let mut values = row.into_iter();
    let mut next = || next(&mut values);
    Ok(Credential {
        credential_id: next()?.bytes()?.ok_or_else(short)?,
        public_key: next()?.bytes()?.ok_or_else(short)?,
        sign_count: next()?.int()?.unwrap_or_default(),
        transports: split_list(next()?.text()?.as_deref()),
        backup_state: next()?.bool()?.unwrap_or_default(),
        device_type: next()?.text()?.unwrap_or_default(),
        extensions: next()?.text()?,
        created_at: next()?.time()?.ok_or_else(short)?,
        last_used_at: next()?.time()?.ok_or_else(short)?,
        name: next()?.text()?.unwrap_or_default(),
        usage: next()?.text()?.unwrap_or_default(),
        user_id: next()?.int()?.ok_or_else(short)?,
    })
}

fn user_column(user: &mut User, field: &Field, value: Value) -> Result<()> {
    match field.name.as_str() {
        "id" => user.id = value.int()?.ok_or_else(short)?,
        "email" => user.email = value.text()?.unwrap_or_default(),
        "username" => user.username = value.text()?,
        "password" => user.password = value.text()?,
        "active" => user.active = value.bool()?.unwrap_or_default(),
        "fs_uniquifier" => user.fs_uniquifier = value.text()?.unwrap_or_default(),
        "fs_token_uniquifier" => user.fs_token_uniquifier = value.text()?,
        "confirmed_at" => user.confirmed_at = value.time()?,
        "last_login_at" => user.last_login_at = value.time()?,
        "current_login_at" => user.current_login_at = value.time()?,
        "last_login_ip" => user.last_login_ip = value.text()?,
        "current_login_ip" => user.current_login_ip = value.text()?,
        "login_count" => user.login_count = value.int()?,
        "tf_primary_method" => user.tf_primary_method = value.text()?,
        "tf_totp_secret" => user.tf_totp_secret = value.text()?,
        "tf_phone_number" => user.tf_phone_number = value.text()?,
        "us_totp_secrets" => user.us_totp_secrets = value.text()?,
        "us_phone_number" => user.us_phone_number = value.text()?,
        "fs_webauthn_user_handle" => user.fs_webauthn_user_handle = value.text()?,
        "mf_recovery_codes" => user.mf_recovery_codes = split_list(value.text()?.as_deref()),
        "create_datetime" => user.create_datetime = value.time()?,
        "update_datetime" => user.update_datetime = value.time()?,
        _ => {
            user.extra.insert(field.name.clone(), json(field.kind, value)?);
        }
    }
    Ok(())
}

/// Reads a role's columns; all of them are null where a user has none.
fn role_or_none(layout: &Layout, values: &mut impl Iterator<Item = Value>) -> Result<Option<Role>> {
    let mut id = None;
    let mut role =
        Role { id: 0, name: String::new(), description: None, permissions: Vec::new(), update_datetime: None };
    for field in &layout.fields {
        let value = next(values)?;
        match field.name.as_str() {
            "id" => id = value.int()?,
            "name" => role.name = value.text()?.unwrap_or_default(),
            "description" => role.description = value.text()?,
            "permissions" => role.permissions = split_list(value.text()?.as_deref()),
            "update_datetime" => role.update_datetime = value.time()?,
            _ => {}
        }
    }
    Ok(id.map(|id| Role { id, ..role }))
}

fn json(kind: ColumnKind, value: Value) -> Result<Json> {
    Ok(match (kind, value) {
        (_, Value::Null | Value::Blob(_)) => Json::Null,
        (ColumnKind::Bool, value @ (Value::Int(_) | Value::Bool(_))) => value.bool()?.map_or(Json::Null, Json::Bool),
        (_, Value::Int(number)) => Json::Number(number.into()),
        (_, Value::Bool(flag)) => Json::Bool(flag),
        (_, Value::Float(number)) => Number::from_f64(number).map_or(Json::Null, Json::Number),
        (_, value) => value.text()?.map_or(Json::Null, Json::String),
    })
}

fn next(values: &mut impl Iterator<Item = Value>) -> Result<Value> {
    values.next().ok_or_else(short)
}

fn short() -> StoreError {
    StoreError::with_source(ErrorKind::Other, "a row lacks a value that it must have")
}
