//! Families of refresh tokens.

use time::Duration;

use super::{new_user, session, start};
use crate::error::ErrorKind;
use crate::refresh::RefreshFamily;
use crate::store::Store;

fn new(family: &str, user_id: i64, sid: Option<&str>) -> RefreshFamily {
    RefreshFamily {
        family: family.to_owned(),
        user_id,
        generation: 1,
        name: "default".to_owned(),
        created_at: start(),
        last_used_at: start(),
        expires_at: start() + Duration::days(90),
        revoked_at: None,
        sid: sid.map(str::to_owned),
    }
}

async fn open(store: &Store, new: &RefreshFamily) {
    let mut batch = store.batch();
    batch.open_refresh_family(new);
    store.commit(batch).await.unwrap();
}

/// Whether the token of this generation could be used up after so many days.
async fn rotate(store: &Store, family: &str, generation: i64, days: i64) -> bool {
    let now = start() + Duration::days(days);
    let mut batch = store.batch();
    batch.rotate_refresh_family(family, generation, now - Duration::days(7), now);
    match store.commit(batch).await {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.kind(), &ErrorKind::Unmet(0));
            false
        }
    }
}

async fn is_over(store: &Store, family: &str) -> bool {
    store.refresh_family(family).await.unwrap().unwrap().revoked_at.is_some()
}

pub(super) async fn run(store: &Store) {
    let id = store.create_user(new_user("refresher"), start()).await.unwrap().id;
    rotation(store, id).await;
    ends(store, id).await;
    forgotten(store, id).await;
    assert!(store.delete_user(id).await.unwrap());
    assert!(store.refresh_families_of(id).await.unwrap().is_empty());
}

async fn rotation(store: &Store, id: i64) {
    let first = new("first", id, None);
    open(store, &first).await;
    assert_eq!(store.refresh_family("first").await.unwrap(), Some(first.clone()));
    assert_eq!(store.refresh_family("other").await.unwrap(), None);
    // Of many who use one token at once, one does.
    let mut tasks = Vec::new();
    for _ in 0..20 {
        let store = store.clone();
        tasks.push(tokio::spawn(async move { rotate(&store, "first", 1, 1).await }));
    }
    let mut used = 0;
    for task in tasks {
        used += usize::from(task.await.unwrap());
    }
    assert_eq!(used, 1);
    let after = store.refresh_family("first").await.unwrap().unwrap();
    let expected = RefreshFamily { generation: 2, last_used_at: start() + Duration::days(1), ..first };
    assert_eq!(after, RefreshFamily { created_at: after.created_at, ..expected });
    for wrong in [0, 1, 3, -1, i64::MAX, i64::MIN] {
        assert!(!rotate(store, "first", wrong, 1).await, "{wrong}");
    }
    assert!(!rotate(store, "other", 1, 1).await);
    assert!(rotate(store, "first", 2, 8).await, "at the last moment before it has been idle for too long");
    assert!(!rotate(store, "first", 3, 16).await, "idle for too long");
    assert!(rotate(store, "first", 3, 15).await);
    for (generation, day) in (4..).zip([22, 29, 36, 43, 50, 57, 64, 71, 78, 85, 90]) {
        assert!(rotate(store, "first", generation, day).await, "{day}");
    }
    assert!(!rotate(store, "first", 15, 91).await, "expired");
}

async fn ends(store: &Store, id: i64) {
    for sid in ["one", "two", "three"] {
        let sid = format!("refresh {sid}");
        assert!(store.open_session(session(&sid, id)).await.unwrap());
        open(store, &new(&sid, id, Some(&sid))).await;
    }
    open(store, &new("alone", id, None)).await;
    let mut batch = store.batch();
    batch.end_refresh_family("alone", start());
    store.commit(batch.clone()).await.unwrap();
    assert_eq!(store.commit(batch).await.unwrap_err().kind(), &ErrorKind::Unmet(0), "once");
    assert!(is_over(store, "alone").await && !rotate(store, "alone", 1, 0).await);
    // With its session, however that ends.
    assert!(store.revoke_session("refresh one", start()).await.unwrap());
    assert!(is_over(store, "refresh one").await && !is_over(store, "refresh two").await);
    assert_eq!(store.revoke_sessions_of(id, Some("refresh three"), start()).await.unwrap(), 1);
    assert!(is_over(store, "refresh two").await && is_over(store, "first").await);
    assert!(!is_over(store, "refresh three").await && rotate(store, "refresh three", 1, 0).await);
    let mut batch = store.batch();
    batch.end_session("refresh three", id, start());
    store.commit(batch).await.unwrap();
    assert!(is_over(store, "refresh three").await);
}

async fn forgotten(store: &Store, id: i64) {
    open(store, &new("idle", id, None)).await;
    open(store, &RefreshFamily { last_used_at: start() + Duration::days(9), ..new("good", id, None) }).await;
    let names = async || {
        let all = store.refresh_families_of(id).await.unwrap();
        let mut names: Vec<String> = all.into_iter().map(|family| family.family).collect();
        names.sort();
        names
    };
    let clean = async |expired, ended| {
        let mut batch = store.batch();
        batch.clean_refresh_families(id, expired, start() + Duration::days(3), ended);
        store.commit(batch).await.unwrap();
    };
    let now = start() + Duration::days(10);
    clean(None, false).await;
    assert_eq!(names().await.len(), 7);
    clean(Some(now), false).await;
    assert_eq!(names().await, ["first", "good"], "those that nobody used lately are gone");
    clean(Some(now), true).await;
    assert_eq!(names().await, ["good"]);
}
