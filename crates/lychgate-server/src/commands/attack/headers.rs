//! What replies tell browsers.

use super::{
    check::{Check, Needs, Result, Stop},
    reply::Reply,
    target::{Ask, Target},
};

/// A year in seconds.
const YEAR: u64 = 31_536_000;
/// Policies that keep a path, which may hold a secret, from other sites.
const REFERRERS: &[&str] = &[
    "no-referrer",
    "same-origin",
    "strict-origin",
    "origin",
    "strict-origin-when-cross-origin",
    "origin-when-cross-origin",
];

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "https",
        threats: &[],
        asvs: &["V12.2.1"],
        holds: "It is asked over TLS",
        needs: Needs::Nothing,
        run: |target, _| match (target.is_https(), target.is_here()) {
            (true, _) => Ok(vec![]),
            (false, true) => Err(Stop::skipped("it is on this machine")),
            (false, false) => Ok(vec![format!("{} is asked without TLS", target.origin())]),
        },
    },
    Check {
        id: "content-policy",
        threats: &["T128"],
        asvs: &["V3.4.3"],
        holds: "Pages say what may be loaded, and no script may stand in them",
        needs: Needs::Nothing,
        run: |target, _| {
            let reply = target.sign_in_page()?;
            Ok(of_policy(reply.header("content-security-policy")))
        },
    },
    Check {
        id: "framing",
        threats: &[],
        asvs: &["V3.4.6"],
        holds: "No page of another site may frame one of this",
        needs: Needs::Nothing,
        run: |target, _| {
            each_kind(target, |reply| {
                let policy = reply.header("content-security-policy");
                let allowed = directive(policy, "frame-ancestors");
                match allowed {
                    Some("'none'" | "'self'") => None,
                    Some(other) => Some(format!("frame-ancestors {other}")),
                    None => Some("no frame-ancestors".to_owned()),
                }
            })
        },
    },
    Check {
        id: "no-sniffing",
        threats: &["T133"],
        asvs: &["V3.4.4"],
        holds: "Browsers are told to take the content type as it is",
        needs: Needs::Nothing,
        run: |target, _| {
            each_kind(target, |reply| {
                let right = reply.header("x-content-type-options").eq_ignore_ascii_case("nosniff");
                (!right).then(|| "no X-Content-Type-Options: nosniff".to_owned())
            })
        },
    },
    Check {
        id: "referrer",
        threats: &["T49"],
        asvs: &["V3.4.5"],
        holds: "Other sites are not told the path of a page",
        needs: Needs::Nothing,
        run: |target, _| {
            let reply = target.sign_in_page()?;
            let policy = reply.header("referrer-policy").to_ascii_lowercase();
            let last = policy.rsplit(',').next().unwrap_or_default().trim();
            Ok(if REFERRERS.contains(&last) { vec![] } else { vec![format!("Referrer-Policy is {last:?}")] })
        },
    },
    Check {
        id: "opener",
        threats: &[],
        asvs: &["V3.4.8"],
        holds: "A page of another site has no hold on a window of this",
        needs: Needs::Nothing,
        run: |target, _| {
            let reply = target.sign_in_page()?;
            let policy = reply.header("cross-origin-opener-policy");
            let right = policy.starts_with("same-origin");
            Ok(if right { vec![] } else { vec![format!("Cross-Origin-Opener-Policy is {policy:?}")] })
        },
    },
    Check {
        id: "strict-transport",
        threats: &[],
        asvs: &["V3.4.1"],
        holds: "Browsers are told to use TLS from now on",
        needs: Needs::Nothing,
        run: |target, _| {
            if !target.is_https() {
                return Err(Stop::skipped("it is not asked over TLS"));
            }
            each_kind(target, |reply| {
                let value = reply.header("strict-transport-security").to_ascii_lowercase();
                let age = value.split(';').find_map(|part| part.trim().strip_prefix("max-age=")?.parse::<u64>().ok());
                let right = age.is_some_and(|age| age >= YEAR);
                (!right).then(|| format!("Strict-Transport-Security is {value:?}"))
            })
        },
    },
    Check {
        id: "no-store",
        threats: &["T147"],
        asvs: &["V14.3.2"],
        holds: "No cache keeps a page about an account",
        needs: Needs::Nothing,
        run: |target, _| {
            let pages = [target.sign_in_page()?, target.ask(Ask::get(target.path("/account")).for_json())?];
            let kept = pages.iter().filter(|reply| !reply.header("cache-control").contains("no-store"));
            Ok(kept.map(|reply| format!("Cache-Control is {:?}", reply.header("cache-control"))).collect())
        },
    },
    Check {
        id: "no-versions",
        threats: &[],
        asvs: &["V13.4.6"],
        holds: "No header names a version of what serves",
        needs: Needs::Nothing,
        run: |target, _| {
            let reply = target.sign_in_page()?;
            let named = ["server", "x-powered-by", "x-aspnet-version"].into_iter().filter_map(|name| {
                let value = reply.header(name);
                value.contains(|c: char| c.is_ascii_digit()).then(|| format!("{name}: {value}"))
            });
            Ok(named.collect())
        },
    },
];

/// A page, a page that is not there and a refusal for programs: what has to be on each of them.
fn each_kind(target: &Target, wrong: impl Fn(&Reply) -> Option<String>) -> Result {
    let mut found = Vec::new();
    let missing = target.path("/there-is-nothing-here");
    let asked = [
        ("the sign-in page", Ask::get(target.path("/login")).for_page()),
        ("a page that is not there", Ask::get(missing).for_page()),
        ("a refusal", Ask::get(target.path("/account")).for_json()),
    ];
    for (what, ask) in asked {
        found.extend(wrong(&target.ask(ask)?).map(|wrong| format!("{what}: {wrong}")));
    }
    Ok(found)
}

/// The value of a directive of a Content-Security-Policy.
fn directive<'a>(policy: &'a str, name: &str) -> Option<&'a str> {
    policy.split(';').find_map(|directive| {
        let (found, value) = directive.trim().split_once(' ').unwrap_or((directive.trim(), ""));
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// What a policy leaves open.
fn of_policy(policy: &str) -> Vec<String> {
    if policy.is_empty() {
        return vec!["there is no Content-Security-Policy".to_owned()];
    }
    let fallback = directive(policy, "default-src");
    let scripts = directive(policy, "script-src").or(fallback);
    let mut found = Vec::new();
    match scripts {
        None => found.push("neither script-src nor default-src".to_owned()),
        Some(scripts) => {
            let sources: Vec<&str> = scripts.split_ascii_whitespace().collect();
            // A browser that knows nonces leaves 'unsafe-inline' out of account where there is one.
            let has_nonce = sources.iter().any(|source| source.starts_with("'nonce-") || source.starts_with("'sha"));
            let open = ["*", "http:", "https:", "data:", "'unsafe-eval'"].into_iter();
            let open = open.chain((!has_nonce).then_some("'unsafe-inline'"));
            found
                .extend(open.filter(|open| sources.contains(open)).map(|open| format!("scripts may come from {open}")));
        }
    }
    if directive(policy, "object-src").or(fallback) != Some("'none'") {
        found.push("object-src is not 'none'".to_owned());
    }
    if !matches!(directive(policy, "base-uri"), Some("'none'" | "'self'")) {
        found.push("base-uri is open".to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_read() {
        for (policy, wrong) in [
            ("default-src 'self'; object-src 'none'; base-uri 'none'", 0),
            ("default-src 'none'; script-src 'nonce-abc' 'unsafe-inline'; base-uri 'none'", 0),
            ("", 1),
            ("default-src *; base-uri 'self'", 2),
            ("script-src 'self' 'unsafe-inline' 'unsafe-eval'; object-src 'none'; base-uri 'none'", 2),
            ("img-src 'self'", 3),
        ] {
            assert_eq!(of_policy(policy).len(), wrong, "{policy}: {:?}", of_policy(policy));
        }
    }
}
