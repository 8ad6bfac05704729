//! Lists of users.

use time::Duration;

use super::{new_user, start, strings};
use crate::account_state::AccountMark;
use crate::error::ErrorKind;
use crate::query::{MOST_FOUND, UserQuery, UserSort};
use crate::records::{NewUser, UserPatch};
use crate::store::Store;

async fn of(store: &Store, query: UserQuery) -> Vec<i64> {
    store.users_page(&query).await.unwrap().items.iter().map(|user| user.id).collect()
}

fn search(text: &str) -> UserQuery {
    UserQuery { search: Some(text.to_owned()), ..UserQuery::default() }
}

fn prefix(text: &str) -> UserQuery {
    UserQuery { prefix: Some(text.to_owned()), ..UserQuery::default() }
}

pub(super) async fn run(store: &Store) {
    let everybody = store.users_page(&UserQuery::default()).await.unwrap();
    assert_eq!(i64::try_from(everybody.items.len()).unwrap(), store.count_users().await.unwrap());
    let joe = everybody.items.iter().find(|user| user.email == "joe@lp.com");
    assert_eq!(joe.unwrap().roles.len(), 2);
    assert!(everybody.next.is_none() && everybody.previous.is_none() && !everybody.cut);

    let ids = five(store).await;
    found(store, &ids).await;
    filters(store, &ids).await;
    sorted(store, &ids).await;
    pages(store, &ids).await;
    refused(store).await;
    for id in ids {
        assert!(store.delete_user(id).await.unwrap());
    }
}

/// `list0` to `list4`: 1 and 3 are inactive, 3 is an editor and an administrator, 4 has a user name.
async fn five(store: &Store) -> Vec<i64> {
    let mut ids = Vec::new();
    for number in 0..5 {
        let mut new = new_user(&format!("list{number}"));
        new.active = number % 2 == 0;
        if number == 0 {
            new.email = "LIST0@lp.com".to_owned();
        }
        if number == 3 {
            new.roles = strings(&["editor", "admin"]);
        }
        if number == 4 {
            new.username = Some("100%_Sure".to_owned());
        }
        ids.push(store.create_user(new, start() + Duration::minutes(10 - number)).await.unwrap().id);
    }
    ids
}

async fn found(store: &Store, ids: &[i64]) {
    assert_eq!(of(store, search("LIST")).await, ids);
    assert_eq!(of(store, search("ist")).await, ids);
    assert_eq!(of(store, search("%_")).await, ids[4..]);
    assert_eq!(of(store, search("\\")).await, Vec::<i64>::new());
    assert_eq!(of(store, prefix("List")).await, ids);
    assert_eq!(of(store, prefix("list2@")).await, ids[2..3]);
    assert_eq!(of(store, prefix("ist")).await, Vec::<i64>::new());
    assert_eq!(of(store, prefix("100%_s")).await, ids[4..]);
    assert_eq!(of(store, prefix("100%xs")).await, Vec::<i64>::new());
    for text in ["'; DROP TABLE x", "\0list2", "\u{10ffff}", &"x".repeat(9999)] {
        assert!(of(store, search(text)).await.len() <= 1);
        assert!(of(store, prefix(text)).await.len() <= 1);
    }
    let query = UserQuery { active: Some(false), ..prefix("list") };
    assert_eq!(of(store, query).await, [ids[1], ids[3]]);
    let query = UserQuery { sort: UserSort::Email, descending: true, limit: 2, ..prefix("list") };
    let page = store.users_page(&query).await.unwrap();
    assert_eq!(page.items.iter().map(|user| user.id).collect::<Vec<_>>(), [ids[4], ids[3]]);
    assert_eq!(of(store, UserQuery { after: page.next, ..query }).await, [ids[2], ids[1]]);
    const { assert!(MOST_FOUND >= 100) };
}

async fn filters(store: &Store, ids: &[i64]) {
    let of = async |query: UserQuery| of(store, UserQuery { search: Some("list".to_owned()), ..query }).await;
    assert_eq!(of(UserQuery { active: Some(false), ..UserQuery::default() }).await, [ids[1], ids[3]]);
    assert_eq!(of(UserQuery { active: Some(true), ..UserQuery::default() }).await, [ids[0], ids[2], ids[4]]);
    for role in ["editor", "admin"] {
        let query = UserQuery { role: Some(role.to_owned()), ..UserQuery::default() };
        assert_eq!(of(query).await, [ids[3]]);
    }
    for role in ["nobody", "", "\0"] {
        let query = UserQuery { role: Some(role.to_owned()), ..UserQuery::default() };
        assert_eq!(of(query).await, Vec::<i64>::new());
    }
    let patch = UserPatch { confirmed_at: Some(Some(start())), ..UserPatch::default() };
    assert!(store.update_user(ids[2], patch, start()).await.unwrap());
    assert_eq!(of(UserQuery { confirmed: Some(true), ..UserQuery::default() }).await, [ids[2]]);
    let unconfirmed = UserQuery { confirmed: Some(false), active: Some(true), ..UserQuery::default() };
    assert_eq!(of(unconfirmed).await, [ids[0], ids[4]]);
    let patch = UserPatch { tf_primary_method: Some(Some("sms".to_owned())), ..UserPatch::default() };
    assert!(store.update_user(ids[1], patch, start()).await.unwrap());
    assert_eq!(of(UserQuery { second_factor: Some(true), ..UserQuery::default() }).await, [ids[1]]);
    let without = UserQuery { second_factor: Some(false), ..UserQuery::default() };
    assert_eq!(of(without).await, [ids[0], ids[2], ids[3], ids[4]]);
    let mut batch = store.batch();
    let mark = AccountMark { state: "listed".to_owned(), ..AccountMark::default() };
    batch.mark_account(ids[4], &mark, start());
    store.commit(batch).await.unwrap();
    let states = store.account_states(ids).await.unwrap();
    assert_eq!(states.iter().map(|state| state.user_id).collect::<Vec<_>>(), [ids[4]]);
    assert_eq!(states[0].mark.as_ref().unwrap().state, "listed");
    assert!(store.account_states(&[]).await.unwrap().is_empty());
    assert_eq!(of(UserQuery { state: Some("listed".to_owned()), ..UserQuery::default() }).await, [ids[4]]);
    assert_eq!(of(UserQuery { state: Some("other".to_owned()), ..UserQuery::default() }).await, Vec::<i64>::new());
}

async fn sorted(store: &Store, ids: &[i64]) {
    for (id, minute) in [(ids[0], 5), (ids[1], 3), (ids[2], 5)] {
        let at = start() + Duration::minutes(minute);
        let patch = UserPatch { current_login_at: Some(Some(at)), ..UserPatch::default() };
        assert!(store.update_user(id, patch, start()).await.unwrap());
    }
    let by = async |sort, descending| of(store, UserQuery { sort, descending, ..search("list") }).await;
    assert_eq!(by(UserSort::Id, true).await, [ids[4], ids[3], ids[2], ids[1], ids[0]]);
    assert_eq!(by(UserSort::Email, false).await, ids);
    assert_eq!(by(UserSort::Created, false).await, [ids[4], ids[3], ids[2], ids[1], ids[0]]);
    assert_eq!(by(UserSort::LastSignIn, false).await, [ids[3], ids[4], ids[1], ids[0], ids[2]]);
    assert_eq!(by(UserSort::LastSignIn, true).await, [ids[2], ids[0], ids[1], ids[4], ids[3]]);
}

/// Walks each list forwards and back, one and two at a time: nobody is left out or seen twice, also where keys are the
/// same or missing, and where users come and go meanwhile.
async fn pages(store: &Store, ids: &[i64]) {
    for sort in [UserSort::Id, UserSort::Email, UserSort::LastSignIn, UserSort::Created] {
        for (descending, limit) in [(false, 1), (true, 1), (false, 2), (true, 2)] {
            let query = UserQuery { sort, descending, limit, ..search("list") };
            let all = of(store, UserQuery { limit: 0, ..query.clone() }).await;
            assert_eq!(all.len(), 5);
            let mut seen = Vec::new();
            let mut page = store.users_page(&query).await.unwrap();
            assert!(page.previous.is_none());
            loop {
                seen.extend(page.items.iter().map(|user| user.id));
                let Some(next) = page.next.clone() else { break };
                page = store.users_page(&UserQuery { after: Some(next), ..query.clone() }).await.unwrap();
                assert!(page.previous.is_some());
            }
            assert_eq!(seen, all, "{sort:?} {descending} {limit}");
            let mut back: Vec<i64> = page.items.iter().map(|user| user.id).collect();
            while let Some(previous) = page.previous.clone() {
                page = store.users_page(&UserQuery { before: Some(previous), ..query.clone() }).await.unwrap();
                assert!(page.next.is_some());
                back.splice(0..0, page.items.iter().map(|user| user.id));
            }
            assert_eq!(back, all, "{sort:?} {descending} {limit} back");
        }
    }
    let query = UserQuery { sort: UserSort::Email, limit: 2, ..search("list") };
    let page = store.users_page(&query).await.unwrap();
    let patch = |email: &str| UserPatch { email: Some(email.to_owned()), ..UserPatch::default() };
    // Older schemas have no user without a password.
    let new = NewUser { password: Some("$x$".to_owned()), ..NewUser::new("list1a@lp.com", "uniq-list1a") };
    let new = store.create_user(new, start()).await.unwrap().id;
    assert!(store.update_user(ids[1], patch("alist1@lp.com"), start()).await.unwrap());
    let rest = of(store, UserQuery { after: page.next, limit: 9, ..query }).await;
    assert_eq!(rest, [new, ids[2], ids[3], ids[4]]);
    assert!(store.update_user(ids[1], patch("list1@lp.com"), start()).await.unwrap());
    assert!(store.delete_user(new).await.unwrap());
}

async fn refused(store: &Store) {
    let query = |sort, after: &str| UserQuery { sort, after: Some(after.to_owned()), ..UserQuery::default() };
    for query in [
        query(UserSort::Id, "x"),
        query(UserSort::Id, "1.61"),
        query(UserSort::Email, "1"),
        query(UserSort::Email, "1 OR 1=1"),
        query(UserSort::Created, "1.61"),
        query(UserSort::LastSignIn, &"6".repeat(9000)),
        UserQuery { before: Some("1".to_owned()), ..query(UserSort::Id, "1") },
    ] {
        let error = store.users_page(&query).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Invalid(_)), "{query:?} {error:?}");
    }
    // A NUL in a place is what PostgreSQL cannot hold.
    let nul = store.users_page(&query(UserSort::Email, "1.00")).await;
    assert!(nul.is_err_and(|error| matches!(error.kind(), ErrorKind::Invalid(_))));
    let many = store.users_page(&UserQuery { limit: u32::MAX, ..UserQuery::default() }).await.unwrap();
    assert!(many.items.len() <= 1000);
}
