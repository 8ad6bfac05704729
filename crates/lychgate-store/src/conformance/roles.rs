//! Roles and their permissions.

use time::Duration;

use super::{new_user, start, strings};
use crate::account_state::AccountMark;
use crate::error::ErrorKind;
use crate::records::{NewUser, UserPatch};
use crate::store::Store;

pub(super) async fn roles(store: &Store) {
    assert!(store.roles().await.unwrap().is_empty());
    let editor = store.create_role("editor", Some("edits"), None, start()).await.unwrap();
    assert_eq!((editor.name.as_str(), editor.permissions.len()), ("editor", 0));
    assert_eq!(editor.description.as_deref(), Some("edits"));
    assert_eq!(editor.update_datetime, Some(start()));
    store.create_role("admin", None, None, start()).await.unwrap();
    let names: Vec<String> = store.roles().await.unwrap().iter().map(|role| role.name.clone()).collect();
    assert_eq!(names, ["admin", "editor"]);
    let again = store.create_role("editor", None, None, start()).await;
    assert_eq!(again.unwrap_err().conflict(), Some("name"));
    assert!(store.role_by_name("Editor").await.unwrap().is_none());
    let unnamed = store.create_role("", None, None, start()).await;
    assert!(matches!(unnamed.unwrap_err().kind(), ErrorKind::Invalid(_)));
}

pub(super) async fn permissions(store: &Store) {
    let later = start() + Duration::hours(1);
    let list = strings(&["p1", "p 2"]);
    store.create_role("keeper", None, Some(&list), start()).await.unwrap();
    let of = async || {
        let role = store.role_by_name("keeper").await.unwrap().unwrap();
        assert!(role.update_datetime.is_some());
        let mut list = role.permissions.clone();
        list.sort();
        list
    };
    assert_eq!(of().await, ["p 2", "p1"]);
    let more = strings(&["p3", "p1"]);
    assert!(store.add_permissions("keeper", &more, later).await.unwrap());
    assert_eq!(of().await, ["p 2", "p1", "p3"]);
    let less = strings(&["p 2", "unknown"]);
    assert!(store.remove_permissions("keeper", &less, later).await.unwrap());
    assert_eq!(of().await, ["p1", "p3"]);
    assert!(store.set_role_permissions("keeper", &[], later).await.unwrap());
    assert_eq!(of().await, Vec::<String>::new());
    assert!(!store.add_permissions("nobody", &more, later).await.unwrap());
    let comma = strings(&["a,b"]);
    let refused = store.add_permissions("keeper", &comma, later).await;
    assert!(matches!(refused.unwrap_err().kind(), ErrorKind::Invalid(_)));

    let mut tasks = Vec::new();
    for number in 0..10 {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            let list = [format!("own{number}")];
            store.add_permissions("keeper", &list, start()).await
        }));
    }
    for task in tasks {
        assert!(task.await.unwrap().unwrap());
    }
    assert_eq!(of().await.len(), 10);
    assert!(store.delete_role("keeper").await.unwrap());
    assert!(!store.delete_role("keeper").await.unwrap());
}

/// A role does not lose the last one who has it.
pub(super) async fn held(store: &Store) {
    store.create_role("keyholder", None, None, start()).await.unwrap();
    let mut ids = Vec::new();
    for number in 0..3 {
        let new = NewUser { roles: strings(&["keyholder"]), ..new_user(&format!("holder{number}")) };
        ids.push(store.create_user(new, start()).await.unwrap().id);
    }
    let [first, second, third] = ids[..] else { panic!() };
    let active = async |id, active| {
        let patch = UserPatch { active: Some(active), ..UserPatch::default() };
        assert!(store.update_user(id, patch, start()).await.unwrap());
    };
    let may_go = async |id| {
        let mut batch = store.batch();
        batch.role_stays_held("keyholder", id, start());
        match store.commit(batch).await {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(*error.kind(), ErrorKind::Unmet(0));
                false
            }
        }
    };
    assert!(may_go(first).await && may_go(i64::MAX).await);
    // The others are there, but not to be counted on.
    active(second, false).await;
    let (day, mut batch) = (Duration::DAY, store.batch());
    batch.schedule_deletion(third, start() + day, start());
    store.commit(batch).await.unwrap();
    assert!(!may_go(first).await && may_go(i64::MAX).await);
    let mut batch = store.batch();
    batch.keep_account(third);
    store.commit(batch).await.unwrap();
    assert!(may_go(first).await);
    for (until, counts) in [(None, false), (Some(start() + day), false), (Some(start()), true)] {
        let mark = AccountMark { state: "suspended".to_owned(), until, ..AccountMark::default() };
        let mut batch = store.batch();
        batch.mark_account(third, &mark, start());
        store.commit(batch).await.unwrap();
        assert_eq!(may_go(first).await, counts, "{until:?}");
    }
    active(second, true).await;
    // All of them at once: one stays.
    let tasks = ids.iter().map(|&id| {
        let (store, mut batch) = (store.clone(), store.batch());
        batch.role_stays_held("keyholder", id, start()).remove_role(id, "keyholder");
        tokio::spawn(async move { store.commit(batch).await.is_ok() })
    });
    let mut gone = 0;
    for task in tasks.collect::<Vec<_>>() {
        gone += usize::from(task.await.unwrap());
    }
    assert_eq!(gone, 2);
    for id in ids {
        assert!(store.delete_user(id).await.unwrap());
    }
    assert!(store.delete_role("keyholder").await.unwrap());
}
