//! The audit log: what goes in by itself, and that nothing can be done to it unseen.
#![allow(clippy::unwrap_used)]

use axum::{Router, routing::get};
use lychgate::{
    audit::{AuditRecord, Audited},
    guard,
    store::AuditQuery,
};
use lychgate_signing::audit::Checkpoint;
use lychgate_testkit::{AppBuilder, Database, PASSWORD, TestApp};
use rstest::rstest;
use serde_json::json;

fn app() -> AppBuilder {
    let routes = |router: Router| {
        router.route(
            "/reports",
            get(|| async { "reports" }).route_layer(guard::authenticated().and(guard::role("admin"))),
        )
    };
    TestApp::builder().toml("[security]\naudit = true\nchangeable = true\n[csrf]\nenabled = false").routes(routes)
}

/// Everything that was entered, the first first.
async fn all(app: &TestApp) -> Vec<AuditRecord> {
    app.gate().audit().settled().await;
    let mut all = app.gate().audit().page(&AuditQuery { limit: 1000, ..AuditQuery::default() }).await.unwrap();
    all.reverse();
    // The users that the test began with.
    all.retain(|record| record.kind != "user-created");
    all
}

fn kinds(all: &[AuditRecord]) -> Vec<&str> {
    all.iter().map(|record| record.kind.as_str()).collect()
}

#[rstest]
#[tokio::test]
async fn what_happens_is_entered_with_who_whom_and_from_where(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let app = app().on(database).start().await;
    let joe = app.user("joe@lp.com").await.id;
    let mut browser = app.browser();
    browser.user_agent = "Firefox\t/145".to_owned();
    let sign_in = async |browser: &mut lychgate_testkit::Browser, email: &str, password: &str| {
        let call = browser.call("POST", "/login").header("x-request-id", "request-of-mine");
        call.json(&json!({"email": email, "password": password})).send().await.status()
    };
    assert_eq!(sign_in(&mut browser, "joe@lp.com", "a wrong secret").await, 400);
    app.gate().audit().settled().await;
    assert_eq!(sign_in(&mut browser, "nobody@lp.com", "another wrong secret").await, 400);
    app.gate().audit().settled().await;
    assert_eq!(sign_in(&mut browser, "joe@lp.com", PASSWORD).await, 200);
    app.gate().audit().settled().await;
    assert_eq!(browser.get_json("/reports").await.status(), 403);
    app.gate().audit().settled().await;
    let fields =
        json!({"password": PASSWORD, "new_password": "quite another one", "new_password_confirm": "quite another one"});
    assert_eq!(browser.call("POST", "/change").json(&fields).send().await.status(), 200);
    let all = all(&app).await;
    assert_eq!(kinds(&all)[2..], ["sign-in", "refused", "password-changed"], "{all:#?}");

    assert_eq!((all[0].user_id, all[1].user_id), (Some(joe), None));
    for failed in &all[..2] {
        assert_eq!((failed.kind.as_str(), failed.actor.as_str(), failed.actor_id), ("sign-in-failed", "visitor", None));
        assert_eq!((failed.detail("by").as_str(), failed.detail("path").as_str()), ("password", "/login"));
    }
    let [signed_in, refused] = &all[2..4] else { panic!("{all:?}") };
    assert_eq!((signed_in.actor.as_str(), signed_in.actor_id, signed_in.user_id), ("user", Some(joe), Some(joe)));
    assert_eq!(signed_in.request_id.as_deref(), Some("request-of-mine"));
    assert_eq!(
        (signed_in.detail("address").as_str(), signed_in.detail("browser").as_str()),
        ("127.0.0.1", "Firefox/145")
    );
    assert_eq!(signed_in.at, app.now());
    assert_eq!(
        (refused.actor_id, refused.user_id, refused.detail("mechanism")),
        (Some(joe), None, "session".to_owned())
    );
    assert_eq!(refused.detail("path"), "/reports");
    assert!(refused.detail("needed").contains("admin"), "{refused:?}");
    let session = signed_in.detail("session");
    assert_eq!((session.len(), refused.detail("session")), (12, session));
    let written = format!("{all:?}");
    assert!(!written.contains("wrong secret") && !written.contains("quite another"));
    assert!(!written.contains("nobody@lp.com"), "what was typed as a name may be a password");
}

#[rstest]
#[tokio::test]
async fn a_log_is_sealed_and_proves_what_was_done_to_it(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let app = app().empty().on(database).start().await;
    let gate = app.gate();
    let verify = async || gate.audit().verify(&[]).await.unwrap();
    assert!(verify().await.is_whole());
    let fill = async |count: i64| {
        for number in 0..count {
            gate.audit().enter(Audited::new("tested").about(number).with("number", number)).await.unwrap();
        }
    };
    fill(205).await;
    let before = verify().await;
    assert!(before.is_whole() && (before.sealed, before.waiting) == (0, 205), "{before:?}");
    // Two processes at once: each entry gets one place.
    let other = app_sharing(&app, database).await;
    let (ours, theirs) = (gate.audit(), other.gate().audit());
    let (a, b) = tokio::join!(ours.seal(), theirs.seal());
    assert_eq!(a.unwrap() + b.unwrap(), 205);
    fill(3).await;
    assert_eq!(other.gate().audit().seal().await.unwrap(), 3);
    assert_eq!(gate.audit().seal().await.unwrap(), 0);
    let whole = verify().await;
    assert!(whole.is_whole() && (whole.sealed, whole.waiting, whole.first) == (208, 0, Some(1)), "{whole:?}");
    assert!(whole.checkpoints >= 2);
    let held = Checkpoint::from_text(whole.checkpoint.as_deref().unwrap()).unwrap();
    assert!(gate.audit().verify(std::slice::from_ref(&held)).await.unwrap().is_whole());

    let sql = |statement: &str| app.execute(statement);
    for (change, undo, finding) in [
        (
            "UPDATE lychgate_audit SET user_id = 77 WHERE place = 4",
            "UPDATE lychgate_audit SET user_id = 3 WHERE place = 4",
            "entry 4 was changed",
        ),
        ("UPDATE lychgate_audit SET details = '{}' WHERE place = 4", "", "entry 4 has other details"),
        ("UPDATE lychgate_audit SET details = NULL, salt = NULL WHERE place = 4", "", ""),
        (
            "UPDATE lychgate_audit SET place = -5 WHERE place = 9",
            "UPDATE lychgate_audit SET place = 9 WHERE place = -5",
            "stand beside",
        ),
        (
            "UPDATE lychgate_audit_checkpoints SET link = 'x' WHERE place = 208",
            "DELETE FROM lychgate_audit_checkpoints WHERE place = 208",
            "checkpoint of entry 208",
        ),
        ("DELETE FROM lychgate_audit WHERE place = 7", "", "entry 7 is missing"),
    ] {
        sql(change);
        let found = verify().await;
        let told = found.findings.iter().any(|text| text.contains(finding));
        assert!(if finding.is_empty() { found.is_whole() } else { told }, "{change}: {found:?}");
        if !undo.is_empty() {
            sql(undo);
        }
    }
    // A tail that is cut off together with its checkpoints, and the end set back, is seen by whoever holds a checkpoint,
    // and by a server that has seen more.
    sql("DELETE FROM lychgate_audit WHERE place > 200");
    assert!(verify().await.findings.iter().any(|text| text.contains("entries 201 to 208 are missing")));
    sql("DELETE FROM lychgate_audit_checkpoints WHERE place > 200");
    sql("DELETE FROM lychgate_meta WHERE key LIKE 'audit.%'");
    let held = gate.audit().verify(&[held]).await.unwrap();
    assert!(held.findings.iter().any(|text| text.contains("checkpoint of entry 208")), "{held:?}");
    fill(1).await;
    assert_eq!(other.gate().audit().seal().await.unwrap(), 0, "nothing is put on top of it");
}

/// Another process on the same database.
async fn app_sharing(app: &TestApp, database: Database) -> TestApp {
    self::app().on(database).sharing(app).start().await
}

#[rstest]
#[tokio::test]
async fn old_entries_are_forgotten_and_the_rest_still_proves_itself(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let app = app().empty().toml("[security]\naudit_within = \"30 days\"").on(database).start().await;
    let audit = app.gate().audit();
    for day in 0..40 {
        audit.enter(Audited::new("tested").with("day", day)).await.unwrap();
        app.advance(86_400);
    }
    app.gate().tidy().await.unwrap();
    assert_eq!(all(&app).await.len(), 40, "what is not sealed is not forgotten");
    assert_eq!(audit.seal().await.unwrap(), 40);
    let held = audit.verify(&[]).await.unwrap().checkpoint.unwrap();
    app.gate().tidy().await.unwrap();
    app.advance(5 * 86_400);
    app.gate().tidy().await.unwrap();
    assert_eq!(all(&app).await.first().unwrap().detail("day"), "15");
    let held = [Checkpoint::from_text(&held).unwrap()];
    let report = audit.verify(&held).await.unwrap();
    assert!(report.is_whole() && (report.sealed, report.first) == (25, Some(16)), "{report:?}");
    // Whoever forgets more by themselves is found out.
    app.execute("DELETE FROM lychgate_audit WHERE place <= 20");
    assert!(!audit.verify(&[]).await.unwrap().is_whole());
    app.execute("UPDATE lychgate_meta SET value = replace(value, '15 ', '20 ') WHERE key = 'audit.beginning'");
    assert!(audit.verify(&[]).await.unwrap().findings.iter().any(|text| text.contains("beginning")));
}

#[tokio::test]
async fn a_deleted_account_leaves_its_id_and_no_details() {
    let app = app().start().await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    let joe = app.user("joe@lp.com").await.id;
    app.gate().audit().seal().await.unwrap();
    assert!(app.store().delete_user(joe).await.unwrap());
    let all = all(&app).await;
    assert!(all.iter().all(|record| record.user_id != Some(joe) || record.details.is_none()), "{all:?}");
    assert!(all.iter().any(|record| record.user_id == Some(joe)));
    let report = app.gate().audit().verify(&[]).await.unwrap();
    assert!(report.is_whole() && report.erased > 0, "{report:?}");
}

#[tokio::test]
async fn an_export_gives_everything_once_in_order() {
    let app = app().empty().start().await;
    let audit = app.gate().audit();
    for number in 0..600 {
        audit.enter(Audited::new("tested").with("number", number)).await.unwrap();
        if number == 520 {
            audit.seal().await.unwrap();
        }
    }
    let (mut last, mut numbers) = (None, Vec::new());
    loop {
        let page = audit.after(last.as_ref()).await.unwrap();
        numbers.extend(page.iter().map(|record| record.detail("number").parse::<i64>().unwrap()));
        match page.into_iter().last() {
            Some(record) => last = Some(record),
            None => break,
        }
    }
    assert_eq!(numbers, (0..600).collect::<Vec<_>>());
    let json = last.unwrap().to_json_with_proof();
    assert!(json["proof"]["mac"].is_string() && json["proof"]["salt"].is_string() && json["place"].is_null());
}

#[tokio::test]
async fn checkpoints_are_written_to_a_file_and_nothing_is_where_it_is_off() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("checkpoints");
    let app = app().toml(&format!("[security]\naudit_checkpoint_file = {:?}", file.to_str().unwrap())).start().await;
    for _ in 0..2 {
        app.gate().audit().enter(Audited::new("tested")).await.unwrap();
        app.gate().audit().finish().await.unwrap();
    }
    let text = std::fs::read_to_string(&file).unwrap();
    let held: Vec<Checkpoint> = text.lines().map(|line| Checkpoint::from_text(line).unwrap()).collect();
    assert_eq!(held.len(), 2);
    assert!(app.gate().audit().verify(&held).await.unwrap().is_whole());

    let off = self::app().toml("[security]\naudit = false").start().await;
    off.browser().sign_in("joe@lp.com").await;
    off.gate().audit().enter(Audited::new("tested")).await.unwrap();
    assert_eq!(all(&off).await, []);
}

#[tokio::test]
async fn a_sign_in_to_an_account_that_may_not_be_used_is_entered() {
    let app = app().start().await;
    let joe = app.user("joe@lp.com").await;
    app.gate().accounts().suspend(&joe, None, Some("a question")).await.unwrap();
    let tiya = app.user("tiya@lp.com").await.id;
    for (email, password) in [("joe@lp.com", "not the right one"), ("joe@lp.com", PASSWORD), ("tiya@lp.com", PASSWORD)]
    {
        let fields = json!({"email": email, "password": password});
        assert_ne!(app.browser().call("POST", "/login").json(&fields).send().await.status(), 200);
        app.gate().audit().settled().await;
    }
    let all = all(&app).await;
    assert_eq!(kinds(&all), ["suspended", "sign-in-failed", "sign-in-refused", "sign-in-refused"], "{all:#?}");
    let [_, _, first, second] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!((first.user_id, first.detail("state").as_str()), (Some(joe.id), "suspended"));
    assert_eq!((second.user_id, second.detail("state").as_str()), (Some(tiya), "off"));
    assert_eq!((first.actor.as_str(), first.actor_id), ("visitor", None));
}
