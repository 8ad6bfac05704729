//! The session cookie and the remember-me cookie.

use crate::settings::setting::{
    DAY, Preset, Section, Setting, any, choice, duration, flag, flag_or_auto, int, opt_choice, opt_duration, opt_int,
    opt_text, path, seconds, section, text,
};

const SAME_SITE: &[&str] = &["Lax", "Strict", "None"];
const NO_STORE_OBJECT: &str = "sessions live in the application's database";
const SERVER_SIDE: &str = "server-side sessions";

pub(crate) const SESSION: &[Setting] = &section(
    Section::Session,
    [
        text("cookie_name", "session").means("Name of the session cookie."),
        opt_text("cookie_domain").means("Domain of the session cookie; off for this host only."),
        path("cookie_path", "").means("Path of the session cookie; empty for `application_root`."),
        flag("cookie_httponly", true).means("Whether scripts are kept from reading the session cookie."),
        flag_or_auto("cookie_secure", false).modern(Preset::Auto).means(
            "Whether the session cookie is sent over https only; \"auto\" decides by the \
                 request, or by `base_url` where that is given.",
        ),
        flag("cookie_partitioned", false)
            .means("Whether the session cookie is kept apart for each embedding site (CHIPS)."),
        opt_choice("cookie_samesite", SAME_SITE, Preset::Off)
            .modern(Preset::Text("Lax"))
            .means("Whether other sites' requests carry the session cookie."),
        duration("permanent_lifetime", 31 * DAY)
            .means("Longest life of a session cookie, and of a permanent session without use."),
        flag("refresh_each_request", true).means("Whether a permanent session is prolonged by every request."),
        opt_choice("protection", &["basic", "strong"], Preset::Text("basic")).means(
            "What happens to a session that comes from another address or browser: no \
             longer fresh (\"basic\") or ended (\"strong\").",
        ),
        opt_duration("idle_timeout")
            .modern(seconds(DAY))
            .means("Time without a request after which a session ends; the sessions of remembered browsers go on."),
        opt_duration("absolute_timeout")
            .modern(seconds(30 * DAY))
            .means("Time after sign-in at which a session ends whatever happens."),
        choice(
            "type",
            &["null", "redis", "memcached", "filesystem", "cachelib", "mongodb", "sqlalchemy", "dynamodb"],
            "null",
        )
        .later(SERVER_SIDE)
        .means("Flask-Session: where session contents are kept."),
        flag("permanent", true).later(SERVER_SIDE).means("Flask-Session: whether sessions outlive the browser."),
        flag("use_signer", false)
            .later(SERVER_SIDE)
            .means("Flask-Session: whether the session id in the cookie is signed."),
        text("key_prefix", "session:").later(SERVER_SIDE).means("Flask-Session: what keys of the store begin with."),
        int("id_length", 32)
            .within(16, 1_024)
            .later(SERVER_SIDE)
            .means("Flask-Session: bytes of randomness in a session id."),
        choice("serialization_format", &["msgpack", "json"], "msgpack")
            .later(SERVER_SIDE)
            .means("Flask-Session: encoding of stored sessions."),
        opt_int("cleanup_n_requests")
            .without_meaning("expired sessions are removed in the background")
            .means("Flask-Session: number of requests between two clean-ups."),
        any("redis").secret().without_meaning(NO_STORE_OBJECT).means("Flask-Session: client object."),
        any("memcached").without_meaning(NO_STORE_OBJECT).means("Flask-Session: client object."),
        any("cachelib").without_meaning(NO_STORE_OBJECT).means("Flask-Session: client object."),
        any("mongodb").without_meaning(NO_STORE_OBJECT).means("Flask-Session: client object."),
        any("sqlalchemy").without_meaning(NO_STORE_OBJECT).means("Flask-Session: client object."),
        any("dynamodb").without_meaning(NO_STORE_OBJECT).means("Flask-Session: client object."),
        text("file_dir", "flask_session")
            .without_meaning(NO_STORE_OBJECT)
            .means("Flask-Session: folder of session files."),
        int("file_threshold", 500).without_meaning(NO_STORE_OBJECT).means("Flask-Session: most session files."),
        int("file_mode", 384).without_meaning(NO_STORE_OBJECT).means("Flask-Session: access rights of session files."),
        text("mongodb_db", "flask_session").without_meaning(NO_STORE_OBJECT).means("Flask-Session: database."),
        text("mongodb_collect", "sessions").without_meaning(NO_STORE_OBJECT).means("Flask-Session: collection."),
        text("sqlalchemy_table", "sessions").later(SERVER_SIDE).means("Flask-Session: table of sessions."),
        opt_text("sqlalchemy_sequence").without_meaning(NO_STORE_OBJECT).means("Flask-Session: sequence of the key."),
        opt_text("sqlalchemy_schema").later(SERVER_SIDE).means("Flask-Session: schema of the table."),
        opt_text("sqlalchemy_bind_key").without_meaning(NO_STORE_OBJECT).means("Flask-Session: database binding."),
        text("dynamodb_table", "Sessions").without_meaning(NO_STORE_OBJECT).means("Flask-Session: table."),
    ],
);

pub(crate) const REMEMBER: &[Setting] = &section(
    Section::Remember,
    [
        text("cookie_name", "remember_token").means("Name of the remember-me cookie."),
        duration("cookie_duration", 365 * DAY).modern(seconds(30 * DAY)).means("How long a browser is remembered."),
        opt_text("cookie_domain").means("Domain of the remember-me cookie; off for this host only."),
        path("cookie_path", "/").means("Path of the remember-me cookie."),
        flag_or_auto("cookie_secure", false).modern(Preset::Auto).means(
            "Whether the remember-me cookie is sent over https only; \"auto\" as for the \
                 session cookie.",
        ),
        flag("cookie_httponly", true).means("Whether scripts are kept from reading the remember-me cookie."),
        opt_choice("cookie_samesite", SAME_SITE, Preset::Off)
            .modern(Preset::Text("Lax"))
            .means("Whether other sites' requests carry the remember-me cookie."),
        flag("names_session", false).modern(Preset::Flag(true)).means(
            "Whether the remember-me cookie names its session, so that whoever ends the session ends the cookie. A Flask \
                 application that shares the key does not know such a cookie; it knows the session.",
        ),
        flag("cookie_refresh_each_request", false).means("Whether every request prolongs the remember-me cookie."),
    ],
);
