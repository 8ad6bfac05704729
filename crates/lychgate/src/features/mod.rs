//! The features: one folder each, with its settings, forms, routes and replies. No feature imports another.

pub(crate) mod assets;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod setup;
pub(crate) mod verify;

use crate::{gate::Lychgate, settings::Settings, web::routes::Routes};

/// A feature as the toolkit sees it.
struct Feature {
    /// The name of its folder, its test, its doc page.
    name: &'static str,
    /// Its endpoints under these settings: name and path below the prefix. None if it is off.
    endpoints: fn(&Settings) -> Vec<(&'static str, String)>,
}

/// Every feature; one line each.
const FEATURES: &[Feature] = &[
    Feature { name: "assets", endpoints: assets::endpoints },
    Feature { name: "login", endpoints: login::endpoints },
    Feature { name: "logout", endpoints: logout::endpoints },
    Feature { name: "setup", endpoints: |_| Vec::new() },
    Feature { name: "verify", endpoints: verify::endpoints },
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
    assets::routes(gate, routes);
    login::routes(gate, routes);
    logout::routes(gate, routes);
    setup::routes(gate, routes);
    verify::routes(gate, routes);
}

/// The names of all features.
#[cfg(test)]
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    FEATURES.iter().map(|feature| feature.name)
}
