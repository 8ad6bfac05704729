//! Looking up passkeys.

use super::Store;
use crate::backend::Reach;
use crate::credentials::Credential;
use crate::decode;
use crate::error::Result;
use crate::value::Value;

/// Longer ids are not looked for, in bytes (WebAuthn §4, Credential ID).
const LONGEST_ID: usize = 1023;

impl Store {
    /// Whether the database has a table for passkeys; without one nobody has any and none can be added.
    #[must_use]
    pub fn has_credentials_table(&self) -> bool {
        self.schema().webauthn.is_some()
    }

    /// Whether the database has all that passkeys need: the table, and the column that tells users apart to authenticators.
    #[must_use]
    pub fn can_hold_passkeys(&self) -> bool {
        self.has_credentials_table() && self.has_user_column("fs_webauthn_user_handle")
    }

    /// The user's passkeys in the order in which they were added; at most 1000.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn credentials_of(&self, user_id: i64) -> Result<Vec<Credential>> {
        let Some(sql) = self.inner.sql.credentials_of.clone() else {
            return Ok(Vec::new());
        };
        let rows = self.query(sql, vec![user_id.into()], Reach::Key).await?;
        rows.into_iter().map(decode::credential).collect()
    }

    /// The passkey with this id.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn credential(&self, credential_id: &[u8]) -> Result<Option<Credential>> {
        let Some(sql) = self.inner.sql.credential.clone() else {
            return Ok(None);
        };
        if credential_id.is_empty() || credential_id.len() > LONGEST_ID {
            return Ok(None);
        }
        let rows = self.query(sql, vec![Value::Blob(credential_id.to_vec())], Reach::Key).await?;
        rows.into_iter().next().map(decode::credential).transpose()
    }
}
