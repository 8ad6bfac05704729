//! The function, given events as the services send them.
#![allow(clippy::unwrap_used)]

use base64::{Engine as _, engine::general_purpose::STANDARD};
use lambda_http::{Adapter, Context, LambdaEvent, Service as _};
use lychgate::{
    NewAccount,
    settings::SettingsBuilder,
    store::{OpenOptions, Store},
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;

const PASSWORD: &str = "correct horse battery";

/// How an event is shaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// HTTP API and function URL.
    V2,
    /// REST API.
    V1,
    Alb,
}

const SHAPES: [(Shape, &str); 3] = [
    (Shape::V2, include_str!("../events/api-gateway-v2.json")),
    (Shape::V1, include_str!("../events/api-gateway-v1.json")),
    (Shape::Alb, include_str!("../events/alb.json")),
];

fn settings() -> SettingsBuilder {
    Settings::builder()
        .set("secret_key", "0f3b1d5c7a9e2468ace013579bdf0246")
        .set("password_salt", "8642ace013579bdf02468ace13579bdf")
        .set("base_url", "https://shop.example")
        .set("delivery", "inline")
        .toml("fast", "[security.password_hash_passlib_options]\nargon2__time_cost = 1\nargon2__memory_cost = 64\n")
}

/// A client of the function: puts requests into events and reads the replies of the function.
struct Client {
    shape: Shape,
    template: Value,
    app: Router,
    cookies: Vec<String>,
}

struct Answer(Value);

impl Client {
    /// The sample event with another request in it.
    fn event(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<(&[u8], bool)>) -> Value {
        let mut event = self.template.clone();
        let mut all: Vec<(String, String)> = [("host", "shop.example"), ("x-forwarded-proto", "https")]
            .iter()
            .chain(headers)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        match self.shape {
            Shape::V2 => {
                event["rawPath"] = path.into();
                event["requestContext"]["http"]["path"] = path.into();
                event["requestContext"]["http"]["method"] = method.into();
                event["cookies"] = json!(self.cookies);
            }
            Shape::V1 | Shape::Alb => {
                event["path"] = path.into();
                event["httpMethod"] = method.into();
                if !self.cookies.is_empty() {
                    all.push(("cookie".to_owned(), self.cookies.join("; ")));
                }
            }
        }
        let lists = event.get("multiValueHeaders").is_some();
        if lists {
            event["multiValueHeaders"] = all.iter().map(|(name, value)| (name.clone(), json!([value]))).collect();
        }
        if !lists || self.shape == Shape::V1 {
            event["headers"] = all.into_iter().map(|(name, value)| (name, Value::from(value))).collect();
        }
        if let Some((body, encoded)) = body {
            event["isBase64Encoded"] = encoded.into();
            event["body"] = match encoded {
                true => STANDARD.encode(body).into(),
                false => std::str::from_utf8(body).unwrap().into(),
            };
        }
        event
    }

    async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<(&[u8], bool)>,
    ) -> Answer {
        let event = self.event(method, path, headers, body).to_string();
        let mut function = Adapter::from(self.app.clone());
        std::future::poll_fn(|context| function.poll_ready(context)).await.unwrap();
        let payload = serde_json::from_str(&event).unwrap();
        let reply = function.call(LambdaEvent::new(payload, Context::default())).await.unwrap();
        let answer = Answer(serde_json::to_value(reply).unwrap());
        for cookie in answer.cookies() {
            let pair = cookie.split(';').next().unwrap().to_owned();
            let name = pair.split('=').next().unwrap().to_owned();
            self.cookies.retain(|kept| kept.split('=').next() != Some(&name));
            self.cookies.push(pair);
        }
        answer
    }

    async fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, &[("accept", "application/json")], None).await
    }

    async fn post(&mut self, path: &str, body: &Value, encoded: bool) -> Answer {
        let headers = [
            ("accept", "application/json"),
            ("content-type", "application/json"),
            ("referer", "https://shop.example/"),
            // Whatever a client says of itself.
            ("x-forwarded-for", "203.0.113.66, 192.0.2.44"),
        ];
        self.send("POST", path, &headers, Some((body.to_string().as_bytes(), encoded))).await
    }
}

impl Answer {
    fn status(&self) -> u64 {
        self.0["statusCode"].as_u64().unwrap()
    }

    /// The cookies, wherever the shape of the reply has them.
    fn cookies(&self) -> Vec<String> {
        let listed = self.0["cookies"].as_array().cloned().unwrap_or_default();
        let in_headers = self.0["multiValueHeaders"]["set-cookie"].as_array().cloned().unwrap_or_default();
        listed.iter().chain(&in_headers).map(|cookie| cookie.as_str().unwrap().to_owned()).collect()
    }

    fn bytes(&self) -> Vec<u8> {
        let body = self.0["body"].as_str().unwrap_or_default();
        if self.0["isBase64Encoded"] == true { STANDARD.decode(body).unwrap() } else { body.as_bytes().to_vec() }
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes()).unwrap_or_else(|error| panic!("{error}: {}", self.0))
    }

    fn text(&self) -> String {
        String::from_utf8(self.bytes()).unwrap()
    }
}

async fn start() -> Lychgate {
    let store = Store::open(OpenOptions::new("sqlite://".parse().unwrap())).await.unwrap();
    let settings = settings().build().unwrap_or_else(|errors| panic!("{errors}"));
    let gate = Lychgate::builder().settings(settings).store(store).outbox_worker(false).build().await.unwrap();
    let joe = NewAccount {
        email: "joe@lp.com".to_owned(),
        password: Some(PASSWORD.to_owned()),
        active: true,
        confirmed: true,
        ..NewAccount::default()
    };
    gate.accounts().create(&joe).await.unwrap();
    gate
}

/// S1-29.
#[tokio::test]
async fn the_whole_way_by_each_service() {
    for (shape, template) in SHAPES {
        let gate = start().await;
        let template = serde_json::from_str(template).unwrap();
        let mut joe = Client { shape, template, app: app(&gate), cookies: Vec::new() };

        assert_eq!(joe.get("/profile").await.status(), 401, "{shape:?}");
        let token = joe.get("/login").await.json()["response"]["csrf_token"].clone();
        // Services send bodies as they are or in base64; both arrive.
        for (password, encoded, expected) in [("wrong", true, 400), (PASSWORD, true, 200)] {
            let body = json!({"email": "joe@lp.com", "password": password, "remember": true, "csrf_token": token});
            let reply = joe.post("/login", &body, encoded).await;
            assert_eq!(reply.status(), expected, "{shape:?} {}", reply.text());
            if expected == 200 {
                let cookies = reply.cookies();
                let names: Vec<&str> = cookies.iter().filter_map(|cookie| cookie.split('=').next()).collect();
                assert_eq!(names, ["known_device", "remember_token", "session"], "each cookie on its own");
                // TLS ends before the function; what it was called with says so.
                assert!(cookies.iter().all(|cookie| cookie.contains("; Secure")), "{shape:?} {cookies:?}");
            }
        }
        let reply = joe.get("/profile").await;
        assert_eq!((reply.status(), reply.text().as_str()), (200, "You are joe@lp.com.\n"), "{shape:?}");
        let user = gate.accounts().find("joe@lp.com").await.unwrap().unwrap();
        let sessions = gate.store().sessions_of(user.id).await.unwrap();
        assert_eq!(sessions[0].address.as_deref(), Some("192.0.2.44"), "{shape:?}");

        let picture = joe.send("GET", "/picture", &[], None).await;
        assert_eq!((picture.0["isBase64Encoded"].clone(), picture.bytes().len()), (json!(true), 10));
        assert_eq!(picture.bytes()[8..], [0xff, 0xfe], "no byte is lost");
        let sent = [0, 159, 146, 150, 255];
        let token = joe.get("/login").await.json()["response"]["csrf_token"].as_str().unwrap().to_owned();
        let headers = [
            ("content-type", "application/octet-stream"),
            ("x-csrftoken", &token),
            ("referer", "https://shop.example/"),
        ];
        let reply = joe.send("POST", "/bytes", &headers, Some((&sent, true))).await;
        assert_eq!(reply.text(), "5 bytes of application/octet-stream, the last one Some(255)\n", "{shape:?}");

        let token = joe.get("/login").await.json()["response"]["csrf_token"].clone();
        assert_eq!(joe.post("/logout", &json!({"csrf_token": token}), false).await.status(), 200);
        assert_eq!(joe.get("/profile").await.status(), 401, "{shape:?}");
    }
}

#[tokio::test]
async fn a_browser_gets_pages_and_redirects() {
    for (shape, template) in SHAPES {
        let gate = start().await;
        let template = serde_json::from_str(template).unwrap();
        let mut browser = Client { shape, template, app: app(&gate), cookies: Vec::new() };
        let html = [("accept", "text/html")];
        let reply = browser.send("GET", "/profile", &html, None).await;
        assert_eq!(reply.status(), 302, "{shape:?}");
        let one = reply.0["headers"]["location"].as_str().map(str::to_owned);
        let location = one.or_else(|| Some(reply.0["multiValueHeaders"]["location"][0].as_str()?.to_owned())).unwrap();
        assert_eq!(location, "/login?next=/profile");
        let page = browser.send("GET", "/login", &html, None).await;
        assert_eq!(page.status(), 200);
        assert!(page.text().contains("name=\"login_user_form\""), "{shape:?}");
        assert_eq!(browser.send("GET", "/nothing", &html, None).await.status(), 404);
    }
}

#[tokio::test]
async fn the_application_answers_outside_of_lambda_too() {
    let app = app(&start().await);
    let request =
        Request::get("/profile").header("accept", "application/json").body(axum::body::Body::empty()).unwrap();
    assert_eq!(app.oneshot(request).await.unwrap().status().as_u16(), 401);
}
