//! Text messages: what gateways get, and what becomes of messages that they do not take.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use axum::{Router, routing::get};
use lychgate::{
    Lychgate, ManualClock, Settings,
    sms::{SmsError, SmsSender, TextMessage},
    store::{OutboxItem, OutboxState},
};
use lychgate_testkit::{AppBuilder, HttpSink, TestApp, code_in};
use rstest::rstest;
use serde_json::{Value, json};

const GOOD_FOR: Duration = Duration::from_secs(120);
const INLINE: &str = "delivery = \"inline\"";
const OUTBOX: &str = "delivery = \"outbox\"";

fn webhook(sink: &HttpSink) -> AppBuilder {
    let url = sink.url("/sms?key=hidden");
    TestApp::builder().real_texting().toml(&format!(
        "[security]\nsms_service = \"webhook\"\nsms_service_config = {{PHONE_NUMBER = \"+15550100\"}}\n\
         [sms]\nwebhook_url = \"{url}\"\n"
    ))
}

fn twilio(sink: &HttpSink, sender: &str) -> AppBuilder {
    TestApp::builder().real_texting().toml(&format!(
        "[security]\nsms_service = \"Twilio\"\n\
         sms_service_config = {{ACCOUNT_SID = \"AC01\", AUTH_TOKEN = \"hidden\", PHONE_NUMBER = \"{sender}\"}}\n\
         [sms]\ntwilio_url = \"{}\"\n",
        sink.url("")
    ))
}

async fn send(app: &TestApp) -> bool {
    app.gate().send_text("650-555-1212", "Your code is 123456", GOOD_FOR).await.unwrap()
}

async fn only_item(app: &TestApp) -> OutboxItem {
    let items = app.store().outbox_list(None, 10).await.unwrap();
    let [item] = items.as_slice() else { panic!("{items:?}") };
    item.clone()
}

#[rstest]
#[case::inline(INLINE)]
#[case::outbox(OUTBOX)]
#[tokio::test]
async fn the_webhook_gets_numbers_and_text(#[case] delivery: &str) {
    let sink = HttpSink::start().await;
    let app = webhook(&sink).toml(delivery).toml("[sms]\nwebhook_token = \"let me in\"").start().await;
    assert!(send(&app).await);
    app.gate().deliver_due().await.unwrap();
    let asked = sink.take();
    let [asked] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(asked.line, "POST /sms?key=hidden");
    assert_eq!(asked.header("content-type"), "application/json");
    assert_eq!(asked.header("authorization"), "Bearer let me in");
    let body: Value = serde_json::from_slice(&asked.body).unwrap();
    let wanted = json!({"from_number": "+15550100", "to_number": "650-555-1212", "msg": "Your code is 123456"});
    assert_eq!(body, wanted);
    // What was sent is forgotten, as it holds a code.
    let item = only_item(&app).await;
    assert_eq!((item.state, item.kind.as_str(), item.payload.as_str()), (OutboxState::Sent, "sms", ""));
    assert_eq!(asked.header("idempotency-key"), item.id);
}

/// Proxies that are named tell which trace a request is part of; the gateway is told, strangers are not believed.
#[rstest]
#[case::inline(INLINE, "127.0.0.1", true)]
#[case::outbox(OUTBOX, "127.0.0.1", true)]
#[case::of_a_stranger(OUTBOX, "10.0.0.1", false)]
#[tokio::test]
async fn a_trace_goes_on_to_the_webhook(#[case] delivery: &str, #[case] proxy: &str, #[case] told: bool) {
    let sink = HttpSink::start().await;
    let route = |gate: &Lychgate| {
        let gate = gate.clone();
        let send =
            async move || gate.send_text("650-555-1212", "Your code is 123456", GOOD_FOR).await.is_ok().to_string();
        Router::new().route("/text", get(send))
    };
    let trusted = format!("[proxy]\ntrusted = [{proxy:?}]");
    let app = webhook(&sink).toml(delivery).toml(&trusted).mount(route).start().await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let reply = app.browser().call("GET", "/text").header("traceparent", trace).send().await;
    assert_eq!((reply.status(), reply.text()), (200, "true"));
    app.gate().deliver_due().await.unwrap();
    let asked = sink.take();
    let given = asked[0].header("traceparent");
    assert_eq!(given.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && given != trace, told, "{given}");
    assert_eq!(given.is_empty(), !told);
}

#[tokio::test]
async fn a_code_that_somebody_was_told_is_not_coming_does_not_come() {
    let sink = HttpSink::start().await;
    let app = webhook(&sink).toml(INLINE).start().await;
    sink.says(503, "");
    assert!(!send(&app).await);
    assert_eq!(sink.take().len(), 1);
    assert_eq!(only_item(&app).await.state, OutboxState::Dead);
    sink.says(200, "");
    app.advance(3600);
    app.gate().deliver_due().await.unwrap();
    assert!(sink.take().is_empty());
}

#[tokio::test]
async fn a_gateway_that_is_away_is_asked_again_while_the_code_is_good() {
    let sink = HttpSink::start().await;
    let app = webhook(&sink).toml(OUTBOX).start().await;
    sink.says(503, "");
    assert!(send(&app).await);
    app.gate().deliver_due().await.unwrap();
    let item = only_item(&app).await;
    assert_eq!(item.state, OutboxState::Waiting);
    assert_eq!(item.last_error.as_deref(), Some("the webhook answered 503 Service Unavailable"));
    app.advance(11);
    sink.says(204, "");
    app.gate().deliver_due().await.unwrap();
    assert_eq!(only_item(&app).await.state, OutboxState::Sent);
    let keys: Vec<String> = sink.take().iter().map(|asked| asked.header("idempotency-key").to_owned()).collect();
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[0], keys[1]);
}

#[tokio::test]
async fn an_expired_code_is_given_up() {
    let sink = HttpSink::start().await;
    let app = webhook(&sink).toml(OUTBOX).start().await;
    assert!(send(&app).await);
    app.advance(121);
    app.gate().deliver_due().await.unwrap();
    assert!(sink.take().is_empty());
    let item = only_item(&app).await;
    assert_eq!((item.state, item.last_error.as_deref()), (OutboxState::Dead, Some("the code in it has expired")));
}

#[rstest]
#[case(400, OutboxState::Dead)]
#[case(422, OutboxState::Dead)]
#[case(401, OutboxState::Waiting)]
#[case(404, OutboxState::Waiting)]
#[case(429, OutboxState::Waiting)]
#[case(500, OutboxState::Waiting)]
#[tokio::test]
async fn some_answers_are_final(#[case] status: u16, #[case] state: OutboxState) {
    let sink = HttpSink::start().await;
    let app = webhook(&sink).toml(OUTBOX).start().await;
    sink.says(status, "a text that nobody needs");
    assert!(send(&app).await);
    app.gate().deliver_due().await.unwrap();
    let item = only_item(&app).await;
    assert_eq!(item.state, state);
    assert!(!item.last_error.unwrap().contains("nobody needs"));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (sink, other) = (HttpSink::start().await, HttpSink::start().await);
    let app = webhook(&sink).toml(INLINE).start().await;
    sink.says_with(307, vec![("location", other.url("/"))], "");
    assert!(!send(&app).await);
    assert!(other.take().is_empty());
}

#[tokio::test]
async fn a_gateway_may_not_keep_people_waiting() {
    let sink = HttpSink::start().await;
    let app = webhook(&sink).toml(INLINE).toml("[sms]\ntimeout = 0.05").start().await;
    sink.falls_silent();
    assert!(!send(&app).await);
    assert_eq!(only_item(&app).await.state, OutboxState::Dead);
}

#[tokio::test]
async fn a_long_answer_is_not_read_to_its_end() {
    let sink = HttpSink::start().await;
    let app = webhook(&sink).toml(INLINE).start().await;
    sink.says(200, vec![b'x'; 64 << 20]);
    assert!(send(&app).await);
}

#[tokio::test]
async fn a_gateway_that_is_not_there_fails_without_its_url() {
    let sink = HttpSink::start().await;
    let builder = webhook(&sink).toml(OUTBOX);
    drop(sink);
    let app = builder.start().await;
    assert!(send(&app).await);
    app.gate().deliver_due().await.unwrap();
    let error = only_item(&app).await.last_error.unwrap();
    assert!(!error.contains("hidden"), "{error}");
}

#[rstest]
#[case::number("+15550100", "From")]
#[case::service("MG0123", "MessagingServiceSid")]
#[tokio::test]
async fn twilio_gets_a_form(#[case] sender: &str, #[case] field: &str) {
    let sink = HttpSink::start().await;
    let app = twilio(&sink, sender).toml("[sms]\ne164 = true").start().await;
    sink.says(201, "{\"sid\": \"SM1\"}");
    assert!(send(&app).await);
    let asked = sink.take();
    let [asked] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(asked.line, "POST /2010-04-01/Accounts/AC01/Messages.json");
    assert_eq!(asked.header("authorization"), "Basic QUMwMTpoaWRkZW4=");
    assert_eq!(asked.header("content-type"), "application/x-www-form-urlencoded");
    let sender = sender.replace('+', "%2B");
    let body = std::str::from_utf8(&asked.body).unwrap();
    assert_eq!(body, format!("To=%2B16505551212&{field}={sender}&Body=Your+code+is+123456"));
}

#[rstest]
#[case(400, "{\"code\": 21211, \"message\": \"no number: +1 123456\"}", OutboxState::Dead)]
#[case(429, "{\"code\": 20429}", OutboxState::Waiting)]
#[case(401, "<html>", OutboxState::Waiting)]
#[tokio::test]
async fn twilio_says_what_is_wrong(#[case] status: u16, #[case] body: &'static str, #[case] state: OutboxState) {
    let sink = HttpSink::start().await;
    let app = twilio(&sink, "+15550100").toml(OUTBOX).start().await;
    sink.says(status, body);
    assert!(send(&app).await);
    app.gate().deliver_due().await.unwrap();
    let item = only_item(&app).await;
    let error = item.last_error.unwrap();
    assert_eq!(item.state, state, "{error}");
    assert!(error.contains(&status.to_string()) && !error.contains("123456"), "{error}");
    assert_eq!(error.contains("21211"), status == 400);
}

#[tokio::test]
async fn a_sender_of_the_application_is_used() {
    let app = TestApp::builder().toml("[security]\nsms_service = \"ours\"").start().await;
    assert!(send(&app).await);
    let texts = app.texts().await;
    assert_eq!(texts.len(), 1);
    assert_eq!((texts[0].from.as_deref(), texts[0].to.as_str(), code_in(&texts[0])), (None, "650-555-1212", "123456"));
}

#[tokio::test]
async fn a_sender_that_panics_has_failed() {
    struct Panics;
    impl SmsSender for Panics {
        async fn send(&self, _: &TextMessage) -> Result<(), SmsError> {
            panic!("on purpose")
        }
    }
    let app = TestApp::builder().configure(|builder| builder.sms_sender(Panics)).toml(INLINE).start().await;
    assert!(!send(&app).await);
}

#[tokio::test]
async fn numbers_are_looked_at() {
    let app = TestApp::builder().toml("[sms]\ne164 = true").start().await;
    let long = "1".repeat(41);
    for to in ["", "  ", "+", "joe@lp.com", "650\r\n555", "６５０", "+1650555\u{0}1212", long.as_str()] {
        assert!(!app.gate().send_text(to, "x", GOOD_FOR).await.unwrap(), "{to:?}");
    }
    assert!(!app.gate().send_text("+16505551212", &"x".repeat(1601), GOOD_FOR).await.unwrap());
    assert!(app.store().outbox_list(None, 10).await.unwrap().is_empty());
    // What no plan knows goes out as it is: the gateway may know better.
    for (typed, sent) in [("(650) 555-1212", "+16505551212"), ("+44 20 7946 0958", "+442079460958"), ("12345", "12345")]
    {
        assert!(app.gate().send_text(typed, "x", GOOD_FOR).await.unwrap());
        assert_eq!(app.texts().await[0].to, sent);
    }
}

#[tokio::test]
async fn a_number_is_not_flooded() {
    let app = TestApp::builder().toml("[sms]\nmost_per_hour = 3").start().await;
    let to = async |number: &str| app.gate().send_text(number, "x", GOOD_FOR).await.unwrap();
    for number in ["650-555-1212", "(650) 555-1212", "+1 650 555 1212"] {
        assert!(to(number).await);
    }
    assert!(!to("6505551212").await);
    assert!(to("650-555-1213").await, "another number");
    assert_eq!(app.texts().await.len(), 4);
    app.advance(3601);
    assert!(to("650-555-1212").await);
}

/// Premium numbers of one country, and all numbers together.
#[tokio::test]
async fn neither_a_country_nor_all_get_messages_without_end() {
    let app =
        TestApp::builder().toml("[limits]\ntexts_by_country = \"2/hour\"\ntexts_in_all = \"3/hour\"").start().await;
    let to = async |number: &str| app.gate().send_text(number, "x", GOOD_FOR).await.unwrap();
    assert!(to("+18765551212").await && to("+18765551213").await);
    assert!(!to("+18765551214").await, "a third one there");
    assert!(to("+16505551212").await, "elsewhere, if with the same country code");
    assert!(!to("+4915112345678").await, "a fourth one in all");
    assert_eq!(app.texts().await.len(), 3);
    app.advance(3600);
    assert!(to("+18765551214").await);
}

#[rstest]
#[case::no_service("")]
#[case::webhook_that_nothing_needs("webhook")]
#[tokio::test]
async fn without_a_gateway_nothing_is_sent(#[case] service: &str) {
    let toml = format!("[security]\nsms_service = \"{service}\"");
    let app = TestApp::builder().real_texting().toml(&toml).start().await;
    assert!(!send(&app).await);
    assert!(app.store().outbox_list(None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_dummy_says_that_it_sent() {
    let app = TestApp::builder().real_texting().start().await;
    assert!(send(&app).await);
    assert_eq!(only_item(&app).await.state, OutboxState::Sent);
}

#[rstest]
#[case("sms_service = \"webhook\"\ntwo_factor = true", "sms.webhook_url")]
#[case("sms_service = \"Webhook\"\nunified_signin = true", "sms.webhook_url")]
#[case("sms_service = \"webhook\"\n[sms]\nwebhook_url = \"ftp://x\"", "sms.webhook_url")]
#[case("sms_service = \"webhook\"\n[sms]\nwebhook_url = \"nowhere\"", "sms.webhook_url")]
#[case("sms_service = \"Twilio\"", "ACCOUNT_SID")]
#[case("sms_service = \"Twilio\"\nsms_service_config = {ACCOUNT_SID = \"AC01\"}", "AUTH_TOKEN")]
#[case("sms_service = \"Twilio\"\nsms_service_config = {account_sid = \"AC01\", auth_token = \"x\"}", "PHONE_NUMBER")]
#[case(
    "sms_service = \"twilio\"\nsms_service_config = {ACCOUNT_SID = \"../x\", AUTH_TOKEN = \"x\", PHONE_NUMBER = \"1\"}",
    "ACCOUNT_SID"
)]
#[case("sms_service = \"log\"", "development")]
#[case("sms_service = \"pigeons\"", "pigeons")]
#[tokio::test]
async fn what_cannot_work_does_not_start(#[case] toml: &str, #[case] named: &str) {
    let text = format!(
        "profile = \"flask\"\nsecret_key = \"a key of the test applications, 37 bytes\"\n\
         database_url = \"sqlite://\"\n[security]\npassword_salt = \"a salt of the test applications, 38 bytes\"\n\
         totp_issuer = \"tests\"\ntotp_secrets = {{1 = \"TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B\"}}\n{toml}"
    );
    let settings = Settings::builder().toml("test", &text).build().unwrap();
    let built = Lychgate::builder().settings(settings).clock(ManualClock::at(1_750_000_000)).build().await;
    let error = built.unwrap_err().to_string();
    assert!(error.contains(named), "{error}");
    assert!(!error.contains("ftp://x"), "{error}");
}

#[tokio::test]
async fn development_shows_what_was_texted() {
    let toml = "environment = \"development\"\n[security]\nsms_service = \"log\"";
    let app = TestApp::builder().real_texting().toml(toml).start().await;
    assert!(send(&app).await);
    let list = app.browser().get_json("/dev/mail").await.response();
    let letter = &list["letters"][0];
    assert_eq!(letter["kind"], "sms");
    assert_eq!(letter["to"], "650-555-1212");
    let url = letter["url"].as_str().unwrap();
    assert_eq!(app.browser().get_json(url).await.response()["text"], "Your code is 123456");
    assert!(app.browser().get(url).await.text().contains("Your code is 123456"));
}
