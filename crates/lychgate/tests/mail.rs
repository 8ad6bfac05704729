//! Mails: what they look like, and that none is lost, sent twice or in the way of a reply.
#![allow(clippy::unwrap_used)]

#[path = "mail/senders.rs"]
mod senders;

use std::{collections::HashSet, sync::Arc, time::Duration};

use lychgate::{
    Settings,
    mail::{FileMailer, LogMailer, MOST_ATTEMPTS, MailError, Mailer, Message, SmtpMailer},
    store::{OutboxItem, OutboxState},
};
use lychgate_testkit::{AppBuilder, Database, Inbox, Mood, Reply, Sink, TestApp};
use rstest::rstest;
use serde_json::json;
use tokio::sync::Notify;

const REGISTER: &str = "[security]\nregisterable = true\n";

/// An application that mails those who register.
fn app(toml: &str) -> AppBuilder {
    let text =
        "Hello {{ user.email }}, this is {{ app_name }}.\n.a line that begins with a dot\n{{ url_for('.login') }}";
    let html = "<p>Hello {{ user.email }}</p><a href=\"{{ url_for('security.login') }}\">Sign in</a>";
    TestApp::builder().toml("app_name = \"Sample & Co\"").toml(REGISTER).toml(toml).configure(move |builder| {
        builder.template("security/email/welcome.txt", text).template("security/email/welcome.html", html)
    })
}

async fn register_at(app: &TestApp, email: &str, origin: &str) -> Reply {
    let mut browser = app.browser();
    browser.origin = origin.to_owned();
    let token = browser.get_json("/register").await.csrf_token();
    let password = "nobody guesses this phrase";
    let fields = json!({
        "email": email, "password": password, "password_confirm": password, "csrf_token": token,
    });
    let call = browser.call("POST", "/register").header("x-csrftoken", &token).header("origin", origin);
    call.header("referer", &format!("{origin}/register")).json(&fields).send().await
}

async fn register(app: &TestApp, email: &str) {
    let reply = register_at(app, email, "http://localhost").await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
}

async fn outbox(app: &TestApp) -> Vec<OutboxItem> {
    app.store().outbox_list(None, 1000).await.unwrap()
}

async fn only_item(app: &TestApp) -> OutboxItem {
    let mut items = outbox(app).await;
    assert_eq!(items.len(), 1, "{items:?}");
    items.remove(0)
}

/// Puts a letter into the outbox that no feature would write.
async fn enqueue(app: &TestApp, id: &str, letter: serde_json::Value) {
    let mut batch = app.store().batch();
    batch.enqueue(&OutboxItem::new(id, "mail", "somebody", letter.to_string(), app.now()));
    app.store().commit(batch).await.unwrap();
}

fn letter(id: &str, to: &str) -> serde_json::Value {
    json!({
        "id": id, "written_at": 1_750_000_000, "from": [null, "no-reply@lp.com"], "to": to, "subject": "Hello",
        "text": "Hello", "html": null,
    })
}

#[tokio::test]
async fn a_mail_has_both_parts() {
    let app = app("").start().await;
    register(&app, "new@lp.com").await;
    let mails = app.inbox().take();
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert_eq!((mail.to.as_str(), mail.subject.as_str()), ("new@lp.com", "Welcome"));
    assert_eq!(mail.from.address, "no-reply@localhost");
    let text = mail.text.as_deref().unwrap();
    assert!(text.starts_with("Hello new@lp.com, this is Sample & Co.\n"), "{text}");
    assert!(text.ends_with("\nhttp://localhost/login"), "{text}");
    let html = mail.html.as_deref().unwrap();
    assert_eq!(html, "<p>Hello new@lp.com</p><a href=\"http://localhost/login\">Sign in</a>");
    // The letter itself is not kept once it was sent.
    let item = only_item(&app).await;
    assert_eq!((item.state, item.payload.as_str(), item.attempts), (OutboxState::Sent, "", 1));
    assert_eq!(item.recipient, "new@lp.com");
}

#[rstest]
#[case::text("email_html = false", true, false)]
#[case::html("email_plaintext = false", false, true)]
#[tokio::test]
async fn a_mail_of_one_part(#[case] setting: &str, #[case] text: bool, #[case] html: bool) {
    let app = app(&format!("[security]\n{setting}")).start().await;
    register(&app, "new@lp.com").await;
    let mails = app.inbox().take();
    assert_eq!((mails[0].text.is_some(), mails[0].html.is_some()), (text, html));
}

#[tokio::test]
async fn a_missing_part_is_fine_but_not_both() {
    let own = "[security]\nregister_email_template = \"mine/hello\"";
    let app = app(own).configure(|builder| builder.template("mine/hello.txt", "Just text <&>")).start().await;
    register(&app, "new@lp.com").await;
    let mails = app.inbox().take();
    assert_eq!((mails[0].text.as_deref(), mails[0].html.as_deref()), (Some("Just text <&>"), None));

    let app = self::app("[security]\nregister_email_template = \"mine/nothing\"").start().await;
    assert_eq!(register_at(&app, "new@lp.com", "http://localhost").await.status(), 500);
    // Nothing half done stays behind.
    assert!(outbox(&app).await.is_empty());
    assert!(app.store().user_by_identity("email", "new@lp.com", true).await.unwrap().is_none());
}

#[tokio::test]
async fn templates_see_settings_and_absolute_links_but_no_secret() {
    let source = "{{ security_config.reset_url }} {{ security_config.password_salt is undefined }} {{ security.registerable }} \
                  {{ url_for('.login', token='abc') }} {{ _('Hi %(name)s', name='<b>') }} {{ home_url }}";
    let app = app("").configure(move |builder| builder.template("security/email/welcome.txt", source)).start().await;
    register(&app, "new@lp.com").await;
    let text = app.inbox().take()[0].text.clone().unwrap();
    assert_eq!(text, "/reset True True http://localhost/login/abc Hi <b> http://localhost/");
}

#[rstest]
#[case("", "no-reply@localhost", "no-reply@localhost")]
#[case("[mail]\ndefault_sender = \"post@lp.com\"", "post@lp.com", "post@lp.com")]
#[case("[mail]\ndefault_sender = [\"The Post\", \"post@lp.com\"]", "post@lp.com", "\"The Post\" <post@lp.com>")]
#[case(
    "[mail]\ndefault_sender = \"x@lp.com\"\n[security]\nemail_sender = [\"Büro\", \"buero@lp.com\"]",
    "buero@lp.com",
    "=?utf-8?b?QsO8cm8=?= <buero@lp.com>"
)]
#[tokio::test]
async fn the_sender(#[case] toml: &str, #[case] envelope: &str, #[case] from: &str) {
    let sink = Sink::start().await;
    let app = app(toml).toml(&sink.toml()).real_mail().start().await;
    register(&app, "new@lp.com").await;
    let received = sink.take();
    assert_eq!(received[0].from, envelope);
    assert_eq!(received[0].header("From").unwrap(), from);
}

#[rstest]
#[case::sqlite(Database::Sqlite)]
#[case::postgres(Database::Postgres)]
#[tokio::test]
async fn a_sink_that_is_down_loses_nothing(#[case] database: Database) {
    let mut sink = Sink::start().await;
    let app = app("").on(database).toml(&sink.toml()).real_mail().start().await;
    register(&app, "first@lp.com").await;
    let good = register_at(&app, "second@lp.com", "http://localhost").await;
    assert_eq!(sink.take().len(), 2);

    sink.stop().await;
    let reply = register_at(&app, "new@lp.com", "http://localhost").await;
    assert_eq!(reply.status(), good.status());
    assert_eq!(
        reply.response().as_object().unwrap().keys().collect::<Vec<_>>(),
        good.response().as_object().unwrap().keys().collect::<Vec<_>>()
    );
    app.user("new@lp.com").await;
    let waiting = app.store().outbox_list(Some(OutboxState::Waiting), 10).await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].attempts, 1);
    assert!(waiting[0].last_error.is_some());
    assert!(!waiting[0].last_error.as_ref().unwrap().contains("Hello"));

    sink.restart().await;
    assert_eq!(app.gate().deliver_due().await.unwrap(), 0, "it is not due yet");
    app.advance(10);
    assert_eq!(app.gate().deliver_due().await.unwrap(), 1);
    let received = sink.take();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].to, ["new@lp.com"]);
    assert!(app.store().outbox_list(Some(OutboxState::Waiting), 10).await.unwrap().is_empty());
    assert_eq!(app.gate().deliver_due().await.unwrap(), 0);
}

#[tokio::test]
async fn a_letter_that_was_never_acknowledged_comes_again_and_disturbs_no_other() {
    let sink = Sink::start().await;
    let app = app("[mail]\ntimeout = 0.2").toml(&sink.toml()).real_mail().start().await;
    // A connection that is kept is the one that goes silent.
    register(&app, "first@lp.com").await;
    sink.set_mood(Mood::Absent);
    register(&app, "second@lp.com").await;
    sink.set_mood(Mood::Unknown);
    register(&app, "third@lp.com").await;
    let dead = app.store().outbox_list(Some(OutboxState::Dead), 10).await.unwrap();
    assert_eq!(dead.iter().map(|item| item.recipient.as_str()).collect::<Vec<_>>(), ["third@lp.com"]);
    sink.set_mood(Mood::Willing);
    app.advance(10);
    assert_eq!(app.gate().deliver_due().await.unwrap(), 1);
    let received = sink.take();
    let to: Vec<&str> = received.iter().map(|mail| mail.to[0].as_str()).collect();
    assert_eq!(to, ["first@lp.com", "second@lp.com", "second@lp.com"]);
    // Whoever gets both can tell that they are one.
    assert_eq!(received[1].header("Message-ID"), received[2].header("Message-ID"));
}

#[rstest]
#[case::sqlite(Database::Sqlite)]
#[case::postgres(Database::Postgres)]
#[tokio::test]
async fn an_outbox_sends_after_the_reply(#[case] database: Database) {
    let app = app("delivery = \"outbox\"").on(database).start().await;
    app.inbox().set_down(true);
    register(&app, "new@lp.com").await;
    assert_eq!(app.gate().deliver_due().await.unwrap(), 0);
    app.inbox().set_down(false);
    app.advance(10);
    let mails = app.mails().await;
    assert_eq!(mails.len(), 1);
    assert_eq!(only_item(&app).await.state, OutboxState::Sent);
}

#[tokio::test]
async fn an_unknown_recipient_is_given_up_at_once_and_can_be_tried_again() {
    let sink = Sink::start().await;
    sink.set_mood(Mood::Unknown);
    let app = app("").toml(&sink.toml()).real_mail().start().await;
    register(&app, "new@lp.com").await;
    let dead = app.store().outbox_list(Some(OutboxState::Dead), 10).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert!(dead[0].last_error.as_ref().unwrap().contains("550"), "{:?}", dead[0].last_error);
    app.advance(1_000_000);
    assert_eq!(app.gate().deliver_due().await.unwrap(), 0);
    sink.set_mood(Mood::Willing);
    assert!(app.store().outbox_retry(&dead[0].id, app.now()).await.unwrap());
    assert_eq!(app.gate().deliver_due().await.unwrap(), 1);
    assert_eq!(sink.take()[0].to, ["new@lp.com"]);
}

#[tokio::test]
async fn attempts_end_one_day() {
    let sink = Sink::start().await;
    sink.set_mood(Mood::Busy);
    let app = app("").toml(&sink.toml()).real_mail().start().await;
    register(&app, "new@lp.com").await;
    for attempt in 2..=MOST_ATTEMPTS {
        let item = only_item(&app).await;
        assert_eq!((item.state, item.attempts), (OutboxState::Waiting, attempt - 1));
        app.advance(21_600);
        assert_eq!(app.gate().deliver_due().await.unwrap(), 0);
    }
    let item = only_item(&app).await;
    assert_eq!((item.state, item.attempts), (OutboxState::Dead, MOST_ATTEMPTS));
    assert!(!item.payload.is_empty(), "a dead letter can be read and tried again");
}

#[rstest]
#[case::sqlite(Database::Sqlite)]
#[case::postgres(Database::Postgres)]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_never_send_a_letter_twice(#[case] database: Database) {
    let toml = "delivery = \"outbox\"";
    let first = app(toml).on(database).start().await;
    let second = app(toml).sharing(&first).start().await;
    for number in 0..40 {
        let id = format!("letter{number}");
        enqueue(&first, &id, letter(&id, "joe@lp.com")).await;
    }
    let (one, other) = tokio::join!(first.gate().deliver_due(), second.gate().deliver_due());
    let (one, other) = (one.unwrap(), other.unwrap());
    let mails: Vec<Message> = first.inbox().take().into_iter().chain(second.inbox().take()).collect();
    let ids: HashSet<&str> = mails.iter().map(|mail| mail.id.as_str()).collect();
    assert_eq!((mails.len(), ids.len()), (40, 40));
    assert!(one + other <= 40);
    assert!(outbox(&first).await.iter().all(|item| item.state == OutboxState::Sent && item.attempts == 1));
}

/// Begins to send and never ends, as a process that is killed while it sends.
struct Stuck(Arc<Notify>);

impl Mailer for Stuck {
    async fn send(&self, _: &Message) -> Result<(), MailError> {
        self.0.notify_one();
        std::future::pending().await
    }
}

#[rstest]
#[case::before_the_reply("inline")]
#[case::from_the_outbox("outbox")]
#[tokio::test]
async fn what_a_killed_process_did_not_send_is_sent_by_the_next(#[case] delivery: &str) {
    let toml = format!("delivery = \"{delivery}\"");
    let begun = Arc::new(Notify::new());
    let stuck = Stuck(Arc::clone(&begun));
    let first = app(&toml).configure(move |builder| builder.mailer(stuck).outbox_worker(true)).start().await;
    tokio::select! {
        () = async { register(&first, "new@lp.com").await; std::future::pending().await } => {}
        () = begun.notified() => {}
    }
    let next = app(&toml).sharing(&first).start().await;
    // While the first one may still be at it, the letter is left to it.
    assert!(next.mails().await.is_empty());
    next.advance(180);
    let mails = next.mails().await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, "new@lp.com");
    assert!(next.mails().await.is_empty());
}

#[tokio::test]
async fn a_client_that_goes_away_does_not_stop_its_mail() {
    #[derive(Default)]
    struct Slow {
        begun: Notify,
        go_on: Notify,
        inbox: Inbox,
        done: Notify,
    }
    struct Handle(Arc<Slow>);
    impl Mailer for Handle {
        async fn send(&self, message: &Message) -> Result<(), MailError> {
            self.0.begun.notify_one();
            self.0.go_on.notified().await;
            self.0.inbox.send(message).await?;
            self.0.done.notify_one();
            Ok(())
        }
    }
    let slow = Arc::new(Slow::default());
    let handle = Handle(Arc::clone(&slow));
    let app = app("").configure(move |builder| builder.mailer(handle)).start().await;
    tokio::select! {
        () = register(&app, "new@lp.com") => panic!("the reply waits for the mail"),
        () = slow.begun.notified() => {}
    }
    slow.go_on.notify_one();
    slow.done.notified().await;
    assert_eq!(slow.inbox.take().len(), 1);
}

#[tokio::test]
async fn a_mailer_that_panics_has_failed_no_more() {
    struct Broken;
    impl Mailer for Broken {
        async fn send(&self, _: &Message) -> Result<(), MailError> {
            panic!("a mailer of the application is broken")
        }
    }
    let app = app("").configure(|builder| builder.mailer(Broken)).start().await;
    register(&app, "new@lp.com").await;
    let item = only_item(&app).await;
    assert_eq!((item.state, item.attempts), (OutboxState::Waiting, 1));
}

#[rstest]
#[case::line_in_recipient("joe@lp.com\r\nBcc: eve@lp.com")]
#[case::line_in_local_part("joe\n@lp.com")]
#[case::two("joe@lp.com, eve@lp.com")]
#[case::two_by_space("joe@lp.com eve@lp.com")]
#[case::bracket("joe@lp.com> RCPT TO:<eve@lp.com")]
#[case::named("Joe <joe@lp.com>")]
#[case::nul("joe\0@lp.com")]
#[case::none("")]
#[case::no_domain("joe")]
#[case::wide_at("joe＠lp.com")]
#[case::long(
    "j@lp.com.this.is.longer.than.any.domain.may.be................................................................."
)]
#[tokio::test]
async fn what_is_not_one_address_is_a_dead_letter(#[case] to: &str) {
    let sink = Sink::start().await;
    let app = app("").toml(&sink.toml()).real_mail().start().await;
    enqueue(&app, "bad", letter("bad", to)).await;
    assert_eq!(app.gate().deliver_due().await.unwrap(), 0);
    let item = only_item(&app).await;
    assert_eq!(item.state, OutboxState::Dead, "{:?}", item.last_error);
    assert!(sink.take().is_empty());
    assert!(!sink.take_commands().iter().any(|line| line.starts_with("RCPT")));
}

#[tokio::test]
async fn no_header_grows_a_line() {
    let sink = Sink::start().await;
    let app = app("").toml(&sink.toml()).real_mail().start().await;
    register(&app, "new@lp.com").await;
    let mut forged = letter("id\r\nX-Evil: 1", "joe@lp.com");
    forged["subject"] = "a\r\nX-Evil: 2\r\n\r\nbody".into();
    forged["from"] = json!(["Joe\r\nX-Evil: 3", "post@lp.com"]);
    enqueue(&app, "forged", forged).await;
    app.gate().deliver_due().await.unwrap();
    let received = sink.take();
    assert!(!received.is_empty());
    for mail in &received {
        let head = mail.raw.split("\r\n\r\n").next().unwrap();
        let names: Vec<&str> =
            head.split("\r\n").filter_map(|line| line.split_once(':')).map(|(name, _)| name).collect();
        assert!(!names.iter().any(|name| matches!(*name, "Bcc" | "X-Evil")), "{head}");
        assert_eq!(mail.to.len(), 1);
        assert!(!mail.raw.replace("\r\n", "").contains(['\r', '\n']));
    }
}

#[rstest]
#[case("jo@bücher.example", Some("jo@xn--bcher-kva.example"))]
#[case("jo@xn--bcher-kva.example", Some("jo@xn--bcher-kva.example"))]
#[case("jürgen@lp.com", None)]
#[tokio::test]
async fn international_addresses(#[case] to: &str, #[case] envelope: Option<&str>) {
    let sink = Sink::start().await;
    let app = app("").toml(&sink.toml()).real_mail().start().await;
    enqueue(&app, "international", letter("international", to)).await;
    app.gate().deliver_due().await.unwrap();
    let received = sink.take();
    match envelope {
        Some(envelope) => assert_eq!(received[0].to, [envelope]),
        // The sink has no SMTPUTF8, so there is no way to write to them through it.
        None => {
            assert!(received.is_empty());
            assert_eq!(only_item(&app).await.state, OutboxState::Dead);
        }
    }
}

#[tokio::test]
async fn links_lead_to_the_configured_origin_whatever_the_request_says() {
    let base = "base_url = \"https://app.example\"";
    for toml in [base, "server_name = \"app.example\""] {
        let app = app(toml).start().await;
        let reply = register_at(&app, "new@lp.com", "http://evil.example").await;
        assert_eq!(reply.status(), 200, "{}", reply.text());
        let mail = app.inbox().take().remove(0);
        let both = format!("{} {}", mail.text.unwrap(), mail.html.unwrap());
        assert!(both.contains("://app.example/login") && !both.contains("evil"), "{both}");
    }
}

#[rstest]
#[case::elsewhere("http://evil.example", "http://localhost/login")]
#[case::here("http://127.0.0.1:5000", "http://127.0.0.1:5000/login")]
#[tokio::test]
async fn without_an_origin_the_modern_profile_trusts_no_host_but_this_machine(
    #[case] origin: &str,
    #[case] expected: &str,
) {
    let modern = "profile = \"modern\"\ndelivery = \"inline\"\n[session]\ncookie_secure = false";
    let app = app(modern).start().await;
    let reply = register_at(&app, "new@lp.com", origin).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    let mail = app.inbox().take().remove(0);
    assert!(mail.text.unwrap().ends_with(&format!("\n{expected}")));
}

#[tokio::test]
async fn old_letters_are_forgotten() {
    let app = app("").start().await;
    register(&app, "new@lp.com").await;
    app.gate().deliver_due().await.unwrap();
    assert_eq!(outbox(&app).await.len(), 1);
    app.advance(31 * 86_400);
    app.gate().deliver_due().await.unwrap();
    assert!(outbox(&app).await.is_empty());
}

#[tokio::test]
async fn the_worker_ends_with_the_gate() {
    struct Tell(Arc<Notify>);
    impl Drop for Tell {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    impl Mailer for Tell {
        async fn send(&self, _: &Message) -> Result<(), MailError> {
            Ok(())
        }
    }
    let gone = Arc::new(Notify::new());
    let tell = Tell(Arc::clone(&gone));
    let app =
        app("delivery = \"outbox\"").configure(move |builder| builder.mailer(tell).outbox_worker(true)).start().await;
    register(&app, "new@lp.com").await;
    drop(app);
    // Whatever the worker was at, it lets go of the gate and of all that hangs on it.
    tokio::time::timeout(Duration::from_secs(30), gone.notified()).await.unwrap();
}

#[tokio::test]
async fn the_worker_sends_what_a_request_leaves_in_the_outbox() {
    struct Tell(Arc<Notify>);
    impl Mailer for Tell {
        async fn send(&self, message: &Message) -> Result<(), MailError> {
            assert_eq!(message.to, "new@lp.com");
            self.0.notify_one();
            Ok(())
        }
    }
    let sent = Arc::new(Notify::new());
    let tell = Tell(Arc::clone(&sent));
    let app = app("delivery = \"outbox\"").configure(move |builder| builder.mailer(tell).outbox_worker(true));
    let app = app.start().await;
    register(&app, "new@lp.com").await;
    tokio::time::timeout(Duration::from_secs(30), sent.notified()).await.unwrap();
}
