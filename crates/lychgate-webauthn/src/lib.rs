//! Passkeys: the relying party's side of [WebAuthn Level 3](https://www.w3.org/TR/webauthn-3/).
//!
//! [`CreationOptions`] and [`RequestOptions`] make the JSON that a browser is given, [`RegistrationCheck`] and
//! [`AssertionCheck`] judge the JSON that comes back. The shapes are those of py_webauthn and of the scripts of
//! Flask-Security. Nothing here knows about users, HTTP or a database: the caller keeps challenges and credentials.
//!
//! ```
//! use lychgate_webauthn::{Algorithm, RegistrationCheck, Reason};
//!
//! let origins = ["https://example.com".to_owned()];
//! let check = RegistrationCheck {
//!     challenge: "smCCiy_k2CqQydSQ_kPEjV5a2d0ApfatcpQ1aXDmQPo",
//!     rp_id: "example.com",
//!     origins: &origins,
//!     require_user_verification: false,
//!     algorithms: Algorithm::OFFERED,
//! };
//! let refused = check.verify("{}").unwrap_err();
//! assert_eq!(refused.reason(), Reason::Malformed);
//! ```
//!
//! # What is refused, beyond what the specification asks
//!
//! - A ceremony in a frame of another origin (`crossOrigin`, `topOrigin`): always.
//! - Attestation formats but `none` and `packed`. Attestation is not asked for, and says nothing of trust here: the
//!   chain of a `packed` certificate is not followed. What is sent must be right all the same.
//! - A credential whose `id`, `rawId` and attested id differ; JSON with a key twice; data after the end.
//! - CBOR that CTAP2 does not allow: indefinite lengths, tags, nesting beyond 16 levels. Lengths and integers
//!   written longer than needed, and keys in another order, are read: some authenticators write them, and a signature
//!   covers the bytes as they are.
//! - RSA keys below 2048 or above 8192 bits, points off their curve, coordinates that are not of the curve's length.
//!
//! A signature with RSA-PSS has a salt as long as its hash (RFC 8230, section 2).

mod assertion;
mod attestation;
mod auth_data;
mod cbor;
mod certificate;
mod client_data;
mod cose;
mod json;
mod options;
mod refused;
mod registration;
#[cfg(feature = "testing")]
pub mod testing;

pub use assertion::{Asserted, Assertion, AssertionCheck, Stored};
pub use cose::{Algorithm, BadKey, BadSignature, PublicKey};
pub use options::{Attachment, CreationOptions, Descriptor, RequestOptions, ResidentKey, Selection, UserVerification};
pub use refused::{Reason, Refused};
pub use registration::{Registered, RegistrationCheck};

/// Longest credential JSON that is looked at, in bytes.
pub const MAX_JSON: usize = 64 * 1024;
/// Longest credential id, in bytes (WebAuthn section 4, "Credential ID").
pub const MAX_CREDENTIAL_ID: usize = 1023;
/// Longest user handle, in bytes (WebAuthn section 5.4.3).
pub const MAX_USER_HANDLE: usize = 64;
