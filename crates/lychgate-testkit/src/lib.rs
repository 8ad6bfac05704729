//! Test applications and browsers for lychgate's tests.
//!
//! A [`TestApp`] is a small application on a database of its own, with users to sign in as and a clock that stands
//! still; a [`Browser`] talks to its router without a socket. A browser that is cloned is a copy of its cookies.
//!
//! ```
//! # async fn story() {
//! use lychgate_testkit::TestApp;
//!
//! let app = TestApp::builder().toml("[security]\nfreshness = 60").start().await;
//! let mut browser = app.browser();
//! browser.sign_in("joe@lp.com").await;
//! assert_eq!(browser.who().await, "joe@lp.com");
//! app.advance(61);
//! # }
//! ```
//!
//! Everything here panics when it cannot do what it is asked: that is how tests fail.
#![allow(clippy::unwrap_used)]

mod app;
mod browser;
mod http_sink;
mod inbox;
mod kept;
mod phone;
mod reply;
mod seed;
mod sink;

pub use app::{AppBuilder, Database, TestApp};
pub use browser::{Browser, Call, at_once};
pub use http_sink::{Asked, HttpSink};
pub use inbox::{Inbox, link_in};
pub use kept::Kept;
pub use lychgate_webauthn::testing::{Authenticator, Key, Lies, NotAllowed};
pub use phone::{Phone, code_in};
pub use reply::Reply;
pub use seed::PASSWORD;
pub use sink::{Mood, Received, Sink};
