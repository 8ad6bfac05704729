//! Invitations.

use time::Duration;

use super::{start, strings};
use crate::error::ErrorKind;
use crate::invitations::Invitation;
use crate::store::Store;

fn new(id: &str, email: &str) -> Invitation {
    Invitation {
        id: id.to_owned(),
        email: email.to_owned(),
        roles: strings(&["editor", "author"]),
        invited_by: Some("ann@lp.com".to_owned()),
        created_at: start(),
        expires_at: start() + Duration::days(7),
        used_at: None,
        revoked_at: None,
    }
}

async fn invite(store: &Store, new: &Invitation) {
    let mut batch = store.batch();
    batch.invite(new);
    store.commit(batch).await.unwrap();
}

async fn accept(store: &Store, id: &str, days: i64) -> bool {
    let mut batch = store.batch();
    batch.accept_invitation(id, start() + Duration::days(days));
    match store.commit(batch).await {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.kind(), &ErrorKind::Unmet(0));
            false
        }
    }
}

pub(super) async fn run(store: &Store) {
    let first = new("first", "new@lp.com");
    invite(store, &first).await;
    assert_eq!(store.invitation("first").await.unwrap(), Some(first.clone()));
    assert_eq!(store.invitation("other").await.unwrap(), None);
    // A newer one takes its place.
    invite(store, &new("second", "NEW@lp.com")).await;
    assert!(!store.invitation("first").await.unwrap().unwrap().is_open(start()));
    assert!(!accept(store, "first", 0).await && !accept(store, "other", 0).await && !accept(store, "second", 7).await);
    // Of many who accept at once, one does.
    let mut tasks = Vec::new();
    for _ in 0..16 {
        let store = store.clone();
        tasks.push(tokio::spawn(async move { accept(&store, "second", 1).await }));
    }
    let mut accepted = 0;
    for task in tasks {
        accepted += usize::from(task.await.unwrap());
    }
    assert_eq!(accepted, 1);
    assert!(!store.revoke_invitation("new@lp.com", start()).await.unwrap(), "it is used");
    invite(store, &new("third", "third@lp.com")).await;
    assert!(store.revoke_invitation("THIRD@lp.com", start()).await.unwrap());
    assert!(!store.revoke_invitation("third@lp.com", start()).await.unwrap());
    assert!(!accept(store, "third", 0).await);
    assert_eq!(store.invitations(2).await.unwrap().len(), 2);
}
