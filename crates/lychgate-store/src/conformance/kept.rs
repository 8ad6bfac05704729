//! Records answered from memory, and many writers at once.

use time::Duration;

use super::{new_user, session, start, strings};
use crate::records::UserPatch;
use crate::store::Store;

/// What is answered from memory is never older than the last write that was acknowledged.
pub(super) async fn kept_records(store: &Store) {
    let id = store.create_user(new_user("kept"), start()).await.unwrap().id;
    assert!(store.open_session(session("sk", id)).await.unwrap());
    for round in 0..20 {
        let method = Some(format!("round {round}"));
        let patch = UserPatch { tf_primary_method: Some(method.clone()), ..UserPatch::default() };
        assert!(store.update_user(id, patch, start()).await.unwrap());
        for _ in 0..3 {
            let user = store.user_by_uniquifier("uniq-kept").await.unwrap().unwrap();
            assert_eq!(user.tf_primary_method, method);
        }
        let seen = start() + Duration::seconds(round + 1);
        assert!(store.touch_session("sk", seen, seen).await.unwrap());
        for _ in 0..3 {
            let session = store.session("sk").await.unwrap().unwrap();
            assert_eq!(session.last_seen_at, seen);
        }
    }
    assert!(store.add_role(id, "editor").await.unwrap());
    let user = store.user_by_uniquifier("uniq-kept").await.unwrap().unwrap();
    assert!(user.has_role("editor") && !user.has_permission("read"));
    let read = strings(&["read"]);
    assert!(store.set_role_permissions("editor", &read, start()).await.unwrap());
    let user = store.user_by_uniquifier("uniq-kept").await.unwrap().unwrap();
    assert!(user.has_permission("read"));
    let roles = store.roles().await.unwrap();
    assert!(roles.iter().any(|role| role.permissions == read));
    assert!(store.revoke_session("sk", start()).await.unwrap());
    let session = store.session("sk").await.unwrap().unwrap();
    assert!(!session.is_live(start()));
    assert!(store.delete_user(id).await.unwrap());
    assert!(store.user_by_uniquifier("uniq-kept").await.unwrap().is_none());
}

pub(super) async fn races(store: &Store) {
    let mut tasks = Vec::new();
    for _ in 0..50 {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            let end = start() + Duration::hours(1);
            store.redeem_once("race", "same", end, start()).await
        }));
    }
    let mut winners = 0;
    for task in tasks {
        winners += usize::from(task.await.unwrap().unwrap());
    }
    assert_eq!(winners, 1);

    let mut tasks = Vec::new();
    for number in 0..20 {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            let mut new = new_user(&format!("race{number}"));
            new.email = "race@lp.com".to_owned();
            store.create_user(new, start()).await
        }));
    }
    let mut created = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            Ok(user) => created.push(user.id),
            Err(error) => assert_eq!(error.conflict(), Some("email"), "{error}"),
        }
    }
    assert_eq!(created.len(), 1);
    assert!(store.delete_user(created[0]).await.unwrap());
}
