//! Everything that is kept of somebody, as a file for them. Secrets are left out: nobody needs them, and a file gets about.

use axum::response::IntoResponse as _;
use http::{HeaderValue, Method, header};
use lychgate_store::User;
use serde_json::{Map, Value, json};

use super::iso;
use crate::{
    failure::Failure,
    flow::activity::What,
    web::{answer::Reply, exchange::Exchange, routes::Call},
};

/// Parts of the names of an application's columns whose values are left out.
const SECRETIVE: [&str; 10] =
    ["password", "passwd", "secret", "token", "hash", "salt", "key", "code", "pin", "uniquifier"];

pub(super) async fn get(call: Call) -> Result<Reply, Failure> {
    let who = call.admit(&call.config().api_mechanisms, None).await?;
    if !call.is_fresh(&who, call.freshness()) {
        return Err(Failure::NotFresh);
    }
    let everything = everything(&call, &who.user).await?;
    if call.method == Method::GET {
        let mut batch = call.gate.store().batch();
        call.note(&mut batch, who.user.id, What::DataExported, None);
        call.gate.store().commit(batch).await?;
    }
    let name = format!("attachment; filename=\"account-{}.json\"", crate::flow::deletion::day(call.now.datetime()));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CONTENT_DISPOSITION, HeaderValue::try_from(name).map_err(Failure::internal)?),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-store")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    let body = serde_json::to_string_pretty(&everything).map_err(Failure::internal)?;
    Ok(Reply::Other((headers, body).into_response()))
}

async fn everything(call: &Exchange, user: &User) -> Result<Value, Failure> {
    let store = call.gate.store();
    let state = store.account_state(user.id).await?;
    let sessions = store.sessions_of(user.id).await?;
    let activity = store.activity_of(user.id, 1000).await?;
    let passkeys = store.credentials_of(user.id).await?;
    let api_keys = store.api_keys(Some(user.id)).await?;
    let mut mails = store.outbox_of(&user.email).await?;
    for number in [&user.us_phone_number, &user.tf_phone_number].into_iter().flatten() {
        mails.extend(store.outbox_of(number).await?);
    }
    Ok(json!({
        "application": call.gate.settings().text("app_name"),
        "made_at": iso(call.now.datetime()),
        "account": account(user),
        "deletion_due_at": state.and_then(|state| state.deletion_due_at).map(iso),
        "passkeys": passkeys.iter().map(|passkey| json!({
            "name": passkey.name,
            "created_at": iso(passkey.created_at),
            "last_used_at": iso(passkey.last_used_at),
            "device_type": passkey.device_type,
            "usage": passkey.usage,
            "transports": passkey.transports,
            "backed_up": passkey.backup_state,
        })).collect::<Vec<_>>(),
        "api_keys": api_keys.iter().map(|key| json!({
            "name": key.name,
            "scopes": key.scopes,
            "created_at": iso(key.created_at),
            "expires_at": key.expires_at.map(iso),
            "last_used_at": key.last_used_at.map(iso),
            "last_used_from": key.last_used_from,
            "revoked_at": key.revoked_at.map(iso),
        })).collect::<Vec<_>>(),
        "sessions": sessions.iter().map(|session| json!({
            "signed_in_at": iso(session.created_at),
            "last_seen_at": iso(session.last_seen_at),
            "expires_at": iso(session.expires_at),
            "ended_at": session.revoked_at.map(iso),
            "address": session.address,
            "browser": session.user_agent,
            "via": session.via,
            "remembered": session.remembered,
        })).collect::<Vec<_>>(),
        "activity": activity.iter().map(|noted| json!({
            "at": iso(noted.at),
            "kind": noted.kind,
            "detail": noted.detail,
            "address": noted.address,
            "browser": noted.user_agent,
        })).collect::<Vec<_>>(),
        "messages": mails.iter().map(|mail| json!({
            "kind": mail.kind,
            "to": mail.recipient,
            "written_at": iso(mail.created_at),
            "sent_at": mail.sent_at.map(iso),
        })).collect::<Vec<_>>(),
    }))
}

fn account(user: &User) -> Value {
    let is_plain = |name: &str| {
        let name = name.to_lowercase();
        !SECRETIVE.iter().any(|part| name.contains(part))
    };
    let own: Map<String, Value> = user
        .extra
        .iter()
        .filter(|(name, _)| is_plain(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    json!({
        "id": user.id,
        "email": user.email,
        "username": user.username,
        "active": user.active,
        "roles": user.roles.iter().map(|role| role.name.as_str()).collect::<Vec<_>>(),
        "created_at": user.create_datetime.map(iso),
        "changed_at": user.update_datetime.map(iso),
        "confirmed_at": user.confirmed_at.map(iso),
        "last_login_at": user.last_login_at.map(iso),
        "current_login_at": user.current_login_at.map(iso),
        "last_login_ip": user.last_login_ip,
        "current_login_ip": user.current_login_ip,
        "login_count": user.login_count,
        "has_password": user.password.as_deref().is_some_and(|hash| !hash.is_empty()),
        "second_factor": user.tf_primary_method,
        "phone_number_of_second_factor": user.tf_phone_number,
        "phone_number_of_sign_in": user.us_phone_number,
        "recovery_codes_left": user.mf_recovery_codes.len(),
        "more": own,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_left_out() {
        let mut user = User::default();
        for name in ["nickname", "API_Token", "password_hint", "pgp_key"] {
            user.extra.insert(name.to_owned(), "HIDDEN unless plain".into());
        }
        user.password = Some("HIDDEN".to_owned());
        user.fs_uniquifier = "HIDDEN".to_owned();
        user.fs_token_uniquifier = Some("HIDDEN".to_owned());
        user.tf_totp_secret = Some("HIDDEN".to_owned());
        user.us_totp_secrets = Some("HIDDEN".to_owned());
        user.mf_recovery_codes = vec!["HIDDEN".to_owned()];
        let view = account(&user);
        assert_eq!(view["more"], json!({"nickname": "HIDDEN unless plain"}));
        assert_eq!(view.to_string().matches("HIDDEN").count(), 1);
    }
}
