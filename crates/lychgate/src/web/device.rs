//! Which browser and which system a `User-Agent` names, in plain words (RFC 9110, 10.1.5).

use std::fmt;

use crate::messages::{Messages, words};

/// A browser and its system, as far as the header says. It is what a client says of itself, so it helps people to
/// recognise their own sign-ins and proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DeviceName {
    pub(crate) browser: Option<&'static str>,
    pub(crate) system: Option<&'static str>,
}

/// How much of a header is looked at, in bytes.
const LONGEST: usize = 512;

/// What a browser's header contains, and its name. The first that is there counts: most browsers also name those that
/// they descend from.
const BROWSERS: [(&str, &str); 22] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("OPT/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("YaBrowser/", "Yandex Browser"),
    ("DuckDuckGo/", "DuckDuckGo"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("MSIE ", "Internet Explorer"),
    ("Trident/", "Internet Explorer"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("Wget/", "Wget"),
    ("python", "Python"),
    ("PostmanRuntime/", "Postman"),
    ("okhttp/", "OkHttp"),
    ("Go-http-client/", "Go"),
    ("node", "Node.js"),
];

/// The same for systems; Android says that it is Linux, an iPhone that it is like a Mac.
const SYSTEMS: [(&str, &str); 9] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Mac OS X", "macOS"),
    ("FreeBSD", "FreeBSD"),
    ("Linux", "Linux"),
];

/// Reads a `User-Agent`. Whatever it holds, the words that come out are ours.
pub(crate) fn device_name(user_agent: &str) -> DeviceName {
    let end = (0..=user_agent.len().min(LONGEST)).rev().find(|at| user_agent.is_char_boundary(*at));
    let text = user_agent.get(..end.unwrap_or(0)).unwrap_or_default();
    let find =
        |names: &[(&str, &'static str)]| names.iter().find(|(mark, _)| text.contains(mark)).map(|(_, name)| *name);
    DeviceName { browser: find(&BROWSERS), system: find(&SYSTEMS) }
}

impl DeviceName {
    /// In the words of a language.
    pub(crate) fn in_words(self, messages: &Messages) -> String {
        match (self.browser, self.system) {
            (Some(browser), Some(system)) => {
                messages.translated(words("%(browser)s on %(system)s"), &[("browser", &browser), ("system", &system)])
            }
            (Some(browser), None) => browser.to_owned(),
            (None, Some(system)) => messages.translated(words("a browser on %(system)s"), &[("system", &system)]),
            (None, None) => messages.translate(words("an unknown device")).to_owned(),
        }
    }
}

/// English, for whatever is compared and not read.
impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.browser, self.system) {
            (Some(browser), Some(system)) => write!(f, "{browser} on {system}"),
            (Some(browser), None) => f.write_str(browser),
            (None, Some(system)) => write!(f, "a browser on {system}"),
            (None, None) => f.write_str("an unknown device"),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    #[rstest]
    #[case("Mozilla/5.0 (X11; Linux x86_64; rv:139.0) Gecko/20100101 Firefox/139.0", "Firefox on Linux")]
    #[case(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36",
        "Chrome on Windows"
    )]
    #[case(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 \
         Safari/537.36 Edg/137.0.0.0",
        "Edge on Windows"
    )]
    #[case(
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 \
         Safari/605.1.15",
        "Safari on macOS"
    )]
    #[case(
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
         CriOS/137.0.7151.51 Mobile/15E148 Safari/604.1",
        "Chrome on iPhone"
    )]
    #[case(
        "Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 \
         Chrome/125.0.0.0 Mobile Safari/537.36",
        "Samsung Internet on Android"
    )]
    #[case("curl/8.5.0", "curl")]
    #[case("Mozilla/5.0 (Linux)", "a browser on Linux")]
    #[case("", "an unknown device")]
    #[case("Fire\r\nBcc: eve@lp.com", "an unknown device")]
    fn in_words(#[case] header: &str, #[case] words: &str) {
        assert_eq!(super::device_name(header).to_string(), words);
    }

    #[test]
    fn long_headers_are_cut_between_characters() {
        let header = format!("{} Firefox/1.0", "ü".repeat(300));
        assert_eq!(super::device_name(&header).browser, None);
    }
}
