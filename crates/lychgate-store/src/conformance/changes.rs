//! Changes of users, and what must be so for them.

use serde_json::json;
use time::Duration;

use super::{new_user, read, start, strings};
use crate::backend::Reach;
use crate::error::ErrorKind;
use crate::records::UserPatch;
use crate::store::Store;

pub(super) async fn patches(store: &Store) {
    let id = store.create_user(new_user("patch"), start()).await.unwrap().id;
    let later = start() + Duration::minutes(1);
    let mut patch = UserPatch {
        email: Some("patched@lp.com".to_owned()),
        active: Some(false),
        fs_uniquifier: Some("uniq-patched".to_owned()),
        last_login_at: Some(Some(start())),
        current_login_at: Some(Some(later)),
        last_login_ip: Some(Some("203.0.113.1".to_owned())),
        current_login_ip: Some(None),
        login_count: Some(Some(7)),
        tf_primary_method: Some(Some("sms".to_owned())),
        tf_phone_number: Some(Some("+15551234567".to_owned())),
        ..UserPatch::default()
    };
    if store.has_user_column("mf_recovery_codes") {
        patch.mf_recovery_codes = Some(strings(&["a-1", "b-2"]));
    }
    if store.has_user_column("us_totp_secrets") {
        patch.us_totp_secrets = Some(Some("{\"sms\": \"x\"}".to_owned()));
    }
    assert!(store.update_user(id, patch.clone(), later).await.unwrap());
    let user = read(store, id).await;
    assert_eq!(user.email, "patched@lp.com");
    assert!(!user.active);
    assert_eq!(user.fs_uniquifier, "uniq-patched");
    assert_eq!(user.last_login_at, Some(start()));
    assert_eq!(user.current_login_at, Some(later));
    assert_eq!(user.last_login_ip.as_deref(), Some("203.0.113.1"));
    assert_eq!(user.current_login_ip, None);
    assert_eq!(user.login_count, Some(7));
    assert_eq!(user.tf_primary_method.as_deref(), Some("sms"));
    assert_eq!(user.mf_recovery_codes, patch.mf_recovery_codes.unwrap_or_default());
    assert_eq!(user.us_totp_secrets, patch.us_totp_secrets.flatten());
    assert_eq!(user.create_datetime, Some(start()));
    assert_eq!(user.update_datetime, Some(later));
    assert_eq!(user.password.as_deref(), Some("hash of patch"));

    let clear = UserPatch {
        last_login_at: Some(None),
        login_count: Some(None),
        tf_primary_method: Some(None),
        ..UserPatch::default()
    };
    assert!(store.update_user(id, clear, later).await.unwrap());
    let user = read(store, id).await;
    assert_eq!((user.last_login_at, user.login_count), (None, None));
    assert_eq!(user.tf_primary_method, None);
    let even_later = later + Duration::SECOND;
    assert!(store.update_user(id, UserPatch::default(), even_later).await.unwrap());
    assert_eq!(read(store, id).await.update_datetime, Some(even_later));

    let missing = store.update_user(id + 1000, UserPatch::default(), later).await;
    assert!(!missing.unwrap());
    let taken = UserPatch { email: Some("joe@lp.com".to_owned()), ..UserPatch::default() };
    let taken = store.update_user(id, taken, later).await.unwrap_err();
    assert_eq!(taken.conflict(), Some("email"));
    let mut unknown = UserPatch::default();
    unknown.extra.insert("no_such_column".to_owned(), json!(1));
    let unknown = store.update_user(id, unknown, later).await.unwrap_err();
    assert!(matches!(unknown.kind(), ErrorKind::Invalid(_)));
    let mut smuggled = UserPatch::default();
    smuggled.extra.insert("password".to_owned(), json!("x"));
    let smuggled = store.update_user(id, smuggled, later).await.unwrap_err();
    assert!(matches!(smuggled.kind(), ErrorKind::Invalid(_)));
    assert!(store.delete_user(id).await.unwrap());
}

pub(super) async fn conditions(store: &Store) {
    let id = store.create_user(new_user("cond"), start()).await.unwrap().id;
    let method =
        |value: Option<&str>| UserPatch { tf_primary_method: Some(value.map(str::to_owned)), ..UserPatch::default() };
    let change = async |from: Option<&str>, to: Option<&str>| {
        let changed = store.update_user_if(id, method(from), method(to), start()).await;
        changed.unwrap()
    };
    assert!(!change(Some("sms"), Some("email")).await);
    assert!(change(None, Some("sms")).await);
    assert!(!change(None, Some("email")).await);
    assert!(change(Some("sms"), None).await);
    assert_eq!(read(store, id).await.tf_primary_method, None);

    let mut tasks = Vec::new();
    for number in 0..20 {
        let store = store.clone();
        let (from, to) = (method(None), method(Some(&format!("m{number}"))));
        tasks.push(tokio::spawn(async move { store.update_user_if(id, from, to, start()).await }));
    }
    let mut winners = 0;
    for task in tasks {
        winners += usize::from(task.await.unwrap().unwrap());
    }
    assert_eq!(winners, 1);
    assert!(store.delete_user(id).await.unwrap());
}

/// Of all who use one code at once one succeeds; the others stay.
pub(super) async fn recovery_codes(store: &Store) {
    if !store.has_user_column("mf_recovery_codes") {
        let mut batch = store.batch();
        batch.use_recovery_code(1, &strings(&["a"]), 0, start());
        assert!(matches!(store.commit(batch).await.unwrap_err().kind(), ErrorKind::Invalid(_)));
        return;
    }
    let id = store.create_user(new_user("codes"), start()).await.unwrap().id;
    let codes = strings(&["a-1", "", "b-2"]);
    let patch = UserPatch { mf_recovery_codes: Some(strings(&["a-1", "x", "b-2"])), ..UserPatch::default() };
    store.update_user(id, patch, start()).await.unwrap();
    let use_up = async |stored: Vec<String>, place: usize| {
        let store = store.clone();
        let mut batch = store.batch();
        batch.use_recovery_code(id, &stored, place, start());
        tokio::spawn(async move { store.commit(batch).await.map(drop) }).await.unwrap()
    };
    assert!(matches!(use_up(codes, 0).await.unwrap_err().kind(), ErrorKind::Unmet(0)));
    let stored = read(store, id).await.mf_recovery_codes.clone();
    assert!(matches!(use_up(stored.clone(), 3).await.unwrap_err().kind(), ErrorKind::Invalid(_)));
    use_up(stored.clone(), 1).await.unwrap();
    assert!(matches!(use_up(stored, 1).await.unwrap_err().kind(), ErrorKind::Unmet(0)));
    assert_eq!(read(store, id).await.mf_recovery_codes, strings(&["a-1", "b-2"]));
    let mut tasks = Vec::new();
    for _ in 0..20 {
        let (store, mut batch) = (store.clone(), store.batch());
        batch.use_recovery_code(id, &strings(&["a-1", "b-2"]), 0, start());
        tasks.push(tokio::spawn(async move { store.commit(batch).await.is_ok() }));
    }
    let mut used = 0;
    for task in tasks {
        used += usize::from(task.await.unwrap());
    }
    assert_eq!(used, 1);
    use_up(strings(&["b-2"]), 0).await.unwrap();
    assert!(read(store, id).await.mf_recovery_codes.is_empty());
    assert!(store.delete_user(id).await.unwrap());
}

pub(super) async fn passwords(store: &Store) {
    let id = store.create_user(new_user("pass"), start()).await.unwrap().id;
    let set = async |old: Option<&str>, new: &str, uniquifier: Option<&str>| {
        let set = store.set_password_if(id, old, new, uniquifier, start()).await;
        set.unwrap()
    };
    assert!(!set(Some("wrong"), "new", Some("uniq-new")).await);
    assert!(!set(None, "new", Some("uniq-new")).await);
    assert!(set(Some("hash of pass"), "new", None).await);
    assert_eq!(read(store, id).await.fs_uniquifier, "uniq-pass");
    assert!(set(Some("new"), "newer", Some("uniq-new")).await);
    let user = read(store, id).await;
    assert_eq!(user.password.as_deref(), Some("newer"));
    assert_eq!(user.fs_uniquifier, "uniq-new");
    assert!(store.delete_user(id).await.unwrap());
}

pub(super) async fn links(store: &Store) {
    let id = store.create_user(new_user("link"), start()).await.unwrap().id;
    assert!(store.add_role(id, "editor").await.unwrap());
    assert!(!store.add_role(id, "editor").await.unwrap());
    assert!(read(store, id).await.has_role("editor"));
    for (user, role) in [(id, "keeper"), (id + 1000, "editor")] {
        let refused = store.add_role(user, role).await.unwrap_err();
        assert!(matches!(refused.kind(), ErrorKind::Invalid(_)));
    }
    assert!(store.remove_role(id, "editor").await.unwrap());
    assert!(!store.remove_role(id, "editor").await.unwrap());
    assert!(!store.remove_role(id, "keeper").await.unwrap());

    let mut tasks = Vec::new();
    for _ in 0..20 {
        let store = store.clone();
        tasks.push(tokio::spawn(async move { store.add_role(id, "admin").await }));
    }
    let mut added = 0;
    for task in tasks {
        added += usize::from(task.await.unwrap().unwrap());
    }
    assert_eq!(added, 1);
    let links = &store.schema().links;
    let rows = store
        .query(format!("SELECT role_id FROM {links} WHERE user_id = CAST($1 AS BIGINT)"), vec![id.into()], Reach::Key)
        .await
        .unwrap();
    assert_eq!(rows.len(), 1);
    assert!(store.delete_user(id).await.unwrap());
}
