//! The statements, one text for both databases, made once when a store is opened.

use std::sync::Arc;

use crate::refresh::OWN_TABLE;
use crate::schema::{ColumnKind, Dialect, Schema, quote};
use crate::value::Value;

/// One statement with its values.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    pub(crate) sql: Arc<str>,
    pub(crate) params: Vec<Value>,
    /// Whether it ends in `RETURNING`.
    pub(crate) fetch: bool,
}

impl Statement {
    pub(crate) fn new(sql: impl Into<Arc<str>>, params: Vec<Value>) -> Self {
        Self { sql: sql.into(), params, fetch: false }
    }

    pub(crate) fn returning(mut self) -> Self {
        self.fetch = true;
        self
    }
}

/// Texts of an open store's statements.
#[derive(Debug)]
pub(crate) struct Sql {
    pub(crate) schema: Schema,
    /// Users with their roles, up to the condition; the aliases are `u`, `x`, `r`.
    user_select: String,
    pub(crate) user_by_id: Arc<str>,
    pub(crate) user_by_uniquifier: Arc<str>,
    pub(crate) user_by_token_uniquifier: Arc<str>,
    pub(crate) count_users: Arc<str>,
    pub(crate) any_user_with_role: Arc<str>,
    pub(crate) lock_user: Arc<str>,
    pub(crate) roles: Arc<str>,
    pub(crate) role_by_name: Arc<str>,
    pub(crate) link: Arc<str>,
    pub(crate) link_new: Arc<str>,
    pub(crate) unlink: Arc<str>,
    pub(crate) session: Arc<str>,
    /// Nothing where there is no table for passkeys.
    pub(crate) credential: Option<Arc<str>>,
    pub(crate) credentials_of: Option<Arc<str>>,
    pub(crate) sessions_of: Arc<str>,
    pub(crate) open_session: Arc<str>,
    pub(crate) open_session_new: Arc<str>,
    /// The quoted table of refresh families.
    pub(crate) trackers: String,
    /// Whether that table says when a family began.
    pub(crate) trackers_dated: bool,
}

/// The columns of a session in the order in which `decode::session` reads them.
pub(crate) const SESSION_COLUMNS: &str =
    "sid, via, address, user_agent, user_id, created_at, last_seen_at, expires_at, revoked_at, remembered";

/// The columns of a passkey in the order in which `decode::credential` reads them.
const CREDENTIAL_COLUMNS: &str = "credential_id, public_key, sign_count, transports, backup_state, device_type, extensions, \
    create_datetime, lastuse_datetime, name, usage, user_id";

impl Sql {
    pub(crate) fn new(schema: Schema) -> Self {
        let user = &schema.user.quoted;
        let role = &schema.role.quoted;
        let links = &schema.links;
        let role_columns = schema.role.select("r");
        let user_select = format!(
            "SELECT {}, {role_columns} FROM {user} u LEFT JOIN {links} x ON x.user_id = u.id \
             LEFT JOIN {role} r ON r.id = x.role_id",
            schema.user.select("u"),
        );
        let one = |condition: &str| Arc::from(format!("{user_select} WHERE {condition}"));
        let token_column =
            if schema.user.has("fs_token_uniquifier") { "u.fs_token_uniquifier = $1" } else { "u.fs_uniquifier = $1" };
        let credentials =
            schema.webauthn.as_ref().map(|table| format!("SELECT {CREDENTIAL_COLUMNS} FROM {}", table.quoted));
        let session_values = "CAST($6 AS TEXT), CAST($7 AS TEXT), CAST($8 AS TEXT)";
        Self {
            user_by_id: one("u.id = CAST($1 AS BIGINT)"),
            user_by_uniquifier: one("u.fs_uniquifier = $1"),
            user_by_token_uniquifier: one(token_column),
            count_users: format!("SELECT COUNT(*) FROM {user}").into(),
            any_user_with_role: format!(
                "SELECT 1 FROM {role} r JOIN {links} x ON x.role_id = r.id JOIN {user} u ON u.id = x.user_id \
                 WHERE r.name = $1 LIMIT 1"
            )
            .into(),
            lock_user: format!("SELECT 1 FROM {user} WHERE id = CAST($1 AS BIGINT) FOR UPDATE").into(),
            roles: format!("SELECT {role_columns} FROM {role} r ORDER BY r.name").into(),
            role_by_name: format!("SELECT {role_columns} FROM {role} r WHERE r.name = $1").into(),
            link: format!(
                "INSERT INTO {links} (user_id, role_id) SELECT u.id, r.id FROM {user} u CROSS JOIN {role} r \
                 WHERE u.id = CAST($1 AS BIGINT) AND r.name = $2 \
                 AND NOT EXISTS (SELECT 1 FROM {links} x WHERE x.user_id = u.id AND x.role_id = r.id)"
            )
            .into(),
            link_new: format!(
                "INSERT INTO {links} (user_id, role_id) SELECT u.id, r.id FROM {user} u CROSS JOIN {role} r \
                 WHERE u.fs_uniquifier = $1 AND r.name = $2"
            )
            .into(),
            unlink: format!(
                "DELETE FROM {links} WHERE user_id = CAST($1 AS BIGINT) AND role_id IN (SELECT r.id FROM {role} r WHERE r.name = $2)"
            )
            .into(),
            session: format!("SELECT {SESSION_COLUMNS} FROM lychgate_sessions WHERE sid = $1").into(),
            credential: credentials.as_ref().map(|select| format!("{select} WHERE credential_id = $1").into()),
            credentials_of: credentials
                .map(|select| format!("{select} WHERE user_id = CAST($1 AS BIGINT) ORDER BY id LIMIT 1000").into()),
            sessions_of: format!(
                "SELECT {SESSION_COLUMNS} FROM lychgate_sessions WHERE user_id = $1 ORDER BY last_seen_at DESC, sid LIMIT 1000"
            )
            .into(),
            open_session:
                "INSERT INTO lychgate_sessions (sid, user_id, created_at, last_seen_at, expires_at, remembered, address, user_agent, via) \
                 VALUES ($1, $2, $3, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING"
                    .into(),
            // The condition keeps "ON CONFLICT" from being read as a join's.
            open_session_new: format!(
                "INSERT INTO lychgate_sessions (sid, user_id, created_at, last_seen_at, expires_at, remembered, address, user_agent, via) \
                 SELECT $1, u.id, $3, $3, $4, $5, {session_values} FROM {user} u WHERE u.fs_uniquifier = $2 ON CONFLICT DO NOTHING"
            )
            .into(),
            trackers: schema.refresh.as_ref().map_or_else(|| OWN_TABLE.to_owned(), |table| table.quoted.clone()),
            trackers_dated: schema.refresh.as_ref().is_none_or(|table| table.has("create_datetime")),
            user_select,
            schema,
        }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.schema.dialect
    }

    /// The users whose column holds `$1`, by id; `None` if there is no such column.
    ///
    /// There is no limit in it: with one, PostgreSQL may prefer reading the table to using the index.
    pub(crate) fn user_by_column(&self, name: &str, any_case: bool) -> Option<String> {
        let field = self.schema.user.field(name)?;
        let column = format!("u.{}", quote(name));
        let column = match field.kind {
            ColumnKind::Text => column,
            _ => format!("CAST({column} AS TEXT)"),
        };
        let condition =
            if any_case { format!("lower({column}) = lower(CAST($1 AS TEXT))") } else { format!("{column} = $1") };
        Some(format!("{} WHERE {condition} ORDER BY u.id", self.user_select))
    }
}
