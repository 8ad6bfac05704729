//! Names that look alike.

use super::{new_user, start};
use crate::batch::{Name, NameOwner};
use crate::error::ErrorKind;
use crate::records::UserPatch;
use crate::store::Store;

pub(super) async fn names(store: &Store) {
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
