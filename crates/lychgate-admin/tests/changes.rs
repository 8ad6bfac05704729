//! What administrators change, and what they cannot.
#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use lychgate::store::{AccountMark, ApiKey, AuditQuery, NewUser, OutboxItem, OutboxState, RefreshFamily};
use lychgate_testkit::{Browser, Database, TestApp};
use serde_json::json;
use support::{admin, change, id_of, panel, post};
use time::Duration;

const ON: &str = "[security]\nactivity = true\nrecoverable = true\nregisterable = true\n[mail]\n";

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_switched_off_and_on() {
    let app = panel(ON).await;
    let (mut matt, token) = admin(&app).await;
    let mut joe = app.browser();
    joe.sign_in("joe@lp.com").await;
    let page = format!("/admin/users/{}", id_of(&app, "joe@lp.com").await);
    let done = change(&mut matt, &format!("{page}/deactivate"), &token, json!({})).await;
    assert_eq!(done.status(), 200, "{}", done.text());
    assert_eq!(joe.who().await, "nobody");
    let again = change(&mut matt, &format!("{page}/deactivate"), &token, json!({})).await;
    assert_eq!(again.status(), 409);
    let done = post(&mut matt, &format!("{page}/activate"), &token, &[]).await;
    assert_eq!(done.location(), page);
    assert!(app.user("joe@lp.com").await.active);
    // The session from before does not come to life again.
    assert_eq!(joe.who().await, "nobody");
    let shown = matt.get(&page).await;
    assert!(shown.text().contains("The account can be used."), "{}", shown.text());
    let activity = matt.get_json(&page).await.response()["activity"].take();
    let details: Vec<&str> = activity.as_array().unwrap().iter().filter_map(|one| one["detail"].as_str()).collect();
    assert!(
        details.contains(&"deactivated (matt@lp.com)") && details.contains(&"activated (matt@lp.com)"),
        "{details:?}"
    );
    assert_eq!(change(&mut matt, "/admin/users/99999/activate", &token, json!({})).await.status(), 404);
    assert_eq!(change(&mut matt, "/admin/users/x/activate", &token, json!({})).await.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_count_at_the_next_request() {
    let app = panel(ON).await;
    let (mut matt, token) = admin(&app).await;
    let mut joe = app.browser();
    joe.sign_in("joe@lp.com").await;
    let page = format!("/admin/users/{}", id_of(&app, "joe@lp.com").await);
    assert_eq!(joe.get("/admin").await.status(), 403);
    // Asked first, nothing is changed, and it is said what would be.
    let ask = json!({"role": "admin", "ask": true});
    let asked = change(&mut matt, &format!("{page}/give-role"), &token, ask).await.response();
    let gains = asked["concerned"][0]["gains"].as_array().unwrap();
    assert!(gains.contains(&json!("role admin")), "{asked}");
    let sure = post(&mut matt, &format!("{page}/give-role"), &token, &[("role", "admin"), ("ask", "y")]).await;
    assert_eq!(sure.input("confirm").as_deref(), Some("y"), "{}", sure.text());
    assert!(sure.text().contains("role admin") && sure.text().contains(&format!("action=\"{page}/give-role\"")));
    let none = change(&mut matt, &format!("{page}/take-role"), &token, json!({"role": "none", "ask": true})).await;
    assert_eq!(none.status(), 404);
    assert_eq!(joe.get("/admin").await.status(), 403);
    let give = change(&mut matt, &format!("{page}/give-role"), &token, json!({"role": "admin"})).await;
    assert_eq!(give.status(), 200, "{}", give.text());
    assert_eq!(joe.get("/admin").await.status(), 200);
    let take = change(&mut matt, &format!("{page}/take-role"), &token, json!({"role": "admin"})).await;
    assert_eq!(take.status(), 200);
    assert_eq!(joe.get("/admin").await.status(), 403);
    for role in ["admin", "nobody has this"] {
        let none = change(&mut matt, &format!("{page}/take-role"), &token, json!({"role": role})).await;
        assert_eq!(none.status(), 409, "{role}");
    }
}

/// `dave` and `gal` are administrators too; without them `matt` is the last one.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_administrator_stays_one() {
    let app = panel(ON).await;
    let (mut matt, token) = admin(&app).await;
    for email in ["dave@lp.com", "gal@lp.com"] {
        let page = format!("/admin/users/{}", id_of(&app, email).await);
        let done = change(&mut matt, &format!("{page}/take-role"), &token, json!({"role": "admin"})).await;
        assert_eq!(done.status(), 200);
    }
    let page = format!("/admin/users/{}", id_of(&app, "matt@lp.com").await);
    for (path, body) in [
        ("take-role", json!({"role": "admin"})),
        ("deactivate", json!({})),
        ("delete", json!({"confirm": "matt@lp.com"})),
    ] {
        let refused = change(&mut matt, &format!("{page}/{path}"), &token, body).await;
        assert_eq!(refused.status(), 409, "{path}: {}", refused.text());
    }
    let role = change(&mut matt, "/admin/roles/delete", &token, json!({"role": "admin", "confirm": "y"})).await;
    assert_eq!(role.status(), 409);
    let matt = app.user("matt@lp.com").await;
    assert!(matt.active && matt.has_role("admin"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_deleted_when_its_address_is_typed() {
    let app = panel(ON).await;
    let (mut matt, token) = admin(&app).await;
    let page = format!("/admin/users/{}", id_of(&app, "jill@lp.com").await);
    let path = format!("{page}/delete");
    assert_eq!(change(&mut matt, &path, &token, json!({})).await.status(), 409);
    assert_eq!(post(&mut matt, &path, &token, &[("confirm", "joe@lp.com")]).await.location(), page);
    let done = post(&mut matt, &path, &token, &[("confirm", "jill@lp.com")]).await;
    assert_eq!(done.location(), "/admin/users");
    assert_eq!(matt.get(&page).await.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn access_is_reset_and_sessions_end() {
    let app = panel(ON).await;
    let (mut matt, token) = admin(&app).await;
    let page = format!("/admin/users/{}", id_of(&app, "joe@lp.com").await);
    let (mut first, mut second) = (app.browser(), app.browser());
    first.sign_in("joe@lp.com").await;
    second.sign_in("joe@lp.com").await;
    let sessions = matt.get_json(&page).await.response()["sessions"].take();
    assert_eq!(sessions.as_array().unwrap().len(), 2);
    let cookie = app.session_of(&first).get("lg_sid").and_then(|sid| sid.as_str()).unwrap().to_owned();
    assert!(!sessions.to_string().contains(&cookie));
    for one in sessions.as_array().unwrap() {
        let end = change(&mut matt, &format!("{page}/end-session"), &token, json!({"session": one["id"]})).await;
        assert_eq!(end.status(), 200);
    }
    assert_eq!((first.who().await, second.who().await), ("nobody".to_owned(), "nobody".to_owned()));
    let none = change(&mut matt, &format!("{page}/end-session"), &token, json!({"session": "x"})).await;
    assert_eq!(none.status(), 409);
    first.sign_in("joe@lp.com").await;
    assert_eq!(change(&mut matt, &format!("{page}/end-sessions"), &token, json!({})).await.status(), 200);
    assert_eq!(first.who().await, "nobody");

    let gal = format!("/admin/users/{}", id_of(&app, "gal@lp.com").await);
    assert_eq!(change(&mut matt, &format!("{gal}/reset-access"), &token, json!({})).await.status(), 200);
    assert_eq!(app.user("gal@lp.com").await.tf_primary_method, None);
    assert_eq!(change(&mut matt, &format!("{page}/send-reset"), &token, json!({})).await.status(), 200);
    let mails = app.mails().await;
    assert!(mails.iter().any(|mail| lychgate_testkit::link_in(mail, "/reset").is_some()), "{mails:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_are_changed_at_once_after_a_question() {
    let app = panel(ON).await;
    let (mut matt, token) = admin(&app).await;
    let (joe, jill, own) =
        (id_of(&app, "joe@lp.com").await, id_of(&app, "jill@lp.com").await, id_of(&app, "matt@lp.com").await);
    let body = json!({"action": "deactivate", "id": [joe, jill, own, 99999]});
    let asked = change(&mut matt, "/admin/users/bulk", &token, body.clone()).await.response();
    assert_eq!(asked["subjects"].as_array().unwrap().len(), 3);
    assert!(app.user("joe@lp.com").await.active);
    let mut sure = body;
    sure["confirm"] = true.into();
    let done = change(&mut matt, "/admin/users/bulk", &token, sure).await.response();
    assert_eq!(done["changed"], 2, "{done}");
    assert!(!app.user("joe@lp.com").await.active && app.user("matt@lp.com").await.active);
    let page = post(&mut matt, "/admin/users/bulk", &token, &[("action", "activate"), ("id", &joe.to_string())]).await;
    assert!(page.text().contains("joe@lp.com") && page.input("confirm").is_some(), "{}", page.text());
    for body in [json!({"action": "delete"}), json!({"action": "explode", "id": [joe]})] {
        assert!(change(&mut matt, "/admin/users/bulk", &token, body).await.status() >= 400);
    }
    let many: Vec<i64> = (0..150).collect();
    let refused = change(&mut matt, "/admin/users/bulk", &token, json!({"action": "activate", "id": many})).await;
    assert_eq!(refused.status(), 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_is_approved_or_declined() {
    let app = panel(ON).await;
    let (mut matt, token) = admin(&app).await;
    let mark = AccountMark { state: "waiting".to_owned(), ..AccountMark::default() };
    let (tiya, jill) = (id_of(&app, "tiya@lp.com").await, id_of(&app, "jill@lp.com").await);
    let off = lychgate::store::UserPatch { active: Some(false), ..Default::default() };
    app.update("jill@lp.com", off).await;
    for id in [tiya, jill] {
        let mut batch = app.store().batch();
        batch.mark_account(id, &mark, app.now());
        app.store().commit(batch).await.unwrap();
    }
    let waiting = matt.get_json("/admin/approvals").await.response()["waiting_users"].take();
    assert_eq!(waiting.as_array().unwrap().len(), 2);
    assert_eq!(change(&mut matt, "/admin/approvals/approve", &token, json!({"id": tiya})).await.status(), 200);
    assert!(app.user("tiya@lp.com").await.active);
    assert_eq!(change(&mut matt, "/admin/approvals/approve", &token, json!({"id": tiya})).await.status(), 409);
    assert_eq!(change(&mut matt, "/admin/approvals/decline", &token, json!({"id": jill})).await.status(), 200);
    assert_eq!(change(&mut matt, "/admin/approvals/approve", &token, json!({"id": "x"})).await.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_suspended_and_locked() {
    let app = panel(ON).await;
    let (mut matt, token) = admin(&app).await;
    let page = format!("/admin/users/{}", id_of(&app, "joe@lp.com").await);
    let mut joe = app.browser();
    joe.sign_in("joe@lp.com").await;
    let body = json!({"until": "2030-01-31", "reason": "a holiday"});
    let done = change(&mut matt, &format!("{page}/suspend"), &token, body).await;
    assert_eq!(done.status(), 200, "{}", done.text());
    assert_ne!(joe.get("/whoami").await.json()["email"], "joe@lp.com");
    let subject = matt.get_json(&page).await.response()["subject"].take();
    assert_eq!((&subject["standing"], &subject["reason"]), (&json!("suspended"), &json!("a holiday")));
    assert_eq!(subject["by"], "matt@lp.com");
    let listed = matt.get_json("/admin/users?state=suspended").await.response()["users"].take();
    assert_eq!(listed[0]["email"], "joe@lp.com");
    for (path, status) in [("unlock", 409), ("unsuspend", 200), ("unsuspend", 409), ("lock", 200), ("unlock", 200)] {
        let reply = change(&mut matt, &format!("{page}/{path}"), &token, json!({})).await;
        assert_eq!(reply.status(), status, "{path}: {}", reply.text());
    }
    // Switched off is for good, whatever end a suspension had.
    let body = json!({"until": "2030-01-31"});
    assert_eq!(change(&mut matt, &format!("{page}/suspend"), &token, body).await.status(), 200);
    for status in [200, 409] {
        let off = change(&mut matt, &format!("{page}/deactivate"), &token, json!({})).await;
        assert_eq!(off.status(), status, "{}", off.text());
    }
    assert_eq!(matt.get_json(&page).await.response()["subject"]["standing"], "off");
    assert_eq!(change(&mut matt, &format!("{page}/activate"), &token, json!({})).await.status(), 200);
    for until in ["tomorrow", "2030-02-31"] {
        let reply = change(&mut matt, &format!("{page}/suspend"), &token, json!({"until": until})).await;
        assert_eq!(reply.status(), 400);
    }
    let past = change(&mut matt, &format!("{page}/suspend"), &token, json!({"until": "2001-01-01"})).await;
    assert_eq!(past.status(), 409);
    let own = format!("/admin/users/{}/suspend", id_of(&app, "matt@lp.com").await);
    assert_eq!(change(&mut matt, &own, &token, json!({})).await.status(), 409);
}

/// An account that is open, but whose next password has to wait.
#[tokio::test(flavor = "multi_thread")]
async fn waits_after_wrong_passwords_are_ended() {
    let app = panel(&format!("{ON}[limits]\nlockout = true\nlockout_after = 1\n")).await;
    let (mut matt, token) = admin(&app).await;
    let page = format!("/admin/users/{}", id_of(&app, "joe@lp.com").await);
    let button = format!("{page}/unlock");
    assert!(!matt.get(&page).await.text().contains(&button));
    assert_eq!(matt.get_json(&page).await.response()["passwords_wait_until"], json!(null));
    let fields = json!({"email": "joe@lp.com", "password": "wrong"});
    let mut stranger = app.browser();
    let stranger_token = stranger.get("/login").await.csrf_token();
    assert_eq!(change(&mut stranger, "/login", &stranger_token, fields.clone()).await.status(), 400);
    assert_eq!(change(&mut stranger, "/login", &stranger_token, fields.clone()).await.status(), 429);
    assert!(matt.get(&page).await.text().contains(&button));
    assert!(matt.get_json(&page).await.response()["passwords_wait_until"].is_string());
    assert_eq!(post(&mut matt, &button, &token, &[]).await.location(), page);
    assert!(!matt.get(&page).await.text().contains(&button));
    assert_eq!(change(&mut stranger, "/login", &stranger_token, fields).await.status(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_and_refusals_are_explained() {
    let app = panel(ON).await;
    let (mut matt, _) = admin(&app).await;
    let of = async |matt: &mut lychgate_testkit::Browser, query: &str| -> Vec<String> {
        let reply = matt.get_json(&format!("/admin/rights?permission={query}")).await;
        let people = reply.response()["people"].take();
        people.as_array().unwrap().iter().map(|one| one["email"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(of(&mut matt, "my-write").await, ["jill@lp.com"]);
    assert_eq!(of(&mut matt, "role:simple").await, ["gene@lp.com"]);
    assert!(of(&mut matt, "nothing").await.is_empty());
    assert_eq!(matt.get("/admin/rights?permission=my-write").await.status(), 200);
    assert_eq!(matt.get_json("/admin/rights?refusal=unknown").await.status(), 404);
    assert_eq!(matt.get_json("/admin/rights?permission=x&after=forged").await.status(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_is_in_the_audit_log() {
    let app = panel(&format!("{}\naudit = true", ON.replace("[mail]\n", ""))).await;
    let (mut matt, token) = admin(&app).await;
    let joe = id_of(&app, "joe@lp.com").await;
    let done = change(&mut matt, &format!("/admin/users/{joe}/deactivate"), &token, json!({})).await;
    assert_eq!(done.status(), 200);
    let entries =
        matt.get_json(&format!("/admin/audit?user={joe}&kind=administered")).await.response()["entries"].take();
    assert!(entries[0]["said"].as_str().unwrap().contains("deactivated"), "{entries}");
    assert_eq!(entries[0]["actor_id"], id_of(&app, "matt@lp.com").await);
    assert_eq!(matt.get_json("/admin/audit?user=x").await.status(), 400);
}

/// The details of what is about somebody are erased with the account; so nothing else may name them.
#[tokio::test(flavor = "multi_thread")]
async fn entries_about_administrators_name_nobody_else() {
    let app =
        panel("base_url = \"http://localhost\"\n[security]\naudit = true\nactivity = true\nregisterable = true\n")
            .await;
    let (mut matt, token) = admin(&app).await;
    let joe = id_of(&app, "joe@lp.com").await;
    for (path, body) in [
        ("/admin/users/create".to_owned(), json!({"email": "new@lp.com"})),
        ("/admin/approvals/invite".to_owned(), json!({"email": "guest@lp.com"})),
        ("/admin/approvals/uninvite".to_owned(), json!({"email": "guest@lp.com"})),
        (format!("/admin/users/{joe}/suspend"), json!({})),
        (format!("/admin/users/{joe}/unsuspend"), json!({})),
    ] {
        let done = change(&mut matt, &path, &token, body).await;
        assert_eq!(done.status(), 200, "{path}: {}", done.text());
    }
    app.gate().audit().settled().await;
    let entries = app.gate().audit().page(&AuditQuery { limit: 100, ..AuditQuery::default() }).await.unwrap();
    let own = id_of(&app, "matt@lp.com").await;
    for kind in ["user-created", "user-invited", "invitation-revoked", "suspended", "unsuspended"] {
        assert!(entries.iter().any(|entry| entry.kind == kind && entry.actor_id == Some(own)), "{kind}");
    }
    for entry in entries {
        let text = entry.to_json().to_string();
        assert!(["new@lp.com", "guest@lp.com", "joe@lp.com"].iter().all(|name| !text.contains(name)), "{text}");
    }
    // The administrator sees who it was.
    let noted = app.store().activity_of(own, 50).await.unwrap();
    assert!(noted.iter().any(|one| one.detail.as_deref() == Some("invited guest@lp.com")), "{noted:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_changed_after_saying_who_gains_and_loses() {
    let app = panel(ON).await;
    let (mut matt, token) = admin(&app).await;
    let body = json!({"role": "editor", "permissions": "full-read, publish"});
    let asked = change(&mut matt, "/admin/roles/permissions", &token, body.clone()).await.response();
    assert_eq!((&asked["gained"], &asked["lost"]), (&json!(["publish"]), &json!(["full-write"])));
    assert_eq!(asked["role"]["users"], 2);
    let joe = asked["concerned"].as_array().unwrap().iter().find(|one| one["email"] == "joe@lp.com").unwrap();
    assert_eq!((&joe["gains"], &joe["loses"]), (&json!(["permission publish"]), &json!(["permission full-write"])));
    assert!(!app.user("joe@lp.com").await.has_permission("publish"));
    let mut sure = body;
    sure["confirm"] = true.into();
    assert_eq!(change(&mut matt, "/admin/roles/permissions", &token, sure.clone()).await.status(), 200);
    assert!(app.user("joe@lp.com").await.has_permission("publish"));
    assert_eq!(change(&mut matt, "/admin/roles/permissions", &token, sure).await.status(), 409);
    let made =
        change(&mut matt, "/admin/roles/create", &token, json!({"role": "press", "permissions": ["a", "b"]})).await;
    assert_eq!(made.status(), 200);
    let twice = change(&mut matt, "/admin/roles/create", &token, json!({"role": "press"})).await;
    assert_eq!(twice.status(), 409);
    for role in ["", &"x".repeat(99)] {
        assert!(change(&mut matt, "/admin/roles/create", &token, json!({"role": role})).await.status() >= 400);
    }
    assert_eq!(change(&mut matt, "/admin/roles/delete", &token, json!({"role": "press"})).await.status(), 200);
    assert!(app.store().role_by_name("press").await.unwrap().is_some());
    change(&mut matt, "/admin/roles/delete", &token, json!({"role": "press", "confirm": "y"})).await;
    assert!(app.store().role_by_name("press").await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_tried_again_or_dropped() {
    let app = panel(ON).await;
    let (mut matt, token) = admin(&app).await;
    for id in ["one", "two"] {
        let mut batch = app.store().batch();
        batch.enqueue(&OutboxItem::new(id, "mail", "joe@lp.com", "a secret link", app.now()));
        app.store().commit(batch).await.unwrap();
        assert!(app.store().outbox_failed(id, "no such mailbox", None).await.unwrap());
    }
    let page = matt.get("/admin/outbox?state=dead").await;
    assert!(page.text().contains("no such mailbox") && !page.text().contains("a secret link"));
    assert_eq!(change(&mut matt, "/admin/outbox/retry", &token, json!({"id": "one"})).await.status(), 200);
    assert_eq!(app.store().outbox_item("one").await.unwrap().unwrap().state, OutboxState::Waiting);
    assert_eq!(change(&mut matt, "/admin/outbox/drop", &token, json!({"id": "one"})).await.status(), 409);
    assert_eq!(change(&mut matt, "/admin/outbox/drop", &token, json!({"id": "two"})).await.status(), 200);
    assert!(app.store().outbox_item("two").await.unwrap().is_none());
    let noted = app.store().activity_of(id_of(&app, "matt@lp.com").await, 50).await.unwrap();
    let of = |id: &str| noted.iter().filter(|one| one.detail.as_deref().is_some_and(|text| text.contains(id))).count();
    assert_eq!((of("again: one"), of("letter: one"), of("letter: two")), (1, 0, 1), "{noted:?}");
    assert_eq!(matt.get("/admin/outbox?state=lost").await.status(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_go_out_and_come_in_as_tables() {
    let app = panel(ON).await;
    let (mut matt, token) = admin(&app).await;
    let table = "email,username,roles,active\nann@lp.com,ann,editor author,yes\nbob@lp.com,,,no\n";
    let checked = change(&mut matt, "/admin/users/import", &token, json!({"csv": table})).await.response();
    assert_eq!((&checked["right"], &checked["wrong"]), (&json!(2), &json!(0)), "{checked}");
    assert!(app.store().user_by_identity("email", "ann@lp.com", true).await.unwrap().is_none());
    let bad = "email,roles\njoe@lp.com,\nnot an address,\ncy@lp.com,nobody\ncy@lp.com,\n";
    let checked = change(&mut matt, "/admin/users/import", &token, json!({"csv": bad})).await.response();
    let wrong: Vec<i64> = checked["lines"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| !one["error"].is_null())
        .map(|one| one["line"].as_i64().unwrap())
        .collect();
    assert_eq!(wrong, [2, 3, 4, 5], "{checked}");
    let none = change(&mut matt, "/admin/users/import/run", &token, json!({"csv": bad})).await;
    assert_eq!(none.response()["wrong"], 4);
    for mistake in ["", "name\nx", "email,password\na@lp.com,secret"] {
        assert_eq!(change(&mut matt, "/admin/users/import", &token, json!({"csv": mistake})).await.status(), 400);
    }
    let done = change(&mut matt, "/admin/users/import/run", &token, json!({"csv": table})).await.response();
    assert_eq!(done["changed"], 2, "{done}");
    let ann = app.user("ann@lp.com").await;
    assert!(ann.has_role("editor") && ann.has_role("author") && ann.password.is_none());
    assert!(!app.user("bob@lp.com").await.active);

    let patch =
        lychgate::store::UserPatch { username: Some(Some("=cmd|' /C calc'!A0".to_owned())), ..Default::default() };
    app.update("bob@lp.com", patch).await;
    let reply = matt.get("/admin/users.csv?sort=email").await;
    assert!(reply.header("content-disposition").starts_with("attachment; filename=\"users-"));
    let lines: Vec<&str> = reply.text().lines().collect();
    assert_eq!(lines.len(), 11);
    assert!(lines[0].starts_with("\"id\",\"email\""), "{}", lines[0]);
    assert!(reply.text().contains("\"'=cmd|' /C calc'!A0\"") && !reply.text().contains("argon2"));
    assert_eq!(matt.get("/admin/users.csv?sort=x").await.status(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_added_and_chooses_a_password() {
    let app = panel(ON).await;
    let (mut matt, token) = admin(&app).await;
    let body = json!({"email": "new@lp.com", "role": ["editor"], "confirmed": true, "invite": true});
    let made = change(&mut matt, "/admin/users/create", &token, body.clone()).await;
    assert_eq!(made.status(), 200, "{}", made.text());
    let new = app.user("new@lp.com").await;
    assert!(new.has_role("editor") && new.confirmed_at.is_some() && new.password.is_none());
    assert!(app.mailed_link("/reset").await.starts_with("/reset/"));
    let again = change(&mut matt, "/admin/users/create", &token, body).await;
    assert_eq!((again.status(), app.store().count_users().await.unwrap()), (409, 9));
}

/// The state of the change of many when it runs no more.
async fn ended(browser: &mut Browser) -> serde_json::Value {
    loop {
        let job = browser.get_json("/admin/users/bulk/progress").await.response()["job"].take();
        if job["state"] != "running" {
            return job;
        }
        tokio::task::yield_now().await;
    }
}

async fn changed_all(database: Database) {
    let app = TestApp::builder().on(database).toml(ON).mount(lychgate_admin::routes).start().await;
    for n in 0..45 {
        let (email, unique) = (format!("bulk{n}@lp.com"), format!("unique-{n}"));
        app.store().create_user(NewUser::new(email, unique), app.now()).await.unwrap();
    }
    let (mut matt, token) = admin(&app).await;
    assert_eq!(matt.get_json("/admin/users/bulk/progress").await.status(), 404);
    let body = json!({"action": "deactivate", "all": true, "matching": "q=bulk&active=yes&sort=-email"});
    let asked = change(&mut matt, "/admin/users/bulk", &token, body.clone()).await.response();
    assert_eq!((&asked["count"], app.user("bulk7@lp.com").await.active), (&json!(45), true));
    let mut sure = body;
    sure["confirm"] = true.into();
    assert_eq!(change(&mut matt, "/admin/users/bulk", &token, sure.clone()).await.status(), 200);
    let job = ended(&mut matt).await;
    assert_eq!((&job["state"], &job["changed"], &job["seen"]), (&json!("done"), &json!(45), &json!(45)), "{job}");
    for n in [0, 44] {
        let user = app.user(&format!("bulk{n}@lp.com")).await;
        assert!(!user.active);
        let noted = app.store().activity_of(user.id, 10).await.unwrap();
        assert!(noted.iter().any(|one| one.detail.as_deref() == Some("deactivated (matt@lp.com)")));
    }
    // Nobody is left whom this is about.
    assert_eq!(change(&mut matt, "/admin/users/bulk", &token, sure).await.status(), 409);
    // One's own account stays, and so an administrator does.
    let body = json!({"action": "deactivate", "all": true, "matching": "role=admin", "confirm": true});
    assert_eq!(change(&mut matt, "/admin/users/bulk", &token, body).await.status(), 200);
    let job = ended(&mut matt).await;
    assert_eq!((&job["changed"], &job["refused"][0]["email"]), (&json!(2), &json!("matt@lp.com")), "{job}");
    assert!(app.user("matt@lp.com").await.active);
    // A word that is mistyped must not mean everybody.
    let long = format!("q={}", "x".repeat(3000));
    for matching in ["sort=password", "active=perhaps", "rol=simple", "q=bulk&activ=no", &long] {
        let body = json!({"action": "delete", "all": true, "matching": matching, "confirm": true});
        assert_eq!(change(&mut matt, "/admin/users/bulk", &token, body).await.status(), 400, "{matching}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_in_a_list_are_changed_on_sqlite() {
    changed_all(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_in_a_list_are_changed_on_postgres() {
    changed_all(Database::Postgres).await;
}

/// What takes an hour is not all done at the moment at which it was asked for.
#[tokio::test(flavor = "multi_thread")]
async fn each_part_of_a_change_of_many_has_its_own_moment() {
    let app = Arc::new(panel("[security]\naudit = true\n").await);
    for n in 0..25 {
        let (email, unique) = (format!("bulk{n}@lp.com"), format!("unique-{n}"));
        app.store().create_user(NewUser::new(email, unique), app.now()).await.unwrap();
    }
    let (begun, weak, once) = (app.now(), Arc::downgrade(&app), std::sync::Once::new());
    app.gate().events().on(move |event| {
        if let (lychgate::Event::AccountDeleted { .. }, Some(app)) = (event, weak.upgrade()) {
            once.call_once(|| app.advance(3600));
        }
    });
    let (mut matt, token) = admin(&app).await;
    let body = json!({"action": "delete", "all": true, "matching": "q=bulk", "confirm": true});
    assert_eq!(change(&mut matt, "/admin/users/bulk", &token, body).await.status(), 200);
    // Not by the panel: for it, a job of which nothing was heard for an hour has stopped.
    let job = loop {
        let kept = app.store().meta_get("admin-bulk").await.unwrap().unwrap();
        let job: serde_json::Value = serde_json::from_str(&kept).unwrap();
        if job["state"] != "running" {
            break job;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((&job["state"], &job["changed"]), (&json!("done"), &json!(25)), "{job}");
    app.gate().audit().settled().await;
    let query = AuditQuery { kinds: vec!["user-deleted".to_owned()], limit: 100, ..AuditQuery::default() };
    let entries = app.gate().audit().page(&query).await.unwrap();
    let later = begun + Duration::HOUR;
    let at: Vec<_> = entries.iter().map(|entry| entry.at).collect();
    assert_eq!((at.len(), at.first(), at.last()), (25, Some(&later), Some(&begun)), "{at:?}");
    assert!(entries.iter().all(|entry| entry.actor_id == entries[0].actor_id && entry.detail("session").len() == 12));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_many_is_cancelled_seen_as_stopped_and_gone_on_with() {
    let app = panel(ON).await;
    let (mut matt, token) = admin(&app).await;
    let (first, until) = (id_of(&app, "matt@lp.com").await, i64::MAX);
    // As a process leaves it that went away after the first user.
    let left = |at: i64| {
        json!({"id": "x", "action": "end-sessions", "matching": "role=admin", "by": "dave@lp.com", "state": "running",
            "total": 3, "seen": 1, "changed": 1, "not_changed": 0, "until": until, "after": first.to_string(),
            "refused": [], "begun_at": "2026-01-01T00:00:00Z", "at": at})
    };
    let now = app.now().unix_timestamp();
    app.store().meta_set("admin-bulk", &left(now).to_string()).await.unwrap();
    let page = matt.get("/admin/users/bulk/progress").await;
    assert!(page.text().contains("http-equiv=\"refresh\"") && page.text().contains("/admin/users/bulk/cancel"));
    assert!(matt.get("/admin/users").await.text().contains("/admin/users/bulk/progress"));
    let body = json!({"action": "activate", "all": true, "matching": "", "confirm": true});
    assert_eq!(change(&mut matt, "/admin/users/bulk", &token, body).await.status(), 409);
    assert_eq!(change(&mut matt, "/admin/users/bulk/resume", &token, json!({})).await.status(), 409);
    assert_eq!(change(&mut matt, "/admin/users/bulk/cancel", &token, json!({})).await.status(), 200);
    assert_eq!(change(&mut matt, "/admin/users/bulk/cancel", &token, json!({})).await.status(), 409);
    assert_eq!(ended(&mut matt).await["state"], "cancelled");

    app.store().meta_set("admin-bulk", &left(now - 3600).to_string()).await.unwrap();
    assert_eq!(ended(&mut matt).await["state"], "stopped");
    let page = matt.get("/admin/users/bulk/progress").await;
    assert!(!page.text().contains("http-equiv=\"refresh\"") && page.text().contains("/admin/users/bulk/resume"));
    assert_eq!(post(&mut matt, "/admin/users/bulk/resume", &token, &[]).await.location(), "/admin/users/bulk/progress");
    let job = ended(&mut matt).await;
    assert_eq!((&job["state"], &job["seen"], &job["by"]), (&json!("done"), &json!(3), &json!("matt@lp.com")), "{job}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_acts_as_somebody_else() {
    let app = panel("[security]\nimpersonation = true\naudit = true\n").await;
    let (mut matt, token) = admin(&app).await;
    let joe = format!("/admin/users/{}", id_of(&app, "joe@lp.com").await);
    assert!(matt.get(&joe).await.text().contains("name=\"reason\""));
    // Without a reason it is refused, and so it is for whom it is not meant.
    assert_eq!(change(&mut matt, &format!("{joe}/impersonate"), &token, json!({})).await.status(), 409);
    let jill = format!("/admin/users/{}", id_of(&app, "jill@lp.com").await);
    let shown = matt.get_json(&jill).await.response();
    assert_eq!(shown["impersonation"]["why"], "This account may do what you may not: my-write");
    let refused = change(&mut matt, &format!("{jill}/impersonate"), &token, json!({"reason": "x"})).await;
    assert_eq!(refused.status(), 409, "{}", refused.text());
    let begun = post(&mut matt, &format!("{joe}/impersonate"), &token, &[("reason", "a question")]).await;
    assert_eq!((begun.status(), begun.location()), (302, "/"), "{}", begun.text());
    assert_eq!(matt.who().await, "joe@lp.com");
    // The panel is closed, under the banner.
    let closed = matt.get("/admin").await;
    assert_eq!(closed.status(), 403);
    let end = closed.input("csrf_token").unwrap();
    assert!(closed.text().contains("class=\"impersonation\""), "{}", closed.text());
    let back = post(&mut matt, "/impersonate/end", &end, &[]).await;
    assert_eq!(back.location(), joe);
    assert_eq!(matt.get(&joe).await.status(), 200);
    // As a program, and only freshly proved.
    let token = matt.get_json(&joe).await.csrf_token();
    let begun =
        change(&mut matt, &format!("/admin/api{}/impersonate", &joe[6..]), &token, json!({"reason": "x"})).await;
    assert_eq!(begun.status(), 200, "{}", begun.text());
    let ended = change(&mut matt, "/impersonate/end", &begun.csrf_token(), json!({})).await;
    assert_eq!(ended.status(), 200, "{}", ended.text());
    app.advance(86_400);
    let stale = change(&mut matt, &format!("{joe}/impersonate"), &ended.csrf_token(), json!({"reason": "x"})).await;
    assert_eq!((stale.status(), &stale.response()["reauth_required"]), (401, &json!(true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_refresh_tokens_are_taken_back() {
    let on = "[security]\napi_keys = true\nrefresh_token = true\nactivity = true\naudit = true\n";
    let app = panel(on).await;
    let (mut matt, token) = admin(&app).await;
    let joe = app.user("joe@lp.com").await;
    let page = format!("/admin/users/{}", joe.id);
    let key = ApiKey {
        id: "one".to_owned(),
        user_id: joe.id,
        anchor: String::new(),
        name: "backup".to_owned(),
        digest: "what is kept of the key".to_owned(),
        hint: "lg_abcd".to_owned(),
        scopes: vec!["full-read".to_owned()],
        created_at: app.now(),
        expires_at: None,
        last_used_at: None,
        last_used_from: None,
        revoked_at: None,
    };
    let key_digest = key.digest.clone();
    let mut batch = app.store().batch();
    batch.add_api_key(&key);
    app.store().commit(batch).await.unwrap();
    let family = RefreshFamily {
        family: "the name of the family".to_owned(),
        user_id: joe.id,
        generation: 3,
        name: "default".to_owned(),
        created_at: app.now(),
        last_used_at: app.now(),
        expires_at: app.now() + Duration::DAY,
        revoked_at: None,
        sid: None,
    };
    let mut batch = app.store().batch();
    batch.open_refresh_family(&family);
    app.store().commit(batch).await.unwrap();
    let shown = matt.get_json(&page).await.response();
    let (key, family) = (&shown["api_keys"][0], &shown["refresh_families"][0]);
    assert_eq!((&key["name"], &key["live"]), (&json!("backup"), &json!(true)), "{shown}");
    for secret in [key_digest.as_str(), "the name of the family"] {
        assert!(!shown.to_string().contains(secret), "{secret}");
    }
    for name in ["Take back", "backup", "Refresh tokens"] {
        assert!(matt.get(&page).await.text().contains(name), "{name}");
    }
    let jill = format!("/admin/users/{}", id_of(&app, "jill@lp.com").await);
    for (path, field, value) in [("revoke-key", "key", &key["id"]), ("end-refresh", "family", &family["id"])] {
        // Of somebody else it is not.
        let other = change(&mut matt, &format!("{jill}/{path}"), &token, json!({field: value})).await;
        assert_eq!(other.status(), 409, "{path}");
        let done = change(&mut matt, &format!("{page}/{path}"), &token, json!({field: value})).await;
        assert_eq!(done.status(), 200, "{path}: {}", done.text());
        let again = change(&mut matt, &format!("{page}/{path}"), &token, json!({field: value})).await;
        assert_eq!(again.status(), 409, "{path}");
    }
    let shown = matt.get_json(&page).await.response();
    assert_eq!((&shown["api_keys"], &shown["refresh_families"]), (&json!([]), &json!([])));
    assert!(app.store().refresh_families_of(joe.id).await.unwrap().iter().all(|one| one.revoked_at.is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_says_who_gave_it() {
    let app = panel("[security]\naudit = true\n").await;
    let (mut matt, token) = admin(&app).await;
    let page = format!("/admin/users/{}", id_of(&app, "gene@lp.com").await);
    change(&mut matt, &format!("{page}/give-role"), &token, json!({"role": "editor"})).await;
    let shown = matt.get_json(&page).await.response();
    let of = |name: &str| {
        let all = shown["subject_roles"].as_array().unwrap();
        all.iter().find(|role| role["name"] == name).unwrap()["origin"]["by"].clone()
    };
    assert_eq!((of("editor"), of("simple")), (json!("matt@lp.com"), json!(null)));
    assert!(matt.get(&page).await.text().contains("by matt@lp.com"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_mail_says_how_it_went() {
    let app = panel(ON).await;
    let (mut matt, token) = admin(&app).await;
    let sent = change(&mut matt, "/admin/outbox/test", &token, json!({})).await;
    assert_eq!((sent.status(), &sent.response()["to"]), (200, &json!("matt@lp.com")), "{}", sent.text());
    let mails = app.inbox().take();
    assert_eq!(mails.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(), ["matt@lp.com"]);
    app.inbox().set_down(true);
    let refused = change(&mut matt, "/admin/outbox/test", &token, json!({})).await;
    assert_eq!(refused.status(), 409);
    assert!(refused.text().contains("the inbox is away"), "{}", refused.text());
    assert!(app.store().outbox_list(None, 10).await.unwrap().is_empty(), "it goes by no outbox");
}
