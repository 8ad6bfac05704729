//! Where to go next: which targets a request may name, and how they are written into `Location`.
//!
//! The rules are those of the reference after its open-redirect fix, and are checked on the raw text as well as on the
//! text with every back-slash turned into a slash, because browsers read both alike.

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

/// Longest target looked at.
const MAX_LENGTH: usize = 2048;

/// Left as they are in a path: unreserved characters (RFC 3986, 2.3) and the slash.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// Left as they are in a query or fragment that is already written as one.
const QUERY: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Left as they are in the value of `?next=`: everything that cannot end the value or be read as another one.
const NEXT_VALUE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'&')
    .add(b'+')
    .add(b'<')
    .add(b'=')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Hosts that a target may name.
#[derive(Clone, Debug, Default)]
pub(crate) struct AllowedHosts {
    /// `SERVER_NAME`, where sub-domains of it are allowed.
    pub(crate) server_name: Option<String>,
    /// Another domain, and which of its sub-domains ("." is the domain itself).
    pub(crate) base_domain: Option<(String, Vec<String>)>,
}

/// A reference split as RFC 3986 (appendix B) splits it, after what Python's `urlsplit` strips.
#[derive(Debug, PartialEq, Eq)]
struct Split {
    scheme: String,
    netloc: String,
    path: String,
    query: String,
    fragment: String,
}

fn split(text: &str) -> Option<Split> {
    let text = text.trim_start_matches(|c: char| c <= ' ');
    let text: String = text.chars().filter(|c| !matches!(c, '\t' | '\n' | '\r')).collect();
    let mut rest = text.as_str();
    let mut scheme = String::new();
    if let Some(colon) = rest.find(':') {
        let (head, tail) = rest.split_at(colon);
        let named = head.starts_with(|c: char| c.is_ascii_alphabetic())
            && head.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
        if named {
            scheme = head.to_ascii_lowercase();
            rest = tail.strip_prefix(':')?;
        }
    }
    let mut netloc = "";
    if let Some(after) = rest.strip_prefix("//") {
        let end = after.find(['/', '?', '#']).unwrap_or(after.len());
        (netloc, rest) = after.split_at(end);
        if netloc.contains('[') != netloc.contains(']') {
            return None;
        }
    }
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    Some(Split {
        scheme,
        netloc: netloc.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        fragment: fragment.to_owned(),
    })
}

/// Whether a request to `host` may send its user to `target`.
pub(crate) fn is_allowed(target: &str, host: &str, allowed: &AllowedHosts) -> bool {
    if target.len() > MAX_LENGTH || target.trim().is_empty() {
        return false;
    }
    allowed_as_written(target, host, allowed) && allowed_as_written(&target.replace('\\', "/"), host, allowed)
}

/// What stands in `Location` for `target`, or nothing if a request to `host` may not lead there.
///
/// It is written first and checked as written, so that what was checked is what the browser gets.
pub(crate) fn checked_location(target: &str, host: &str, allowed: &AllowedHosts) -> Option<String> {
    if target.len() > MAX_LENGTH {
        return None;
    }
    location(target).filter(|written| is_allowed(written, host, allowed))
}

fn allowed_as_written(target: &str, host: &str, allowed: &AllowedHosts) -> bool {
    if target.starts_with("///") {
        return false;
    }
    let Some(parts) = split(target) else { return false };
    if !parts.scheme.is_empty() && !matches!(parts.scheme.as_str(), "http" | "https") {
        return false;
    }
    if !parts.scheme.is_empty() && parts.netloc.is_empty() {
        return false;
    }
    if parts.netloc.is_empty() {
        // A path that starts with two slashes would be read as a host once it stands alone.
        return !parts.path.starts_with("//");
    }
    parts.netloc == host || host_is_listed(&parts.netloc, allowed)
}

fn host_is_listed(netloc: &str, allowed: &AllowedHosts) -> bool {
    let below = |domain: &str| netloc.strip_suffix(domain).is_some_and(|head| head.ends_with('.') && is_host(head));
    if allowed.server_name.as_deref().is_some_and(|name| netloc == name || below(name)) {
        return true;
    }
    allowed.base_domain.as_ref().is_some_and(|(base, subdomains)| {
        subdomains.iter().any(|sub| match sub.as_str() {
            "." => netloc == base,
            sub => netloc.strip_suffix(base.as_str()).and_then(|head| head.strip_suffix('.')) == Some(sub),
        })
    })
}

fn is_host(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
}

/// Writes `target` for a `Location` header: split, put together again, the path percent-encoded.
///
/// Never yields something that a browser reads as another host when `target` had none.
pub(crate) fn location(target: &str) -> Option<String> {
    let parts = split(target)?;
    let mut out = String::new();
    if !parts.scheme.is_empty() {
        out.push_str(&parts.scheme);
        out.push(':');
    }
    if !parts.netloc.is_empty() {
        out.push_str("//");
        out.push_str(&parts.netloc);
    }
    out.extend(utf8_percent_encode(&parts.path, PATH));
    if !parts.query.is_empty() {
        out.push('?');
        out.extend(utf8_percent_encode(&parts.query, QUERY));
    }
    if !parts.fragment.is_empty() {
        out.push('#');
        out.extend(utf8_percent_encode(&parts.fragment, QUERY));
    }
    Some(out)
}

/// `target` as the value of a `next` query parameter.
pub(crate) fn as_query_value(target: &str) -> String {
    utf8_percent_encode(target, NEXT_VALUE).to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    /// What a sign-in does with `target`: where it leads, "/" if it is refused.
    fn after_login(target: &str) -> String {
        checked_location(target, "localhost", &AllowedHosts::default()).unwrap_or_else(|| "/".to_owned())
    }

    #[test]
    fn as_typed_into_a_form_back_slashes_are_refused() {
        for target in ["/\\evil.com", "\\\\evil.com", "///evil.com", "", "  "] {
            assert!(!is_allowed(target, "localhost", &AllowedHosts::default()), "{target:?}");
        }
        assert!(is_allowed("/page1", "localhost", &AllowedHosts::default()));
    }

    #[rstest]
    #[case("/page1", "/page1")]
    #[case("page1", "page1")]
    #[case("?x=1", "?x=1")]
    #[case("#f", "#f")]
    #[case("/page1?a=1&b=2#frag", "/page1?a=1&b=2#frag")]
    #[case("/a b", "/a%20b")]
    #[case("/é", "/%C3%A9")]
    #[case("%2Fpage1", "%252Fpage1")]
    #[case("http://localhost/x", "http://localhost/x")]
    #[case("https://localhost/x", "https://localhost/x")]
    #[case("//localhost/x", "//localhost/x")]
    #[case("http://localhost:80/x", "/")]
    #[case("HTTP://LOCALHOST/x", "/")]
    #[case("http://user:pw@localhost/", "/")]
    #[case("http://evil.com", "/")]
    #[case("//evil.com", "/")]
    #[case("http://localhost@evil.com/", "/")]
    #[case("http://evil.com\\.localhost/x", "/")]
    #[case("///evil.com", "/evil.com")]
    #[case("////evil.com", "/")]
    #[case("http:evil.com", "/")]
    #[case("http:/evil.com", "/")]
    #[case("http:///evil.com", "/")]
    #[case("javascript:alert(1)", "/")]
    #[case("data:text/html,x", "/")]
    #[case("ftp://localhost/", "/")]
    #[case("mailto:a@b", "/")]
    #[case("/\\evil.com", "/%5Cevil.com")]
    #[case("\\\\evil.com", "%5C%5Cevil.com")]
    #[case("\\/evil.com", "%5C/evil.com")]
    #[case(" //evil.com", "/")]
    #[case("\t//evil.com", "/")]
    #[case("\n//evil.com", "/")]
    #[case("\u{19}//evil.com", "/")]
    #[case(" ///evil.com", "/evil.com")]
    #[case("\u{200a}///evil.com", "%E2%80%8A///evil.com")]
    #[case("/..//evil.com", "/..//evil.com")]
    #[case("/.//evil.com", "/.//evil.com")]
    #[case("http://[bad", "/")]
    #[case("/%5cevil", "/%255cevil")]
    #[case("%09//evil", "%2509//evil")]
    #[case("https://evil#@localhost", "/")]
    #[case("https://localhost:443@evil", "/")]
    #[case("https://localhost.evil", "/")]
    #[case("JaVaScRiPt:alert(1)", "/")]
    #[case("vbscript:x", "/")]
    #[case("\u{1}javascript:alert(1)", "/")]
    fn targets_of_a_sign_in(#[case] target: &str, #[case] leads_to: &str) {
        assert_eq!(after_login(target), leads_to);
    }

    #[rstest]
    #[case("http://lp.com/x", true)]
    #[case("http://a.lp.com/x", true)]
    #[case("https://a.b.lp.com/x", true)]
    #[case("http://alp.com", false)]
    #[case("http://lp.com.evil.com", false)]
    #[case("http://lp.com:80/", false)]
    #[case("http://evil.com\\.lp.com/", false)]
    #[case("http://user@a.lp.com/", false)]
    #[case("http://lp.com%2eevil/", false)]
    #[case("http://a.lp.com./", false)]
    #[case("http://A.LP.COM/", false)]
    #[case("http://l\u{440}.com/", false)]
    fn subdomains_of_the_server(#[case] target: &str, #[case] ok: bool) {
        let allowed = AllowedHosts { server_name: Some("lp.com".into()), base_domain: None };
        assert_eq!(is_allowed(target, "lp.com", &allowed), ok);
    }

    #[rstest]
    #[case("http://blog.bigidea.org/x", true)]
    #[case("http://my.photo.bigidea.org", true)]
    #[case("http://bigidea.org", true)]
    #[case("http://other.bigidea.org", false)]
    #[case("http://x.blog.bigidea.org", false)]
    #[case("http://evilbigidea.org", false)]
    fn listed_subdomains_of_another_domain(#[case] target: &str, #[case] ok: bool) {
        let list = ["my.photo", "blog", "."].map(str::to_owned).to_vec();
        let allowed = AllowedHosts { server_name: None, base_domain: Some(("bigidea.org".into(), list)) };
        assert_eq!(is_allowed(target, "lp.com", &allowed), ok);
    }

    #[test]
    fn next_values() {
        assert_eq!(as_query_value("/auth?x=1&y=2"), "/auth?x%3D1%26y%3D2");
        assert_eq!(as_query_value("!$'()*,/:;?@"), "!$'()*,/:;?@");
    }

    proptest! {
        /// Row T3: whatever stands before or after an allowed domain, a browser reaches it or a true sub-domain of it.
        #[test]
        fn only_true_subdomains_are_reached(
            before in r"[a-z.@:/\\%#?-]{0,12}",
            after in r"[a-z.@:/\\%#?\u{ff0e}-]{0,12}",
        ) {
            let allowed = AllowedHosts { server_name: Some("lp.example".into()), base_domain: None };
            let target = format!("https://{before}lp.example{after}");
            if let Some(place) = checked_location(&target, "lp.example", &allowed) {
                let reached = url::Url::parse("https://lp.example/login").unwrap().join(&place).unwrap();
                let host = reached.host_str().unwrap_or_default();
                prop_assert!(host == "lp.example" || host.ends_with(".lp.example"), "{:?} became {:?}", target, place);
            }
        }

        /// Rows T1, T2 and T4: however a target is spelt, a browser that follows it stays on our host.
        #[test]
        fn never_leaves_the_host(target in r"[/\\hHtTpPsS:@.#?%\t\n\x00-\x20a-z\u{200a}-]{0,24}") {
            let place = after_login(&target);
            let base = url::Url::parse("http://localhost/login").unwrap();
            let reached = base.join(&place).unwrap();
            prop_assert_eq!(reached.host_str(), Some("localhost"), "{:?} became {:?}", target, place);
            prop_assert!(matches!(reached.scheme(), "http" | "https"));
        }
    }
}
