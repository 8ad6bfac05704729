//! Every kind of secret at every door of the house, over HTTP: each opens its own doors, and no other.
#![allow(clippy::unwrap_used)]

#[path = "token_kinds/doors.rs"]
mod doors;
mod second_factor;
#[path = "token_kinds/secrets.rs"]
mod secrets;
mod unified;

use std::sync::atomic::AtomicU8;

use axum::{Router, routing::get};
use lychgate::guard;
use lychgate_testkit::{AppBuilder, TestApp};

/// All features that hand a secret out or take one.
const ON: &str = r#"
base_url = "http://localhost"
[security]
account = true
account_deletion = true
api_keys = true
api_enabled_methods = ["session", "token", "api_key"]
auth_check = true
change_email = true
changeable = true
confirmable = true
login_without_confirmation = true
not_me = true
notify_new_device = true
recoverable = true
refresh_token = true
refresh_token_cookie_name = false
registerable = true
register_mode = "invitation"
token_query_enabled = true
totp_issuer = "tests"
totp_secrets = { 1 = "TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B" }
two_factor = true
two_factor_always_validate = false
two_factor_login_validity = 3600
unified_signin = true
users_api = true
webauthn = true
wan_rp_name = "tests"
[jwt]
enabled = true
authenticate_refresh = true
token_location = ["headers", "cookies", "query_string", "json"]
"#;

/// Without CSRF tokens, which would hide what else is refused.
const NO_CSRF: &str = "[csrf]\nenabled = false";

/// The house: three ways to run the same application, with one database and one secret key.
struct House {
    app: TestApp,
    /// Where people sign in by a mailed link.
    passwordless: TestApp,
    /// Where forms need their CSRF token.
    guarded: TestApp,
    out: secrets::Out,
    /// So many browsers have been here.
    number: AtomicU8,
}

fn app() -> AppBuilder {
    TestApp::builder().toml(ON).routes(routes)
}

fn routes(routes: Router) -> Router {
    let inside = get(async || "in").post(async || "in");
    routes
        .route("/jwt-access", inside.clone().route_layer(guard::jwt()))
        .route("/jwt-lesson", inside.clone().route_layer(guard::token_required([""; 0])))
        .route("/jwt-refresh", inside.clone().route_layer(guard::jwt().refresh()))
        .route("/jwt-either", inside.clone().route_layer(guard::jwt().any_kind()))
        .route("/token", inside.clone().route_layer(guard::token()))
        .route("/key", inside.clone().route_layer(guard::api_key()))
        .route("/session", inside.route_layer(guard::session()))
}

impl House {
    async fn open() -> Self {
        let app = app().toml(NO_CSRF).start().await;
        let passwordless = TestApp::builder().toml("[security]\npasswordless = true").toml(NO_CSRF);
        let passwordless = passwordless.sharing(&app).start().await;
        let guarded = self::app().toml("[csrf]\nprotect = true").sharing(&app).start().await;
        let out = secrets::hand_out(&app, &passwordless).await;
        Self { app, passwordless, guarded, out, number: AtomicU8::new(1) }
    }
}

#[tokio::test]
async fn each_opens_its_own_doors() {
    let house = House::open().await;
    // No kind is without a door, and no door without a secret.
    let tried: std::collections::BTreeSet<&str> = doors::DOORS.iter().flat_map(|(_, kinds)| *kinds).copied().collect();
    assert_eq!(tried, house.out.secrets.keys().copied().collect());
    // What must not open anything comes first: nothing is used up by it.
    for (door, kinds) in doors::DOORS {
        for (kind, secret) in house.out.secrets.iter().filter(|(kind, _)| !kinds.contains(kind)) {
            assert!(!house.opens(door, secret).await, "{kind} at the door of {door}");
        }
    }
    for (door, kinds) in doors::DOORS {
        for kind in *kinds {
            assert!(house.opens(door, &house.out.secrets[kind]).await, "{kind} at its own door, {door}");
        }
    }
}
