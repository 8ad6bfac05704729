//! Languages: how one is found, chosen and kept, and that everything that people read is in it.
#![allow(clippy::unwrap_used)]

use lychgate::{Lychgate, Settings, store::UserPatch};
use lychgate_testkit::{AppBuilder, Browser, Database, PASSWORD, Reply, TestApp};
use rstest::rstest;
use serde_json::json;

/// German is asked for where the test says nothing else.
const GERMAN: &str = "fr;q=0.9, de-AT, en;q=0.5";

const HEBREW: &str = r#"
name = "עברית"
direction = "rtl"
[texts]
"Sign in" = "כניסה"
"#;

fn app() -> AppBuilder {
    TestApp::builder().real_texts().toml("languages = [\"en\", \"de\", \"es\"]\n[csrf]\nenabled = false")
}

async fn get(browser: &mut Browser, path: &str, accept: &str) -> Reply {
    browser.call("GET", path).header("accept-language", accept).send().await
}

async fn post(browser: &mut Browser, path: &str, fields: serde_json::Value) -> Reply {
    browser.call("POST", path).header("accept-language", GERMAN).json(&fields).send().await
}

/// Language, direction and main heading of a page.
fn seen(page: &Reply) -> (String, String, String) {
    let between = |from: &str, to: &str| {
        let rest = page.text().split(from).nth(1).unwrap_or_else(|| panic!("no {from}: {}", page.text()));
        rest.split(to).next().unwrap().to_owned()
    };
    (between("<html lang=\"", "\""), between(" dir=\"", "\""), between("<h1 id=\"page-title\">", "<"))
}

const COLUMN: &str = "ALTER TABLE \"user\" ADD COLUMN locale VARCHAR(64)";

/// Writes a language into a user's row.
async fn store(app: &TestApp, email: &str, tag: &str) {
    let extra = json!({"locale": tag}).as_object().unwrap().clone();
    app.update(email, UserPatch { extra, ..UserPatch::default() }).await;
}

fn varies(reply: &Reply, by: &str) -> bool {
    reply.headers().get_all("vary").iter().any(|value| value.to_str().unwrap() == by)
}

#[tokio::test]
async fn the_flask_profile_is_english_as_it_was() {
    let app = TestApp::builder().real_texts().start().await;
    let mut browser = app.browser();
    browser.set_cookie("language", "de");
    let page = get(&mut browser, "/login", GERMAN).await;
    assert_eq!(seen(&page), ("en".into(), "ltr".into(), "Sign in".into()));
    assert_eq!(page.header("content-language"), "");
    assert!(!varies(&page, "Accept-Language") && !page.text().contains("/language"));
    assert_eq!(get(&mut browser, "/language", GERMAN).await.status(), 404);
}

#[tokio::test]
async fn the_modern_profile_offers_three() {
    let toml = "profile = \"modern\"\nlanguages = [\"es\"]";
    for (toml, want) in [("profile = \"modern\"", "de"), (toml, "es")] {
        let page = get(&mut TestApp::builder().toml(toml).start().await.browser(), "/login", GERMAN).await;
        assert_eq!((seen(&page).0.as_str(), page.header("content-language")), (want, want));
        assert_eq!(varies(&page, "Accept-Language"), want == "de", "with one language nothing varies");
    }
}

#[tokio::test]
async fn pages_and_messages_are_in_the_language_of_the_browser() {
    let app = app().start().await;
    let mut browser = app.browser();
    let page = get(&mut browser, "/login", GERMAN).await;
    assert_eq!(seen(&page), ("de".into(), "ltr".into(), "Anmelden".into()));
    assert_eq!(page.header("content-language"), "de");
    assert!(varies(&page, "Accept-Language") && varies(&page, "Cookie"));
    for text in ["E-Mail</label>", "Passwort</label>", "Auf diesem Gerät angemeldet bleiben", "<title>Anmelden – "] {
        assert!(page.text().contains(text), "{text}: {}", page.text());
    }
    let refused = post(&mut browser, "/login", json!({"email": "joe@lp.com", "password": "no"})).await;
    assert_eq!(refused.header("content-language"), "de");
    assert_eq!(refused.field_errors(), json!({"password": ["Dieses Passwort stimmt nicht."]}));
    let lost = get(&mut browser, "/nowhere", "es").await;
    assert_eq!((lost.status(), lost.header("content-language")), (404, "es"));
    assert!(lost.text().contains("Esta página no existe."), "{}", lost.text());
    let home = get(&mut browser, "/whoami", GERMAN).await;
    assert_eq!(home.header("content-language"), "", "what the application says is not ours to label");
}

#[rstest]
#[case("de-CH, en", "de")]
#[case("fr, *;q=0.5", "en")]
#[case("it", "en")]
#[case("", "en")]
#[case("en;q=0.1, es;q=0.2", "es")]
#[case("\u{fffd}de", "en")]
#[tokio::test]
async fn negotiation(#[case] accept: &str, #[case] want: &str) {
    let app = app().start().await;
    assert_eq!(seen(&get(&mut app.browser(), "/login", accept).await).0, want);
}

#[tokio::test]
async fn a_choice_is_kept_and_wins() {
    let app = app().toml("[csrf]\nenabled = true").start().await;
    let mut browser = app.browser();
    let page = get(&mut browser, "/login?next=/whoami", GERMAN).await;
    assert!(page.text().contains("href=\"/language?next=/login?next%3D/whoami\""), "{}", page.text());
    let page = get(&mut browser, "/language?next=/login", GERMAN).await;
    assert_eq!(seen(&page), ("de".into(), "ltr".into(), "Sprache".into()));
    for text in
        ["lang=\"es\" name=\"language\" type=\"submit\" value=\"es\">Español<", "aria-current=\"true\" class=\"button"]
    {
        assert!(page.text().contains(text), "{text}: {}", page.text());
    }
    let fields = [("language", "es"), ("next", "/login"), ("csrf_token", &page.csrf_token())];
    let done = browser.post_form("/language?next=/login", &fields).await;
    assert_eq!(done.location(), "/login");
    let cookie = done.set_cookie("language").unwrap();
    assert!(
        cookie.starts_with("language=es; Expires=") && cookie.ends_with("; HttpOnly; Path=/; SameSite=Lax"),
        "{cookie}"
    );
    assert_eq!(seen(&get(&mut browser, "/login", GERMAN).await), ("es".into(), "ltr".into(), "Entrar".into()));
    // A cookie that names no offered language counts for nothing.
    browser.set_cookie("language", "xx");
    assert_eq!(seen(&get(&mut browser, "/login", GERMAN).await).0, "de");
}

#[tokio::test]
async fn what_cannot_be_chosen_is_refused() {
    let app = app().toml("[csrf]\nenabled = true").start().await;
    let mut browser = app.browser();
    let token = browser.get("/language").await.csrf_token();
    let fields = [("language", "fr"), ("csrf_token", &token)];
    let page = browser.post_form("/language", &fields).await;
    assert!(page.status() == 200 && page.text().contains("This language cannot be chosen here."), "{}", page.text());
    let reply = browser.post_form("/language", &[("language", "de")]).await;
    assert!(reply.status() == 200 && reply.text().contains("CSRF token is missing"), "{}", reply.text());
    let fields = [("language", "de"), ("next", "//evil.example/"), ("csrf_token", &token)];
    assert_eq!(browser.post_form("/language", &fields).await.status(), 200);
    let long = "de".repeat(100);
    let reply = browser.post_form("/language", &[("language", &long), ("csrf_token", &token)]).await;
    assert_eq!(reply.status(), 200);
    assert_eq!(browser.cookie("language"), None, "nothing was chosen");
    // Opening an address changes nothing.
    for path in ["/language?language=de", "/login?lang=de", "/login?language=de"] {
        assert_eq!(seen(&browser.get(path).await).0, "en", "{path}");
        assert_eq!(browser.cookie("language"), None);
    }
}

#[tokio::test]
async fn programs_choose_as_well() {
    let app = app().start().await;
    let mut browser = app.browser();
    let told = browser.get_json("/language").await.response();
    assert_eq!(told["language"], "en");
    assert_eq!(told["languages"][1], json!({"tag": "de", "name": "Deutsch", "direction": "ltr"}));
    let done = browser.post_json("/language", json!({"language": "es"})).await;
    assert_eq!((done.status(), &done.response()["language"]), (200, &json!("es")));
    assert_eq!(browser.get_json("/language").await.response()["language"], "es");
    let refused = browser.post_json("/language", json!({"language": ["x", 1]})).await;
    assert_eq!((refused.status(), refused.field_errors()["language"][0].is_string()), (400, true));
    let refused = browser.post_json("/language", json!({"language": 7})).await;
    assert_eq!(refused.status(), 400);
}

#[tokio::test]
async fn flashed_messages_and_redirects() {
    let app = app().start().await;
    let mut browser = app.browser();
    browser.set_cookie("language", "de");
    let to = browser.get("/verify").await;
    assert_eq!((to.status(), to.header("content-language")), (302, ""));
    assert_eq!(app.flashes(&browser), ["Bitte melden Sie sich an, um diese Seite zu sehen."]);
}

#[tokio::test]
async fn mails_are_in_the_language_of_the_request() {
    let app = app().toml("[security]\nrecoverable = true\nreset_password_within = 5400").start().await;
    let mut browser = app.browser();
    browser.set_cookie("language", "de");
    assert_eq!(post(&mut browser, "/reset", json!({"email": "joe@lp.com"})).await.status(), 200);
    let mails = app.mails().await;
    let mail = mails.first().unwrap();
    assert_eq!(mail.subject, "So wählen Sie ein neues Passwort");
    let text = mail.text.as_deref().unwrap();
    for words in ["Guten Tag joe,", "Der Link gilt 1 Stunde und 30 Minuten."] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(mail.html.as_deref().unwrap().contains("<html lang=\"de\" dir=\"ltr\">"));
    let link = lychgate_testkit::link_in(mail, "/reset").unwrap();
    app.advance(5_401);
    let mut browser = app.browser();
    browser.set_cookie("language", "es");
    browser.get(&link).await;
    assert_eq!(app.flashes(&browser), ["Ese enlace solo servía durante 1 hora y 30 minutos. Pida otro."]);
}

#[tokio::test]
async fn a_subject_of_the_settings_stays_unless_it_is_translated() {
    let toml = "[security]\nrecoverable = true\nemail_subject_password_reset = \"Key for %(app)s\"";
    for (catalogue, subject) in
        [("", "Key for Lychgate"), ("\"Key for %(app)s\" = \"Schlüssel für %(app)s\"", "Schlüssel für Lychgate")]
    {
        let catalogue = format!("[texts]\n{catalogue}");
        let app = app().toml(toml).configure(|builder| builder.catalogue("de", catalogue)).start().await;
        post(&mut app.browser(), "/reset", json!({"email": "joe@lp.com"})).await;
        assert_eq!(app.mails().await.first().unwrap().subject, subject);
    }
}

#[rstest]
#[tokio::test]
async fn a_language_may_be_stored_with_the_user(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().toml("[security]\nchangeable = true").on(database).sql(COLUMN).start().await;
    store(&app, "joe@lp.com", "es").await;
    let mut browser = app.browser();
    // Before it is known who asks, the browser's language counts; afterwards theirs.
    assert_eq!(seen(&get(&mut browser, "/login", GERMAN).await).0, "de");
    let token = browser.sign_in("joe@lp.com").await;
    assert_eq!(seen(&get(&mut browser, "/change", GERMAN).await).0, "es");
    let new = "ein anderes Passwort";
    let fields = json!({"password": PASSWORD, "new_password": new, "new_password_confirm": new, "csrf_token": token});
    browser.call("POST", "/change").header("accept-language", GERMAN).json(&fields).send().await;
    let mails = app.mails().await;
    assert_eq!(mails.first().unwrap().subject, "Su contraseña ha cambiado");
    // A choice is written down, and then also counts elsewhere.
    browser.post_json("/language", json!({"language": "de"})).await;
    assert_eq!(app.user("joe@lp.com").await.column("locale").as_deref(), Some("de"));
    let mut elsewhere = app.browser();
    elsewhere.sign_in_with(json!({"email": "joe@lp.com", "password": new})).await;
    assert_eq!(seen(&get(&mut elsewhere, "/change", "es").await).0, "de");
    // What is no offered language counts for nothing.
    store(&app, "joe@lp.com", "klingon-and-much-more-than-any-tag-has").await;
    assert_eq!(seen(&get(&mut elsewhere, "/change", "es").await).0, "es");
    // Somebody whom the request does not know gets theirs, too.
    store(&app, "matt@lp.com", "de_AT").await;
    assert_eq!(app.user("matt@lp.com").await.column("locale").as_deref(), Some("de_AT"));
}

#[tokio::test]
async fn languages_are_written_from_right_to_left_as_well() {
    let toml = "languages = [\"he\", \"en\"]";
    let app = app().toml(toml).configure(|builder| builder.catalogue("he", HEBREW)).start().await;
    let mut browser = app.browser();
    let page = get(&mut browser, "/login", "he").await;
    assert_eq!(seen(&page), ("he".into(), "rtl".into(), "כניסה".into()));
    assert!(page.text().contains("Password</label>"), "what is not translated is English");
    let page = get(&mut browser, "/language", "en").await;
    assert!(page.text().contains("dir=\"rtl\" lang=\"he\""), "{}", page.text());
    assert_eq!(seen(&get(&mut browser, "/login", "fr").await).0, "he", "the first one is the default");
}

#[tokio::test]
async fn catalogues_of_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("fr.toml"), "name = \"Français\"\n[texts]\n\"Sign in\" = \"Se connecter\"\n")
        .unwrap();
    std::fs::write(folder.path().join("en.toml"), "[texts]\n\"Sign in\" = \"Log in\"\n").unwrap();
    let toml = format!(
        "languages = [\"en\", \"fr\"]\n[security]\ni18n_dirname = [{:?}, \"builtin\"]",
        folder.path().to_str().unwrap()
    );
    let app = app().toml(&toml).start().await;
    assert_eq!(seen(&get(&mut app.browser(), "/login", "fr-CA").await).2, "Se connecter");
    assert_eq!(seen(&get(&mut app.browser(), "/login", "en").await).2, "Log in");
}

#[rstest]
#[case(
    "languages = [\"fr\"]",
    "",
    "b:1: languages: there is no catalogue for \"fr\", only for de, en, es; see `i18n_dirname`"
)]
#[case("languages = [\"de\"]", "[texts]\n\"a\" = 1", "settings: the catalogue \"de\":2: this is a text")]
#[case("[security]\ni18n_dirname = \"/no/such/folder\"", "", "b:2: i18n_dirname: /no/such/folder: ")]
#[tokio::test]
async fn a_start_tells_what_is_wrong(#[case] toml: &str, #[case] catalogue: &str, #[case] error: &str) {
    let settings = Settings::builder()
        .toml("a", "secret_key = \"a key of this test, 37 bytes in length\"\ndatabase_url = \"sqlite://\"\n[security]\npassword_salt = \"a salt of this test, also long enough\"")
        .toml("b", toml)
        .build()
        .unwrap();
    let failed = Lychgate::builder().settings(settings).catalogue("de", catalogue).build().await;
    let text = failed.unwrap_err().to_string();
    assert!(text.starts_with(error), "{text}");
}

#[tokio::test]
async fn why_a_password_is_easy_to_guess() {
    let toml = "[security]\nregisterable = true\npassword_complexity_checker = \"zxcvbn\"";
    let app = app().toml(toml).empty().start().await;
    let fields = json!({"email": "new@lp.com", "password": "abcdefgh", "password_confirm": "abcdefgh"});
    let refused = post(&mut app.browser(), "/register", fields).await.field_errors();
    assert_eq!(refused, json!({"password": ["Reihen wie abc oder 6543 sind leicht zu erraten."]}));
}

#[tokio::test]
async fn templates_of_an_application_are_translated() {
    let template = "{{ _('Hello, %(name)s', name='<b>%(x)s') }}|{{ ngettext('one code', '%(num)s codes', 3) }}|\
                    {{ _('Never heard of') }}|{{ locale }}|\
                    {% set bold %}<b>&</b>{% endset %}{{ _('<i>%(a)s %(b)s', a=bold, b='<u>') }}";
    let routes = |router: axum::Router| {
        router.route("/page", axum::routing::get(async || lychgate::Page::new("own.html").with("languages", "mine")))
    };
    let catalogue = "[plurals]\n\"%(num)s codes\" = {one = \"ein Code\", other = \"%(num)s Codes\"}";
    let app = app()
        .routes(routes)
        .configure(move |builder| builder.template("own.html", template).catalogue("de", catalogue))
        .start()
        .await;
    let page = get(&mut app.browser(), "/page", GERMAN).await;
    assert_eq!(page.text(), "Guten Tag, &lt;b&gt;%(x)s|3 Codes|Never heard of|de|&lt;i&gt;<b>&</b> &lt;u&gt;");
}
