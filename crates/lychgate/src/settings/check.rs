//! Combinations of settings that cannot work or are not safe.

use super::secret::{SECRET_MIN, weakness};
use super::{AllOr, Profile, Settings, Source, error::Problem, kind::Kind, raw::RawValue, value::IdentityMapper};

/// What the checks found.
#[derive(Default)]
pub(crate) struct Findings {
    pub(crate) problems: Vec<Problem>,
    pub(crate) warnings: Vec<String>,
}

/// Checks understood settings.
pub(crate) fn run(settings: &Settings) -> Findings {
    let mut check = Check { settings, out: Findings::default() };
    check.secrets();
    check.passwords();
    check.second_factors();
    check.passkeys();
    check.api_keys();
    check.identities();
    check.forgery();
    check.cookies();
    check.addresses();
    check.other_origins();
    check.proxies();
    check.server();
    check.routes();
    check.out
}

/// What `/auth/check` tells a proxy, each in a header.
const AUTH_CHECK_KEYS: &[&str] = &["user", "email", "roles", "permissions", "location"];

struct Check<'a> {
    settings: &'a Settings,
    out: Findings,
}

impl Check<'_> {
    fn problem(&mut self, name: &str, text: impl Into<String>) {
        self.out.problems.push(Problem::new(self.settings.source(name).clone(), text));
    }

    fn warn(&mut self, name: &str, text: impl std::fmt::Display) {
        self.out.warnings.push(match self.settings.source(name) {
            Source::Default => text.to_string(),
            source => format!("{source}: {text}"),
        });
    }

    fn api_keys(&mut self) {
        let settings = self.settings;
        let prefix = settings.text("api_key_prefix");
        if !lychgate_signing::api_key::is_prefix(prefix) {
            let text =
                format!("api_key_prefix: {prefix:?} is not a small letter, then small letters and digits, 20 at most");
            self.problem("api_key_prefix", text);
        }
        let taken = |name: &str| settings.list(name).iter().any(|mechanism| mechanism == "api_key");
        if !settings.flag("api_keys") && taken("api_enabled_methods") {
            self.warn("api_enabled_methods", "api_enabled_methods has api_key, but api_keys is off, so nobody has one");
        }
    }

    fn secrets(&mut self) {
        let settings = self.settings;
        match settings.text_opt("secret_key") {
            None => self.problem("secret_key", "secret_key is missing; write at least 16 random bytes"),
            Some(key) => self.secret("secret_key", key, true),
        }
        if let Some(key) = settings.text_opt("csrf.secret_key") {
            self.secret("csrf.secret_key", key, true);
        }
        for key in settings.list("secret_key_fallbacks") {
            if key.is_empty() {
                self.problem("secret_key_fallbacks", "secret_key_fallbacks holds an empty key");
            } else {
                self.secret("secret_key_fallbacks", key, true);
            }
        }
        // It cannot be changed without losing every hash, so a moved application keeps a short one.
        match settings.text_opt("password_salt") {
            None if self.pre_hash_applies() => self.problem(
                "password_salt",
                "password_salt is missing: passwords pass an HMAC keyed with it before they are hashed. \
                 Write random text, or set password_single_hash = true to leave that step out",
            ),
            None => {}
            Some(salt) => self.secret("password_salt", salt, false),
        }
    }

    fn secret(&mut self, name: &str, secret: &str, must_be_strong: bool) {
        let Some(weakness) = weakness(secret) else {
            return;
        };
        let text = format!("{name} {weakness}; write at least {SECRET_MIN} random bytes");
        let strict = self.settings.profile() == Profile::Modern && self.settings.text("environment") == "production";
        if strict && must_be_strong {
            self.problem(name, text);
        } else {
            self.warn(name, text);
        }
    }

    /// Whether new hashes are made of the HMAC of the password.
    fn pre_hash_applies(&self) -> bool {
        let scheme = self.settings.text("password_hash");
        match self.settings.list_or_all("password_single_hash") {
            AllOr::All => false,
            AllOr::Only(schemes) => scheme != "plaintext" && !schemes.iter().any(|single| single == scheme),
        }
    }

    fn passwords(&mut self) {
        let settings = self.settings;
        let hash = settings.text("password_hash");
        let schemes = settings.list("password_schemes");
        if !schemes.iter().any(|scheme| scheme == hash) {
            let name = if settings.given("password_hash") { "password_hash" } else { "password_schemes" };
            self.problem(name, format!("password_hash {hash:?} is not among password_schemes {schemes:?}"));
        }
        if !settings.flag("password_required") && !settings.flag("unified_signin") {
            self.problem("password_required", "password_required can be off only with unified_signin");
        }
        if settings.int("username_min_length") > settings.int("username_max_length") {
            self.problem("username_min_length", "username_min_length is greater than username_max_length");
        }
    }

    fn second_factors(&mut self) {
        let settings = self.settings;
        for (feature, methods) in
            [("unified_signin", "us_enabled_methods"), ("two_factor", "two_factor_enabled_methods")]
        {
            if settings.flag(feature) && settings.list(methods).is_empty() {
                self.problem(methods, format!("{methods} is empty, but {feature} is on"));
            }
        }
        for feature in ["unified_signin", "two_factor", "multi_factor_recovery_codes"] {
            if !settings.flag(feature) {
                continue;
            }
            if settings.map("totp_secrets").is_empty() {
                self.problem(feature, format!("{feature} needs totp_secrets, as {{\"1\" = \"…\"}}"));
            }
            if settings.text("totp_issuer").is_empty() {
                self.problem(feature, format!("{feature} needs totp_issuer, the name that authenticator apps show"));
            }
        }
        if settings
            .map("totp_secrets")
            .iter()
            .any(|(_, secret)| !matches!(secret, RawValue::Text(text) if !text.is_empty()))
        {
            self.problem("totp_secrets", "each entry of totp_secrets is text that is not empty");
        }
    }

    fn passkeys(&mut self) {
        let settings = self.settings;
        if !settings.flag("webauthn") {
            return;
        }
        if settings.text_opt("webauthn.challenge").is_some() {
            let text =
                "webauthn.challenge fixes what must differ each time: an answer that somebody has seen works again";
            if settings.profile() == Profile::Modern && settings.text("environment") == "production" {
                self.problem("webauthn.challenge", text);
            } else {
                self.warn("webauthn.challenge", text);
            }
        }
        if settings.int_opt("wan_challenge_bytes").is_some_and(|bytes| bytes < 16) {
            self.warn(
                "wan_challenge_bytes",
                "wan_challenge_bytes below 16 makes challenges that repeat (WebAuthn 13.4.3)",
            );
        }
        let related = settings.list("wan_related_origins");
        if !related.is_empty() && settings.text_opt("wan_rp_id").is_none() {
            self.problem(
                "wan_related_origins",
                "wan_related_origins needs wan_rp_id, the domain that passkeys belong to",
            );
        }
        for origin in related {
            let host = origin.strip_prefix("https://").filter(|host| !host.is_empty());
            if host.is_none_or(|host| host.contains(['/', '?', '#', '@', ' ']) || *host != host.to_ascii_lowercase()) {
                self.problem(
                    "wan_related_origins",
                    format!("wan_related_origins: {origin:?} is no origin, such as \"https://example.com\""),
                );
            }
        }
    }

    fn identities(&mut self) {
        let settings = self.settings;
        let columns = settings.identity_attributes();
        if columns.is_empty() {
            self.problem("user_identity_attributes", "user_identity_attributes is empty: nobody could sign in");
        }
        let twice = |name: &str| columns.iter().filter(|column| column.name == name).count() > 1;
        if columns.iter().any(|column| twice(&column.name)) {
            self.problem("user_identity_attributes", "user_identity_attributes names a column twice");
        }
        for (feature, methods) in
            [("unified_signin", "us_enabled_methods"), ("two_factor", "two_factor_enabled_methods")]
        {
            let wanted = settings.given(methods) && settings.list(methods).iter().any(|method| method == "sms");
            if settings.flag(feature) && wanted && settings.text_opt("sms_service").is_none() {
                self.warn(methods, format!("{methods} has \"sms\", but sms_service names nobody who sends it"));
            }
        }
        let phone =
            columns.iter().any(|column| column.mapper == IdentityMapper::Phone || column.name == "us_phone_number");
        let by_sms = settings.list("us_enabled_methods").iter().any(|method| method == "sms");
        if settings.flag("unified_signin") && by_sms && !phone {
            self.warn(
                "us_enabled_methods",
                "us_enabled_methods has \"sms\", but user_identity_attributes has no \
                 us_phone_number to sign in with",
            );
        }
    }

    fn forgery(&mut self) {
        let settings = self.settings;
        let protect = settings.flag("csrf.protect");
        let checks_all = protect && settings.flag("csrf.check_default");
        let mechanisms = settings.list("csrf_protect_mechanisms");
        let all = super::known::place("csrf_protect_mechanisms")
            .and_then(|at| super::known::table().get(at))
            .is_some_and(|setting| match setting.kind {
                Kind::Choices(of) => of.iter().all(|&one| mechanisms.iter().any(|given| given == one)),
                _ => false,
            });
        if !all && !protect {
            self.problem(
                "csrf_protect_mechanisms",
                "csrf_protect_mechanisms without all mechanisms needs csrf.protect = true",
            );
        }
        if !all && checks_all {
            self.problem(
                "csrf_protect_mechanisms",
                "csrf_protect_mechanisms without all mechanisms needs csrf.check_default = false, \
                 as every request is checked otherwise",
            );
        }
        if settings.flag("csrf_ignore_unauth_endpoints") && checks_all {
            self.problem(
                "csrf_ignore_unauth_endpoints",
                "csrf_ignore_unauth_endpoints needs csrf.check_default = false, as every request \
                 is checked otherwise",
            );
        }
        if settings.text_opt("csrf_cookie_name").is_some() && !protect {
            self.problem(
                "csrf_cookie_name",
                "csrf_cookie_name needs csrf.protect = true, or nothing would accept the \
                 cookie's token",
            );
        }
        if settings.text("csrf.field_name").is_empty() {
            self.problem("csrf.field_name", "csrf.field_name is empty");
        }
    }

    fn cookies(&mut self) {
        let settings = self.settings;
        for section in ["session", "remember"] {
            let key = |name: &str| format!("{section}.{name}");
            self.cookie_name(&key("cookie_name"));
            let secure = settings.flag_or_auto(&key("cookie_secure"));
            let name = settings.text(&key("cookie_name"));
            if name.starts_with("__Host-") || name.starts_with("__Secure-") {
                if secure != Some(true) {
                    let text = format!("browsers refuse the cookie {name:?} unless {} = true", key("cookie_secure"));
                    self.problem(&key("cookie_name"), text);
                }
                let root =
                    matches!(settings.text(&key("cookie_path")), "/" | "") && settings.text("application_root") == "/";
                if name.starts_with("__Host-") && (!root || settings.text_opt(&key("cookie_domain")).is_some()) {
                    let text = format!("browsers refuse the cookie {name:?} with a domain or a path other than /");
                    self.problem(&key("cookie_name"), text);
                }
            }
            if settings.text(&key("cookie_samesite")) == "None" && secure == Some(false) {
                let text = format!(
                    "browsers refuse {} = \"None\" without {} = true",
                    key("cookie_samesite"),
                    key("cookie_secure")
                );
                self.warn(&key("cookie_samesite"), text);
            }
        }
        for name in ["csrf_cookie_name", "refresh_token_cookie_name", "two_factor_validity_cookie_name"] {
            if !settings.text(name).is_empty() {
                self.cookie_name(name);
            }
        }
        if settings.text("session.cookie_name") == settings.text("remember.cookie_name") {
            self.problem("remember.cookie_name", "remember.cookie_name is the same as session.cookie_name");
        }
    }

    /// RFC 6265 section 4.1.1: a cookie's name is a token.
    fn cookie_name(&mut self, name: &str) {
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let text = self.settings.text(name);
        if text.is_empty() || !text.bytes().all(token) {
            self.problem(name, format!("{name} {text:?} cannot be the name of a cookie"));
        }
    }

    /// Figures are for whoever watches, not for everybody.
    fn metrics(&mut self) {
        let settings = self.settings;
        let Some(listen) = settings.text_opt("metrics_listen") else { return };
        let address = listen.rsplit_once(':').filter(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
        let Some((host, _)) = address else {
            self.problem("metrics_listen", format!("metrics_listen {listen:?} is not an address and a port"));
            return;
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        match settings.text_opt("metrics_token") {
            None if !is_here => self.problem(
                "metrics_listen",
                format!("metrics_listen {listen:?} is reached from other machines: set metrics_token too"),
            ),
            Some(token) if token.len() < 16 => {
                self.problem("metrics_token", "metrics_token has to have at least 16 characters".to_owned());
            }
            _ => {}
        }
    }

    fn addresses(&mut self) {
        let settings = self.settings;
        if let Some(url) = settings.text_opt("base_url")
            && !is_origin(url)
        {
            self.problem("base_url", format!("base_url {url:?} is not an origin such as \"https://app.example\""));
        }
        if let Some(name) = settings.text_opt("server_name")
            && !is_origin(&format!("https://{name}"))
        {
            self.problem("server_name", format!("server_name {name:?} is not a host, or a host and a port"));
        }
        let listen = settings.text("listen");
        if !listen.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) {
            self.problem("listen", format!("listen {listen:?} is not an address and a port"));
        }
        self.metrics();
        if settings.text_opt("subdomain").is_some() && !settings.flag("subdomain_matching") {
            self.warn("subdomain", "subdomain has no effect without subdomain_matching = true");
        }
        if settings.text_opt("subdomain").is_some() && settings.text_opt("server_name").is_none() {
            self.warn("subdomain", "subdomain has no effect without server_name");
        }
        if settings.flag("redirect_allow_subdomains") && settings.text_opt("server_name").is_none() {
            self.warn("redirect_allow_subdomains", "redirect_allow_subdomains has no effect without server_name");
        }
        if settings.text("redirect_behavior") == "spa" && settings.text_opt("redirect_host").is_none() {
            self.warn(
                "redirect_behavior",
                "redirect_behavior = \"spa\" without redirect_host leads to pages of this host",
            );
        }
    }

    fn proxies(&mut self) {
        let settings = self.settings;
        let trusted = settings.list("proxy.trusted");
        for text in trusted.iter().filter(|text| super::network::parse(text).is_none()) {
            let text = format!("proxy.trusted: {text:?} is no network such as \"10.0.0.0/8\" and no address");
            self.problem("proxy.trusted", text);
        }
        let believes = ["proxy.x_for", "proxy.x_proto", "proxy.x_host"].iter().any(|name| settings.int(name) > 0);
        if settings.profile() == Profile::Modern && believes && trusted.is_empty() {
            self.warn("proxy.trusted", "proxy.trusted = [] lets whoever connects say for whom they speak");
        }
        for (key, value) in settings.map("auth_check_headers") {
            let name = match value {
                RawValue::Text(text) | RawValue::Written(text) => text.as_str(),
                _ => "",
            };
            if !AUTH_CHECK_KEYS.contains(&key.as_str()) || name.parse::<http::HeaderName>().is_err() {
                let keys = AUTH_CHECK_KEYS.join(", ");
                let text = format!("auth_check_headers: {key} = {name:?} names no header for one of {keys}");
                self.problem("auth_check_headers", text);
            }
        }
    }

    fn server(&mut self) {
        let settings = self.settings;
        for name in [
            "server.header_timeout",
            "server.keep_alive",
            "server.body_timeout",
            "server.body_grace",
            "server.request_timeout",
            "server.reply_timeout",
            "server.send_timeout",
            "server.tls_handshake_timeout",
        ] {
            if settings.duration(name).is_some_and(|span| span.to_std().is_zero()) {
                self.problem(name, format!("{name} must be above zero"));
            }
        }
        let files = ["server.tls_certificate", "server.tls_key"].map(|name| settings.text_opt(name).is_some());
        match files {
            [true, false] => self.problem("server.tls_certificate", "server.tls_certificate needs server.tls_key"),
            [false, true] => self.problem("server.tls_key", "server.tls_key needs server.tls_certificate"),
            _ => {}
        }
        let domains = settings.list("server.acme_domains");
        if files[0] && !domains.is_empty() {
            let text = "server.acme_domains and server.tls_certificate exclude each other";
            self.problem("server.acme_domains", text);
        }
        for domain in domains.iter().filter(|domain| !is_host_name(domain)) {
            self.problem("server.acme_domains", format!("server.acme_domains: {domain:?} is no host name"));
        }
        if !domains.is_empty() && !settings.flag("server.acme_terms_agreed") {
            let text = "server.acme_domains needs server.acme_terms_agreed = true, once you have read the terms of the \
                        authority";
            self.problem("server.acme_domains", text);
        }
        if let Some(contact) = settings.text_opt("server.acme_contact").filter(|contact| !contact.contains('@')) {
            self.problem("server.acme_contact", format!("server.acme_contact: {contact:?} is no mail address"));
        }
        let directory = settings.text("server.acme_directory");
        if !matches!(directory, "production" | "staging") && !directory.starts_with("https://") {
            let text =
                format!("server.acme_directory: {directory:?} is neither production nor staging nor an https URL");
            self.problem("server.acme_directory", text);
        }
        if let Some(listen) = settings.text_opt("server.redirect_listen") {
            if !listen.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) {
                let text = format!("server.redirect_listen {listen:?} is not an address and a port");
                self.problem("server.redirect_listen", text);
            }
            if !settings.text_opt("base_url").is_some_and(|url| url.starts_with("https://")) {
                let text = "server.redirect_listen needs a base_url that begins with https://";
                self.problem("server.redirect_listen", text);
            }
        }
    }

    fn other_origins(&mut self) {
        let settings = self.settings;
        if !matches!(settings.int("cors.preflight_status"), 200 | 204) {
            self.problem("cors.preflight_status", "cors.preflight_status is 200 or 204");
        }
        let any = settings.list("cors.origins").iter().any(|origin| origin == "*");
        if any && settings.flag("cors.supports_credentials") {
            self.problem(
                "cors.origins",
                "cors.origins = \"*\" and cors.supports_credentials together would let every \
                 site act for the user",
            );
        }
    }

    /// Two routes of features that are in use cannot share a path.
    fn routes(&mut self) {
        let settings = self.settings;
        let names = ["login_url", "logout_url", "verify_url", "static_folder_url"];
        for (at, first) in names.iter().enumerate() {
            for second in names.iter().skip(at + 1) {
                if settings.text_opt(first).is_some() && settings.text(first) == settings.text(second) {
                    self.problem(second, format!("{second} is the same path as {first}"));
                }
            }
        }
    }
}

/// Letters, digits and hyphens in labels with dots between; no wildcard, which ACME proves in DNS only.
fn is_host_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.contains('.') && name.split('.').all(is_label)
}

/// `http` or `https`, host, optional port, nothing after.
fn is_origin(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")) else {
        return false;
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']' | '_');
    !rest.is_empty() && rest.len() <= 255 && rest.chars().all(part) && rest.parse::<http::uri::Authority>().is_ok()
}
