//! Who somebody is and what they may do: identities, needs and permissions. Nothing here knows HTTP.

mod allowance;
mod explain;
mod identity;
mod items;
mod need;
mod permission;

pub use self::{
    allowance::Allowance,
    explain::{Asked, Explanation, Origin},
    identity::Identity,
    items::{ItemSet, Rights},
    need::{Need, NeedValue},
    permission::Permission,
};
