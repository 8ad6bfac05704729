//! The commands, a file each.

pub(crate) mod attack;
pub(crate) mod audit;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod init;
pub(crate) mod keys;
pub(crate) mod openapi;
pub(crate) mod outbox;
pub(crate) mod overview;
pub(crate) mod passwords;
pub(crate) mod roles;
pub(crate) mod routes;
pub(crate) mod secrets;
pub(crate) mod serve;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod users;
