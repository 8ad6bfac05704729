//! Who somebody is and what they may do: identities, needs and permissions. Nothing here knows HTTP.

mod identity;
mod need;
mod permission;

pub use self::{
    identity::Identity,
    need::{Need, NeedValue},
    permission::Permission,
};
