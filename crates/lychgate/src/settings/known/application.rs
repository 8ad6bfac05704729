//! The top of the file: what concerns the application as a whole.

use crate::settings::setting::{
    Preset, Section, Setting, choice, flag, int, list, opt_int, opt_text, path, section, text,
};

pub(crate) const SETTINGS: &[Setting] = &section(
    Section::Top,
    [
        choice("profile", &["modern", "flask"], "modern").means(
            "Which defaults apply: \"modern\" for today's best practice, \"flask\" for \
             those of Flask-Security 5.9, to move an app. A setting that is given wins over \
             either.",
        ),
        choice("environment", &["production", "development"], "production").means(
            "In production, the modern profile refuses to start with a sample or short \
             secret; in development it warns.",
        ),
        text("app_name", "Lychgate").means("The name of the application, shown on pages and in mails."),
        opt_text("app_logo").means("Address of a logo shown on the pages."),
        text("listen", "127.0.0.1:8000").means(
            "Address and port that an application binds; `lychgate serve` binds 127.0.0.1:5000 where nothing is given.",
        ),
        opt_text("attack_token_file").means(
            "File that `lychgate attack --prepare` made. The server shows its digest at \
             `/.well-known/lychgate-attack`, which proves to `lychgate attack` that the server \
             is the caller's own. Lychgate's own.",
        ),
        opt_text("metrics_listen").means(
            "Address and port on which the server tells its figures at `/metrics`, for Prometheus; not told without it. \
             An address that other machines reach needs `metrics_token`.",
        ),
        opt_text("metrics_token")
            .secret()
            .means("What whoever asks for the figures has to send as Bearer token; at least 16 characters."),
        opt_text("database_url").means("The database: `sqlite:////path/to/app.db` or `postgres://user@host/name`."),
        opt_text("secret_key").secret().means(
            "Signs sessions, tokens and links; at least 16 random bytes, the same on every \
             process of the application.",
        ),
        list("secret_key_fallbacks", &[]).secret().means(
            "Earlier secret keys, oldest first: what they signed is still accepted, nothing \
             new is signed with them.",
        ),
        opt_text("base_url").means(
            "The origin under which users reach the application, as `https://app.example`. \
             Links in mails are built from it; without it, from `server_name` or the \
             request.",
        ),
        opt_text("server_name").means("Host, and port if not the scheme's own, that absolute links are built with."),
        path("application_root", "/").means("Path prefix under which everything is mounted."),
        choice("preferred_url_scheme", &["http", "https"], "http")
            .modern(Preset::Text("https"))
            .later("links made outside requests")
            .means("Scheme of absolute links that are made outside a request."),
        flag("subdomain_matching", false).means("Whether routes are bound to `subdomain` of `server_name`."),
        opt_text("templates").means("Folder whose templates replace those of the same name in the library."),
        choice("delivery", &["inline", "outbox"], "inline").modern(Preset::Text("outbox")).means(
            "Whether mails and text messages are sent before the reply or from an outbox \
                 table, with retries.",
        ),
        opt_int("max_content_length").modern(Preset::Int(1 << 20)).means(
            "Longest request body in bytes; a longer one is refused with 413. A route may take more: `BodyLimit`.",
        ),
        int("max_form_memory_size", 500_000)
            .means("Most bytes of form fields, files left out, that are read into memory."),
        int("max_form_parts", 1_000).means("Most parts of a multipart form."),
        int("max_cookie_size", 4_093)
            .later("request limits")
            .means("Size in bytes from which a cookie is logged as too large for browsers."),
        list("trusted_hosts", &[]).later("request limits").means("Host names that requests may name; empty for any."),
    ],
);
