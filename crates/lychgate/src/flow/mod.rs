//! The way of a sign-in, apart from HTTP: who is meant, is the secret right, may the account be used, where next.

pub(crate) mod access;
pub(crate) mod account;
pub(crate) mod account_page;
pub(crate) mod activity;
pub(crate) mod ago;
pub(crate) mod authenticate;
pub(crate) mod by_email;
pub(crate) mod codes;
pub(crate) mod deletion;
pub(crate) mod devices;
pub(crate) mod invitations;
pub(crate) mod landing;
pub(crate) mod letters;
pub(crate) mod links;
pub(crate) mod names;
pub(crate) mod new_password;
pub(crate) mod next;
pub(crate) mod not_me;
pub(crate) mod notices;
pub(crate) mod passkeys;
pub(crate) mod recovery;
pub(crate) mod relay;
pub(crate) mod second_factor;
pub(crate) mod sign_in;
pub(crate) mod texts;
pub(crate) mod waiting;
