//! What administrators look at.

use time::Duration;

use super::{new_user, session, start};
use crate::activity::Activity;
use crate::outbox::{OutboxItem, OutboxState};
use crate::store::Store;

pub(super) async fn run(store: &Store) {
    counts(store).await;
    sessions(store).await;
    dead_letters(store).await;
}

async fn counts(store: &Store) {
    let id = store.create_user(new_user("counted"), start()).await.unwrap().id;
    for (kind, hours) in [("counted-a", 0), ("counted-a", 1), ("counted-a", 30), ("counted-b", 1), ("other", 1)] {
        let activity = Activity {
            user_id: id,
            at: start() + Duration::hours(hours),
            kind: kind.to_owned(),
            address: None,
            user_agent: None,
            detail: None,
        };
        store.note_activity(&activity).await.unwrap();
    }
    let of = async |since, by_hour| -> Vec<(String, String, i64)> {
        let list = store.activity_counts(&["counted-a", "counted-b"], since, by_hour).await.unwrap();
        list.into_iter().map(|one| (one.when, one.kind, one.count)).collect()
    };
    let row = |when: &str, kind: &str, count| (when.to_owned(), kind.to_owned(), count);
    assert_eq!(
        of(start(), false).await,
        [row("2026-11-22", "counted-a", 2), row("2026-11-22", "counted-b", 1), row("2026-11-23", "counted-a", 1)]
    );
    assert_eq!(of(start() + Duration::hours(2), true).await, [row("2026-11-23 07", "counted-a", 1)]);
    assert!(store.activity_counts(&[], start(), true).await.unwrap().is_empty());
    assert_eq!(
        (store.count_with_role("editor", 0).await.unwrap(), store.count_with_role("no", 9).await.unwrap()),
        (0, 0)
    );
    assert!(store.count_with_role("editor", 9).await.unwrap() > 0);
    assert_eq!(store.count_marked("nobody is marked so").await.unwrap(), 0);
    assert!(store.delete_user(id).await.unwrap());
}

async fn sessions(store: &Store) {
    let id = store.create_user(new_user("seated"), start()).await.unwrap().id;
    // Later than those of the other parts of the suite.
    let begin = start() + Duration::days(20);
    for number in 0..3 {
        let mut new = session(&format!("seated-{number}"), id);
        new.created_at = begin + Duration::minutes(number);
        store.open_session(new).await.unwrap();
    }
    assert!(store.revoke_session("seated-1", begin).await.unwrap());
    let live = store.live_sessions(None, 2, begin).await.unwrap();
    let ids = |list: &[crate::SessionRecord]| list.iter().map(|one| one.sid.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&live), ["seated-2", "seated-0"]);
    let before = store.live_sessions(Some(begin + Duration::minutes(2)), 1, begin).await.unwrap();
    assert_eq!(ids(&before), ["seated-0"]);
    assert!(store.live_sessions(None, 9, begin + Duration::days(99)).await.unwrap().is_empty());
    assert!(store.delete_user(id).await.unwrap());
}

async fn dead_letters(store: &Store) {
    let before = store.count_outbox(OutboxState::Dead).await.unwrap();
    let mut batch = store.batch();
    batch.enqueue(&OutboxItem::new("to-drop", "mail", "joe@lp.com", "{}", start()));
    store.commit(batch).await.unwrap();
    assert!(!store.outbox_drop("to-drop").await.unwrap());
    assert!(store.outbox_failed("to-drop", "no", None).await.unwrap());
    assert_eq!(store.count_outbox(OutboxState::Dead).await.unwrap(), before + 1);
    assert!(store.outbox_drop("to-drop").await.unwrap());
    assert!(!store.outbox_drop("to-drop").await.unwrap());
    assert!(store.outbox_item("to-drop").await.unwrap().is_none());
}
