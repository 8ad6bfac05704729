//! Passkeys.

use time::Duration;

use super::{new_user, start};
use crate::credentials::{Credential, CredentialUse};
use crate::error::ErrorKind;
use crate::store::Store;

fn passkey(user_id: i64, id: &[u8], name: &str) -> Credential {
    Credential {
        credential_id: id.to_vec(),
        public_key: vec![0xa5, 0, 1, 2, 0xff],
        sign_count: 7,
        transports: vec!["usb".to_owned(), "internal".to_owned()],
        backup_state: false,
        device_type: "single_device".to_owned(),
        extensions: Some("{\"credProps\": {\"rk\": true}}".to_owned()),
        created_at: start(),
        last_used_at: start(),
        name: name.to_owned(),
        usage: "first".to_owned(),
        user_id,
    }
}

async fn add(store: &Store, new: &Credential) -> crate::Result<()> {
    let mut batch = store.batch();
    batch.add_credential(new);
    store.commit(batch).await.map(drop)
}

async fn delete(store: &Store, user_id: i64, name: &str) -> crate::Result<()> {
    let mut batch = store.batch();
    batch.delete_credential(user_id, name);
    store.commit(batch).await.map(drop)
}

fn unmet(result: crate::Result<()>) -> bool {
    matches!(result.unwrap_err().kind(), ErrorKind::Unmet(0))
}

pub(super) async fn run(store: &Store) {
    let id = store.create_user(new_user("keys"), start()).await.unwrap().id;
    if !store.has_credentials_table() {
        assert!(store.credentials_of(id).await.unwrap().is_empty());
        assert!(store.credential(b"x").await.unwrap().is_none());
        let refused = add(store, &passkey(id, b"x", "x")).await.unwrap_err();
        assert!(matches!(refused.kind(), ErrorKind::Invalid(_)));
        assert!(store.delete_user(id).await.unwrap());
        return;
    }
    let counted = passkey(id, b"counted", "counted");
    add(store, &counted).await.unwrap();
    assert_eq!(store.count_credentials_of(&[-1, id]).await.unwrap(), [0, 1]);
    assert!(store.count_credentials_of(&[]).await.unwrap().is_empty());
    delete(store, id, "counted").await.unwrap();
    rows(store, id).await;
    counters(store).await;
    since(store, id).await;
    races(store, id).await;
    assert!(store.delete_user(id).await.unwrap());
    assert!(store.credentials_of(id).await.unwrap().is_empty());
}

async fn rows(store: &Store, id: i64) {
    let other = store.create_user(new_user("otherkeys"), start()).await.unwrap().id;
    let first = passkey(id, &[0, 255, 39, 0], "z key");
    let second = Credential {
        transports: Vec::new(),
        backup_state: true,
        device_type: "multi_device".to_owned(),
        extensions: None,
        usage: "secondary".to_owned(),
        ..passkey(id, &[7; 1023], "a key")
    };
    add(store, &first).await.unwrap();
    add(store, &second).await.unwrap();
    assert_eq!(store.credentials_of(id).await.unwrap(), [first.clone(), second.clone()]);
    assert_eq!(store.credential(&[0, 255, 39, 0]).await.unwrap(), Some(first.clone()));
    assert_eq!(store.credential(&[7; 1023]).await.unwrap(), Some(second));
    for unknown in [&b""[..], &[0, 255, 39], &[7; 1022], &[7; 5000]] {
        assert_eq!(store.credential(unknown).await.unwrap(), None);
    }
    assert!(store.credentials_of(other).await.unwrap().is_empty());

    assert!(unmet(add(store, &passkey(id, b"new", "z key")).await), "the name is taken");
    assert!(unmet(add(store, &passkey(id + 1000, b"new", "x")).await), "there is no such user");
    let taken = add(store, &passkey(other, &[0, 255, 39, 0], "z key")).await.unwrap_err();
    assert_eq!(taken.conflict(), Some("credential_id"));
    for wrong in [
        passkey(id, b"", "x"),
        passkey(id, &[1; 1024], "x"),
        passkey(id, b"new", ""),
        passkey(id, b"new", &"x".repeat(65)),
        passkey(id, b"new", "nul\0"),
        Credential { public_key: Vec::new(), ..passkey(id, b"new", "x") },
        Credential { sign_count: -1, ..passkey(id, b"new", "x") },
        Credential { extensions: Some("x".repeat(256)), ..passkey(id, b"new", "x") },
        Credential { transports: vec!["a,b".to_owned()], ..passkey(id, b"new", "x") },
    ] {
        let refused = add(store, &wrong).await.unwrap_err();
        assert!(matches!(refused.kind(), ErrorKind::Invalid(_)), "{refused:?}");
    }

    add(store, &passkey(other, b"theirs", "theirs")).await.unwrap();
    assert!(unmet(delete(store, id, "theirs").await));
    assert!(unmet(delete(store, id, "nothing").await));
    delete(store, id, "a key").await.unwrap();
    assert!(unmet(delete(store, id, "a key").await));
    assert_eq!(store.credentials_of(id).await.unwrap(), [first]);
    assert!(store.delete_user(other).await.unwrap());
    assert!(store.credential(b"theirs").await.unwrap().is_none());
}

async fn counters(store: &Store) {
    let later = start() + Duration::hours(1);
    let key = [0, 255, 39, 0];
    let note = async |expected: i64, sign_count: i64, backup_state: bool| {
        let mut batch = store.batch();
        batch.use_credential(&key, expected, CredentialUse { sign_count, backup_state }, later);
        store.commit(batch).await.map(drop)
    };
    assert!(unmet(note(8, 9, true).await));
    note(7, 8, true).await.unwrap();
    let used = store.credential(&key).await.unwrap().unwrap();
    assert_eq!((used.sign_count, used.backup_state), (8, true));
    assert_eq!((used.created_at, used.last_used_at), (start(), later));
    assert!(unmet(note(7, 9, true).await));
    note(8, i64::from(u32::MAX), false).await.unwrap();
    let used = store.credential(&key).await.unwrap().unwrap();
    assert!(used.sign_count >= i64::from(i32::MAX), "{}", used.sign_count);
    note(used.sign_count, 0, false).await.unwrap();
}

async fn since(store: &Store, id: i64) {
    let later = start() + Duration::hours(2);
    let new = Credential { created_at: later, ..passkey(id, b"later", "later") };
    add(store, &new).await.unwrap();
    let names = async |usage, since| {
        let mut batch = store.batch();
        batch.delete_credentials_since(id, usage, since);
        store.commit(batch).await.unwrap();
        let left = store.credentials_of(id).await.unwrap();
        left.into_iter().map(|passkey| passkey.name).collect::<Vec<_>>()
    };
    assert_eq!(names(None, later + Duration::MICROSECOND).await, ["z key", "later"]);
    assert_eq!(names(Some("no such usage"), later).await, ["z key", "later"]);
    assert_eq!(names(Some(&new.usage), later).await, ["z key"]);
}

/// Names, counters and the last passkey hold when several ask at once.
async fn races(store: &Store, id: i64) {
    let mut adds = Vec::new();
    for number in 0..10_u8 {
        let store = store.clone();
        adds.push(tokio::spawn(async move { add(&store, &passkey(id, &[9, number], "same name")).await }));
    }
    assert_eq!(winners(adds).await, 1);
    let mut uses = Vec::new();
    for number in 1..=10 {
        let store = store.clone();
        uses.push(tokio::spawn(async move {
            let mut batch = store.batch();
            let used = CredentialUse { sign_count: number, backup_state: false };
            batch.use_credential(&[0, 255, 39, 0], 0, used, start());
            store.commit(batch).await.map(drop)
        }));
    }
    assert_eq!(winners(uses).await, 1);
    let mut deletions = Vec::new();
    for name in ["z key", "same name"].repeat(5) {
        let store = store.clone();
        deletions.push(tokio::spawn(async move {
            let mut batch = store.batch();
            batch.delete_credential(id, name).require_credential(id, "first");
            store.commit(batch).await.map(drop)
        }));
    }
    assert_eq!(winners(deletions).await, 1);
    assert_eq!(store.credentials_of(id).await.unwrap().len(), 1);
}

async fn winners(tasks: Vec<tokio::task::JoinHandle<crate::Result<()>>>) -> usize {
    let mut winners = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(()) => winners += 1,
            Err(error) => assert!(matches!(error.kind(), ErrorKind::Unmet(_)), "{error}"),
        }
    }
    winners
}
