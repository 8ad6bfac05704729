//! The figures, and that they stay few and say nothing of anybody.

use std::{sync::LazyLock, time::Duration};

use lychgate_testkit::{PASSWORD, TestApp};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::{Value, json};

use crate::{LOGGING, log};

/// The value of the series of this name with all of these labels.
fn value(handle: &PrometheusHandle, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let rendered = handle.render();
    let is_it = |line: &&str| {
        line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))
            && labels.iter().all(|(key, value)| line.contains(&format!("{key}=\"{value}\"")))
    };
    let line = rendered.lines().find(is_it)?;
    line.rsplit(' ').next()?.parse().ok()
}

const ON: &str = "[security]\nrecoverable = true\n[csrf]\nenabled = false\n";

#[tokio::test]
async fn figures_say_what_happens() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let app = TestApp::builder().toml(ON).start().await;
    app.gate().describe_metrics();
    let mut joe = app.browser();
    let sign_in = async |browser: &mut lychgate_testkit::Browser, email: &str, password: &str| {
        browser.post_json("/login", json!({"email": email, "password": password})).await.status()
    };
    assert_eq!(sign_in(&mut joe, "joe@lp.com", "a wrong one").await, 400);
    assert_eq!(sign_in(&mut joe, "nobody@lp.com", "a wrong one").await, 400);
    assert_eq!(sign_in(&mut joe, "joe@lp.com", PASSWORD).await, 200);
    assert_eq!(joe.who().await, "joe@lp.com");
    assert_eq!(joe.who().await, "joe@lp.com");
    assert_eq!(joe.post_json("/logout", json!({})).await.status(), 200);
    assert_eq!(app.browser().post_json("/reset", json!({"email": "joe@lp.com"})).await.status(), 200);
    assert_eq!(app.mails().await.len(), 1);
    app.gate().measure(Duration::from_secs(30)).await;
    for (name, labels, expected) in [
        ("lychgate_sign_ins_total", &[("mechanism", "password")][..], 1.0),
        ("lychgate_sign_in_failures_total", &[("mechanism", "password"), ("reason", "wrong")], 1.0),
        ("lychgate_sign_in_failures_total", &[("mechanism", "password"), ("reason", "unknown_account")], 1.0),
        ("lychgate_sign_outs_total", &[], 1.0),
        ("lychgate_sessions_begun_total", &[], 1.0),
        ("lychgate_sessions_ended_total", &[], 1.0),
        ("lychgate_requests_total", &[("method", "POST"), ("route", "/login"), ("status", "400")], 2.0),
        ("lychgate_requests_total", &[("method", "POST"), ("route", "/login"), ("status", "200")], 1.0),
        ("lychgate_requests_total", &[("method", "GET"), ("route", "/whoami"), ("status", "200")], 2.0),
        ("lychgate_refusals_total", &[("reason", "form")], 2.0),
        ("lychgate_messages_total", &[("kind", "mail"), ("outcome", "sent")], 1.0),
        ("lychgate_outbox", &[("state", "waiting")], 0.0),
        ("lychgate_outbox", &[("state", "dead")], 0.0),
        ("lychgate_hashing_queue", &[], 0.0),
        ("lychgate_database_up", &[], 1.0),
    ] {
        assert_eq!(value(&handle, name, labels), Some(expected), "{name} {labels:?} in {}", handle.render());
    }
    assert!(value(&handle, "lychgate_hashing_seconds_count", &[]).unwrap() >= 3.0);
    let hits = value(&handle, "lychgate_cache_lookups_total", &[("kind", "session"), ("result", "hit")]);
    assert!(hits.unwrap() >= 1.0, "{}", handle.render());
    // What nobody answers.
    app.inbox().set_down(true);
    assert_eq!(app.browser().post_json("/reset", json!({"email": "dave@lp.com"})).await.status(), 200);
    app.gate().measure(Duration::from_secs(30)).await;
    assert_eq!(value(&handle, "lychgate_messages_total", &[("outcome", "retried")]), Some(1.0));
    assert_eq!(value(&handle, "lychgate_outbox", &[("state", "waiting")]), Some(1.0));
    app.store().close().await;
    assert_eq!(app.browser().get_json("/whoami").await.status(), 200, "nobody asks the database of a stranger");
    assert_eq!(
        app.browser().post_json("/login", json!({"email": "joe@lp.com", "password": PASSWORD})).await.status(),
        503
    );
    app.gate().measure(Duration::from_secs(30)).await;
    assert_eq!(value(&handle, "lychgate_database_up", &[]), Some(0.0));
    assert_eq!(value(&handle, "lychgate_database_errors_total", &[("reason", "unavailable")]), Some(1.0));
}

/// T143: whatever clients ask for, the number of series is bounded, and nothing of theirs is a label.
#[tokio::test]
async fn clients_make_no_series() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let app = TestApp::builder().toml(ON).start().await;
    let ask = async |round: usize| {
        let mut browser = app.browser();
        browser.user_agent = format!("zebra-agent-{round}");
        browser.get(&format!("/zebra-path-{round}/zebra?zebra={round}")).await;
        browser.call(&format!("ZEBRA{round}"), "/login").send().await;
        browser.get_json(&format!("/reset/zebra-token-{round}")).await;
        browser.post_json("/login", json!({"email": format!("zebra{round}@lp.com"), "password": "zebra"})).await;
        let basic = browser.call("GET", "/whoami").basic(&format!("zebra-name-{round}"), "zebra");
        basic.header("x-request-id", &format!("zebra-request-{round}")).send().await;
    };
    for round in 0..3 {
        ask(round).await;
    }
    let series = |rendered: &str| rendered.lines().filter(|line| !line.starts_with('#')).count();
    let before = series(&handle.render());
    for round in 3..400 {
        ask(round).await;
    }
    let rendered = handle.render();
    assert_eq!(series(&rendered), before, "{rendered}");
    assert!(!rendered.to_lowercase().contains("zebra"), "{rendered}");
    assert!(!rendered.contains("@lp.com") && !rendered.contains("127.0.0.1"), "{rendered}");
}

/// Whatever is logged while a request is served says which one it was, by the template of its route.
#[tokio::test]
async fn every_line_of_a_request_names_it() {
    LazyLock::force(&LOGGING);
    let app = TestApp::builder().toml(ON).start().await;
    let mut browser = app.browser();
    let id = "the-request-of-this-very-test";
    let login = json!({"email": "joe@lp.com", "password": "a wrong one"});
    let call = browser.call("POST", "/login").header("x-request-id", id).header("accept", "application/json");
    assert_eq!(call.json(&login).send().await.status(), 400);
    app.store().close().await;
    let call = browser.call("POST", "/login").header("x-request-id", id).header("accept", "application/json");
    assert_eq!(call.json(&login).send().await.status(), 503);
    let all = log();
    let lines: Vec<Value> = all.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mine: Vec<&Value> = lines.iter().filter(|line| line["span"]["request_id"] == id).collect();
    let says = |text: &str| mine.iter().any(|line| line["fields"]["message"] == text);
    assert!(says("a request was refused") && says("the database did not answer"), "{mine:?}");
    assert!(mine.iter().all(|line| line["span"]["route"] == "/login" && line["span"]["method"] == "POST"), "{mine:?}");
    let served: Vec<&Value> = mine.iter().filter_map(|line| line["fields"].get("status")).collect();
    assert!(served.contains(&&json!(400)) && served.contains(&&json!(503)), "{mine:?}");
}
