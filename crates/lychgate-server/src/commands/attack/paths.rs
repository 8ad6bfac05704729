//! Paths and methods, written in other ways than they should be.

use super::{
    check::{Check, Needs, Result, Stop},
    target::{Ask, Target},
};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "paths",
        threats: &["T126"],
        asvs: &["V8.3.1"],
        holds: "Another spelling of a path opens nothing that the path does not",
        needs: Needs::Nothing,
        run: |target, _| {
            let nothing = target.ask(Ask::get(target.path("/there-is-nothing-here")).for_page())?;
            if nothing.is_success() {
                return Err(Stop::skipped("every path is answered with a page"));
            }
            let mut found = Vec::new();
            for area in ["admin", "account"] {
                for path in spellings(area) {
                    let reply = target.ask(Ask::get(target.path(&path)).for_page())?;
                    if reply.is_success() {
                        found.push(format!("{path} is answered with {}", reply.status));
                    }
                }
            }
            Ok(found)
        },
    },
    Check {
        id: "files",
        threats: &["T148"],
        asvs: &["V5.3.2"],
        holds: "No path leads out of the folder of static files",
        needs: Needs::Nothing,
        run: |target, _| {
            let mut found = Vec::new();
            for folder in ["/fs-static", "/static"] {
                for path in [
                    "/../../../../../../etc/passwd",
                    "/..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
                    "/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
                    "/..%252f..%252f..%252fetc%252fpasswd",
                    "/..%5c..%5c..%5cwindows%5cwin.ini",
                    "//etc/passwd",
                    "/%2fetc%2fpasswd",
                    "/css/lychgate.css%00.html",
                    "/..%c0%af..%c0%afetc/passwd",
                ] {
                    let reply = target.ask(Ask::get(target.path(&format!("{folder}{path}"))))?;
                    if reply.is_success() && ["root:", "[fonts]"].iter().any(|word| reply.body.contains(word)) {
                        found.push(format!("{folder}{path} gives a file of the machine"));
                    }
                }
            }
            Ok(found)
        },
    },
    Check {
        id: "leftovers",
        threats: &["T145"],
        asvs: &["V13.4.1", "V13.4.2", "V13.4.3", "V13.4.5"],
        holds: "Neither source, settings, figures nor lists of files can be fetched",
        needs: Needs::Nothing,
        run: |target, _| {
            let mut found = Vec::new();
            for (path, word) in [
                ("/.git/config", "[core]"),
                ("/.git/HEAD", "ref: "),
                ("/.env", "="),
                ("/lychgate.toml", "="),
                ("/instance/secrets.toml", "="),
                ("/instance/lychgate.db", "SQLite format 3"),
                ("/metrics", "# TYPE"),
                ("/dev/mail", "<html"),
                ("/debug", "<html"),
                ("/fs-static/", "Index of"),
                ("/static/", "Index of"),
            ] {
                let reply = target.ask(Ask::get(target.path(path)))?;
                if reply.is_success() && reply.body.contains(word) && !reply.body.contains("login") {
                    found.push(format!("{path} is answered with {}", reply.status));
                }
            }
            Ok(found)
        },
    },
    Check {
        id: "methods",
        threats: &["T69"],
        asvs: &["V3.5.3", "V4.1.4", "V13.4.4"],
        holds: "Each page answers to its own methods, and no header or field makes another of them",
        needs: Needs::Nothing,
        run: methods,
    },
];

fn spellings(area: &str) -> Vec<String> {
    let mut letters = area.chars();
    let first = letters.next().map_or(0, u32::from);
    let rest = letters.as_str();
    vec![
        format!("//{area}"),
        format!("/{area}/"),
        format!("/%{first:02x}{rest}"),
        format!("/{area};x"),
        format!("/./{area}"),
        format!("/x/../{area}"),
        format!("/{area}%2f"),
        format!("/{area}%00"),
        format!("/{area}%20"),
        format!("/{}", area.to_uppercase()),
        format!("/{area}/."),
        format!("/{area}..;/"),
        format!("/{area}.json"),
    ]
}

fn methods(target: &Target, _: Option<&super::Account>) -> Result {
    let mut found = Vec::new();
    for method in ["TRACE", "TRACK", "BREW", "PUT", "DELETE", "PATCH"] {
        let reply = target.ask(Ask::new(method, target.path("/login")).for_page())?;
        if reply.status < 400 {
            found.push(format!("{method} /login is answered with {}", reply.status));
        }
    }
    // A page that is asked for stays one, whatever is said beside: nothing is sent, so nothing is refused.
    let plain = target.ask(Ask::get(target.path("/login")).for_json())?.status;
    for name in ["x-http-method-override", "x-method-override", "x-http-method"] {
        let reply = target.ask(Ask::get(target.path("/login")).for_json().header(name, "POST"))?;
        if reply.status != plain {
            found.push(format!("{name} makes a POST of a GET"));
        }
    }
    let reply = target.ask(Ask::get(target.path("/login?_method=POST&email=a&password=b")).for_json())?;
    if reply.status != plain {
        found.push("_method makes a POST of a GET".to_owned());
    }
    Ok(found)
}
