//! Users, roles, sessions and tokens in a Flask-Security database on SQLite or PostgreSQL.
