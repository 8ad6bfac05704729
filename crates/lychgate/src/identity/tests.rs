#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::email::EmailError;
use super::username::{Form, UsernameError};
use super::*;

fn rules() -> Rules {
    Rules { email: EmailRules::default(), username: UsernameRules::default(), phone_region: "US".to_owned() }
}

fn mail(text: &str) -> Result<String, EmailError> {
    email::normalize(text, &EmailRules::default())
}

fn mail_with(text: &str, name: &str, value: bool) -> Result<String, EmailError> {
    let mut rules = EmailRules::default();
    assert!(rules.set(name, value));
    email::normalize(text, &rules)
}

fn name(text: &str) -> Result<Option<String>, UsernameError> {
    username::normalize(text, &UsernameRules::default())
}

#[test]
fn addresses_have_one_normal_form() {
    for (given, normal) in [
        ("joe@example.com", "joe@example.com"),
        ("A.B+tag@Example.COM", "A.B+tag@example.com"),
        ("!#$%&'*+-/=?^_`{|}~@b.com", "!#$%&'*+-/=?^_`{|}~@b.com"),
        ("INFO@b.com", "info@b.com"),
        ("PostMaster@b.com", "postmaster@b.com"),
        ("Informed@b.com", "Informed@b.com"),
        ("joe@xn--bcher-kva.de", "joe@bücher.de"),
        ("joe@XN--BCHER-KVA.DE", "joe@bücher.de"),
        ("joe@BU\u{308}CHER.de", "joe@bücher.de"),
        ("u\u{308}ser@b.com", "üser@b.com"),
        ("joe@faß.de", "joe@faß.de"),
        ("joe@例え。テスト", "joe@例え.テスト"),
        ("joe@ｂ．com", "joe@b.com"),
        ("joe@l·l.cat", "joe@l·l.cat"),
        ("joe@あ・い.com", "joe@あ・い.com"),
        ("joe@אב.com", "joe@אב.com"),
        ("joe@xarpa.com", "joe@xarpa.com"),
    ] {
        assert_eq!(mail(given).as_deref(), Ok(normal), "{given}");
    }
}

#[test]
fn wrong_local_parts_are_refused() {
    for local in [
        "",
        ".joe",
        "joe.",
        "j..e",
        "j e",
        "j,e",
        "j;e",
        "j:e",
        "j(c)e",
        "j[e",
        "j\\e",
        "j>e",
        "a\u{37E}b",
        "\u{301}a",
        "a\u{200B}",
        "a\u{202E}b",
        "a\u{3000}b",
        "a\u{2028}b",
        "\u{E000}",
        "a\0",
        "a\x7F",
        "a\u{85}b",
        "a\nb",
    ] {
        let text = format!("{local}@b.com");
        assert!(matches!(mail(&text), Err(EmailError::Local)), "{text:?}");
    }
}

#[test]
fn wrong_domains_are_refused() {
    for domain in [
        "",
        "b",
        "b..com",
        ".b.com",
        "b.com.",
        "-b.com",
        "b-.com",
        "ab--c.com",
        "a_b.com",
        "b.c0",
        "1.2.3.4",
        "b c.com",
        "b@c.com",
        "b.com\n",
        "☕.com",
        "xn--53h.com",
        "i❤.ws",
        "xn--.com",
        "xn--a.com",
        "xn--abc-.com",
        "xn---bbk.com",
        "a·l.cat",
        "a・b.com",
        "×.com",
        "⒈com",
        "a…b.com",
        "a\u{AD}b.com",
        "a\u{200D}b.com",
        "1.אב.com",
        "xn--4dbc.1.com",
        "אa.com",
        "ا۰٠.com",
        "ᄀ.com",
        "\u{301}b.com",
        "[1.2.3]",
        "[]",
        "[",
        "[x:1]",
        "[IPv6:::1%eth0]",
    ] {
        let text = format!("joe@{domain}");
        assert!(matches!(mail(&text), Err(EmailError::Domain)), "{text:?} {:?}", mail(&text));
    }
}

#[test]
fn domains_that_reach_nobody_are_refused() {
    for domain in ["a.localhost", "a.local", "a.test", "A.TEST", "a.invalid", "a.onion", "1.in-addr.arpa"] {
        assert_eq!(mail(&format!("joe@{domain}")), Err(EmailError::SpecialUse), "{domain}");
    }
    // RFC 6761 wants these treated as any other name.
    assert!(mail("joe@example.com").is_ok() && mail("joe@www.example").is_ok());
}

#[test]
fn nothing_but_an_address_is_accepted() {
    assert_eq!(mail("joe"), Err(EmailError::NoAtSign));
    assert_eq!(mail("joe＠b.com"), Err(EmailError::NoAtSign));
    assert_eq!(mail("Bob <bob@b.com>"), Err(EmailError::DisplayName));
    assert_eq!(mail("<bob@b.com>"), Err(EmailError::DisplayName));
    for text in [" joe@b.com", "joe@b.com ", "joe@b.com\r\nBcc: x@y.org", "joe\r\nBcc: x@y.org", "a@b.com,c@d.com"] {
        assert!(mail(text).is_err(), "{text:?}");
    }
    assert_eq!(mail("\"joe\"@b.com"), Err(EmailError::Quoted));
    assert_eq!(mail("joe@[1.2.3.4]"), Err(EmailError::Literal));
}

#[test]
fn lengths_are_bounded_in_every_form() {
    assert!(mail(&format!("{}@b.com", "a".repeat(248))).is_ok());
    assert_eq!(mail(&format!("{}@b.com", "a".repeat(249))), Err(EmailError::TooLong));
    assert!(mail(&format!("a@{}.com", "b".repeat(63))).is_ok());
    assert_eq!(mail(&format!("a@{}.com", "b".repeat(64))), Err(EmailError::TooLong));
    assert!(mail(&format!("{}@b.com", "é".repeat(124))).is_ok());
    assert_eq!(mail(&format!("{}@b.com", "é".repeat(125))), Err(EmailError::TooLong));
    // About a hundred octets as text, more than 254 on the wire.
    let wide = format!("a@{}com", "é.".repeat(33));
    assert!(wide.len() < 120);
    assert_eq!(mail(&wide), Err(EmailError::TooLong));
    assert_eq!(mail(&"a".repeat(1 << 20)), Err(EmailError::TooLong));
    let long = format!("{}@b.com", "a".repeat(65));
    assert!(mail(&long).is_ok());
    assert_eq!(mail_with(&long, "strict", true), Err(EmailError::TooLong));
}

#[test]
fn email_validator_args_change_the_rules() {
    assert_eq!(mail_with("joe@test", "test_environment", true).as_deref(), Ok("joe@test"));
    assert_eq!(mail_with("joe@a.test", "test_environment", true).as_deref(), Ok("joe@a.test"));
    assert_eq!(mail_with("joe@a.local", "test_environment", true), Err(EmailError::SpecialUse));
    assert_eq!(mail_with("üser@b.com", "allow_smtputf8", false), Err(EmailError::Local));
    assert_eq!(mail_with("joe@bücher.de", "allow_smtputf8", false).as_deref(), Ok("joe@bücher.de"));
    assert_eq!(mail_with("@b.com", "allow_empty_local", true).as_deref(), Ok("@b.com"));
    assert_eq!(mail_with("joe@intranet", "globally_deliverable", false).as_deref(), Ok("joe@intranet"));
    assert_eq!(mail_with("joe@localhost", "globally_deliverable", false), Err(EmailError::SpecialUse));
    for (given, normal) in [
        ("\"joe\"@b.com", "joe@b.com"),
        ("\"j@e\"@b.com", "\"j@e\"@b.com"),
        ("\"j\\e \\\"\"@b.com", "\"je \\\"\"@b.com"),
    ] {
        assert_eq!(mail_with(given, "allow_quoted_local", true).as_deref(), Ok(normal), "{given}");
    }
    for bad in ["\"j\"e@b.com", "\"j\te\"@b.com", "\"j\u{2028}e\"@b.com", "\"\"@b.com", "\"j@b.com"] {
        assert!(mail_with(bad, "allow_quoted_local", true).is_err(), "{bad:?}");
    }
    for (given, normal) in [("joe@[1.2.3.4]", "joe@[1.2.3.4]"), ("joe@[ipv6:0:0::1]", "joe@[IPv6:::1]")] {
        assert_eq!(mail_with(given, "allow_domain_literal", true).as_deref(), Ok(normal), "{given}");
    }
    assert_eq!(mail_with("joe@b.com", "check_deliverability", true).as_deref(), Ok("joe@b.com"));
    assert!(!EmailRules::default().set("no_such_rule", true));
    assert!(!EmailRules::default().set("allow_display_name", true));
}

#[test]
fn usernames_follow_their_rules() {
    assert_eq!(name(""), Ok(None));
    assert_eq!(name("  joey\u{1F}"), Ok(Some("joey".to_owned())));
    assert_eq!(name("ｊｏｅｙ"), Ok(Some("joey".to_owned())));
    assert_eq!(name("José"), Ok(Some("Jose\u{301}".to_owned())));
    // Four characters as typed and five in the normal form.
    assert_eq!(name("joe"), Err(UsernameError::InvalidLength));
    assert_eq!(name("joé"), Ok(Some("joe\u{301}".to_owned())));
    assert_eq!(name("   "), Err(UsernameError::InvalidLength));
    assert!(name(&"a".repeat(32)).is_ok());
    assert_eq!(name(&"a".repeat(33)), Err(UsernameError::InvalidLength));
    assert_eq!(name(&"a".repeat(1 << 20)), Err(UsernameError::InvalidLength));
    for text in ["a&bcd", "<b>joe</b>", "a>bcd", "jo\0ey", "jo\rey", "jo\u{A0}ey", "\u{FEFF}joey"] {
        assert_eq!(name(text), Err(UsernameError::NotPlain), "{text:?}");
    }
    for text in ["joe@x.org", "jo ey", "joe_y", "joey\u{301}", "jo\ney", "jo\u{202E}ey", "jo\u{200B}ey"] {
        assert_eq!(name(text), Err(UsernameError::Disallowed), "{text:?}");
    }
}

#[test]
fn username_settings_change_the_rules() {
    let any = UsernameRules { allowed_categories: Vec::new(), ..UsernameRules::default() };
    assert_eq!(username::normalize("jo ey_@", &any), Ok(Some("jo ey_@".to_owned())));
    for text in ["jo\ney", "jo\u{7F}ey", "jo\u{2028}ey", "jo\u{202E}ey"] {
        assert_eq!(username::normalize(text, &any), Err(UsernameError::Disallowed), "{text:?}");
    }
    for text in ["joe＆y", "jo≮ey", "﹤joey"] {
        assert_eq!(username::normalize(text, &any), Err(UsernameError::NotPlain), "{text:?}");
    }
    let lower = UsernameRules { allowed_categories: vec!["Ll".to_owned()], form: None, ..UsernameRules::default() };
    assert_eq!(username::normalize("joéy", &lower), Ok(Some("joéy".to_owned())));
    assert_eq!(username::normalize("Joey", &lower), Err(UsernameError::Disallowed));
    let none = UsernameRules { min_length: 0, ..UsernameRules::default() };
    assert_eq!(username::normalize("   ", &none), Ok(None));
    assert_eq!(Form::named("nfkc"), Some(Form::Nfkc));
    assert_eq!(Form::named("NFX"), None);
    assert_eq!(Form::Nfc.apply("e\u{301}"), "é");
    assert_eq!(Form::Nfd.apply("é"), "e\u{301}");
    assert_eq!(Form::Nfkc.apply("ｅ\u{301}"), "é");
}

#[cfg(feature = "phone")]
#[test]
fn phone_numbers_become_e164() {
    for (region, given, e164) in [
        ("US", "650-555-1212", "+16505551212"),
        ("us", "(650) 555-1212", "+16505551212"),
        ("US", "1 650 555 1212", "+16505551212"),
        ("US", "+1 650 555 1212 ext. 12", "+16505551212"),
        ("US", "tel:+1-650-555-1212;ext=12", "+16505551212"),
        ("US", "011 49 30 901820", "+4930901820"),
        ("US", "+49 (0)30 901820", "+4930901820"),
        ("DE", "030 901820", "+4930901820"),
        ("DE", "0049 30 901820", "+4930901820"),
        ("IT", "06 698 12345", "+390669812345"),
        ("AR", "011 15 2345 6789", "+5491123456789"),
        ("ZZ", "+41 44 668 18 00", "+41446681800"),
        ("GB", "＋４４ ２０ ７０３１ ３０００", "+442070313000"),
    ] {
        assert_eq!(phone::normalize(given, region).as_deref(), Some(e164), "{given} in {region}");
    }
    for (region, given) in [
        ("US", ""),
        ("US", "+"),
        ("US", "911"),
        ("US", "123-456-7890"),
        ("US", "650-555-12122"),
        ("US", "+999 123456789"),
        ("US", "+0 650 555 1212"),
        ("US", "joe 650-555-1212"),
        ("US", "650-555-1212\nx"),
        ("US", "1-800-FLOWERS"),
        ("US", "650*555*1212"),
        ("ZZ", "650-555-1212"),
        ("DE", "+387 61 129 00311"),
    ] {
        assert_eq!(phone::normalize(given, region), None, "{given} in {region}");
    }
    assert_eq!(phone::normalize(&format!("+1 650 555 1212{}", " ".repeat(64)), "US"), None);
}

#[test]
fn a_mapper_decides_what_is_looked_up() {
    let rules = rules();
    assert_eq!(map(&rules, "uia_email_mapper", "Joe@B.com").as_deref(), Some("Joe@b.com"));
    assert_eq!(map(&rules, "uia_email_mapper", "joe"), None);
    assert_eq!(map(&rules, "uia_username_mapper", " jo "), Some("jo".to_owned()));
    assert_eq!(map(&rules, "uia_username_mapper", "joe@b.com"), None);
    assert_eq!(map(&rules, "uia_username_mapper", "  "), None);
    assert_eq!(map(&rules, "uia_phone_mapper", "joe"), None);
    let number = map(&rules, "uia_phone_mapper", "650-555-1212");
    assert_eq!(number.is_some(), cfg!(feature = "phone"));
    assert_eq!(map(&rules, "identity", " As It Is "), Some(" As It Is ".to_owned()));
    assert_eq!(map(&rules, "identity", ""), None);
    assert_eq!(map(&rules, "identity", "a\nb"), None);
    assert_eq!(map(&rules, "identity", &"a".repeat(321)), None);
    assert_eq!(map(&rules, "other", "joe"), None);
}

/// A sample of what moves, ends or hides the text around it.
const INVISIBLE: [char; 4] = ['\u{2028}', '\u{2029}', '\u{202E}', '\u{200B}'];

/// Texts that look like addresses often enough to be accepted.
fn address() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,40}",
        "[a-zA-Z0-9.!#+_-]{1,20}@([a-z0-9-]{1,10}\\.){1,3}[a-zA-Z]{2,6}",
        "[a-zé\\p{L}\\p{M}.]{1,20}@[a-z\\p{L}\\p{M}\\p{N}.-]{1,20}\\.(com|de|рф)",
        "\"[ -~é]{0,10}\"@b\\.com",
        ".{0,10}@(xn--[a-z0-9-]{1,12}\\.)?com",
    ]
}

fn every_email_rule() -> impl Strategy<Value = EmailRules> {
    any::<[bool; 7]>().prop_map(|switches| EmailRules {
        allow_smtputf8: switches[0],
        allow_empty_local: switches[1],
        allow_quoted_local: switches[2],
        allow_domain_literal: switches[3],
        strict: switches[4],
        test_environment: switches[5],
        globally_deliverable: switches[6],
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn normal_addresses_stay_and_are_safe(text in address(), rules in every_email_rule()) {
        if let Ok(normal) = email::normalize(&text, &rules) {
            prop_assert!(normal.len() <= 254);
            prop_assert!(!normal.contains(char::is_control));
            prop_assert!(!normal.contains(INVISIBLE));
            let (local, domain) = normal.rsplit_once('@').unwrap();
            prop_assert!(local.starts_with('"') || !local.contains([' ', ',', '<', '>', '@', '"', ';', ':']));
            prop_assert!(domain.starts_with('[') || !domain.contains([' ', ',', '<', '>', '"', '%', '/', '_']));
            prop_assert!(domain.starts_with('[') || !domain.contains(|c: char| c.is_ascii_uppercase()));
            prop_assert_eq!(email::normalize(&normal, &rules), Ok(normal));
        }
    }

    #[test]
    fn any_text_is_handled(text in any::<String>(), mapper in "(uia_(email|username|phone)_mapper|identity)") {
        if let Some(value) = map(&rules(), &mapper, &text) {
            prop_assert!(!value.is_empty() && !value.contains(char::is_control));
        }
    }

    #[test]
    fn normal_usernames_are_safe(text in "[\\p{L}\\p{N} ]{0,40}|\\PC{0,12}", wide in any::<bool>()) {
        let mut rules = UsernameRules::default();
        if wide {
            rules.allowed_categories.clear();
        }
        if let Ok(Some(normal)) = username::normalize(&text, &rules) {
            prop_assert!((4..=32).contains(&normal.chars().count()));
            prop_assert!(!normal.contains(['&', '<', '>']) && !normal.contains(char::is_control));
            // Marks that decomposition brings forth need not be allowed themselves; what is accepted again is the same.
            if let Ok(again) = username::normalize(&normal, &rules) {
                prop_assert_eq!(again.unwrap(), normal.trim());
            }
        }
    }

    #[test]
    fn phone_numbers_are_e164_and_stay(text in "[+]?[0-9 ()./-]{0,20}|\\PC{0,20}", region in "[A-Z]{2}|US|DE|AR|BR|IT") {
        if let Some(e164) = phone::normalize(&text, &region) {
            let digits = e164.strip_prefix('+').unwrap();
            prop_assert!(digits.len() <= 20 && digits.bytes().all(|byte| byte.is_ascii_digit()));
            prop_assert_eq!(phone::normalize(&e164, "ZZ"), Some(e164));
        }
    }
}
