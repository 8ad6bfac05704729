//! Access taken back, accounts deleted.

use time::Duration;

use super::{new_user, read, session, start, strings};
use crate::backend::Reach;
use crate::batch::Expect;
use crate::records::UserPatch;
use crate::sql::Statement;
use crate::store::Store;
use crate::value::Value;

/// Writes a passkey and a refresh tracker, where there are tables for them.
async fn attach(store: &Store, id: i64) {
    let schema = store.schema();
    if let Some(passkeys) = &schema.webauthn {
        let insert = Statement::new(
            format!(
                "INSERT INTO {} (credential_id, public_key, backup_state, device_type, lastuse_datetime, name, usage, user_id) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                passkeys.quoted
            ),
            vec![
                Value::Blob(id.to_be_bytes().to_vec()),
                Value::Blob(vec![1]),
                false.into(),
                "single_device".into(),
                start().into(),
                "key".into(),
                "first".into(),
                id.into(),
            ],
        );
        assert_eq!(store.commit_one(|b| b.simple(insert, Expect::One)).await.unwrap(), 1);
    }
    if let Some(trackers) = &schema.refresh {
        let insert = Statement::new(
            format!(
                "INSERT INTO {} (refresh_family, gen, expires_at, last_used_at, name, user_id) VALUES ($1, $2, $3, $3, $4, $5)",
                trackers.quoted
            ),
            vec![format!("family {id}").into(), 1.into(), start().into(), "default".into(), id.into()],
        );
        assert_eq!(store.commit_one(|b| b.simple(insert, Expect::One)).await.unwrap(), 1);
    }
}

/// How many passkeys and live trackers a user has.
async fn attached(store: &Store, id: i64) -> (usize, usize) {
    let schema = store.schema();
    let mut counts = [0, 0];
    let tables = [(&schema.webauthn, ""), (&schema.refresh, " AND revoked_at IS NULL")];
    for (count, (table, more)) in counts.iter_mut().zip(tables) {
        if let Some(table) = table {
            let sql = format!("SELECT id FROM {} WHERE user_id = CAST($1 AS BIGINT){more}", table.quoted);
            let rows = store.query(sql, vec![id.into()], Reach::Key).await;
            *count = rows.unwrap().len();
        }
    }
    (counts[0], counts[1])
}

pub(super) async fn resets(store: &Store) {
    let id = store.create_user(new_user("reset"), start()).await.unwrap().id;
    let patch = UserPatch {
        tf_primary_method: Some(Some("sms".to_owned())),
        tf_totp_secret: Some(Some("secret".to_owned())),
        tf_phone_number: Some(Some("+15551234567".to_owned())),
        ..UserPatch::default()
    };
    assert!(store.update_user(id, patch, start()).await.unwrap());
    attach(store, id).await;
    assert!(store.open_session(session("sr", id)).await.unwrap());
    let later = start() + Duration::SECOND;
    assert!(store.reset_user_access(id, "uniq-r2", "token-r2", later).await.unwrap());
    let user = read(store, id).await;
    assert_eq!(user.fs_uniquifier, "uniq-r2");
    assert_eq!(user.password.as_deref(), Some("hash of reset"));
    assert_eq!((&user.tf_primary_method, &user.tf_totp_secret), (&None, &None));
    assert_eq!(user.tf_phone_number, None);
    assert_eq!(attached(store, id).await, (0, 0));
    assert!(!store.session("sr").await.unwrap().unwrap().is_live(later));
    assert!(!store.reset_user_access(id + 1000, "u", "t", later).await.unwrap());
    assert!(store.delete_user(id).await.unwrap());
}

pub(super) async fn refresh_tokens_end(store: &Store) {
    let id = store.create_user(new_user("refreshing"), start()).await.unwrap().id;
    attach(store, id).await;
    let passkeys = attached(store, id).await.0;
    let mut batch = store.batch();
    batch.revoke_refresh_trackers_of(id, start());
    store.commit(batch).await.unwrap();
    assert_eq!(attached(store, id).await, (passkeys, 0));
    assert!(store.delete_user(id).await.unwrap());
}

pub(super) async fn deletions(store: &Store) {
    let mut new = new_user("gone");
    new.roles = strings(&["editor"]);
    let id = store.create_user(new, start()).await.unwrap().id;
    attach(store, id).await;
    assert!(store.open_session(session("sg", id)).await.unwrap());
    assert!(store.delete_user(id).await.unwrap());
    assert!(!store.delete_user(id).await.unwrap());
    assert_eq!(attached(store, id).await, (0, 0));
    assert!(store.session("sg").await.unwrap().is_none());
    assert!(store.user_by_uniquifier("uniq-gone").await.unwrap().is_none());
}
