//! Cookies, and what of a request is believed: hosts, proxies, origins, where to go next.

use lychgate_signing::{KeyRing, session::SessionCodec};
use url::Url;

use super::{
    check::{Check, Needs, Result, Stop},
    reply::Reply,
    target::{Ask, Target, shortened},
};

/// A host that is not the server's.
pub(super) const ELSEWHERE: &str = "attack.invalid";
/// Keys that stand in examples.
const SAMPLE_KEYS: &[&str] = &[
    "",
    "secret",
    "secretkey",
    "secret-key",
    "secret_key",
    "SECRET_KEY",
    "dev",
    "development",
    "changeme",
    "change-me",
    "change me",
    "supersecret",
    "super-secret",
    "super secret",
    "super-secret-key",
    "password",
    "test",
    "admin",
    "flask",
    "lychgate",
    "mysecret",
    "my-secret-key",
    "your-secret-key",
    "your_secret_key",
    "your secret key",
    "CHANGEME",
    "pf9Wkove4IKEAXvy-cQkeDPhv9Cb3Ag-wyJILbq_dFw",
];
/// The most bytes of name and value that a browser keeps.
const COOKIE_MOST: usize = 4096;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "cookies",
        threats: &["T56"],
        asvs: &["V3.3.2", "V3.3.4", "V3.3.5"],
        holds: "Cookies are kept from scripts, from other sites and from plain connections",
        needs: Needs::Nothing,
        run: |target, _| Ok(of_cookies(target, &target.sign_in_page()?)),
    },
    Check {
        id: "cookie-names",
        threats: &["T56", "T57"],
        asvs: &["V3.3.1", "V3.3.3"],
        holds: "Cookies have names that no other host can set",
        needs: Needs::Nothing,
        run: |target, _| {
            if !target.is_https() {
                return Err(Stop::skipped("such names are for TLS only"));
            }
            let reply = target.sign_in_page()?;
            let plain =
                reply.cookies().filter(|(name, ..)| !name.starts_with("__Host-") && !name.starts_with("__Secure-"));
            Ok(plain.map(|(name, ..)| format!("{name} does not begin with __Host-")).collect())
        },
    },
    Check {
        id: "sample-keys",
        threats: &["T58", "T146"],
        asvs: &["V13.2.3"],
        holds: "Sessions are not signed with a key that everybody knows",
        needs: Needs::Nothing,
        run: |target, _| {
            let reply = target.sign_in_page()?;
            let mut found = Vec::new();
            for (name, value, _) in reply.cookies() {
                let known = SAMPLE_KEYS.iter().find(|key| is_signed_with(value, key));
                found.extend(known.map(|key| format!("the cookie {name} is signed with {key:?}")));
            }
            Ok(found)
        },
    },
    Check {
        id: "host",
        threats: &["T9"],
        asvs: &["V1.2.2"],
        holds: "No address is made from the host that a request names",
        needs: Needs::Nothing,
        run: |target, _| believed(target, &["/login", "/account", "/reset"], &[("host", ELSEWHERE)]),
    },
    Check {
        id: "proxy-headers",
        threats: &["T10", "T135"],
        asvs: &["V4.1.3", "V15.3.4"],
        holds: "Headers of proxies are not believed from just anybody",
        needs: Needs::Nothing,
        run: |target, _| {
            let forwarded = format!("host={ELSEWHERE};proto=https");
            let address = format!("https://{ELSEWHERE}/login");
            let mut found = Vec::new();
            for header in [
                ("x-forwarded-host", ELSEWHERE),
                ("x-forwarded-server", ELSEWHERE),
                ("x-host", ELSEWHERE),
                ("forwarded", forwarded.as_str()),
                ("x-forwarded-prefix", "//attack.invalid"),
                ("x-original-url", address.as_str()),
                ("x-rewrite-url", address.as_str()),
            ] {
                found.extend(believed(target, &["/login", "/account"], &[header])?);
            }
            // A path that such a header names must not be the one that is served.
            let nowhere = Ask::get(target.path("/there-is-nothing-here")).for_page();
            let usual = target.ask(nowhere.clone())?.status;
            for name in ["x-original-url", "x-rewrite-url"] {
                let status = target.ask(nowhere.clone().header(name, &target.path("/login")))?.status;
                if status != usual {
                    found.push(format!("{name} chooses the page ({usual} becomes {status})"));
                }
            }
            Ok(found)
        },
    },
    Check {
        id: "redirects",
        threats: &["T1", "T2", "T4"],
        asvs: &["V3.7.2", "V1.2.2"],
        holds: "Nobody is led or linked to another site by a parameter",
        needs: Needs::Nothing,
        run: redirects,
    },
    Check {
        id: "other-origins",
        threats: &["T70"],
        asvs: &["V3.4.2"],
        holds: "Pages of other origins may not read replies",
        needs: Needs::Nothing,
        run: |target, _| {
            let mut found = Vec::new();
            let host = target.host();
            let below = format!("https://{host}.{ELSEWHERE}");
            for origin in ["https://attack.invalid", "null", below.as_str()] {
                for method in ["GET", "OPTIONS"] {
                    let ask = Ask::new(method, target.path("/login")).for_json().header("origin", origin);
                    let reply = target.ask(ask.header("access-control-request-method", "POST"))?;
                    let allowed = reply.header("access-control-allow-origin");
                    let with_cookies = reply.header("access-control-allow-credentials") == "true";
                    if allowed == origin || (allowed == "*" && with_cookies) {
                        found.push(format!("{method} from {origin}: Access-Control-Allow-Origin: {allowed}"));
                    }
                }
            }
            Ok(found)
        },
    },
];

/// What the cookies of a reply lack.
pub(super) fn of_cookies(target: &Target, reply: &Reply) -> Vec<String> {
    let mut found = Vec::new();
    for (name, value, attributes) in reply.cookies() {
        let has = |wanted: &str| attributes.split(';').any(|attribute| attribute.trim() == wanted);
        let same_site = attributes.split(';').find_map(|attribute| attribute.trim().strip_prefix("samesite="));
        // A script has to read the token that it sends back.
        let for_scripts = ["csrf", "xsrf"].iter().any(|word| name.to_ascii_lowercase().contains(word));
        if !has("httponly") && !for_scripts {
            found.push(format!("{name}: scripts may read it"));
        }
        if !matches!(same_site, Some("lax" | "strict")) {
            found.push(format!("{name}: SameSite is {same_site:?}"));
        }
        if target.is_https() && !has("secure") {
            found.push(format!("{name}: it is not Secure"));
        }
        if name.len() + value.len() > COOKIE_MOST {
            found.push(format!("{name}: browsers drop a cookie of this size"));
        }
    }
    found
}

fn is_signed_with(cookie: &str, key: &str) -> bool {
    let Ok(keys) = KeyRing::new(key) else { return false };
    // A clock that goes a little after that of the server's must not hide it.
    SessionCodec::new(&keys, SessionCodec::SALT).decode(cookie, now() + 86_400, i64::MAX).is_ok()
}

fn now() -> i64 {
    time::OffsetDateTime::now_utc().unix_timestamp()
}

/// Pages that take the foreign host of a header for their own.
fn believed(target: &Target, pages: &[&str], headers: &[(&str, &str)]) -> Result {
    let mut found = Vec::new();
    for page in pages {
        let ask = Ask::get(target.path(page)).for_page();
        let reply = target.ask(headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value)))?;
        let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        let foreign = addresses(target, &reply).into_iter().find(|address| leads_away(target, address));
        found
            .extend(foreign.map(|address| format!("{} stands in {} of {page}", names.join(", "), shortened(&address))));
    }
    Ok(found)
}

/// Where a reply leads, links and sends forms, as it is written.
fn addresses(target: &Target, reply: &Reply) -> Vec<String> {
    let mut all: Vec<String> = reply.all("location").map(str::to_owned).collect();
    all.extend(reply.all("refresh").filter_map(|value| Some(value.split_once('=')?.1.to_owned())));
    for name in ["href", "action", "src", "formaction"] {
        for quote in ['"', '\''] {
            let start = format!(" {name}={quote}");
            let starts = reply.body.split(start.as_str()).skip(1);
            all.extend(starts.filter_map(|rest| Some(unescaped(rest.split(quote).next()?))));
        }
    }
    let json = reply.json();
    let redirect = json.pointer("/response/redirect").or_else(|| json.pointer("/response/post_login_url"));
    all.extend(redirect.and_then(|value| value.as_str()).map(str::to_owned));
    all.retain(|address| !address.is_empty() && address != target.origin());
    all
}

fn unescaped(text: &str) -> String {
    text.replace("&#x27;", "'")
        .replace("&#39;", "'")
        .replace("&#34;", "\"")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

/// Whether a browser that follows `address` from a page of the server comes to the foreign host, or runs it.
pub(super) fn leads_away(target: &Target, address: &str) -> bool {
    match target.url.join(address) {
        Ok(url) => is_script(&url) || url.host_str().is_some_and(|host| host.ends_with(ELSEWHERE)),
        Err(_) => false,
    }
}

fn is_script(url: &Url) -> bool {
    // Pictures of our own may stand in a page as data; nothing of ours leads to data of a page.
    matches!(url.scheme(), "javascript" | "vbscript") || (url.scheme() == "data" && url.path().starts_with("text/html"))
}

/// Targets that a browser reads as another site.
pub(super) fn hostile_targets(target: &Target) -> Vec<String> {
    let host = target.host();
    let mut all: Vec<String> = [
        "//attack.invalid",
        "///attack.invalid",
        "/\\attack.invalid",
        "\\\\attack.invalid",
        "/\t/attack.invalid",
        "\t//attack.invalid",
        "/%09//attack.invalid",
        "https:attack.invalid",
        "https:/attack.invalid",
        "http:///attack.invalid",
        "https://attack.invalid",
        "HTTPS://ATTACK.INVALID",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "\u{1}javascript:alert(1)",
        "vbscript:x",
        "data:text/html,x",
    ]
    .map(str::to_owned)
    .into();
    all.extend([
        format!("https://{host}@attack.invalid"),
        format!("https://attack.invalid#@{host}"),
        format!("https://{host}.attack.invalid"),
        format!("//{host}\\@attack.invalid"),
    ]);
    all
}

fn redirects(target: &Target, _: Option<&super::Account>) -> Result {
    let mut found = Vec::new();
    target.sign_in_page()?;
    for hostile in hostile_targets(target) {
        let next: String = url::form_urlencoded::byte_serialize(hostile.as_bytes()).collect();
        for page in ["/login", "/logout", "/language", "/register"] {
            let reply = target.ask(Ask::get(format!("{}?next={next}", target.path(page))).for_page())?;
            let away = addresses(target, &reply).into_iter().find(|address| leads_away(target, address));
            found.extend(
                away.map(|address| format!("{page}?next={} gives {}", shortened(&hostile), shortened(&address))),
            );
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use super::*;
    use crate::commands::attack::target::Limits;

    #[test]
    fn addresses_are_read_as_a_browser_does() {
        let limits = Limits { requests: 0, time: Duration::ZERO, reply: Duration::ZERO, slow: None };
        let target = Target::new("http://127.0.0.1:1", None, limits).unwrap();
        for address in
            ["//attack.invalid", "/\\attack.invalid", "https:attack.invalid", "javascript:x", "\tjavascript:x"]
        {
            assert!(leads_away(&target, address), "{address:?}");
        }
        for address in ["/login?next=//attack.invalid", "attack.invalid", "/attack.invalid", "data:image/png;base64,AA"]
        {
            assert!(!leads_away(&target, address), "{address:?}");
        }
    }

    #[test]
    fn a_sample_key_is_recognised() {
        let codec = |key: &str| SessionCodec::new(&KeyRing::new(key).unwrap(), SessionCodec::SALT);
        let cookie = codec("changeme").encode(&Default::default(), now()).unwrap();
        assert!(is_signed_with(&cookie, "changeme"));
        assert!(!SAMPLE_KEYS.iter().any(|key| *key != "changeme" && is_signed_with(&cookie, key)));
    }
}
