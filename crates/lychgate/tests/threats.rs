//! What went wrong elsewhere, tried here. The numbers are those of docs/THREATS.md, which names the other tests as well.
#![allow(clippy::unwrap_used)]

#[path = "threats/accounts.rs"]
mod accounts;
#[path = "threats/letters.rs"]
mod letters;
#[path = "threats/recovery.rs"]
mod recovery;
#[path = "threats/routes.rs"]
mod routes;
mod second_factor;
#[path = "threats/secrets.rs"]
mod secrets;
#[path = "threats/sessions.rs"]
mod sessions;
