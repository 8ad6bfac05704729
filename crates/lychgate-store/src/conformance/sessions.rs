//! The registry of sessions.

use time::Duration;

use super::{new_user, session, start};
use crate::error::ErrorKind;
use crate::store::Store;

pub(super) async fn sessions(store: &Store) {
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
pub(super) async fn ids_used_again(store: &Store) {
    let first = store.create_user(new_user("first"), start()).await.unwrap().id;
    assert!(store.delete_user(first).await.unwrap());
    assert!(store.open_session(session("left", first)).await.unwrap());
    let second = store.create_user(new_user("second"), start()).await.unwrap().id;
    if second == first {
        assert!(store.session("left").await.unwrap().is_none());
    }
    assert!(store.delete_user(second).await.unwrap());
}
