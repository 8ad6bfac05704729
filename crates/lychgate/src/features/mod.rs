//! The features: one folder each, with its settings, forms, routes and replies. No feature imports another.

pub(crate) mod account;
pub(crate) mod api_keys;
pub(crate) mod assets;
pub(crate) mod auth_check;
pub(crate) mod challenge;
pub(crate) mod change_email;
pub(crate) mod change_password;
pub(crate) mod change_username;
pub(crate) mod confirm;
pub(crate) mod dev_mail;
pub(crate) mod impersonation;
pub(crate) mod jwt;
pub(crate) mod languages;
pub(crate) mod limits;
pub(crate) mod lockout;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod not_me;
pub(crate) mod openapi;
pub(crate) mod passkeys;
pub(crate) mod passwordless;
pub(crate) mod recover;
pub(crate) mod recover_username;
pub(crate) mod recovery_codes;
pub(crate) mod register;
pub(crate) mod setup;
pub(crate) mod tokens;
pub(crate) mod two_factor;
pub(crate) mod unified_signin;
pub(crate) mod users_api;
pub(crate) mod verify;

use crate::{flow::account_page::Part, gate::Lychgate, openapi::Operations, settings::Settings, web::routes::Routes};

/// A feature as the toolkit sees it.
struct Feature {
    /// The name of its folder, its test, its doc page.
    name: &'static str,
    /// Its endpoints under these settings: name and path below the prefix. None if it is off.
    endpoints: fn(&Settings) -> Vec<(&'static str, String)>,
    /// What it says of its routes in the OpenAPI document.
    describe: fn(&mut Operations<'_>),
}

/// Every feature; one line each.
const FEATURES: &[Feature] = &[
    Feature { name: "account", endpoints: account::endpoints, describe: account::openapi::describe },
    Feature { name: "api_keys", endpoints: api_keys::endpoints, describe: api_keys::openapi::describe },
    Feature { name: "assets", endpoints: assets::endpoints, describe: assets::openapi::describe },
    Feature { name: "auth_check", endpoints: auth_check::endpoints, describe: auth_check::openapi::describe },
    Feature { name: "challenge", endpoints: challenge::endpoints, describe: challenge::openapi::describe },
    Feature { name: "login", endpoints: login::endpoints, describe: login::openapi::describe },
    Feature { name: "logout", endpoints: logout::endpoints, describe: logout::openapi::describe },
    Feature { name: "openapi", endpoints: openapi::endpoints, describe: openapi::describe },
    Feature { name: "change_email", endpoints: change_email::endpoints, describe: change_email::openapi::describe },
    Feature {
        name: "change_password",
        endpoints: change_password::endpoints,
        describe: change_password::openapi::describe,
    },
    Feature {
        name: "change_username",
        endpoints: change_username::endpoints,
        describe: change_username::openapi::describe,
    },
    Feature { name: "confirm", endpoints: confirm::endpoints, describe: confirm::openapi::describe },
    Feature { name: "dev_mail", endpoints: dev_mail::endpoints, describe: dev_mail::openapi::describe },
    Feature { name: "impersonation", endpoints: impersonation::endpoints, describe: impersonation::openapi::describe },
    Feature { name: "jwt", endpoints: jwt::endpoints, describe: jwt::openapi::describe },
    Feature { name: "languages", endpoints: languages::endpoints, describe: languages::openapi::describe },
    Feature { name: "not_me", endpoints: not_me::endpoints, describe: not_me::openapi::describe },
    Feature { name: "passkeys", endpoints: passkeys::endpoints, describe: passkeys::openapi::describe },
    Feature { name: "passwordless", endpoints: passwordless::endpoints, describe: passwordless::openapi::describe },
    Feature { name: "recover", endpoints: recover::endpoints, describe: recover::openapi::describe },
    Feature {
        name: "recover_username",
        endpoints: recover_username::endpoints,
        describe: recover_username::openapi::describe,
    },
    Feature {
        name: "recovery_codes",
        endpoints: recovery_codes::endpoints,
        describe: recovery_codes::openapi::describe,
    },
    Feature { name: "register", endpoints: register::endpoints, describe: register::openapi::describe },
    Feature { name: "setup", endpoints: |_| Vec::new(), describe: setup::openapi::describe },
    Feature { name: "tokens", endpoints: tokens::endpoints, describe: tokens::openapi::describe },
    Feature { name: "two_factor", endpoints: two_factor::endpoints, describe: two_factor::openapi::describe },
    Feature {
        name: "unified_signin",
        endpoints: unified_signin::endpoints,
        describe: unified_signin::openapi::describe,
    },
    Feature { name: "lockout", endpoints: lockout::endpoints, describe: lockout::openapi::describe },
    Feature { name: "users_api", endpoints: users_api::endpoints, describe: users_api::openapi::describe },
    Feature { name: "verify", endpoints: verify::endpoints, describe: verify::openapi::describe },
];

/// What features put on the account page. Parts and rows of the same key are one; `account` begins those that every
/// account has.
pub(crate) const ACCOUNT_PAGE: &[Part] = &[
    account::sign_in::account_part,
    confirm::account_part,
    change_email::account_part,
    change_password::account_part,
    change_username::account_part,
    passkeys::account::account_part,
    two_factor::account_part,
    recovery_codes::account_part,
    unified_signin::account_part,
    api_keys::account_part,
];

/// The paths of all endpoints, by full name.
pub(crate) fn endpoints(settings: &Settings) -> Vec<(String, String)> {
    let blueprint = settings.text("blueprint_name");
    let prefix = settings.text_opt("url_prefix").unwrap_or_default().trim_end_matches('/');
    let all = FEATURES.iter().flat_map(|feature| (feature.endpoints)(settings));
    all.map(|(name, path)| (format!("{blueprint}.{name}"), format!("{prefix}{path}"))).collect()
}

/// The routes of all features that are on.
pub(crate) fn add_routes<S: Clone + Send + Sync + 'static>(gate: &Lychgate, routes: &mut Routes<S>) {
    account::routes(gate, routes);
    api_keys::routes(gate, routes);
    assets::routes(gate, routes);
    auth_check::routes(gate, routes);
    challenge::routes(gate, routes);
    lockout::routes(gate, routes);
    login::routes(gate, routes);
    logout::routes(gate, routes);
    openapi::routes(gate, routes);
    change_email::routes(gate, routes);
    change_password::routes(gate, routes);
    change_username::routes(gate, routes);
    confirm::routes(gate, routes);
    dev_mail::routes(gate, routes);
    impersonation::routes(gate, routes);
    jwt::routes(gate, routes);
    languages::routes(gate, routes);
    not_me::routes(gate, routes);
    passkeys::routes(gate, routes);
    passwordless::routes(gate, routes);
    recover::routes(gate, routes);
    recover_username::routes(gate, routes);
    recovery_codes::routes(gate, routes);
    register::routes(gate, routes);
    setup::routes(gate, routes);
    tokens::routes(gate, routes);
    two_factor::routes(gate, routes);
    unified_signin::routes(gate, routes);
    users_api::routes(gate, routes);
    verify::routes(gate, routes);
}

/// What all features say of their routes.
pub(crate) fn describe(to: &mut Operations<'_>) {
    for feature in FEATURES {
        to.feature(feature.name, feature.describe);
    }
}
