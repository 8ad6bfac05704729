//! What is asked of a list of users, and what comes back.

/// In which order users are listed; equal ones by id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum UserSort {
    /// By id, which is the order in which they were made.
    #[default]
    Id,
    /// By address, in any case.
    Email,
    /// By the latest sign-in; who never signed in comes first.
    LastSignIn,
    /// By the time at which the row was made.
    Created,
}

/// Which users to list, from where on and how many.
///
/// Every list is bounded, and none gets slower the further on its page is: a page begins behind the last user of the one
/// before, not after a number of rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserQuery {
    /// What the address or the user name begins with, in any ASCII case. Found by an index; of more than
    /// [`MOST_FOUND`] such users the first by name are listed.
    pub prefix: Option<String>,
    /// A part of the address or the user name, in any ASCII case. Where few users have it, all names
    /// are looked at.
    pub search: Option<String>,
    /// Only users who have this role.
    pub role: Option<String>,
    /// Only active or only inactive users.
    pub active: Option<bool>,
    /// Only users whose address is confirmed, or only others.
    pub confirmed: Option<bool>,
    /// Only users whose account has the mark of this word ([`AccountMark::state`](crate::AccountMark::state)).
    pub state: Option<String>,
    /// Only users who have chosen a second factor or have a passkey, or only others.
    pub second_factor: Option<bool>,
    /// The order.
    pub sort: UserSort,
    /// Whether the order is turned round.
    pub descending: bool,
    /// The page behind this place, which is [`Page::next`] of the page before.
    pub after: Option<String>,
    /// The page before this place, which is [`Page::previous`] of the page behind. Not together with `after`.
    pub before: Option<String>,
    /// How many, at most 1000; 0 stands for 50.
    pub limit: u32,
}

/// How many users a search by prefix finds at most.
pub const MOST_FOUND: u32 = 1000;

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
    /// Where the page before ends, if there is one.
    pub previous: Option<String>,
    /// Whether a search found more than [`MOST_FOUND`], so that what it lists is not all.
    pub cut: bool,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { items: Vec::new(), next: None, previous: None, cut: false }
    }
}
