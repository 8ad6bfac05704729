//! Passkeys: registration, sign-in, renewed proof, removal.
#![allow(clippy::unwrap_used)]

#[path = "passkeys/hints.rs"]
mod hints;
#[path = "passkeys/pages.rs"]
mod pages;
#[path = "passkeys/registration.rs"]
mod registration;
#[path = "passkeys/second_factor.rs"]
mod second_factor;
#[path = "passkeys/sign_in.rs"]
mod sign_in;
#[path = "passkeys/signed_in.rs"]
mod signed_in;
#[path = "passkeys/support.rs"]
mod support;
