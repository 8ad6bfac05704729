//! One-time passwords: HOTP, TOTP and passlib's encrypted wallet.
//!
//! A [`Totp`] makes and checks codes, a [`Wallet`] turns it into the JSON text that Flask-Security keeps in its
//! user table and back, [`MethodSecrets`] holds one such text for each way of signing in, and [`recovery`] makes
//! the codes for the day the phone is lost.
//!
//! ```
//! use lychgate_otp::{Key, Totp, Wallet};
//!
//! let wallet = Wallet::new([("1", "a secret of the site's own")])?;
//! let stored = wallet.encrypt(&Totp::new(Key::generate()?))?;
//!
//! let totp = wallet.decrypt(&stored)?;
//! let now = 1_750_000_000;
//! let code = totp.code_at(now);
//! let counter = totp.verify(code.as_str(), now, 30, None);
//! assert!(counter.is_some());
//! // The counter is to be remembered: the same code is no good a second time.
//! assert_eq!(totp.verify(code.as_str(), now, 30, counter), None);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Time is handed in, in seconds since 1970. Nothing here knows about users, HTTP or a database.

mod code;
mod json;
mod key;
mod methods;
mod qr;
pub mod recovery;
mod totp;
mod uri;
mod wallet;

pub use code::Code;
pub use key::{Key, KeyError};
pub use methods::{BadMethodSecrets, MethodSecrets};
pub use qr::qr_data_url;
pub use totp::{Algorithm, BadParameter, Totp, hotp};
pub use uri::UriError;
pub use wallet::{Wallet, WalletError};
