//! The statements that create tables and indexes.

use super::{Dialect, Schema, quote};
use crate::options::SchemaNames;

/// The words in which the two databases differ.
struct Words {
    serial: &'static str,
    datetime: &'static str,
    now: &'static str,
    blob: &'static str,
    bigint: &'static str,
    bigserial: &'static str,
}

fn words(dialect: Dialect) -> Words {
    match dialect {
        Dialect::Sqlite => Words {
            serial: "INTEGER",
            datetime: "DATETIME",
            now: "CURRENT_TIMESTAMP",
            blob: "BLOB",
            bigint: "INTEGER",
            bigserial: "INTEGER",
        },
        Dialect::Postgres => Words {
            serial: "SERIAL",
            datetime: "TIMESTAMP WITHOUT TIME ZONE",
            now: "now()",
            blob: "BYTEA",
            bigint: "BIGINT",
            bigserial: "BIGSERIAL",
        },
    }
}

/// The newest schema of the bundled models (fsqla v4), column for column.
pub(super) fn app_tables(dialect: Dialect, names: &SchemaNames) -> Vec<String> {
    let Words { serial, datetime, now, blob, .. } = words(dialect);
    let user = quote(&names.user);
    let role = quote(&names.role);
    let links = quote(&names.roles_users);
    let webauthn_name = names.webauthn.as_deref().unwrap_or("web_authn");
    let webauthn = quote(webauthn_name);
    let webauthn_index = quote(&format!("ix_{webauthn_name}_credential_id"));
    let refresh = quote(names.refresh.as_deref().unwrap_or("fs_refresh_tracker"));
    vec![
        format!(
            "CREATE TABLE {role} (id {serial} NOT NULL, name VARCHAR(80) NOT NULL, description VARCHAR(255), permissions TEXT, \
             update_datetime {datetime} DEFAULT {now} NOT NULL, PRIMARY KEY (id), UNIQUE (name))"
        ),
        format!(
            "CREATE TABLE {user} (fs_webauthn_user_handle VARCHAR(64), mf_recovery_codes TEXT, password VARCHAR(255), \
             us_phone_number VARCHAR(128), username VARCHAR(255), us_totp_secrets TEXT, id {serial} NOT NULL, \
             email VARCHAR(255) NOT NULL, active BOOLEAN NOT NULL, fs_uniquifier VARCHAR(64) NOT NULL, confirmed_at {datetime}, \
             last_login_at {datetime}, current_login_at {datetime}, last_login_ip VARCHAR(64), current_login_ip VARCHAR(64), \
             login_count INTEGER, tf_primary_method VARCHAR(64), tf_totp_secret VARCHAR(255), tf_phone_number VARCHAR(128), \
             create_datetime {datetime} DEFAULT {now} NOT NULL, update_datetime {datetime} DEFAULT {now} NOT NULL, \
             PRIMARY KEY (id), UNIQUE (fs_webauthn_user_handle), UNIQUE (us_phone_number), UNIQUE (username), UNIQUE (email), \
             UNIQUE (fs_uniquifier))"
        ),
        format!(
            "CREATE TABLE {links} (user_id INTEGER, role_id INTEGER, FOREIGN KEY(user_id) REFERENCES {user} (id), \
             FOREIGN KEY(role_id) REFERENCES {role} (id))"
        ),
        format!(
            "CREATE TABLE {webauthn} (id {serial} NOT NULL, credential_id {blob} NOT NULL, public_key {blob} NOT NULL, \
             sign_count INTEGER, transports TEXT, backup_state BOOLEAN NOT NULL, device_type VARCHAR(64) NOT NULL, \
             extensions VARCHAR(255), create_datetime {datetime} DEFAULT {now} NOT NULL, lastuse_datetime {datetime} NOT NULL, \
             name VARCHAR(64) NOT NULL, usage VARCHAR(64) NOT NULL, user_id INTEGER NOT NULL, PRIMARY KEY (id), \
             FOREIGN KEY(user_id) REFERENCES {user} (id) ON DELETE CASCADE)"
        ),
        format!("CREATE UNIQUE INDEX {webauthn_index} ON {webauthn} (credential_id)"),
        format!(
            "CREATE TABLE {refresh} (id {serial} NOT NULL, refresh_family VARCHAR(64) NOT NULL, gen INTEGER, \
             expires_at {datetime} NOT NULL, revoked_at {datetime}, last_used_at {datetime} NOT NULL, \
             create_datetime {datetime} DEFAULT {now} NOT NULL, name VARCHAR(64) NOT NULL, user_id INTEGER NOT NULL, \
             PRIMARY KEY (id), UNIQUE (refresh_family), FOREIGN KEY(user_id) REFERENCES {user} (id) ON DELETE CASCADE)"
        ),
    ]
}

/// Lychgate's own tables; they refer to no table of the application, so that it can delete its rows as before.
pub(crate) fn side_tables(dialect: Dialect) -> Vec<String> {
    let Words { datetime, bigint, bigserial, .. } = words(dialect);
    vec![
        format!(
            "CREATE TABLE IF NOT EXISTS lychgate_limits (key TEXT NOT NULL PRIMARY KEY, count {bigint} NOT NULL, \
             until {datetime} NOT NULL)"
        ),
        "CREATE INDEX IF NOT EXISTS lychgate_ix_limits_until ON lychgate_limits (until)".to_owned(),
        format!(
            "CREATE TABLE IF NOT EXISTS lychgate_rates (key TEXT NOT NULL PRIMARY KEY, spent {bigint} NOT NULL, \
             former {bigint} NOT NULL, edge {bigint} NOT NULL, until {bigint} NOT NULL)"
        ),
        "CREATE INDEX IF NOT EXISTS lychgate_ix_rates_until ON lychgate_rates (until)".to_owned(),
        "CREATE TABLE IF NOT EXISTS lychgate_meta (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)".to_owned(),
        format!(
            "CREATE TABLE IF NOT EXISTS lychgate_sessions (sid TEXT NOT NULL PRIMARY KEY, user_id {bigint} NOT NULL, \
             created_at {datetime} NOT NULL, last_seen_at {datetime} NOT NULL, expires_at {datetime} NOT NULL, \
             revoked_at {datetime}, address TEXT, user_agent TEXT, via TEXT NOT NULL, remembered BOOLEAN NOT NULL)"
        ),
        "CREATE INDEX IF NOT EXISTS lychgate_ix_sessions_user ON lychgate_sessions (user_id)".to_owned(),
        "CREATE INDEX IF NOT EXISTS lychgate_ix_sessions_expiry ON lychgate_sessions (expires_at)".to_owned(),
        format!(
            "CREATE TABLE IF NOT EXISTS lychgate_activity (id {bigserial} NOT NULL PRIMARY KEY, user_id {bigint} NOT NULL, \
             at {datetime} NOT NULL, kind TEXT NOT NULL, address TEXT, user_agent TEXT, detail TEXT)"
        ),
        "CREATE INDEX IF NOT EXISTS lychgate_ix_activity_user ON lychgate_activity (user_id, kind, id)".to_owned(),
        "CREATE INDEX IF NOT EXISTS lychgate_ix_activity_at ON lychgate_activity (at)".to_owned(),
        format!(
            "CREATE TABLE IF NOT EXISTS lychgate_account_state (user_id {bigint} NOT NULL PRIMARY KEY, state TEXT, \
             state_reason TEXT, state_by TEXT, state_since {datetime}, state_until {datetime}, \
             deletion_asked_at {datetime}, deletion_due_at {datetime})"
        ),
        "CREATE INDEX IF NOT EXISTS lychgate_ix_account_state_due ON lychgate_account_state (deletion_due_at)"
            .to_owned(),
        "CREATE INDEX IF NOT EXISTS lychgate_ix_account_state_mark ON lychgate_account_state (state, state_since)"
            .to_owned(),
        "CREATE INDEX IF NOT EXISTS lychgate_ix_account_state_until ON lychgate_account_state (state_until)".to_owned(),
        format!(
            "CREATE TABLE IF NOT EXISTS lychgate_audit (seq {bigserial} NOT NULL PRIMARY KEY, at {datetime} NOT NULL, \
             place {bigint}, link TEXT, id TEXT NOT NULL, kind TEXT NOT NULL, actor TEXT NOT NULL, actor_id {bigint}, \
             user_id {bigint}, request_id TEXT, details TEXT, salt TEXT, commitment TEXT NOT NULL, mac TEXT NOT NULL)"
        ),
        "CREATE UNIQUE INDEX IF NOT EXISTS lychgate_ix_audit_place ON lychgate_audit (place)".to_owned(),
        "CREATE INDEX IF NOT EXISTS lychgate_ix_audit_waiting ON lychgate_audit (seq) WHERE place IS NULL".to_owned(),
        "CREATE INDEX IF NOT EXISTS lychgate_ix_audit_user ON lychgate_audit (user_id, seq)".to_owned(),
        "CREATE INDEX IF NOT EXISTS lychgate_ix_audit_actor ON lychgate_audit (actor_id, seq)".to_owned(),
        "CREATE INDEX IF NOT EXISTS lychgate_ix_audit_kind ON lychgate_audit (kind, seq)".to_owned(),
        "CREATE INDEX IF NOT EXISTS lychgate_ix_audit_request ON lychgate_audit (request_id)".to_owned(),
        "CREATE INDEX IF NOT EXISTS lychgate_ix_audit_at ON lychgate_audit (at)".to_owned(),
        format!(
            "CREATE TABLE IF NOT EXISTS lychgate_audit_checkpoints (place {bigint} NOT NULL PRIMARY KEY, \
             link TEXT NOT NULL, at {datetime} NOT NULL, mac TEXT NOT NULL)"
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS lychgate_invitations (id TEXT NOT NULL PRIMARY KEY, email TEXT NOT NULL, \
             roles TEXT, invited_by TEXT, created_at {datetime} NOT NULL, expires_at {datetime} NOT NULL, \
             used_at {datetime}, revoked_at {datetime})"
        ),
        "CREATE INDEX IF NOT EXISTS lychgate_ix_invitations_email ON lychgate_invitations (lower(email))".to_owned(),
        "CREATE INDEX IF NOT EXISTS lychgate_ix_invitations_created ON lychgate_invitations (created_at)".to_owned(),
        format!(
            "CREATE TABLE IF NOT EXISTS lychgate_names (name_column TEXT NOT NULL, look TEXT NOT NULL, \
             user_id {bigint} NOT NULL, PRIMARY KEY (name_column, look))"
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS lychgate_refresh_families (refresh_family TEXT NOT NULL PRIMARY KEY, \
             user_id {bigint} NOT NULL, gen {bigint} NOT NULL, name TEXT NOT NULL, create_datetime {datetime} NOT NULL, \
             last_used_at {datetime} NOT NULL, expires_at {datetime} NOT NULL, revoked_at {datetime})"
        ),
        "CREATE INDEX IF NOT EXISTS lychgate_ix_refresh_families_user ON lychgate_refresh_families (user_id)"
            .to_owned(),
        format!(
            "CREATE TABLE IF NOT EXISTS lychgate_refresh_links (family TEXT NOT NULL PRIMARY KEY, sid TEXT NOT NULL, \
             user_id {bigint} NOT NULL)"
        ),
        "CREATE INDEX IF NOT EXISTS lychgate_ix_refresh_links_sid ON lychgate_refresh_links (sid)".to_owned(),
        "CREATE INDEX IF NOT EXISTS lychgate_ix_refresh_links_user ON lychgate_refresh_links (user_id)".to_owned(),
        format!(
            "CREATE TABLE IF NOT EXISTS lychgate_api_keys (id TEXT NOT NULL PRIMARY KEY, user_id {bigint} NOT NULL, \
             anchor TEXT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL UNIQUE, hint TEXT NOT NULL, scopes TEXT, \
             created_at {datetime} NOT NULL, expires_at {datetime}, last_used_at {datetime}, last_used_from TEXT, \
             revoked_at {datetime})"
        ),
        "CREATE INDEX IF NOT EXISTS lychgate_ix_api_keys_user ON lychgate_api_keys (user_id)".to_owned(),
        "CREATE INDEX IF NOT EXISTS lychgate_ix_names_user ON lychgate_names (user_id)".to_owned(),
        format!(
            "CREATE TABLE IF NOT EXISTS lychgate_refusals (slot {bigint} NOT NULL PRIMARY KEY, id TEXT NOT NULL, \
             at {datetime} NOT NULL, user_id {bigint}, method TEXT NOT NULL, path TEXT NOT NULL, mechanism TEXT, \
             needed TEXT, missing TEXT)"
        ),
        "CREATE INDEX IF NOT EXISTS lychgate_ix_refusals_id ON lychgate_refusals (id)".to_owned(),
        format!(
            "CREATE TABLE IF NOT EXISTS lychgate_redemptions (kind TEXT NOT NULL, key TEXT NOT NULL, \
             redeemed_at {datetime} NOT NULL, expires_at {datetime} NOT NULL, PRIMARY KEY (kind, key))"
        ),
        "CREATE INDEX IF NOT EXISTS lychgate_ix_redemptions_expiry ON lychgate_redemptions (expires_at)".to_owned(),
        format!(
            "CREATE TABLE IF NOT EXISTS lychgate_outbox (id TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, \
             recipient TEXT NOT NULL, payload TEXT NOT NULL, created_at {datetime} NOT NULL, due_at {datetime} NOT NULL, \
             attempts {bigint} NOT NULL, state TEXT NOT NULL, last_error TEXT, sent_at {datetime})"
        ),
        "CREATE INDEX IF NOT EXISTS lychgate_ix_outbox_due ON lychgate_outbox (state, due_at)".to_owned(),
    ]
}

/// The names of Lychgate's own tables.
pub(crate) fn side_tables_known() -> &'static [&'static str] {
    &[
        "lychgate_limits",
        "lychgate_meta",
        "lychgate_sessions",
        "lychgate_activity",
        "lychgate_account_state",
        "lychgate_audit",
        "lychgate_audit_checkpoints",
        "lychgate_names",
        "lychgate_rates",
        "lychgate_refresh_families",
        "lychgate_refresh_links",
        "lychgate_api_keys",
        "lychgate_invitations",
        "lychgate_refusals",
        "lychgate_redemptions",
        "lychgate_outbox",
    ]
}

/// Indexes that keep sign-in and lists of users from reading whole tables: name and statement.
pub(crate) fn index_statements(schema: &Schema) -> Vec<(String, String)> {
    let mut list = Vec::new();
    let mut index = |name: String, table: &str, what: &str| {
        let sql = format!("CREATE INDEX IF NOT EXISTS {name} ON {table} ({what})");
        list.push((name, sql));
    };
    for column in ["email", "username"] {
        if schema.user.has(column) {
            index(format!("lychgate_ix_user_{column}_lower"), &schema.user.quoted, &format!("lower({column})"));
        }
    }
    lists(schema, &mut index);
    // A composite primary key already begins with the user.
    if !schema.links_keyed {
        index("lychgate_ix_roles_users_user".to_owned(), &schema.links, "user_id");
    }
    for (table, name) in
        [(&schema.webauthn, "lychgate_ix_webauthn_user"), (&schema.refresh, "lychgate_ix_refresh_user")]
    {
        if let Some(table) = table {
            index(name.to_owned(), &table.quoted, "user_id");
        }
    }
    list
}

/// What lists of users are sorted and narrowed by. On SQLite every index ends with the id by itself, and the ones of names
/// are in the order of bytes.
fn lists(schema: &Schema, index: &mut impl FnMut(String, &str, &str)) {
    let user = &schema.user;
    let postgres = schema.dialect == Dialect::Postgres;
    for column in ["email", "username"] {
        if postgres && user.has(column) {
            index(
                format!("lychgate_ix_user_{column}_bytes"),
                &user.quoted,
                &format!("lower({column}) COLLATE \"C\", id"),
            );
        }
    }
    for column in ["current_login_at", "create_datetime"] {
        if user.has(column) {
            let what = if postgres { format!("{column} NULLS FIRST, id") } else { format!("{column}, id") };
            index(format!("lychgate_ix_user_{column}"), &user.quoted, &what);
        }
    }
    let few = [
        ("inactive", "active", "NOT active"),
        ("unconfirmed", "confirmed_at", "confirmed_at IS NULL"),
        ("second_factor", "tf_primary_method", "tf_primary_method IS NOT NULL"),
    ];
    for (name, column, condition) in few {
        if user.has(column) {
            index(format!("lychgate_ix_user_{name}"), &user.quoted, &format!("id) WHERE ({condition}"));
        }
    }
    index("lychgate_ix_roles_users_role".to_owned(), &schema.links, "role_id, user_id");
    index("lychgate_ix_sessions_created".to_owned(), "lychgate_sessions", "created_at");
    index("lychgate_ix_account_state_word".to_owned(), "lychgate_account_state", "state, user_id");
}
