//! The way of a sign-in, apart from HTTP: who is meant, is the secret right, may the account be used, where next.

pub(crate) mod account;
pub(crate) mod authenticate;
pub(crate) mod next;
pub(crate) mod sign_in;
