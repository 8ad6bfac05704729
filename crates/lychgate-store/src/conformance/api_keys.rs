//! API keys.

use time::Duration;

use super::{new_user, start, strings};
use crate::api_keys::ApiKey;
use crate::error::ErrorKind;
use crate::store::Store;

fn new(id: &str, user_id: i64) -> ApiKey {
    ApiKey {
        id: id.to_owned(),
        user_id,
        anchor: "anchor".to_owned(),
        name: format!("name of {id}"),
        digest: format!("digest of {id}"),
        hint: "lgk_ab…yz".to_owned(),
        scopes: strings(&["read", "write"]),
        created_at: start(),
        expires_at: Some(start() + Duration::days(30)),
        last_used_at: None,
        last_used_from: None,
        revoked_at: None,
    }
}

async fn add(store: &Store, new: &ApiKey) {
    let mut batch = store.batch();
    batch.add_api_key(new);
    store.commit(batch).await.unwrap();
}

async fn revoke(store: &Store, id: &str, user_id: i64) -> bool {
    let mut batch = store.batch();
    batch.revoke_api_key(id, user_id, start());
    match store.commit(batch).await {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.kind(), &ErrorKind::Unmet(0));
            false
        }
    }
}

async fn is_live(store: &Store, id: &str) -> bool {
    let key = store.api_key_by_digest(&format!("digest of {id}")).await.unwrap();
    key.is_some_and(|key| key.is_live(start()))
}

pub(super) async fn run(store: &Store) {
    let owner = store.create_user(new_user("keyholder"), start()).await.unwrap().id;
    let other = store.create_user(new_user("other keyholder"), start()).await.unwrap().id;
    let first = new("first", owner);
    add(store, &first).await;
    for _ in 0..2 {
        assert_eq!(store.api_key_by_digest("digest of first").await.unwrap().as_deref(), Some(&first));
    }
    assert_eq!(store.api_key("first").await.unwrap(), Some(first.clone()));
    assert_eq!(store.api_key_by_digest("digest of nothing").await.unwrap(), None);
    let mut batch = store.batch();
    batch.add_api_key(&ApiKey { id: "copy".to_owned(), ..first.clone() });
    assert!(store.commit(batch).await.is_err(), "a digest belongs to one key");
    uses(store).await;
    // By its owner alone, and once.
    assert!(!revoke(store, "first", other).await && is_live(store, "first").await);
    assert!(revoke(store, "first", owner).await && !is_live(store, "first").await);
    assert!(!revoke(store, "first", owner).await && !revoke(store, "nothing", owner).await);
    let eternal = ApiKey { expires_at: None, scopes: Vec::new(), ..new("eternal", owner) };
    add(store, &eternal).await;
    add(store, &new("theirs", other)).await;
    assert!(store.api_key("eternal").await.unwrap().unwrap().is_live(start() + Duration::days(10_000)));
    assert!(!store.api_key("theirs").await.unwrap().unwrap().is_live(start() + Duration::days(30)));
    assert_eq!(store.api_keys(Some(owner)).await.unwrap().len(), 2);
    assert_eq!(store.api_keys(None).await.unwrap().len(), 3);
    let mut batch = store.batch();
    batch.revoke_api_keys_of(owner, start());
    store.commit(batch).await.unwrap();
    assert!(!is_live(store, "eternal").await && is_live(store, "theirs").await);
    assert!(store.reset_user_access(other, "uniq-k2", "token-k2", start()).await.unwrap());
    assert!(!is_live(store, "theirs").await);
    assert!(store.delete_user(owner).await.unwrap() && store.delete_user(other).await.unwrap());
    assert_eq!(store.api_key_by_digest("digest of first").await.unwrap(), None);
    assert!(store.api_keys(None).await.unwrap().is_empty());
}

/// A use is noted once in a while, and then seen at once.
async fn uses(store: &Store) {
    let minute = Duration::minutes(1);
    let touch = async |seconds: i64| {
        let now = start() + Duration::seconds(seconds);
        store.touch_api_key("first", Some("203.0.113.9"), minute, now).await.unwrap()
    };
    assert!(touch(1).await && !touch(2).await && !touch(60).await && touch(61).await);
    let key = store.api_key_by_digest("digest of first").await.unwrap().unwrap();
    assert_eq!(key.last_used_at, Some(start() + Duration::seconds(61)));
    assert_eq!(key.last_used_from.as_deref(), Some("203.0.113.9"));
}
