//! What can be tried with an account: signing in as nobody should be able to, and what is left after signing out.

use serde_json::{Value, json};

use super::{
    Account,
    check::{Check, Needs, Stop},
    reply::Reply,
    target::{Ask, Target, shortened},
    trust::{ELSEWHERE, hostile_targets, leads_away, of_cookies},
};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "forged-requests",
        threats: &["T66", "T68"],
        asvs: &["V3.5.1"],
        holds: "Nobody is signed in by a page of another site",
        needs: Needs::Account,
        run: |target, account| {
            let account = given(account)?;
            let fields = json!({"email": account.email, "password": account.password});
            let foreign = format!("https://{ELSEWHERE}");
            let form = form(account, "", None);
            let kind = "application/x-www-form-urlencoded";
            let mut found = Vec::new();
            for (what, ask) in [
                ("JSON without a token", Ask::post(target.path("/login")).json(&fields)),
                ("a form without a token", Ask::post(target.path("/login")).for_page().body(kind, form.clone())),
                (
                    "a form of another site",
                    Ask::post(target.path("/login")).body(kind, form).header("origin", &foreign),
                ),
            ] {
                if is_signed_in(target, &target.ask(ask)?)? {
                    found.push(format!("{what} signs in"));
                }
            }
            Ok(found)
        },
    },
    Check {
        id: "content-types",
        threats: &["T67"],
        asvs: &["V3.5.2"],
        holds: "No content type that a form of another site can have passes for JSON",
        needs: Needs::Account,
        run: |target, account| {
            let account = given(account)?;
            let body = json!({"email": account.email, "password": account.password}).to_string();
            let mut found = Vec::new();
            for kind in ["text/plain", "text/plain; x=application/json", "application/json-attack", ""] {
                let ask = Ask::post(target.path("/login")).for_json().header("origin", "https://attack.invalid");
                if is_signed_in(target, &target.ask(ask.body(kind, body.clone()))?)? {
                    found.push(format!("JSON as {kind:?} signs in"));
                }
            }
            Ok(found)
        },
    },
    Check {
        id: "sign-in",
        threats: &["T53", "T56"],
        asvs: &["V7.2.4", "V3.3.4"],
        holds: "Signing in gives a new session, and the cookie from before opens nothing",
        needs: Needs::Account,
        run: |target, account| {
            let account = given(account)?;
            let before = Visitor::arrive(target)?;
            let (after, reply) = before.sign_in(target, account)?;
            let mut found = of_cookies(target, &reply);
            if after.cookies == before.cookies {
                found.push("the cookies are the same as before".to_owned());
            }
            if before.is_admitted(target)? {
                found.push("the cookie from before is signed in as well".to_owned());
            }
            after.sign_out(target)?;
            Ok(found)
        },
    },
    Check {
        id: "sign-out",
        threats: &["T54"],
        asvs: &["V7.4.1"],
        holds: "A copy of the cookie is worth nothing after signing out",
        needs: Needs::Account,
        run: |target, account| {
            let (visitor, _) = Visitor::arrive(target)?.sign_in(target, given(account)?)?;
            visitor.sign_out(target)?;
            Ok(if visitor.is_admitted(target)? { vec!["the copy is still signed in".to_owned()] } else { vec![] })
        },
    },
    Check {
        id: "changed-cookies",
        threats: &["T58"],
        asvs: &["V9.1.1"],
        holds: "A cookie that was changed anywhere is none",
        needs: Needs::Account,
        run: |target, account| {
            let (visitor, _) = Visitor::arrive(target)?.sign_in(target, given(account)?)?;
            let mut found = Vec::new();
            for (at, (name, value)) in visitor.cookies.iter().enumerate() {
                for changed in changes(value) {
                    let mut forged = visitor.clone();
                    if let Some(cookie) = forged.cookies.get_mut(at) {
                        cookie.1 = changed.clone();
                    }
                    // Only the cookie that admits is of interest, and only alone.
                    forged.cookies.retain(|(known, _)| known == name);
                    if forged.is_admitted(target)? {
                        found.push(format!("{name}={} is admitted", shortened(&changed)));
                    }
                }
            }
            visitor.sign_out(target)?;
            Ok(found)
        },
    },
    Check {
        id: "next",
        threats: &["T1", "T2", "T4"],
        asvs: &["V3.7.2"],
        holds: "Nobody is led to another site after signing in",
        needs: Needs::Account,
        run: |target, account| {
            let account = given(account)?;
            // Without a target it works; with one of these it may be refused.
            Visitor::arrive(target)?.sign_in(target, account)?.0.sign_out(target)?;
            let mut found = Vec::new();
            // One sign-in each: a few that stand for the rest.
            for hostile in hostile_targets(target).into_iter().step_by(4) {
                let mut visitor = Visitor::arrive(target)?;
                let reply = visitor.enter(target, account, Some(&hostile))?;
                let location = reply.header("location");
                if leads_away(target, location) {
                    found.push(format!("next={} leads to {}", shortened(&hostile), shortened(location)));
                }
                visitor.keep(&reply);
                visitor.sign_out(target)?;
            }
            Ok(found)
        },
    },
    Check {
        id: "who-has-an-account",
        threats: &["T11", "T16"],
        asvs: &["V6.3.8"],
        holds: "A wrong password and an unknown address are answered alike",
        needs: Needs::Account,
        run: |target, account| {
            let account = given(account)?;
            // As long as the real one, so that a reply that repeats it has the same length.
            let unknown = format!("{}@attack.invalid", "x".repeat(account.email.len().saturating_sub(15).max(1)));
            let visitor = Visitor::arrive(target)?;
            let wrong = "neither right nor good 4711";
            let known = visitor.post(target, "/login", json!({"email": account.email, "password": wrong}))?;
            let unknown = visitor.post(target, "/login", json!({"email": unknown, "password": wrong}))?;
            let mut found = Vec::new();
            if known.status != unknown.status {
                found.push(format!("{} for a known address, {} for an unknown one", known.status, unknown.status));
            }
            if known.json() != unknown.json() {
                found.push("the texts differ".to_owned());
            }
            if known.header_names() != unknown.header_names() {
                found.push("the headers differ".to_owned());
            }
            Ok(found)
        },
    },
];

fn given(account: Option<&Account>) -> Result<&Account, Stop> {
    account.ok_or_else(|| Stop::skipped("it needs --account"))
}

/// A browser: cookies and the token for forms.
#[derive(Clone, Debug)]
struct Visitor {
    cookies: Vec<(String, String)>,
    token: String,
}

impl Visitor {
    /// Opens the page for signing in.
    fn arrive(target: &Target) -> Result<Self, Stop> {
        let reply = target.ask(Ask::get(target.path("/login")).for_json())?;
        let mut visitor = Self { cookies: vec![], token: String::new() };
        visitor.keep(&reply);
        Ok(visitor)
    }

    fn keep(&mut self, reply: &Reply) {
        for (name, value, _) in reply.cookies() {
            self.cookies.retain(|(known, _)| known != name);
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
        if let Some(token) = reply.json().pointer("/response/csrf_token").and_then(Value::as_str) {
            token.clone_into(&mut self.token);
        }
    }

    fn dressed(&self, target: &Target, ask: Ask) -> Ask {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let ask = if cookies.is_empty() { ask } else { ask.header("cookie", &cookies.join("; ")) };
        let page = format!("{}{}", target.origin(), target.path("/login"));
        ask.header("origin", target.origin()).header("referer", &page).header("x-csrftoken", &self.token)
    }

    fn post(&self, target: &Target, page: &str, mut fields: Value) -> Result<Reply, Stop> {
        if let Some(fields) = fields.as_object_mut() {
            fields.insert("csrf_token".to_owned(), self.token.clone().into());
        }
        target.ask(self.dressed(target, Ask::post(target.path(page)).json(&fields)))
    }

    /// Sends the form for signing in, as a person does.
    fn enter(&self, target: &Target, account: &Account, next: Option<&str>) -> Result<Reply, Stop> {
        let kind = "application/x-www-form-urlencoded";
        let ask = Ask::post(target.path("/login")).for_page().body(kind, form(account, &self.token, next));
        let reply = target.ask(self.dressed(target, ask))?;
        if reply.status == 429 || reply.status == 503 {
            return Err(Stop::skipped(format!("signing in is limited ({})", reply.status)));
        }
        Ok(reply)
    }

    /// Signs in; the visitor afterwards, and the reply.
    fn sign_in(&self, target: &Target, account: &Account) -> Result<(Self, Reply), Stop> {
        let reply = self.enter(target, account, None)?;
        let mut after = self.clone();
        after.keep(&reply);
        if !after.is_admitted(target)? {
            return Err(Stop::skipped(format!(
                "{} is not signed in by the password ({})",
                account.email, reply.status
            )));
        }
        let page = target.ask(after.dressed(target, Ask::get(target.path("/account")).for_json()))?;
        after.keep(&page);
        Ok((after, reply))
    }

    fn sign_out(&self, target: &Target) -> Result<(), Stop> {
        self.post(target, "/logout", json!({})).map(drop)
    }

    /// Whether the account page opens.
    fn is_admitted(&self, target: &Target) -> Result<bool, Stop> {
        Ok(target.ask(self.dressed(target, Ask::get(target.path("/account")).for_json()))?.is_success())
    }
}

/// Whether a reply signed somebody in, whoever has its cookies.
fn is_signed_in(target: &Target, reply: &Reply) -> Result<bool, Stop> {
    let mut visitor = Visitor { cookies: vec![], token: String::new() };
    visitor.keep(reply);
    visitor.is_admitted(target)
}

fn form(account: &Account, token: &str, next: Option<&str>) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("email", &account.email).append_pair("password", &account.password);
    if !token.is_empty() {
        form.append_pair("csrf_token", token);
    }
    form.extend_pairs(next.map(|next| ("next", next)));
    form.finish()
}

/// A cookie with a letter changed at some places, without its signature, and with nothing left of it.
fn changes(value: &str) -> Vec<String> {
    let mut all = Vec::new();
    let count = value.chars().count();
    for at in [0, count / 3, count / 2, count.saturating_sub(2)] {
        let swapped = value.chars().enumerate().map(|(n, c)| match (n == at, c) {
            (true, 'A') => 'B',
            (true, _) => 'A',
            (false, c) => c,
        });
        all.push(swapped.collect());
    }
    if let Some((head, _)) = value.rsplit_once('.') {
        all.extend([head.to_owned(), format!("{head}.")]);
    }
    all.retain(|changed| changed != value);
    all
}
