//! Invitations to make an account.

use time::OffsetDateTime;

use crate::backend::Reach;
use crate::batch::{Batch, Expect, cut};
use crate::decode::Row;
use crate::error::{Result, StoreError};
use crate::sql::Statement;
use crate::store::{Store, is_key, met};
use crate::value::{join_list, micros, split_list};

/// An invitation to make an account with one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// What the link in the mail names.
    pub id: String,
    /// The address that the account gets.
    pub email: String,
    /// The roles that the account gets.
    pub roles: Vec<String>,
    /// Who invited, for people; cut to 320 characters.
    pub invited_by: Option<String>,
    /// When it was written.
    pub created_at: OffsetDateTime,
    /// When it ends by itself.
    pub expires_at: OffsetDateTime,
    /// When it was used.
    pub used_at: Option<OffsetDateTime>,
    /// When it was taken back.
    pub revoked_at: Option<OffsetDateTime>,
}

impl Invitation {
    /// Whether an account can be made with it.
    #[must_use]
    pub fn is_open(&self, now: OffsetDateTime) -> bool {
        self.used_at.is_none() && self.revoked_at.is_none() && self.expires_at > now
    }
}

const COLUMNS: &str = "id, email, roles, invited_by, created_at, expires_at, used_at, revoked_at";

/// The most that one call lists.
const MOST: u32 = 1000;

fn invitation(row: Row) -> Result<Invitation> {
    let mut values = row.into_iter();
    let mut next = || values.next().ok_or_else(|| StoreError::invalid("a row is too short"));
    let missing = || StoreError::invalid("an invitation lacks a value");
    Ok(Invitation {
        id: next()?.text()?.ok_or_else(missing)?,
        email: next()?.text()?.ok_or_else(missing)?,
        roles: split_list(next()?.text()?.as_deref()),
        invited_by: next()?.text()?,
        created_at: next()?.time()?.ok_or_else(missing)?,
        expires_at: next()?.time()?.ok_or_else(missing)?,
        used_at: next()?.time()?,
        revoked_at: next()?.time()?,
    })
}

impl Batch {
    /// Enters an invitation. Open ones for the same address are taken back.
    pub fn invite(&mut self, new: &Invitation) -> &mut Self {
        self.step(|batch| {
            if !is_key(&new.id) || new.email.is_empty() || new.email.len() > 320 {
                return Err(StoreError::invalid("an invitation's id or address is empty or too long"));
            }
            batch.push(
                Statement::new(
                    "UPDATE lychgate_invitations SET revoked_at = $2 WHERE lower(email) = lower($1) \
                     AND used_at IS NULL AND revoked_at IS NULL",
                    vec![new.email.as_str().into(), micros(new.created_at).into()],
                ),
                Expect::Any,
            );
            let insert = Statement::new(
                "INSERT INTO lychgate_invitations (id, email, roles, invited_by, created_at, expires_at) \
                 VALUES ($1, $2, $3, $4, $5, $6)",
                vec![
                    new.id.as_str().into(),
                    new.email.as_str().into(),
                    join_list(&new.roles)?.into(),
                    cut(new.invited_by.as_deref(), 320).into(),
                    micros(new.created_at).into(),
                    micros(new.expires_at).into(),
                ],
            );
            batch.push(insert, Expect::One);
            Ok(())
        })
    }

    /// Uses an invitation up; the batch fails if it is not open.
    pub fn accept_invitation(&mut self, id: &str, now: OffsetDateTime) -> &mut Self {
        let update = Statement::new(
            "UPDATE lychgate_invitations SET used_at = $2 WHERE id = $1 AND used_at IS NULL AND revoked_at IS NULL \
             AND expires_at > $2",
            vec![id.into(), micros(now).into()],
        );
        self.simple(update, Expect::One)
    }
}

impl Store {
    /// The invitation of this id, open or not.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn invitation(&self, id: &str) -> Result<Option<Invitation>> {
        if !is_key(id) {
            return Ok(None);
        }
        let sql = format!("SELECT {COLUMNS} FROM lychgate_invitations WHERE id = $1");
        let rows = self.query(sql, vec![id.into()], Reach::Key).await?;
        rows.into_iter().next().map(invitation).transpose()
    }

    /// Invitations, the newest first; at most `limit`, and at most 1000.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn invitations(&self, limit: u32) -> Result<Vec<Invitation>> {
        let limit = limit.min(MOST);
        let sql = format!("SELECT {COLUMNS} FROM lychgate_invitations ORDER BY created_at DESC, id LIMIT {limit}");
        let rows = self.query(sql, vec![], Reach::Scan).await?;
        rows.into_iter().map(invitation).collect()
    }

    /// Takes the open invitation of an address back; `false` if there is none.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn revoke_invitation(&self, email: &str, now: OffsetDateTime) -> Result<bool> {
        let update = Statement::new(
            "UPDATE lychgate_invitations SET revoked_at = $2 WHERE lower(email) = lower($1) AND used_at IS NULL \
             AND revoked_at IS NULL AND expires_at > $2",
            vec![email.into(), micros(now).into()],
        );
        met(self.commit_one(|batch| batch.simple(update, Expect::Any)).await)
    }
}
