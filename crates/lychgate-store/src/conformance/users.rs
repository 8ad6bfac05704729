//! Users: made, found, listed.

use time::OffsetDateTime;

use super::{new_user, read, start, strings};
use crate::error::ErrorKind;
use crate::records::{NewUser, UserPatch};
use crate::store::Store;

pub(super) async fn users(store: &Store) {
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

pub(super) async fn identities(store: &Store) {
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

pub(super) async fn odd_values(store: &Store) {
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
