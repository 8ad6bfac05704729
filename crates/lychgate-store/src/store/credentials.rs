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

    /// How many passkeys each of these users has, in their order.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn count_credentials_of(&self, user_ids: &[i64]) -> Result<Vec<usize>> {
        let Some(table) = self.schema().webauthn.as_ref().filter(|_| !user_ids.is_empty()) else {
            return Ok(vec![0; user_ids.len()]);
        };
        let ids: Vec<String> = user_ids.iter().map(i64::to_string).collect();
        let sql = format!(
            "SELECT user_id, COUNT(*) FROM {} WHERE user_id IN ({}) GROUP BY user_id",
            table.quoted,
            ids.join(", ")
        );
        let mut counts = std::collections::HashMap::new();
        for row in self.query(sql, Vec::new(), Reach::Scan).await? {
            let mut values = row.into_iter().map(|value| value.int());
            if let (Some(id), Some(count)) =
                (values.next().transpose()?.flatten(), values.next().transpose()?.flatten())
            {
                counts.insert(id, usize::try_from(count).unwrap_or_default());
            }
        }
        Ok(user_ids.iter().map(|id| counts.get(id).copied().unwrap_or_default()).collect())
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
