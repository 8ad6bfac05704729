//! The audit log: entered by many, chained once, read by pages, forgotten from its beginning.

use time::Duration;

use super::{new_user, start, strings};
use crate::audit::{AuditCheckpoint, AuditEntry, AuditQuery, AuditRow};
use crate::error::ErrorKind;
use crate::store::Store;

fn entry(id: &str, kind: &str, by: Option<i64>, about: Option<i64>, minutes: i64) -> AuditEntry {
    AuditEntry {
        id: id.to_owned(),
        at: start() + Duration::minutes(minutes),
        kind: kind.to_owned(),
        actor: "user".to_owned(),
        actor_id: by,
        user_id: about,
        request_id: Some(format!("request-{id}")),
        details: Some(("salt".to_owned(), "{\"address\":\"203.0.113.9\"}".to_owned())),
        commitment: "hash".to_owned(),
        mac: "mac".to_owned(),
    }
}

fn point(place: i64, link: &str) -> AuditCheckpoint {
    AuditCheckpoint { place, link: link.to_owned(), at: start(), mac: "signed".to_owned() }
}

async fn enter(store: &Store, entry: &AuditEntry) {
    let mut batch = store.batch();
    batch.audit(entry);
    store.commit(batch).await.unwrap();
}

async fn ids(store: &Store, query: AuditQuery) -> Vec<String> {
    store.audit_page(&query).await.unwrap().into_iter().map(|row| row.entry.id).collect()
}

pub(super) async fn run(store: &Store) {
    entering(store).await;
    pages(store).await;
    chaining(store).await;
    forgetting(store).await;
    erasing(store).await;
}

async fn entering(store: &Store) {
    assert_eq!(store.audit_page(&AuditQuery::default()).await.unwrap(), []);
    let first = entry("a", "sign-in", Some(7), Some(7), 0);
    enter(store, &first).await;
    let [AuditRow { place: None, link: None, entry: read, .. }] =
        &store.audit_page(&AuditQuery::default()).await.unwrap()[..]
    else {
        panic!("one entry without a place");
    };
    assert_eq!(*read, first);
    let bare = AuditEntry { details: None, request_id: None, ..entry("b", "sign-in-failed", None, Some(8), 1) };
    enter(store, &bare).await;
    // With the rest of a batch, or not at all.
    let mut batch = store.batch();
    batch.audit(&entry("lost", "sign-in", None, None, 2)).meta_take("no such key", "x");
    assert_eq!(*store.commit(batch).await.unwrap_err().kind(), ErrorKind::Unmet(1));
    enter(store, &entry("c", "role-added", Some(7), Some(8), 3)).await;
    enter(store, &entry("d", "sign-in", Some(8), Some(8), 4)).await;
    let long = "x".repeat(65);
    for wrong in [
        AuditEntry { kind: String::new(), ..first.clone() },
        AuditEntry { kind: long.clone(), ..first.clone() },
        AuditEntry { request_id: Some(long), ..first.clone() },
        AuditEntry { details: Some((String::new(), "x".repeat(8193))), ..first.clone() },
        AuditEntry { mac: String::new(), ..first },
    ] {
        let mut batch = store.batch();
        batch.audit(&wrong);
        assert!(matches!(store.commit(batch).await.unwrap_err().kind(), ErrorKind::Invalid(_)));
    }
}

async fn pages(store: &Store) {
    let all = AuditQuery::default;
    assert_eq!(ids(store, all()).await, ["d", "c", "b", "a"]);
    assert_eq!(ids(store, AuditQuery { about: Some(8), ..all() }).await, ["d", "c", "b"]);
    assert_eq!(ids(store, AuditQuery { by: Some(7), ..all() }).await, ["c", "a"]);
    assert_eq!(ids(store, AuditQuery { involving: Some(7), ..all() }).await, ["c", "a"]);
    let kinds = strings(&["sign-in", "role-added"]);
    assert_eq!(ids(store, AuditQuery { kinds, ..all() }).await, ["d", "c", "a"]);
    let (since, until) = (Some(start() + Duration::minutes(1)), Some(start() + Duration::minutes(4)));
    assert_eq!(ids(store, AuditQuery { since, until, ..all() }).await, ["c", "b"]);
    assert_eq!(ids(store, AuditQuery { request_id: Some("request-c".to_owned()), ..all() }).await, ["c"]);
    let (mut before, mut paged) = (None, Vec::new());
    loop {
        let rows = store.audit_page(&AuditQuery { before, limit: 3, ..all() }).await.unwrap();
        let Some(last) = rows.last() else { break };
        before = Some(last.seq);
        paged.extend(rows.into_iter().map(|row| row.entry.id));
    }
    assert_eq!(paged, ["d", "c", "b", "a"]);
    let many = AuditQuery { kinds: vec!["x".to_owned(); 33], ..all() };
    assert!(store.audit_page(&many).await.is_err());
    assert!(store.audit_page(&AuditQuery { request_id: Some("nul \0".to_owned()), ..all() }).await.is_err());
}

/// Chains what waits, as one of several would; whether it was this one.
async fn chain(store: &Store, end: Option<&AuditCheckpoint>) -> bool {
    let waiting = store.audit_waiting(0, 1000).await.unwrap();
    if waiting.is_empty() {
        return false;
    }
    let mut place = end.map_or(0, |end| end.place);
    let mut batch = store.batch();
    let to = point(place + i64::try_from(waiting.len()).unwrap(), "end");
    batch.move_audit_end(end, &to);
    for row in &waiting {
        place += 1;
        batch.chain_audit(row.seq, place, &format!("link-{place}"));
    }
    match store.commit(batch).await {
        Ok(_) => true,
        Err(error) => {
            assert!(matches!(error.kind(), ErrorKind::Unmet(_)), "{error:?}");
            false
        }
    }
}

async fn chaining(store: &Store) {
    assert_eq!(store.audit_end().await.unwrap(), None);
    for (end, length) in [(None, 4), (Some(point(4, "end")), 6)] {
        if end.is_some() {
            enter(store, &entry("e", "sign-in", None, None, 5)).await;
            enter(store, &entry("f", "sign-in", None, None, 6)).await;
        }
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let (store, end) = (store.clone(), end.clone());
                tokio::spawn(async move { chain(&store, end.as_ref()).await })
            })
            .collect();
        let mut done = 0;
        for task in tasks {
            done += usize::from(task.await.unwrap());
        }
        assert_eq!(done, 1, "only one chains them");
        assert_eq!(store.audit_end().await.unwrap(), Some(point(length, "end")));
    }
    let chained = store.audit_chained(0, 1000).await.unwrap();
    let places: Vec<_> = chained.iter().map(|row| (row.place, row.entry.id.as_str())).collect();
    let expected = ["a", "b", "c", "d", "e", "f"];
    assert_eq!(places, (1..7).map(Some).zip(expected).collect::<Vec<_>>());
    assert_eq!(chained[4].link.as_deref(), Some("link-5"));
    assert_eq!(store.audit_chained(4, 1).await.unwrap().len(), 1);
    assert_eq!(store.count_audit_chained(5).await.unwrap(), 5);
    assert_eq!(store.audit_waiting(0, 1000).await.unwrap(), []);
    let points = store.audit_checkpoints(0, 1000, 1000).await.unwrap();
    assert_eq!(points, [point(4, "end"), point(6, "end")]);
    assert_eq!(store.audit_checkpoints(4, 5, 1000).await.unwrap(), []);
}

async fn forgetting(store: &Store) {
    let older = async |minutes| {
        let found = store.audit_older(start() + Duration::minutes(minutes), 0).await.unwrap();
        found.and_then(|row| row.place)
    };
    assert_eq!((older(0).await, older(1).await, older(5).await, older(99).await), (None, Some(1), Some(4), Some(6)));
    let to = point(4, "link-4");
    for (from, met) in [(Some(point(1, "x")), false), (None, true), (None, false), (Some(to.clone()), true)] {
        let mut batch = store.batch();
        batch.move_audit_beginning(from.as_ref(), &to);
        assert_eq!(store.commit(batch).await.is_ok(), met, "{from:?}");
    }
    assert_eq!(store.audit_beginning().await.unwrap(), Some(to));
    let mut batch = store.batch();
    batch.move_audit_beginning(Some(&point(4, "link-4")), &point(5, "two words"));
    assert!(matches!(store.commit(batch).await.unwrap_err().kind(), ErrorKind::Invalid(_)));
    assert_eq!(ids(store, AuditQuery::default()).await, ["f", "e"]);
    assert_eq!(store.audit_checkpoints(0, 1000, 1000).await.unwrap(), [point(6, "end")]);
}

async fn erasing(store: &Store) {
    let user = store.create_user(new_user("audited"), start()).await.unwrap();
    let other = user.id + 1;
    enter(store, &entry("g", "sign-in", Some(user.id), Some(user.id), 7)).await;
    enter(store, &entry("h", "role-added", Some(user.id), Some(other), 8)).await;
    assert!(store.delete_user(user.id).await.unwrap());
    let rows = store.audit_page(&AuditQuery { by: Some(user.id), ..AuditQuery::default() }).await.unwrap();
    let kept: Vec<_> = rows.iter().map(|row| (row.entry.id.as_str(), row.entry.details.is_some())).collect();
    assert_eq!(kept, [("h", true), ("g", false)]);
    let mut batch = store.batch();
    batch.erase_audit_details(other);
    assert_eq!(store.commit(batch).await.unwrap().changed(0), 1);
}
