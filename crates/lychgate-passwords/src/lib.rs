//! Password hashes in passlib's, Django's and Werkzeug's formats, and the policy for new passwords.
//!
//! A [`Context`] knows which schemes a site accepts, which one new hashes get and which ones are to be
//! replaced. It reads and writes the text forms of Python's passlib, Django and Werkzeug, so that one
//! database can be shared with, or taken over from, a Flask-Security application.
//!
//! ```
//! use lychgate_passwords::{Context, Verdict};
//!
//! let context = Context::builder()
//!     .salt("an HMAC key of the site's own")
//!     .option("argon2__memory_cost", 64) // far too little outside of tests
//!     .build()?;
//! let stored = context.hash("correct horse")?;
//! assert_eq!(context.verify("correct horse", &stored), Verdict::Match { needs_rehash: false });
//! assert_eq!(context.verify("wrong horse", &stored), Verdict::Mismatch);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Everything is synchronous and takes CPU time and memory on purpose: call it on threads of its own.
//! Nothing in a stored value can make it panic or run for long: see [`Limits`].

pub mod breached;
mod builder;
mod codec;
mod context;
pub mod data;
mod encoding;
mod limits;
mod normalize;
mod options;
pub mod policy;
mod random;
mod recipe;
mod scheme;

pub use builder::{Builder, ConfigError, SingleHash};
pub use context::{Context, HashError, MAX_PASSWORD_CHARS, Refusal, Verdict};
pub use limits::Limits;
pub use normalize::{Form, UnknownForm, normalize};
pub use scheme::{Scheme, UnknownScheme};
