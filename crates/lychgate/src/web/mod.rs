//! Everything that speaks HTTP: the layer, sessions, CSRF, extractors, guards, forms and replies.

pub(crate) mod admission;
pub(crate) mod answer;
pub(crate) mod body;
pub(crate) mod config;
pub(crate) mod cookie;
pub(crate) mod cors;
pub(crate) mod csrf;
pub(crate) mod device;
pub(crate) mod exchange;
pub(crate) mod extract;
pub(crate) mod form;
pub mod guard;
pub(crate) mod identify;
pub(crate) mod language;
pub(crate) mod layer;
pub(crate) mod negotiate;
pub(crate) mod opened;
pub(crate) mod operator;
pub(crate) mod page;
pub(crate) mod proxy;
pub(crate) mod quota;
pub(crate) mod redirect;
pub(crate) mod routes;
pub(crate) mod session;
pub(crate) mod session_of_app;
pub mod uploads;
