//! Whether an outsider can tell by the clock who has an account: the same question about somebody known and about
//! somebody unknown, by turns, and how well the times tell the two apart.
//!
//! `cargo bench -p benches --bench parity [-- ROUNDS]`. "Told apart" is the share of pairs in which the known one took
//! longer: 50 % tells nothing, 0 or 100 % all. Replies are compared as well.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::time::Instant;

use axum::{Router, body::Body};
use http::{Request, header};
use http_body_util::BodyExt as _;
use lychgate::{Lychgate, Settings, store::NewUser};
use serde_json::{Value, json};
use tempfile::TempDir;
use time::OffsetDateTime;
use tower::ServiceExt as _;

const SETTINGS: &str = r#"
profile = "modern"
secret_key = "the key of the benches, 30 bytes"
base_url = "http://127.0.0.1"
[security]
password_salt = "the salt of the benches, 31 bytes"
password_check_breached = false
registerable = true
recoverable = true
confirmable = true
username_enable = true
username_recovery = true
unified_signin = true
totp_issuer = "Bench"
totp_secrets = { "1" = "TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B" }
[limits]
enabled = false
lockout = false
[csrf]
enabled = false
"#;

/// A question about an address.
struct Question {
    name: &'static str,
    path: &'static str,
    body: fn(&str) -> Value,
}

const QUESTIONS: &[Question] = &[
    Question {
        name: "sign-in, wrong password",
        path: "/login",
        body: |email| json!({"email": email, "password": "wrong wrong wrong"}),
    },
    Question { name: "recovery", path: "/reset", body: |email| json!({"email": email}) },
    Question { name: "confirmation", path: "/confirm", body: |email| json!({"email": email}) },
    Question { name: "username recovery", path: "/recover-username", body: |email| json!({"email": email}) },
    Question {
        name: "registration",
        path: "/register",
        body: |email| json!({"email": email, "password": "nobody guesses this phrase", "password_confirm": "nobody guesses this phrase"}),
    },
    Question {
        name: "unified sign-in, wrong code",
        path: "/us-signin",
        body: |email| json!({"identity": email, "passcode": "123456"}),
    },
    Question {
        name: "unified sign-in, send a code",
        path: "/us-signin/send-code",
        body: |email| json!({"identity": email, "chosen_method": "email"}),
    },
];

async fn ask(router: &Router, question: &Question, email: &str) -> (f64, u16, Value) {
    let request = Request::post(question.path)
        .header(header::HOST, "127.0.0.1")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from((question.body)(email).to_string()))
        .unwrap();
    let began = Instant::now();
    let reply = router.clone().oneshot(request).await.unwrap();
    let status = reply.status().as_u16();
    let body = reply.into_body().collect().await.unwrap().to_bytes();
    let micros = began.elapsed().as_secs_f64() * 1e6;
    let mut body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    if let Some(response) = body.get_mut("response").and_then(Value::as_object_mut) {
        response.remove("csrf_token");
    }
    (micros, status, body)
}

fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// The share of pairs in which the first is greater.
#[allow(clippy::cast_precision_loss)]
fn told_apart(known: &[f64], unknown: &[f64]) -> f64 {
    let greater = known.iter().map(|k| unknown.iter().filter(|u| k > u).count()).sum::<usize>();
    greater as f64 / (known.len() * unknown.len()) as f64
}

async fn gate(folder: &TempDir, users: usize) -> Lychgate {
    let url = format!("sqlite:///{}", folder.path().join("app.db").display());
    let settings = Settings::builder().toml("bench", SETTINGS).set("database_url", url).build().unwrap();
    let gate = Lychgate::builder().settings(settings).build().await.unwrap();
    let account = lychgate::NewAccount {
        email: "first@lp.com".to_owned(),
        password: Some("nobody guesses this phrase".to_owned()),
        active: true,
        ..lychgate::NewAccount::default()
    };
    let hash = gate.accounts().create(&account).await.unwrap().password.clone();
    let now = OffsetDateTime::now_utc();
    for (at, question) in QUESTIONS.iter().enumerate() {
        for number in 0..users {
            let mut new = NewUser::new(format!("known{at}x{number}@lp.com"), format!("known{at}x{number}"));
            new.password.clone_from(&hash);
            // Only the unconfirmed are mailed a link to confirm.
            new.confirmed_at = (question.path != "/confirm").then_some(now);
            gate.store().create_user(new, now).await.unwrap();
        }
    }
    gate
}

fn main() {
    let rounds = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(150);
    let warm = 20;
    let folder = TempDir::new().unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let gate = gate(&folder, rounds + warm).await;
        let router: Router = Router::new().merge(gate.routes()).layer(gate.layer());
        println!("| question | known, µs | unknown, µs | ratio | told apart | replies |");
        println!("| --- | ---: | ---: | ---: | ---: | --- |");
        for (at, question) in QUESTIONS.iter().enumerate() {
            let (mut known, mut unknown, mut same) = (Vec::new(), Vec::new(), true);
            for number in 0..rounds + warm {
                let mut replies = Vec::new();
                // Each goes first every other time.
                for turn in 0..2 {
                    let is_known = (number + turn) % 2 == 0;
                    let who = if is_known { "known" } else { "other" };
                    let (micros, status, body) = ask(&router, question, &format!("{who}{at}x{number}@lp.com")).await;
                    if number >= warm {
                        if is_known { known.push(micros) } else { unknown.push(micros) }
                    }
                    replies.push((status, body));
                }
                same &= replies[0] == replies[1];
            }
            let (k, u) = (median(&known), median(&unknown));
            let apart = 100.0 * told_apart(&known, &unknown);
            let replies = if same { "the same" } else { "DIFFERENT" };
            println!("| {} | {k:.0} | {u:.0} | {:.3} | {apart:.0} % | {replies} |", question.name, k / u);
        }
    });
}
