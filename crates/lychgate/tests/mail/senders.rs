//! What takes mails away: a server, a folder; and its settings.

use super::*;

#[tokio::test]
async fn on_the_wire() {
    let sink = Sink::start().await;
    let app = app("[security]\nemail_subject_register = \"Grüße & ❤\"").toml(&sink.toml()).real_mail().start().await;
    register(&app, "new@lp.com").await;
    let received = sink.take();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].to, ["new@lp.com"]);
    let header = |name: &str| received[0].header(name).unwrap();
    assert!(header("Content-Type").starts_with("multipart/alternative;"));
    assert_eq!(header("To"), "new@lp.com");
    assert_eq!(header("Auto-Submitted"), "auto-generated");
    assert!(header("Subject").starts_with("=?utf-8?b?"));
    assert_eq!(header("Date"), "Sun, 15 Jun 2025 15:06:40 +0000");
    let item = only_item(&app).await;
    assert_eq!(header("Message-ID"), format!("<{}@localhost>", item.id));
    assert!(received[0].raw.contains("\r\n.a line that begins with a dot\r\n"), "{}", received[0].raw);
    assert!(received[0].raw.contains("Content-Type: text/html"));
    // One connection does for the next letter too.
    let greetings = |commands: Vec<String>| commands.iter().filter(|line| line.starts_with("EHLO")).count();
    assert_eq!(greetings(sink.take_commands()), 1);
    register(&app, "second@lp.com").await;
    assert_eq!((sink.take().len(), greetings(sink.take_commands())), (1, 0));
}

#[tokio::test]
async fn a_sink_that_says_nothing_holds_up_a_reply_no_longer_than_the_timeout() {
    let sink = Sink::start().await;
    sink.set_mood(Mood::Silent);
    let app = app("[mail]\ntimeout = 0.2").toml(&sink.toml()).real_mail().start().await;
    register(&app, "new@lp.com").await;
    let item = only_item(&app).await;
    assert_eq!((item.state, item.attempts), (OutboxState::Waiting, 1));
    sink.set_mood(Mood::Willing);
    app.advance(10);
    assert_eq!(app.gate().deliver_due().await.unwrap(), 1);
    assert_eq!(sink.take().len(), 1);
}

#[tokio::test]
async fn a_server_without_starttls_gets_neither_mail_nor_password() {
    let sink = Sink::start().await;
    let toml = "[mail]\nuse_tls = true\nusername = \"joe\"\npassword = \"secret\"";
    let app = app(toml).toml(&sink.toml()).real_mail().start().await;
    register(&app, "new@lp.com").await;
    assert!(sink.take().is_empty());
    let commands = sink.take_commands();
    assert!(!commands.is_empty());
    assert!(!commands.iter().any(|line| line.starts_with("AUTH") || line.starts_with("MAIL")), "{commands:?}");
    // It may be put right, so the letter waits.
    assert_eq!(only_item(&app).await.state, OutboxState::Waiting);
}

#[tokio::test]
async fn signs_in_at_the_mail_server() {
    let sink = Sink::start().await;
    let app = app("[mail]\nusername = \"joe\"\npassword = \"secret\"").toml(&sink.toml()).real_mail().start().await;
    register(&app, "new@lp.com").await;
    assert_eq!(sink.take().len(), 1);
    // "\0joe\0secret"
    assert!(sink.take_commands().contains(&"AUTH PLAIN AGpvZQBzZWNyZXQ=".to_owned()));
}

#[tokio::test]
async fn the_check_says_what_is_wrong() {
    let mut sink = Sink::start().await;
    let app = app("[mail]\ntimeout = 0.2").toml(&sink.toml()).real_mail().start().await;
    let answer = app.gate().check_mail().await.unwrap();
    assert!(answer.starts_with("127.0.0.1:") && answer.contains("answers"), "{answer}");
    sink.stop().await;
    assert!(app.gate().check_mail().await.is_err());
    sink.set_mood(Mood::Silent);
    sink.restart().await;
    assert!(app.gate().check_mail().await.is_err());
}

#[tokio::test]
async fn mails_in_files() {
    let folder = tempfile::tempdir().unwrap();
    let toml = format!("[mail]\nbackend = \"file\"\nfile_path = {:?}", folder.path().display().to_string());
    let app = app(&toml).real_mail().start().await;
    register(&app, "new@lp.com").await;
    let item = only_item(&app).await;
    let raw = std::fs::read_to_string(folder.path().join(format!("{}.eml", item.id))).unwrap();
    assert!(raw.contains("To: new@lp.com\r\n"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let file = std::fs::metadata(folder.path().join(format!("{}.eml", item.id))).unwrap();
        assert_eq!(file.permissions().mode() & 0o077, 0, "a letter may hold a link that signs somebody in");
    }
    assert!(app.gate().check_mail().await.unwrap().contains("folder"));
    assert!(FileMailer::new("/nonexistent").check().await.is_err());
    assert!(LogMailer::new(false).check().await.is_ok());
}

/// Settings of an application, with these in addition.
fn settings(toml: &str) -> Settings {
    let base = "database_url = \"sqlite://\"\nsecret_key = \"0f3b1d5c7a9e2468ace013579bdf0246\"\n\
                [security]\npassword_salt = \"8642ace013579bdf02468ace13579bdf\"";
    let settings = Settings::builder().toml("base", base).toml("mail", toml).build();
    settings.unwrap_or_else(|errors| panic!("{errors}"))
}

#[rstest]
#[case("[mail]\nuse_tls = true\nuse_ssl = true", "mail.use_ssl")]
#[case("[mail]\nssl_certfile = \"/nonexistent\"\nuse_ssl = true", "mail.ssl_keyfile")]
#[case("[mail]\nssl_certfile = \"/nonexistent\"\nssl_keyfile = \"/nonexistent\"\nuse_tls = true", "/nonexistent")]
#[case("[mail]\nssl_cafile = \"/dev/null\"\nuse_tls = true", "/dev/null")]
#[case("[mail]\nbackend = \"pigeon\"", "pigeon")]
#[case("[mail]\nbackend = \"file\"", "mail.file_path")]
#[case("[mail]\ndefault_sender = \"nobody\"", "nobody")]
#[case("[security]\nemail_sender = \"joe@lp.com, eve@lp.com\"", "eve@lp.com")]
#[tokio::test]
async fn settings_that_cannot_work_stop_the_start(#[case] toml: &str, #[case] named: &str) {
    let built = lychgate::Lychgate::builder().settings(settings(toml)).build().await;
    let error = built.unwrap_err().to_string();
    assert!(error.contains(named) && !error.contains('\n'), "{error}");
}

#[test]
fn debug_shows_no_password() {
    let settings = settings("[mail]\nusername = \"joe\"\npassword = \"HIDDEN\"");
    let mailer = SmtpMailer::from_settings(&settings, Duration::from_secs(1)).unwrap();
    assert!(!format!("{mailer:?}").contains("HIDDEN"));
}
