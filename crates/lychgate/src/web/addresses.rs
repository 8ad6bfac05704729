//! Address rules: from which networks a part of the site may be asked for.
//!
//! A path is looked at in every way in which some server may read it, so that no other spelling of it escapes its rule.

use std::net::IpAddr;

use ipnet::IpNet;
use percent_encoding::percent_decode_str;

use super::exchange::Exchange;
use crate::{
    failure::{Failure, Refused},
    messages,
    settings::{RawValue, Settings, network},
};

/// How often a path is decoded at most.
const MOST_DECODED: usize = 3;

/// What `[addresses]` says.
#[derive(Debug)]
pub(crate) struct AddressRules(Vec<AddressRule>);

/// The networks of one path and of everything below it.
#[derive(Debug)]
struct AddressRule {
    below: Vec<String>,
    /// Who may come; empty for anybody who is not denied.
    allow: Vec<IpNet>,
    deny: Vec<IpNet>,
}

impl AddressRules {
    /// # Errors
    ///
    /// One line that names the path and what is wrong with its rule.
    pub(crate) fn from_settings(settings: &Settings) -> Result<Self, String> {
        let rule = |(path, value): &(String, RawValue)| {
            AddressRule::read(path, value).map_err(|why| format!("addresses: {path:?}: {why}"))
        };
        settings.map("addresses").iter().map(rule).collect::<Result<_, _>>().map(Self)
    }

    /// Whether an address may ask for a path, which has several spellings. Nobody knows where an unknown address is, so
    /// it passes no rule.
    fn let_in(&self, address: Option<IpAddr>, spellings: &[Vec<String>]) -> bool {
        let mut covering = self.0.iter().filter(|rule| spellings.iter().any(|path| path.starts_with(&rule.below)));
        covering.all(|rule| address.is_some_and(|address| rule.lets_in(address.to_canonical())))
    }
}

impl AddressRule {
    fn read(path: &str, value: &RawValue) -> Result<Self, String> {
        if !path.starts_with('/') {
            return Err("a path begins with \"/\"".to_owned());
        }
        let RawValue::Map(lists) = value else {
            return Err(format!("{{allow = […], deny = […]}} is wanted, this is {}", value.describe()));
        };
        let mut rule = Self { below: segments(path), allow: Vec::new(), deny: Vec::new() };
        for (name, networks) in lists {
            let list = match name.as_str() {
                "allow" => &mut rule.allow,
                "deny" => &mut rule.deny,
                _ => return Err(format!("unknown list {name:?}; there are \"allow\" and \"deny\"")),
            };
            let items = match networks {
                RawValue::List(items) => items.as_slice(),
                one => std::slice::from_ref(one),
            };
            for item in items {
                let (RawValue::Text(text) | RawValue::Written(text)) = item else {
                    return Err(format!("{name} lists networks, not {}", item.describe()));
                };
                let network = network::parse(text);
                list.push(network.ok_or_else(|| format!("{text:?} is no network; write 10.0.0.0/8, or an address"))?);
            }
        }
        // An empty list was meant to hold something, and letting in everybody is the wrong guess.
        if rule.allow.is_empty() && rule.deny.is_empty() {
            return Err("it names no network".to_owned());
        }
        Ok(rule)
    }

    fn lets_in(&self, address: IpAddr) -> bool {
        let holds = |list: &[IpNet]| list.iter().any(|network| network.contains(&address));
        !holds(&self.deny) && (self.allow.is_empty() || holds(&self.allow))
    }
}

/// The segments of a path, as a careless server reads them: without empty ones, dots, parameters and what follows a zero
/// byte, in small letters.
fn segments(path: &str) -> Vec<String> {
    let parts = path.split(['/', '\\']).map(|part| part.split([';', '\0']).next().unwrap_or_default());
    parts.filter(|part| !part.is_empty() && *part != ".").map(str::to_ascii_lowercase).collect()
}

/// What a path may be read as: as it stands, and with its dots followed.
fn spellings(path: &str) -> [Vec<String>; 2] {
    let mut text = path.to_owned();
    for _ in 0..MOST_DECODED {
        let decoded = percent_decode_str(&text).decode_utf8_lossy().into_owned();
        if decoded == text {
            break;
        }
        text = decoded;
    }
    let plain = segments(&text);
    let mut followed: Vec<String> = Vec::new();
    for segment in &plain {
        match segment.as_str() {
            ".." => drop(followed.pop()),
            _ => followed.push(segment.clone()),
        }
    }
    [plain, followed]
}

/// The refusal of a request from a network that may not ask.
pub(crate) fn refused() -> Failure {
    let needed = "another address".to_owned();
    let because = Some(messages::ADDRESS_NOT_ALLOWED);
    Failure::Forbidden { refused: Some(Box::new(Refused { because, ..Refused::new(needed.clone(), vec![needed]) })) }
}

impl Exchange {
    /// Whether `[addresses]` lets this request in, by the path that the layer sees, the one that the client asked for and
    /// the pattern of the route.
    pub(crate) fn check_address(&self, here: &str, matched: Option<&str>) -> Result<(), Failure> {
        let rules = &self.config().addresses;
        if rules.0.is_empty() {
            return Ok(());
        }
        let asked = self.path();
        let below_root = asked.strip_prefix(&self.config().application_root);
        let paths = [Some(here), Some(asked), below_root, matched];
        let all: Vec<Vec<String>> = paths.into_iter().flatten().flat_map(spellings).collect();
        if rules.let_in(self.address(), &all) { Ok(()) } else { Err(refused()) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use rstest::rstest;

    use super::*;

    fn rules(toml: &str) -> Result<AddressRules, String> {
        let keys = "secret_key = \"a key of the tests, 32 bytes long\"\n[security]\npassword_salt = \"a salt of the tests, 32 bytes lon\"\n";
        let settings = Settings::builder().toml("lychgate.toml", &format!("{keys}[addresses]\n{toml}"));
        AddressRules::from_settings(&settings.build().unwrap())
    }

    /// Row T126.
    #[rstest]
    #[case("/admin")]
    #[case("/admin/users")]
    #[case("//admin")]
    #[case("/admin/")]
    #[case("/%61dmin")]
    #[case("/%2561dmin")]
    #[case("/admin;x")]
    #[case("/admin;x=1/users")]
    #[case("/./admin")]
    #[case("/x/../admin")]
    #[case("/admin/../x")]
    #[case("/ADMIN")]
    #[case("/\\admin")]
    #[case("/%5Cadmin")]
    #[case("/%2fadmin")]
    #[case("/x/%2e%2e/admin")]
    fn other_spellings_do_not_escape(#[case] path: &str) {
        let rules = rules("\"/admin\" = {allow = [\"10.0.0.0/8\"]}").unwrap();
        assert!(!rules.let_in("192.0.2.1".parse().ok(), &spellings(path)), "{path}");
        assert!(rules.let_in("10.1.2.3".parse().ok(), &spellings(path)), "{path}");
        assert!(!rules.let_in(None, &spellings(path)), "{path}");
    }

    #[test]
    fn other_paths_are_free() {
        let rules = rules("\"/admin/\" = {allow = \"10.0.0.0/8\"}").unwrap();
        for path in ["/", "/administrators", "/x/admin", "/login"] {
            assert!(rules.let_in(None, &spellings(path)), "{path}");
        }
    }

    #[rstest]
    #[case("10.1.2.3", "/admin", true)]
    #[case("10.6.6.6", "/admin", false)]
    #[case("::ffff:10.6.6.6", "/admin", false)]
    #[case("::ffff:10.1.2.3", "/admin", true)]
    #[case("2001:db8::1", "/admin", true)]
    #[case("2001:db9::1", "/admin", false)]
    #[case("192.0.2.66", "/login", false)]
    #[case("192.0.2.1", "/login", true)]
    #[case("10.1.2.3", "/admin/danger", false)]
    fn every_rule_has_to_let_in(#[case] address: &str, #[case] path: &str, #[case] expected: bool) {
        let rules = rules(
            "\"/\" = {deny = [\"192.0.2.64/26\"]}\n\
             \"/admin\" = {allow = [\"10.0.0.0/8\", \"2001:db8::/32\"], deny = [\"::ffff:10.6.0.0/112\"]}\n\
             \"/admin/danger\" = {allow = [\"127.0.0.1\"]}",
        );
        assert_eq!(rules.unwrap().let_in(address.parse().ok(), &spellings(path)), expected);
    }

    #[rstest]
    #[case("\"/admin\" = {allow = [\"10.0.0.0/33\"]}", "addresses: \"/admin\": \"10.0.0.0/33\" is no network")]
    #[case("\"/admin\" = {alow = [\"10.0.0.0/8\"]}", "addresses: \"/admin\": unknown list \"alow\"")]
    #[case("\"/admin\" = {allow = []}", "addresses: \"/admin\": it names no network")]
    #[case("\"/admin\" = {allow = [7]}", "addresses: \"/admin\": allow lists networks, not a whole number")]
    #[case(
        "\"/admin\" = [\"10.0.0.0/8\"]",
        "addresses: \"/admin\": {allow = […], deny = […]} is wanted, this is a list"
    )]
    #[case("\"admin\" = {deny = [\"10.0.0.0/8\"]}", "addresses: \"admin\": a path begins with \"/\"")]
    fn what_is_wrong_is_named(#[case] toml: &str, #[case] says: &str) {
        let error = rules(toml).unwrap_err();
        assert!(error.starts_with(says), "{error}");
    }
}
