//! Users, roles, sessions and one-time redemptions in a Flask-Security database on SQLite or PostgreSQL.
//!
//! [`Store::open`] takes a database as it is, made by any version of the bundled models or by the application's own with
//! columns missing or added, and creates the newest schema in an empty one. Lychgate's own state lives beside it in
//! tables whose names begin with `lychgate_`.
//!
//! ```
//! use lychgate_store::{NewUser, OpenOptions, Store};
//! use time::OffsetDateTime;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = Store::open(OpenOptions::new("sqlite://".parse()?)).await?;
//! let now = OffsetDateTime::now_utc();
//! store.create_role("editor", None, Some(&["read".to_owned()]), now).await?;
//! let mut joe = NewUser::new("joe@lp.com", "9c0f3f3a5e8d4a0fb9f3f1f2d0c4a7e1");
//! joe.roles = vec!["editor".to_owned()];
//! let joe = store.create_user(joe, now).await?;
//! assert!(joe.has_permission("read"));
//! store.close().await;
//! # Ok(()) }
//! ```
//!
//! # What is promised
//!
//! - A write that was acknowledged survives the death of the process. SQLite writes go through one thread that commits
//!   waiting batches together and answers after the commit.
//! - Another program may read and write the same database. A lock that it holds makes a request wait (up to
//!   [`OpenOptions::busy_timeout`]), not fail. What is kept in memory is used only after the database has said that
//!   nothing was changed since: SQLite by its change counter, at each look-up; PostgreSQL by announcements from
//!   triggers, so that another program's change counts as soon as its announcement has arrived. A connection that dies
//!   without a sign is noticed within about eight seconds; nothing is kept while announcements are not heard.
//! - What must happen once happens once: [`Store::redeem_once`], [`Store::update_user_if`] and batches with
//!   expectations ([`Batch`]) are decided by the database.

mod account_state;
mod activity;
mod api_keys;
mod audit;
mod backend;
mod batch;
mod cache;
mod credentials;
mod decode;
mod error;
mod invitations;
mod options;
mod outbox;
mod patch;
mod postgres;
mod query;
mod rates;
mod records;
mod refresh;
mod refusals;
mod schema;
mod sql;
mod sqlite;
mod store;
mod url;
mod value;

#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "testing")]
pub mod testing;

pub use account_state::{AccountMark, AccountState};
pub use activity::Activity;
pub use api_keys::ApiKey;
pub use audit::{AuditCheckpoint, AuditEntry, AuditQuery, AuditRow};
pub use batch::{Batch, BatchOutcome, Name, NameOwner};
pub use credentials::{Credential, CredentialUse};
pub use error::{ErrorKind, OpenError, Result, StoreError};
pub use invitations::Invitation;
pub use options::{CreateMode, JournalMode, OpenOptions, SchemaNames};
pub use outbox::{OutboxItem, OutboxState};
pub use query::{MOST_FOUND, Page, UserQuery, UserSort};
pub use rates::{Counting, RateRule, RateState, RateSums, RateView};
pub use records::{NewSession, NewUser, Role, SessionRecord, User, UserPatch};
pub use refresh::RefreshFamily;
pub use refusals::{REFUSALS_KEPT, Refusal};
pub use store::{ActivityCount, DatabaseKind, SchemaReport, Store, StoreCounts};
pub use url::DatabaseUrl;
