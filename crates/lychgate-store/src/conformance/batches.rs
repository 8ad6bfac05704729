//! What happens once, and what happens together.

use time::Duration;

use super::{new_user, read, session, start, strings};
use crate::error::ErrorKind;
use crate::records::UserPatch;
use crate::store::Store;

pub(super) async fn redemptions(store: &Store) {
    let (now, end) = (start(), start() + Duration::hours(1));
    assert!(store.redeem_once("reset", "k", end, now).await.unwrap());
    assert!(!store.redeem_once("reset", "k", end, now).await.unwrap());
    assert!(!store.is_redeemed("confirm", "k").await.unwrap());
    assert_eq!(store.redeemed_at("reset", "k").await.unwrap(), Some(now));
    assert_eq!(store.redeemed_at("confirm", "k").await.unwrap(), None);
    assert!(store.redeem_once("confirm", "k", end, now).await.unwrap());
    assert!(store.is_redeemed("confirm", "k").await.unwrap() && store.is_redeemed("reset", "k").await.unwrap());
    assert!(!store.is_redeemed("confirm", "j").await.unwrap() && !store.is_redeemed("", "").await.unwrap());
    assert_eq!(store.purge_redemptions(now).await.unwrap(), 0);
    assert!(!store.redeem_once("reset", "k", end, now).await.unwrap());
    let after = end + Duration::SECOND;
    assert_eq!(store.purge_redemptions(after).await.unwrap(), 2);
    let wrong = store.redeem_once("", "k", end, now).await.unwrap_err();
    assert!(matches!(wrong.kind(), ErrorKind::Invalid(_)));
}

pub(super) async fn meta(store: &Store) {
    assert_eq!(store.meta_get("k").await.unwrap(), None);
    store.meta_set("k", "1").await.unwrap();
    store.meta_set("k", "2").await.unwrap();
    assert_eq!(store.meta_get("k").await.unwrap().as_deref(), Some("2"));
    assert!(!store.meta_take("k", "1").await.unwrap());
    assert!(store.meta_take("k", "2").await.unwrap());
    assert!(!store.meta_take("k", "2").await.unwrap());
    assert_eq!(store.meta_get("k").await.unwrap(), None);
    for (key, value) in [("old/a", "100"), ("old/b", "200"), ("older", "100")] {
        store.meta_set(key, value).await.unwrap();
    }
    assert_eq!(store.meta_purge("old/", "150").await.unwrap(), 1);
    assert_eq!(store.meta_get("old/a").await.unwrap(), None);
    assert!(store.meta_get("old/b").await.unwrap().is_some() && store.meta_get("older").await.unwrap().is_some());
    assert!(store.meta_set("schema_version", "0").await.is_err());
    assert!(store.meta_take("schema_version", "1").await.is_err());
}

pub(super) async fn batches(store: &Store) {
    let (now, end) = (start(), start() + Duration::hours(1));
    let mut new = new_user("batch");
    new.roles = strings(&["editor"]);
    let mut batch = store.batch();
    let _ = batch
        .redeem_once("invite", "i1", end, now)
        .create_user(&new, now)
        .open_session_of("uniq-batch", &session("sb", 0))
        .meta_set("last", "batch");
    assert_eq!(batch.len(), 4);
    let outcome = store.commit(batch).await.unwrap();
    let id = outcome.id(1).unwrap();
    assert_eq!((outcome.changed(0), outcome.changed(1), outcome.changed(2)), (1, 1, 1));
    assert!(read(store, id).await.has_role("editor"));
    assert_eq!(store.session("sb").await.unwrap().unwrap().user_id, id);

    // The second step fails, so the first one is not there either.
    let mut batch = store.batch();
    let _ = batch
        .update_user(id, &UserPatch { active: Some(false), ..UserPatch::default() }, now)
        .redeem_once("invite", "i1", end, now);
    let unmet = store.commit(batch).await.unwrap_err();
    assert_eq!(*unmet.kind(), ErrorKind::Unmet(1));
    assert!(read(store, id).await.active);

    let mut batch = store.batch();
    let _ = batch.redeem_once("invite", "i2", end, now).create_user(&new, now);
    assert!(store.commit(batch).await.unwrap_err().conflict().is_some());
    assert!(store.redeem_once("invite", "i2", end, now).await.unwrap());

    let mut batch = store.batch();
    let _ = batch
        .revoke_session("sb", now)
        .meta_take("last", "batch")
        .add_role(id, "admin")
        .remove_role(id, "editor")
        .revoke_sessions_of(id, None, now);
    let outcome = store.commit(batch).await.unwrap();
    let changed: Vec<u64> = (0..5).map(|step| outcome.changed(step)).collect();
    assert_eq!(changed, [1, 1, 1, 1, 0]);

    let mut broken = store.batch();
    let _ = broken.meta_set("kept", "no").meta_set("", "x");
    let broken = store.commit(broken).await.unwrap_err();
    assert!(matches!(broken.kind(), ErrorKind::Invalid(_)));
    assert_eq!(store.meta_get("kept").await.unwrap(), None);
    store.commit(store.batch()).await.unwrap();
    assert!(store.delete_user(id).await.unwrap());
}
