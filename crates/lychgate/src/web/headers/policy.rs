//! Content-Security-Policy: what pages may load, and from where (CSP level 3).

use http::{HeaderName, HeaderValue, header};

use super::written;
use crate::settings::{Kind, Profile, RawValue, Settings};

/// What pages may load where nothing is set.
const MODERN: &[(&str, &str)] = &[
    ("default-src", "'self'"),
    ("script-src", "'self'"),
    ("style-src", "'self'"),
    ("img-src", "'self' data:"),
    ("object-src", "'none'"),
    ("base-uri", "'none'"),
];
/// The same, as Flask-Talisman has it.
const FLASK: &[(&str, &str)] = &[("default-src", "'self'"), ("object-src", "'none'")];

/// Settings that let a form lead to another site; with one of them, `form-action` would stop it.
const LEADING_AWAY: &[&str] = &["redirect_base_domain", "redirect_host", "redirect_allow_subdomains"];

/// Directives and their values, in the order in which they are sent.
type Directives = Vec<(String, String)>;

/// The policy, and which directives carry a nonce.
#[derive(Debug)]
pub(super) struct Policy {
    name: HeaderName,
    directives: Directives,
    nonce_in: Vec<String>,
    /// For replies without a nonce.
    plain: HeaderValue,
}

impl Policy {
    pub(super) fn from_settings(settings: &Settings, frame: &str) -> Result<Option<Self>, String> {
        let Some(mut directives) = given(settings)? else { return Ok(None) };
        if settings.profile() == Profile::Modern {
            complete(&mut directives, settings, frame);
        }
        for (name, value) in settings.map("headers.content_security_policy_add") {
            add(&mut directives, name, &written(value));
        }
        if let Some(uri) = settings.text_opt("headers.content_security_policy_report_uri") {
            directives.push(("report-uri".to_owned(), uri.to_owned()));
        }
        let nonce_in = settings.list("headers.content_security_policy_nonce_in").to_vec();
        for name in &nonce_in {
            if value_of(&directives, name).is_none() {
                // A directive without a list of its own follows this one.
                let value = value_of(&directives, "default-src").unwrap_or_default().to_owned();
                directives.push((name.clone(), value));
            }
        }
        if directives.is_empty() {
            return Ok(None);
        }
        let unusable = || "headers.content_security_policy: it cannot stand in a header".to_owned();
        let is_name = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if directives.iter().any(|(name, value)| !is_name(name) || value.contains([';', ','])) {
            return Err(unusable());
        }
        let plain = text(&directives, &[], "").parse().map_err(|_| unusable())?;
        let name = match settings.flag("headers.content_security_policy_report_only") {
            true => header::CONTENT_SECURITY_POLICY_REPORT_ONLY,
            false => header::CONTENT_SECURITY_POLICY,
        };
        Ok(Some(Self { name, directives, nonce_in, plain }))
    }

    pub(super) fn name(&self) -> &HeaderName {
        &self.name
    }

    pub(super) fn has_nonce(&self) -> bool {
        !self.nonce_in.is_empty()
    }

    /// As it is sent with a page that carries this nonce.
    pub(super) fn value(&self, nonce: Option<&str>) -> HeaderValue {
        let with = nonce.and_then(|nonce| HeaderValue::try_from(text(&self.directives, &self.nonce_in, nonce)).ok());
        with.unwrap_or_else(|| self.plain.clone())
    }
}

/// What the settings say, or the default; nothing where the policy is switched off.
fn given(settings: &Settings) -> Result<Option<Directives>, String> {
    let own = |list: &[(&str, &str)]| list.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Ok(Some(match settings.any("headers.content_security_policy") {
        None if settings.profile() == Profile::Modern => own(MODERN),
        None => own(FLASK),
        Some(RawValue::Flag(false)) => return Ok(None),
        Some(RawValue::Map(map)) => map.iter().map(|(name, value)| (name.clone(), written(value))).collect(),
        Some(RawValue::Text(text) | RawValue::Written(text)) => directives_of(text),
        Some(other) => {
            let what = other.describe();
            return Err(format!("headers.content_security_policy: a table or text is wanted, this is {what}"));
        }
    }))
}

/// What the other settings say of frames, forms and the logo.
fn complete(directives: &mut Directives, settings: &Settings, frame: &str) {
    let ancestors = match frame {
        "DENY" => "'none'",
        "SAMEORIGIN" => "'self'",
        other => other.strip_prefix("ALLOW-FROM ").unwrap_or_default(),
    };
    if !ancestors.is_empty() && value_of(directives, "frame-ancestors").is_none() {
        directives.push(("frame-ancestors".to_owned(), ancestors.to_owned()));
    }
    if settings.any("headers.content_security_policy").is_some() {
        return;
    }
    if !leads_away(settings) {
        directives.push(("form-action".to_owned(), "'self'".to_owned()));
    }
    let logo = settings.text_opt("app_logo").and_then(origin_of);
    if let (Some(origin), Some((_, images))) = (logo, directives.iter_mut().find(|(name, _)| name == "img-src")) {
        images.push(' ');
        images.push_str(&origin);
    }
}

/// Lets a directive let in more; one that is not there yet begins with what stands for it.
fn add(directives: &mut Directives, name: &str, more: &str) {
    let at = directives.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
        let of_all = if name.ends_with("-src") { value_of(directives, "default-src") } else { None };
        directives.push((name.to_owned(), of_all.unwrap_or_default().to_owned()));
        directives.len() - 1
    });
    if let Some((_, value)) = directives.get_mut(at) {
        // 'none' stands alone (CSP level 3, section 2.3.1).
        if value == "'none'" {
            value.clear();
        }
        if !value.is_empty() {
            value.push(' ');
        }
        value.push_str(more);
    }
}

/// Whether some form of ours may end on a page of another origin.
fn leads_away(settings: &Settings) -> bool {
    let is_text = |kind: Kind| matches!(kind, Kind::Text | Kind::OptText | Kind::Path);
    let mut views = Settings::declared().filter(|setting| setting.name().ends_with("_view") && is_text(setting.kind()));
    !settings.list("cors.origins").is_empty()
        || LEADING_AWAY.iter().any(|name| settings.given(name))
        || views.any(|view| settings.text(&view.qualified()).contains("//"))
}

/// Scheme, host and port of an address that has them.
fn origin_of(address: &str) -> Option<String> {
    let uri: http::Uri = address.parse().ok()?;
    Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?))
}

fn value_of<'a>(directives: &'a Directives, name: &str) -> Option<&'a str> {
    directives.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn text(directives: &Directives, nonce_in: &[String], nonce: &str) -> String {
    let mut text = String::with_capacity(256);
    for (name, value) in directives {
        if !text.is_empty() {
            text.push_str("; ");
        }
        text.push_str(name);
        if !value.is_empty() {
            text.push(' ');
            text.push_str(value);
        }
        if nonce_in.contains(name) {
            text.push_str(" 'nonce-");
            text.push_str(nonce);
            text.push('\'');
        }
    }
    text
}

/// The directives of a policy that is written as text.
fn directives_of(text: &str) -> Directives {
    let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
    let split = parts.map(|part| part.split_once(char::is_whitespace).unwrap_or((part, "")));
    split.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn more_can_be_let_in() {
        let policy = |text: &str| {
            let settings = Settings::builder().toml(
                "test",
                &format!("profile = \"flask\"\nsecret_key = \"0123456789abcdef0123456789abcdef\"\n[security]\npassword_salt = \"0123456789abcdef\"\n{text}"),
            );
            let policy = Policy::from_settings(&settings.build().unwrap(), "SAMEORIGIN").unwrap().unwrap();
            policy.value(None).to_str().unwrap().to_owned()
        };
        let own = "default-src 'self'; object-src 'none'";
        assert_eq!(policy(""), own);
        let added = "[headers.content_security_policy_add]\nimg-src = \"https://a.example\"\nobject-src = \"'self'\"\n\
                     frame-ancestors = [\"https://a.example\", \"https://b.example\"]\n";
        assert_eq!(
            policy(added),
            "default-src 'self'; object-src 'self'; img-src 'self' https://a.example; frame-ancestors https://a.example \
             https://b.example"
        );
        let replaced = format!("[headers.content_security_policy]\nimg-src = \"*\"\n{added}");
        assert_eq!(
            policy(&replaced),
            "img-src * https://a.example; object-src 'self'; frame-ancestors https://a.example https://b.example"
        );
    }
}
