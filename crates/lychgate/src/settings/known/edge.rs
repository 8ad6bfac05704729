//! The edge: proxies in front, pages of other origins, security headers.

use crate::settings::setting::{
    Preset, Section, Setting, any, flag, flag_or_auto, int, list, list_or_text, map, opt_duration, opt_text, section,
    text,
};

pub(crate) const PROXY: &[Setting] = &section(
    Section::Proxy,
    [
        int("x_for", 0).within(0, 16).means(
            "How many proxies may name the client's address in X-Forwarded-For; 0 believes \
             none.",
        ),
        int("x_proto", 0)
            .within(0, 1)
            .default(Preset::Int(1))
            .modern(Preset::Int(0))
            .means("Whether a proxy (1) or nobody (0) may name the scheme in X-Forwarded-Proto."),
        int("x_host", 0).within(0, 1).means("Whether a proxy (1) or nobody (0) may name the host in X-Forwarded-Host."),
        list("trusted", &[]).modern(Preset::List(&["127.0.0.0/8", "::1/128"])).means(
            "Networks and addresses of proxies, such as 10.0.0.0/8: forwarding headers of others are not read. Empty \
             believes whoever connects.",
        ),
    ],
);

pub(crate) const CORS: &[Setting] = &section(
    Section::Cors,
    [
        list_or_text("origins", &[]).means("Origins whose pages may call; empty for none. \"*\" excludes credentials."),
        list_or_text("resources", &["/*"]).means("Paths that they may call."),
        list_or_text("methods", &["GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"])
            .means("Methods that they may use."),
        list_or_text("allow_headers", &["*"]).means("Headers that they may send."),
        list_or_text("expose_headers", &[]).means("Headers of replies that they may read."),
        flag("supports_credentials", false).means("Whether their requests may carry cookies."),
        opt_duration("max_age").means("How long a browser may keep the answer to a preflight."),
        flag("send_wildcard", false).means("Whether \"*\" is sent rather than the caller's origin."),
        int("preflight_status", 200).within(200, 204).means("Status of the answer to a preflight: 200 or 204."),
        flag("automatic_options", true)
            .without_meaning("preflights are always answered")
            .means("Whether preflights are answered."),
        flag("vary_header", true)
            .without_meaning("replies that vary always say so")
            .means("Whether replies say that they vary by origin."),
        flag("intercept_exceptions", true)
            .without_meaning("error replies always carry the headers")
            .means("Whether error replies carry the headers."),
        flag("always_send", true)
            .without_meaning("a request without an origin needs none")
            .means("Whether requests without an origin get the headers."),
        flag("allow_private_network", false).means("Whether public pages may call an address of a private network."),
    ],
);

pub(crate) const HEADERS: &[Setting] = &section(
    Section::Headers,
    [
        flag("enabled", false)
            .modern(Preset::Flag(true))
            .means("Whether replies carry these headers, all of them. Lychgate's own."),
        flag_or_auto("force_https", true).modern(Preset::Auto).means(
            "Whether http is redirected to https, outside of development; \"auto\" does it where `base_url` is https and \
             `proxy.x_proto` lets a proxy name the scheme, and leaves requests to this machine alone.",
        ),
        flag("force_https_permanent", false).means("Whether that redirect is permanent."),
        flag("force_file_save", false).means("Whether downloads may not be opened in place."),
        text("frame_options", "SAMEORIGIN")
            .means("Who may show the pages in a frame: DENY, SAMEORIGIN, ALLOW-FROM; empty for anybody."),
        opt_text("frame_options_allow_from").means("The one origin that may, with ALLOW-FROM."),
        flag("strict_transport_security", true)
            .means("Whether browsers that came by https are told to use it from now on."),
        flag("strict_transport_security_preload", false).means("Whether that may go into browsers' lists."),
        int("strict_transport_security_max_age", 31_556_926).means("For how many seconds."),
        flag("strict_transport_security_include_subdomains", true).means("Whether for sub-domains too."),
        any("content_security_policy").means(
            "What pages may load; a table of directives, or text. Off is a policy that lets in what comes from the same \
             origin; false sends none.",
        ),
        map("content_security_policy_add", &[])
            .means("Sources that are added to that policy, by directive. Lychgate's own."),
        opt_text("content_security_policy_report_uri").means("Where browsers report violations."),
        flag("content_security_policy_report_only", false).means("Whether violations are reported only."),
        list("content_security_policy_nonce_in", &[])
            .modern(Preset::List(&["script-src", "style-src"]))
            .means("Directives that carry a nonce."),
        text("referrer_policy", "strict-origin-when-cross-origin")
            .modern(Preset::Text("same-origin"))
            .means("How much of the address other sites are told."),
        map("permissions_policy", &[("browsing-topics", Preset::Text("()"))])
            .modern(Preset::Map(&[
                ("browsing-topics", Preset::Text("()")),
                ("camera", Preset::Text("()")),
                ("geolocation", Preset::Text("()")),
                ("microphone", Preset::Text("()")),
                ("payment", Preset::Text("()")),
                ("usb", Preset::Text("()")),
            ]))
            .means("What pages may use of the browser."),
        map("document_policy", &[]).means("Document policy."),
        map("feature_policy", &[]).means("Feature policy, the older form."),
        opt_text("cross_origin_opener_policy")
            .modern(Preset::Text("same-origin"))
            .means("Which windows share a process with pages of ours. Lychgate's own."),
        opt_text("cross_origin_resource_policy")
            .modern(Preset::Text("same-origin"))
            .means("Whose pages may load what is here without asking. Lychgate's own."),
        opt_text("cross_origin_embedder_policy")
            .means("What pages may load of others that did not say so. Lychgate's own."),
        flag("private_replies", false).modern(Preset::Flag(true)).means(
            "Whether replies to somebody signed in, replies that set cookies, and errors tell caches to keep nothing, \
             where they say nothing of caches themselves. Lychgate's own.",
        ),
        flag("session_cookie_secure", true)
            .without_meaning("use `session.cookie_secure`")
            .means("Flask-Talisman: Secure."),
        flag("session_cookie_http_only", true)
            .without_meaning("use `session.cookie_httponly`")
            .means("Flask-Talisman: HttpOnly."),
        text("session_cookie_samesite", "Lax")
            .without_meaning("use `session.cookie_samesite`")
            .means("Flask-Talisman: SameSite."),
        flag("x_content_type_options", true).means("Whether browsers are told not to guess types."),
        flag("x_xss_protection", false).means("Whether the header of old browsers' filter is sent."),
    ],
);

pub(crate) const ADDRESSES: &[Setting] = &[map("addresses", &[])
    .means(
        "Who may come, by path: a table of path to `{allow = [networks], deny = [networks]}`. A rule counts for its path and \
         everything below it, and every rule that covers a path has to let the address in. Lychgate's own.",
    )
    .top()];
