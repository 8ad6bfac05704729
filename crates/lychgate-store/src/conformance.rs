//! What every backend has to do, as one suite for all of them.
//!
//! [`run`] takes an open store whose tables are empty and leaves rows behind. It panics where the store does not do as
//! it should. It has to run on a multi-threaded tokio runtime.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc)]

mod account;
mod credentials;
mod invitations;
mod limits;
mod outbox;

use std::sync::Arc;

use serde_json::json;
use time::{Duration, OffsetDateTime};

use crate::batch::Expect;
use crate::error::ErrorKind;
use crate::records::{NewSession, NewUser, User, UserPatch, UserQuery};
use crate::sql::Statement;
use crate::store::Store;

/// 2026-11-22 01:43:50.123456 UTC.
fn start() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(1_795_311_830_123_456_000).unwrap()
}

fn new_user(name: &str) -> NewUser {
    NewUser {
        password: Some(format!("hash of {name}")),
        ..NewUser::new(format!("{name}@lp.com"), format!("uniq-{name}"))
    }
}

fn session(sid: &str, user_id: i64) -> NewSession {
    NewSession {
        sid: sid.to_owned(),
        user_id,
        created_at: start(),
        expires_at: start() + Duration::days(31),
        address: Some("203.0.113.9".to_owned()),
        user_agent: Some("Mozilla/5.0".to_owned()),
        via: "password".to_owned(),
        remembered: true,
    }
}

fn strings(items: &[&str]) -> Vec<String> {
    items.iter().map(|&item| item.to_owned()).collect()
}

async fn read(store: &Store, id: i64) -> Arc<User> {
    store.user_by_id(id).await.unwrap().unwrap()
}

/// Runs the whole suite.
pub async fn run(store: &Store) {
    store.ping().await.unwrap();
    roles(store).await;
    permissions(store).await;
    users(store).await;
    identities(store).await;
    names(store).await;
    lists(store).await;
    patches(store).await;
    conditions(store).await;
    recovery_codes(store).await;
    passwords(store).await;
    links(store).await;
    sessions(store).await;
    ids_used_again(store).await;
    redemptions(store).await;
    limits::run(store).await;
    meta(store).await;
    batches(store).await;
    resets(store).await;
    refresh_tokens_end(store).await;
    deletions(store).await;
    account::run(store).await;
    kept_records(store).await;
    races(store).await;
    odd_values(store).await;
    credentials::run(store).await;
    invitations::run(store).await;
    outbox::run(store).await;
}

async fn roles(store: &Store) {
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

async fn permissions(store: &Store) {
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

async fn users(store: &Store) {
    let mut new = new_user("joe");
    new.roles = strings(&["editor", "admin", "editor"]);
    new.confirmed_at = Some(start());
    new.fs_webauthn_user_handle = Some("handle-joe".to_owned());
    new.username = Some("joe".to_owned());
    let joe = store.create_user(new, start()).await.unwrap();
    assert!(joe.active);
    assert_eq!(joe.email, "joe@lp.com");
    assert_eq!(joe.username.as_deref(), Some("joe"));
    assert_eq!(joe.password.as_deref(), Some("hash of joe"));
    assert_eq!(joe.confirmed_at, Some(start()));
    assert_eq!(joe.create_datetime, Some(start()));
    assert_eq!(joe.update_datetime, Some(start()));
    assert!(joe.mf_recovery_codes.is_empty());
    let has_handle = store.has_user_column("fs_webauthn_user_handle");
    assert_eq!(joe.fs_webauthn_user_handle.is_some(), has_handle);
    assert_eq!(joe.roles.len(), 2);
    assert!(joe.has_role("editor") && joe.has_role("admin"));
    let same = store.user_by_uniquifier("uniq-joe").await.unwrap();
    assert_eq!(same, Some(joe.clone()));
    if !store.has_user_column("fs_token_uniquifier") {
        let same = store.user_by_token_uniquifier("uniq-joe").await.unwrap();
        assert_eq!(same, Some(joe.clone()));
    }
    assert_eq!(store.user_by_id(joe.id).await.unwrap(), Some(joe));
    assert_eq!(store.user_by_id(i64::MAX).await.unwrap(), None);
    assert_eq!(store.user_by_uniquifier("uniq-").await.unwrap(), None);
    assert_eq!(store.count_users().await.unwrap(), 1);
    assert!(store.any_user_with_role("editor").await.unwrap());
    assert!(!store.any_user_with_role("keeper").await.unwrap());

    let twice = store.create_user(new_user("joe"), start()).await;
    assert!(twice.unwrap_err().conflict().is_some());
    let mut other = new_user("other");
    other.email = "joe@lp.com".to_owned();
    let taken = store.create_user(other, start()).await;
    assert_eq!(taken.unwrap_err().conflict(), Some("email"));
    let mut lost = new_user("lost");
    lost.roles = strings(&["keeper"]);
    let unknown = store.create_user(lost, start()).await.unwrap_err();
    let ErrorKind::Invalid(text) = unknown.kind() else {
        panic!("{unknown:?}");
    };
    assert_eq!(text, "there is no role \"keeper\"");
    assert_eq!(store.count_users().await.unwrap(), 1);
}

async fn identities(store: &Store) {
    let mut new = new_user("Case");
    new.username = Some("CaseName".to_owned());
    let id = store.create_user(new, start()).await.unwrap().id;
    let by = async |column: &str, value: &str, any_case: bool| {
        let found = store.user_by_identity(column, value, any_case).await;
        found.unwrap().map(|user| user.id)
    };
    assert_eq!(by("email", "Case@lp.com", false).await, Some(id));
    assert_eq!(by("email", "case@LP.com", false).await, None);
    assert_eq!(by("email", "case@LP.com", true).await, Some(id));
    assert_eq!(by("username", "CASENAME", true).await, Some(id));
    assert_eq!(by("id", &id.to_string(), false).await, Some(id));
    assert_eq!(by("id", "0 OR 1=1", true).await, None);
    assert_eq!(by("email", "%", true).await, None);
    assert_eq!(by("email", "nul\0", true).await, None);
    assert_eq!(by("email", "", true).await, None);
    let unknown = store.user_by_identity("no\"column", "x", false).await;
    assert!(matches!(unknown.unwrap_err().kind(), ErrorKind::Invalid(_)));

    // The exact one wins; without it, the one with the lowest id.
    let lower = store.create_user(new_user("case"), start()).await.unwrap();
    assert_eq!(by("email", "case@lp.com", true).await, Some(lower.id));
    assert_eq!(by("email", "CASE@lp.com", true).await, Some(id));
    assert!(store.delete_user(lower.id).await.unwrap());
    assert!(store.delete_user(id).await.unwrap());
}

async fn names(store: &Store) {
    use crate::batch::{Name, NameOwner};
    let look = |value: &'static str, look: &'static str| Name { column: "username", value, look };
    let make = async |tag: &str, name: Name<'static>| {
        let mut new = new_user(tag);
        new.username = Some(name.value.to_owned());
        let mut batch = store.batch();
        batch.unclaimed(name).create_user(&new, start()).claim(name, NameOwner::New(&new.fs_uniquifier));
        store.commit(batch).await.map(|outcome| outcome.id(1).unwrap())
    };
    let refused = |made: crate::Result<i64>| assert_eq!(made.unwrap_err().kind(), &ErrorKind::Unmet(0));
    // A name outside ASCII keeps those away that look like it, in ASCII or not, and in any case.
    let rene = make("look0", look("Ren\u{e9}", "ren\u{e9}")).await.unwrap();
    refused(make("look1", look("REN\u{c9}", "ren\u{e9}")).await);
    let otto = make("look1", look("\u{3bf}tto", "otto")).await.unwrap();
    refused(make("look2", look("OTTO", "otto")).await);
    refused(make("look2", look("\u{43e}tto", "otto")).await);
    // A name in ASCII needs no record to do the same.
    let paypal = make("look2", look("PayPal", "paypal")).await.unwrap();
    refused(make("look3", look("p\u{430}ypal", "paypal")).await);
    // One who changes a name gives the old one back, and so does one who is deleted, by whomever.
    let mut batch = store.batch();
    batch.unclaimed(look("ottilie", "ottilie")).claim(look("ottilie", "ottilie"), NameOwner::User(otto));
    batch.update_user(otto, &UserPatch { username: Some(Some("ottilie".to_owned())), ..UserPatch::default() }, start());
    store.commit(batch).await.unwrap();
    let again = make("look3", look("\u{3bf}tto", "otto")).await.unwrap();
    assert_eq!(store.names_outside_ascii("username", 0, 10).await.unwrap().len(), 2);
    assert_eq!(store.names_outside_ascii("username", rene, 1).await.unwrap(), [(again, "\u{3bf}tto".to_owned())]);
    assert!(store.names_outside_ascii("no column", 0, 10).await.unwrap().is_empty());
    assert!(store.delete_user(again).await.unwrap());
    let again = make("look3", look("OTTO", "otto")).await.unwrap();
    for id in [rene, otto, paypal, again] {
        assert!(store.delete_user(id).await.unwrap());
    }
    // Of many at once, with names of one look, one gets it.
    let mut tasks = Vec::new();
    for number in 0..16 {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            let name = if number % 2 == 0 { look("s\u{430}m", "sam") } else { look("sam", "sam") };
            let mut new = new_user(&format!("race{number}"));
            new.username = Some(name.value.to_owned());
            let mut batch = store.batch();
            batch.unclaimed(name).create_user(&new, start()).claim(name, NameOwner::New(&new.fs_uniquifier));
            store.commit(batch).await.map(|outcome| outcome.id(1).unwrap())
        }));
    }
    let mut won = Vec::new();
    for task in tasks {
        won.extend(task.await.unwrap());
    }
    assert_eq!(won.len(), 1);
    assert!(store.delete_user(won[0]).await.unwrap());
}

async fn lists(store: &Store) {
    let mut ids = Vec::new();
    for number in 0..5 {
        let mut new = new_user(&format!("list{number}"));
        new.active = number % 2 == 0;
        if number == 3 {
            new.roles = strings(&["editor"]);
        }
        if number == 4 {
            new.username = Some("100%_sure".to_owned());
        }
        ids.push(store.create_user(new, start()).await.unwrap().id);
    }
    let of = async |query: UserQuery| -> Vec<i64> {
        let list = store.list_users(query).await.unwrap();
        list.iter().map(|user| user.id).collect()
    };
    let search = |text: &str| UserQuery { search: Some(text.to_owned()), ..UserQuery::default() };
    assert_eq!(of(search("LIST")).await, ids);
    assert_eq!(of(search("%_")).await, ids[4..]);
    assert_eq!(of(search("\\")).await, Vec::<i64>::new());
    let query = UserQuery { active: Some(false), ..search("list") };
    assert_eq!(of(query).await, [ids[1], ids[3]]);
    let query = UserQuery { role: Some("editor".to_owned()), ..search("list") };
    assert_eq!(of(query).await, [ids[3]]);
    let query = UserQuery { after_id: Some(ids[1]), limit: 2, ..search("list") };
    assert_eq!(of(query).await, ids[2..4]);
    let everybody = store.list_users(UserQuery::default()).await.unwrap();
    assert_eq!(i64::try_from(everybody.len()).unwrap(), store.count_users().await.unwrap());
    let joe = everybody.iter().find(|user| user.email == "joe@lp.com");
    assert_eq!(joe.unwrap().roles.len(), 2);
    for id in ids {
        assert!(store.delete_user(id).await.unwrap());
    }
}

async fn patches(store: &Store) {
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

async fn conditions(store: &Store) {
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
async fn recovery_codes(store: &Store) {
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

async fn passwords(store: &Store) {
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

async fn links(store: &Store) {
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
        .query(
            format!("SELECT role_id FROM {links} WHERE user_id = CAST($1 AS BIGINT)"),
            vec![id.into()],
            crate::backend::Reach::Key,
        )
        .await
        .unwrap();
    assert_eq!(rows.len(), 1);
    assert!(store.delete_user(id).await.unwrap());
}

async fn sessions(store: &Store) {
    let id = store.create_user(new_user("sess"), start()).await.unwrap().id;
    let later = start() + Duration::minutes(5);
    assert!(store.open_session(session("s1", id)).await.unwrap());
    assert!(!store.open_session(session("s1", id + 1)).await.unwrap());
    let one = store.session("s1").await.unwrap().unwrap();
    assert_eq!((one.user_id, one.via.as_str()), (id, "password"));
    assert_eq!((one.created_at, one.last_seen_at), (start(), start()));
    assert_eq!(one.expires_at, start() + Duration::days(31));
    assert_eq!(one.address.as_deref(), Some("203.0.113.9"));
    assert_eq!(one.user_agent.as_deref(), Some("Mozilla/5.0"));
    assert!(one.remembered && one.is_live(later));
    assert!(!one.is_live(start() + Duration::days(31)));
    let (end, further) = (start() + Duration::days(31), start() + Duration::days(31) + Duration::minutes(5));
    assert!(store.touch_session("s1", start(), later).await.unwrap());
    assert!(!store.touch_session("s1", further, start()).await.unwrap());
    let one = store.session("s1").await.unwrap().unwrap();
    assert_eq!((one.last_seen_at, one.expires_at), (later, end));
    let later = later + Duration::MINUTE;
    assert!(store.touch_session("s1", further, later).await.unwrap());
    let one = store.session("s1").await.unwrap().unwrap();
    assert_eq!((one.last_seen_at, one.expires_at), (later, further));

    assert!(store.open_session(session("s2", id)).await.unwrap());
    assert!(store.open_session(session("s3", id)).await.unwrap());
    assert!(store.revoke_session("s2", later).await.unwrap());
    assert!(!store.revoke_session("s2", later).await.unwrap());
    assert!(!store.touch_session("s2", further, later).await.unwrap());
    assert!(store.open_session(session("s4", id)).await.unwrap());
    for (owner, works) in [(id + 1, false), (id, true), (id, false)] {
        let mut batch = store.batch();
        batch.end_session("s4", owner, later);
        assert_eq!(store.commit(batch).await.is_ok(), works);
    }
    assert!(!store.session("s2").await.unwrap().unwrap().is_live(later));
    assert_eq!(store.revoke_sessions_of(id, Some("s3"), later).await.unwrap(), 1);
    assert!(store.session("s3").await.unwrap().unwrap().is_live(later));
    assert_eq!(store.revoke_sessions_of(id, None, later).await.unwrap(), 1);
    let all = store.sessions_of(id).await.unwrap();
    assert_eq!(all.first().unwrap().sid, "s1");
    assert_eq!(all.len(), 4);

    // What was ended stays known until no copy of its cookie can be valid.
    assert_eq!(store.purge_sessions(later).await.unwrap(), 0);
    assert!(!store.open_session(session("s2", id)).await.unwrap());
    let end = start() + Duration::days(32);
    assert_eq!(store.purge_sessions(end).await.unwrap(), 4);
    assert!(store.session("s1").await.unwrap().is_none());
    let mut nameless = session("", id);
    nameless.via = "x".to_owned();
    let nameless = store.open_session(nameless).await.unwrap_err();
    assert!(matches!(nameless.kind(), ErrorKind::Invalid(_)));
    assert!(store.delete_user(id).await.unwrap());
}

/// A new user must not come into sessions that were left by another program's deletion.
async fn ids_used_again(store: &Store) {
    let first = store.create_user(new_user("first"), start()).await.unwrap().id;
    assert!(store.delete_user(first).await.unwrap());
    assert!(store.open_session(session("left", first)).await.unwrap());
    let second = store.create_user(new_user("second"), start()).await.unwrap().id;
    if second == first {
        assert!(store.session("left").await.unwrap().is_none());
    }
    assert!(store.delete_user(second).await.unwrap());
}

async fn redemptions(store: &Store) {
    let (now, end) = (start(), start() + Duration::hours(1));
    assert!(store.redeem_once("reset", "k", end, now).await.unwrap());
    assert!(!store.redeem_once("reset", "k", end, now).await.unwrap());
    assert!(store.redeem_once("confirm", "k", end, now).await.unwrap());
    assert_eq!(store.purge_redemptions(now).await.unwrap(), 0);
    assert!(!store.redeem_once("reset", "k", end, now).await.unwrap());
    let after = end + Duration::SECOND;
    assert_eq!(store.purge_redemptions(after).await.unwrap(), 2);
    let wrong = store.redeem_once("", "k", end, now).await.unwrap_err();
    assert!(matches!(wrong.kind(), ErrorKind::Invalid(_)));
}

async fn meta(store: &Store) {
    assert_eq!(store.meta_get("k").await.unwrap(), None);
    store.meta_set("k", "1").await.unwrap();
    store.meta_set("k", "2").await.unwrap();
    assert_eq!(store.meta_get("k").await.unwrap().as_deref(), Some("2"));
    assert!(!store.meta_take("k", "1").await.unwrap());
    assert!(store.meta_take("k", "2").await.unwrap());
    assert!(!store.meta_take("k", "2").await.unwrap());
    assert_eq!(store.meta_get("k").await.unwrap(), None);
    assert!(store.meta_set("schema_version", "0").await.is_err());
    assert!(store.meta_take("schema_version", "1").await.is_err());
}

async fn batches(store: &Store) {
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
                crate::value::Value::Blob(id.to_be_bytes().to_vec()),
                crate::value::Value::Blob(vec![1]),
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
            let rows = store.query(sql, vec![id.into()], crate::backend::Reach::Key).await;
            *count = rows.unwrap().len();
        }
    }
    (counts[0], counts[1])
}

async fn resets(store: &Store) {
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

async fn refresh_tokens_end(store: &Store) {
    let id = store.create_user(new_user("refreshing"), start()).await.unwrap().id;
    attach(store, id).await;
    let passkeys = attached(store, id).await.0;
    let mut batch = store.batch();
    batch.revoke_refresh_trackers_of(id, start());
    store.commit(batch).await.unwrap();
    assert_eq!(attached(store, id).await, (passkeys, 0));
    assert!(store.delete_user(id).await.unwrap());
}

async fn deletions(store: &Store) {
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

/// What is answered from memory is never older than the last write that was acknowledged.
async fn kept_records(store: &Store) {
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

async fn races(store: &Store) {
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

async fn odd_values(store: &Store) {
    let id = store.create_user(new_user("odd"), start()).await.unwrap().id;
    let name = "O'Neil \"; DROP TABLE role; -- \u{1F980} $1 \\";
    let patch = UserPatch { tf_phone_number: Some(Some(name.to_owned())), ..UserPatch::default() };
    assert!(store.update_user(id, patch, start()).await.unwrap());
    assert_eq!(read(store, id).await.tf_phone_number.as_deref(), Some(name));
    let found = store.user_by_identity("tf_phone_number", name, true).await;
    assert_eq!(found.unwrap().unwrap().id, id);
    for text in ["nul\0", &"x".repeat(2 << 20)] {
        let patch = UserPatch { tf_phone_number: Some(Some(text.to_owned())), ..UserPatch::default() };
        let refused = store.update_user(id, patch, start()).await.unwrap_err();
        assert!(matches!(refused.kind(), ErrorKind::Invalid(_)), "{refused:?}");
    }
    let far =
        OffsetDateTime::new_utc(time::Date::from_calendar_date(-1, time::Month::May, 1).unwrap(), time::Time::MIDNIGHT);
    let patch = UserPatch { confirmed_at: Some(Some(far)), ..UserPatch::default() };
    let refused = store.update_user(id, patch, start()).await.unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::Invalid(_)));
    let nameless = NewUser::new("", "x");
    let refused = store.create_user(nameless, start()).await.unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::Invalid(_)));
    let long = "x".repeat(4096);
    assert!(store.session(&long).await.unwrap().is_none());
    assert!(store.user_by_uniquifier(&long).await.unwrap().is_none());
    assert!(!store.revoke_session(&long, start()).await.unwrap());
    assert!(store.delete_user(id).await.unwrap());
}
