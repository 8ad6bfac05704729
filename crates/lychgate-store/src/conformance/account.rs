//! Activity and account state.

use time::Duration;

use super::{new_user, start};
use crate::account_state::AccountMark;
use crate::activity::Activity;
use crate::error::ErrorKind;
use crate::outbox::OutboxItem;
use crate::refusals::{REFUSALS_KEPT, Refusal};
use crate::store::Store;

fn activity(user_id: i64, kind: &str, second: i64) -> Activity {
    Activity {
        user_id,
        at: start() + Duration::seconds(second),
        kind: kind.to_owned(),
        address: Some("203.0.113.9".to_owned()),
        user_agent: None,
        detail: Some(second.to_string()),
    }
}

pub(super) async fn run(store: &Store) {
    activities(store).await;
    marks(store).await;
    marks_end(store).await;
    refusals(store).await;
    deletions(store).await;
    left_behind(store).await;
    recipients(store).await;
}

async fn activities(store: &Store) {
    let id = store.create_user(new_user("active"), start()).await.unwrap().id;
    store.note_activity(&activity(id, "password-changed", 0)).await.unwrap();
    for second in 1..=60 {
        store.note_activity(&activity(id, "sign-in-failed", second)).await.unwrap();
    }
    let all = store.activity_of(id, 1000).await.unwrap();
    assert_eq!(all.len(), 51);
    assert_eq!(all.first(), Some(&activity(id, "sign-in-failed", 60)));
    assert_eq!(all.last(), Some(&activity(id, "password-changed", 0)));
    assert_eq!(all.get(49).unwrap().detail.as_deref(), Some("11"));
    assert_eq!(store.activity_of(id, 3).await.unwrap(), all[..3]);
    assert!(store.activity_of(id + 1000, 9).await.unwrap().is_empty());
    let latest = async |kinds: &[&str]| store.latest_activity(id, kinds).await.unwrap();
    assert_eq!(latest(&["password-changed", "other"]).await, Some(activity(id, "password-changed", 0)));
    assert_eq!(latest(&["password-changed", "sign-in-failed"]).await, Some(activity(id, "sign-in-failed", 60)));
    assert_eq!(latest(&["other"]).await, None);
    assert_eq!(latest(&[]).await, None);

    let long = Activity {
        user_agent: Some("a\r\nb".repeat(999)),
        detail: Some("\u{fc}".repeat(999)),
        ..activity(id, "long", 61)
    };
    store.note_activity(&long).await.unwrap();
    let kept = latest(&["long"]).await.unwrap();
    let agent = kept.user_agent.unwrap();
    assert_eq!((agent.chars().count(), agent.contains('\r')), (512, false));
    assert_eq!(kept.detail.unwrap().chars().count(), 256);
    let nameless = store.note_activity(&activity(id, "", 1)).await.unwrap_err();
    assert!(matches!(nameless.kind(), ErrorKind::Invalid(_)));

    let before = start() + Duration::seconds(30);
    assert_eq!(store.purge_activity(before).await.unwrap(), 20);
    assert_eq!(store.activity_of(id, 1000).await.unwrap().len(), 32);
    assert!(store.delete_user(id).await.unwrap());
    assert!(store.activity_of(id, 1000).await.unwrap().is_empty());
}

async fn marks(store: &Store) {
    let id = store.create_user(new_user("marked"), start()).await.unwrap().id;
    assert_eq!(store.account_state(id).await.unwrap(), None);
    let suspended = AccountMark {
        state: "suspended".to_owned(),
        reason: Some("spam".to_owned()),
        by: Some("matt@lp.com".to_owned()),
        until: Some(start() + Duration::days(3)),
    };
    let mut batch = store.batch();
    batch.mark_account(id, &suspended, start());
    store.commit(batch).await.unwrap();
    let state = store.account_state(id).await.unwrap().unwrap();
    assert_eq!((state.mark.as_ref(), state.marked_at), (Some(&suspended), Some(start())));

    // A mark and a deletion leave one another alone.
    let due = start() + Duration::days(14);
    let mut batch = store.batch();
    batch.schedule_deletion(id, due, start());
    store.commit(batch).await.unwrap();
    let waiting = AccountMark { state: "waiting".to_owned(), ..AccountMark::default() };
    let mut batch = store.batch();
    batch.mark_account(id, &waiting, start());
    store.commit(batch).await.unwrap();
    let state = store.account_state(id).await.unwrap().unwrap();
    assert_eq!((state.mark, state.deletion_due_at), (Some(waiting), Some(due)));
    for (word, works) in [("suspended", false), ("waiting", true), ("waiting", false)] {
        let mut batch = store.batch();
        batch.unmark_account(id, word);
        assert_eq!(store.commit(batch).await.is_ok(), works, "{word}");
    }
    let state = store.account_state(id).await.unwrap().unwrap();
    assert_eq!((state.mark, state.marked_at, state.deletion_due_at), (None, None, Some(due)));
    let mut batch = store.batch();
    batch.mark_account(id, &AccountMark::default(), start());
    assert!(store.commit(batch).await.is_err());
    assert!(store.delete_user(id).await.unwrap());
    assert_eq!(store.account_state(id).await.unwrap(), None);
}

async fn marks_end(store: &Store) {
    let id = store.create_user(new_user("ends"), start()).await.unwrap().id;
    let until = start() + Duration::days(3);
    let mark = AccountMark { state: "suspended".to_owned(), until: Some(until), ..AccountMark::default() };
    let mut batch = store.batch();
    batch.mark_account(id, &mark, start());
    store.commit(batch).await.unwrap();
    assert!(store.marks_over(until - Duration::microseconds(1), 9).await.unwrap().is_empty());
    let over: Vec<i64> = store.marks_over(until, 9).await.unwrap().into_iter().map(|state| state.user_id).collect();
    assert_eq!(over, [id]);
    for (word, at, works) in [
        ("suspended", until - Duration::microseconds(1), false),
        ("waiting", until, false),
        ("suspended", until, true),
        ("suspended", until, false),
    ] {
        let mut batch = store.batch();
        batch.unmark_account_if_over(id, word, at);
        assert_eq!(store.commit(batch).await.is_ok(), works, "{word} {at}");
    }
    let mut batch = store.batch();
    batch.mark_account(id, &mark, start()).clear_account_mark(id).clear_account_mark(id + 1000);
    store.commit(batch).await.unwrap();
    assert_eq!(store.account_state(id).await.unwrap().unwrap().mark, None);
    assert!(store.delete_user(id).await.unwrap());
}

async fn refusals(store: &Store) {
    let id = store.create_user(new_user("refused"), start()).await.unwrap().id;
    let refusal = |name: &str, second: i64| Refusal {
        id: name.to_owned(),
        at: start() + Duration::seconds(second),
        user_id: Some(id),
        method: "GET".to_owned(),
        path: "/reports".to_owned(),
        mechanism: Some("session".to_owned()),
        needed: Some("role editor".to_owned()),
        missing: None,
    };
    for (slot, name) in [(0, "first"), (1, "second"), (REFUSALS_KEPT, "third")] {
        store.note_refusal(slot, &refusal(name, i64::from(slot % 7))).await.unwrap();
    }
    assert_eq!(store.refusal("first").await.unwrap(), None, "its slot was used again");
    assert_eq!(store.refusal("second").await.unwrap(), Some(refusal("second", 1)));
    assert_eq!(store.refusal("nul\0").await.unwrap(), None);
    assert_eq!(store.refusals(1).await.unwrap().len(), 1);
    let long = Refusal { path: "/\n".repeat(999), ..refusal("long", 9) };
    store.note_refusal(5, &long).await.unwrap();
    let kept = store.refusal("long").await.unwrap().unwrap().path;
    assert_eq!((kept.len(), kept.contains('\n')), (512, false));
    assert_eq!(store.purge_refusals(start() + Duration::seconds(2)).await.unwrap(), 1);
    assert!(store.delete_user(id).await.unwrap());
    assert!(store.refusals(9).await.unwrap().is_empty());
}

async fn deletions(store: &Store) {
    let id = store.create_user(new_user("leaving"), start()).await.unwrap().id;
    let due = start() + Duration::days(14);
    let mut tasks = Vec::new();
    for _ in 0..20 {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            let mut batch = store.batch();
            batch.schedule_deletion(id, due, start());
            store.commit(batch).await.is_ok()
        }));
    }
    let mut scheduled = 0;
    for task in tasks {
        scheduled += usize::from(task.await.unwrap());
    }
    assert_eq!(scheduled, 1);
    let state = store.account_state(id).await.unwrap().unwrap();
    assert_eq!((state.deletion_asked_at, state.deletion_due_at), (Some(start()), Some(due)));

    let cancel = async |due_at| {
        let mut batch = store.batch();
        batch.cancel_deletion(id, due_at);
        store.commit(batch).await.is_ok()
    };
    assert!(!cancel(due + Duration::SECOND).await);
    assert!(cancel(due).await);
    assert!(!cancel(due).await);
    let mut batch = store.batch();
    batch.schedule_deletion(id, due, start());
    store.commit(batch).await.unwrap();

    let ids = async |now| -> Vec<i64> {
        store.deletions_due(now, 10).await.unwrap().iter().map(|state| state.user_id).collect()
    };
    assert!(ids(due - Duration::SECOND).await.is_empty());
    assert_eq!(ids(due).await, [id]);
    let later = due + Duration::DAY;
    let mut batch = store.batch();
    batch.postpone_deletion(id, due, later);
    store.commit(batch).await.unwrap();
    assert!(ids(due).await.is_empty());

    let mut batch = store.batch();
    batch.keep_account(id);
    batch.keep_account(id + 1000);
    batch.schedule_deletion(id, later, start());
    store.commit(batch).await.unwrap();

    // Too early, nothing happens; in time, one of many deletes.
    let delete = move |store: Store, now| async move {
        let mut batch = store.batch();
        batch.take_due_deletion(id, now);
        batch.delete_user(id);
        store.commit(batch).await.is_ok()
    };
    assert!(!delete(store.clone(), due).await);
    assert!(store.user_by_id(id).await.unwrap().is_some());
    let mut tasks = Vec::new();
    for _ in 0..10 {
        tasks.push(tokio::spawn(delete(store.clone(), later)));
    }
    let mut deleted = 0;
    for task in tasks {
        deleted += usize::from(task.await.unwrap());
    }
    assert_eq!(deleted, 1);
    assert!(store.user_by_id(id).await.unwrap().is_none());
    assert_eq!(store.account_state(id).await.unwrap(), None);
}

/// A new user must not come into what was left by another program's deletion.
async fn left_behind(store: &Store) {
    let first = store.create_user(new_user("before"), start()).await.unwrap().id;
    assert!(store.delete_user(first).await.unwrap());
    store.note_activity(&activity(first, "left", 0)).await.unwrap();
    let mut batch = store.batch();
    batch.schedule_deletion(first, start(), start());
    store.commit(batch).await.unwrap();
    let second = store.create_user(new_user("after"), start()).await.unwrap().id;
    assert!(store.activity_of(second, 9).await.unwrap().is_empty());
    assert_eq!(store.account_state(second).await.unwrap(), None);
    assert!(store.delete_user(second).await.unwrap());
    let mut batch = store.batch();
    batch.delete_user(first);
    store.commit(batch).await.unwrap();
    assert!(store.deletions_due(start(), 9).await.unwrap().is_empty());
}

async fn recipients(store: &Store) {
    let mut batch = store.batch();
    for (id, to) in [("forget1", "gone@lp.com"), ("forget2", "gone@lp.com"), ("forget3", "here@lp.com")] {
        batch.enqueue(&OutboxItem::new(id, "mail", to, "payload", start()));
    }
    store.commit(batch).await.unwrap();
    let mut batch = store.batch();
    batch.forget_recipient("gone@lp.com");
    batch.enqueue(&OutboxItem::new("forget4", "mail", "gone@lp.com", "good-bye", start()));
    assert_eq!(store.commit(batch).await.unwrap().changed(0), 2);
    let left = store.outbox_of("gone@lp.com").await.unwrap();
    assert_eq!((left.len(), left[0].id.as_str()), (1, "forget4"));
    let ids: Vec<String> = store.outbox_list(None, 10).await.unwrap().into_iter().map(|item| item.id).collect();
    assert_eq!(ids, ["forget3", "forget4"]);
    let mut batch = store.batch();
    batch.forget_recipient("gone@lp.com").forget_recipient("here@lp.com");
    store.commit(batch).await.unwrap();
}
