//! Settings that concern all features, and names kept from elsewhere.

use crate::settings::setting::{Preset, Setting, any, flag, identities, map, opt_choice, opt_text, path, text};

/// The Unicode normalisation forms.
pub(crate) const FORMS: &[&str] = &["NFC", "NFD", "NFKC", "NFKD"];

pub(crate) const SETTINGS: &[Setting] = &[
    path("url_prefix", "").means("Path put before every route of the library."),
    text("blueprint_name", "security").means("What endpoint names begin with, as in `security.login`."),
    opt_text("subdomain").means("Sub-domain of `server_name` that the routes are bound to."),
    path("static_folder_url", "/fs-static").means("Path under which style sheets and scripts are served."),
    flag("flash_messages", true).means("Whether messages for the user are kept in the session for the next page."),
    flag("links_ask_for_a_click", false)
        .modern(Preset::Flag(true))
        .means("Whether a mailed link shows a button before it acts, so that mail scanners cannot use it up."),
    flag("links_offer_a_code", false).modern(Preset::Flag(true)).means(
        "Whether that page, opened on another device than the one that asked for the mail, shows a code to be typed on \
             the one that asked.",
    ),
    flag("return_generic_responses", false).modern(Preset::Flag(true)).means(
        "Whether replies are the same for known and unknown accounts, so that nobody \
             can find out who has one.",
    ),
    opt_choice("input_normalize_form", FORMS, Preset::Text("NFKD"))
        .means("Unicode form that user names and passkey names are brought to."),
    identities("user_identity_attributes", &[("email", "email", true)]).means(
        "Columns that identify a user at sign-in, in the order they are tried, each \
         with the reader of its values (`email`, `phone`, `username`, `identity`).",
    ),
    text("phone_region_default", "US").means("Country of phone numbers that are written without a country code."),
    map("cache_control", &[("private", Preset::Flag(true)), ("no-store", Preset::Flag(true))]).means(
        "Cache directives on replies of the library's routes; empty sends no such \
         header.",
    ),
    flag("openapi", false)
        .modern(Preset::Flag(true))
        .means("Whether the OpenAPI document of the library's routes is served. Lychgate's own."),
    path("openapi_url", "/openapi.json").means("Route of that document. Lychgate's own."),
    path("openapi_page_url", "/openapi").means("Route of the page that shows it to people. Lychgate's own."),
    text("cli_users_name", "users").means("Name of the command group for users; empty removes it."),
    text("cli_roles_name", "roles").means("Name of the command group for roles; empty removes it."),
    flag("cli_password_argument", true).modern(Preset::Flag(false)).means(
        "Whether commands take a password as an argument (`--password TEXT`), where every user of the machine can see it. \
         Lychgate's own.",
    ),
    flag("anonymous_user_disabled", false)
        .without_meaning("a visitor who is not signed in is `None`, never an object")
        .means("Whether the current user is nothing rather than an anonymous object."),
    flag("join_user_roles", true)
        .without_meaning("roles are always read together with the user")
        .means("Whether roles are read in the same query as the user."),
    text("static_folder", "static")
        .without_meaning("assets are part of the binary; override them with `templates`")
        .means("Folder of the bundled assets."),
    any("datetime_factory")
        .without_meaning("the clock is handed to the builder")
        .means("Source of the time written to the database."),
    any("render_template")
        .without_meaning("the renderer is handed to the builder")
        .means("Replacement of the template renderer."),
    opt_text("script_nonce_key")
        .means("Another name than `csp_nonce` under which templates find the nonce of scripts and styles."),
];

pub(crate) const TRACKING: &[Setting] =
    &[flag("trackable", false).means("Whether time, address and number of sign-ins are recorded with the user.")];

/// Names of the libraries around Flask-Security, and misspelt ones of its documentation.
pub(crate) const FOREIGN: &[Setting] = &[
    flag("login_disabled", false)
        .without_meaning("guards cannot be switched off at large")
        .means("Flask-Login: switches off guards.")
        .top(),
    flag("use_session_for_next", false)
        .without_meaning("the next address travels in the query")
        .means("Flask-Login: keeps the next address in the session.")
        .top(),
    opt_text("force_host_for_redirects")
        .without_meaning("use `redirect_host`")
        .means("Flask-Login: host put into redirects.")
        .top(),
    text("auth_header_name", "Authorization")
        .without_meaning("use `token_authentication_header`")
        .means("Flask-Login: header of the request loader.")
        .top(),
    flag("wtf_i18n_enabled", true)
        .without_meaning("form texts come from the message catalogue")
        .means("Flask-WTF: translates the texts of form errors.")
        .top(),
    opt_text("email_change_salt")
        .without_meaning("the name that is read is `change_email_salt`")
        .means("In the reference's documentation only."),
    opt_text("post_verify_url")
        .without_meaning("the name that is read is `post_verify_view`")
        .means("In the reference's documentation only."),
    opt_text("refresh_cookie_name")
        .without_meaning("the name that is read is `refresh_token_cookie_name`")
        .means("In the reference's documentation only."),
    any("user_identity_mappings")
        .without_meaning("the name that is read is `user_identity_attributes`")
        .means("In the reference's documentation only."),
];
