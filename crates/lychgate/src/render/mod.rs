//! Templates: the embedded ones, and the application's own that override them by file name.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, Value,
    value::{Kwargs, Rest},
};
use parking_lot::RwLock;
use rust_embed::RustEmbed;

use crate::{
    messages::{self, Messages},
    settings::Settings,
};

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/templates"]
struct Embedded;

/// Renders pages.
#[derive(Debug)]
pub(crate) struct Renderer {
    environment: Environment<'static>,
    added: Added,
}

/// Templates that a crate beside this one brings; an application's own of the same name win.
type Added = Arc<RwLock<BTreeMap<String, String>>>;

/// Where templates come from besides the embedded ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    /// Templates handed in by name.
    pub(crate) named: BTreeMap<String, String>,
    /// Folders, searched in order.
    pub(crate) folders: Vec<PathBuf>,
}

impl Renderer {
    pub(crate) fn new(
        settings: &Settings,
        sources: Sources,
        url: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
        asset_root: String,
        query_of_next: impl Fn(&str, &str) -> String + Send + Sync + 'static,
    ) -> Self {
        let switches = features(settings, &url);
        let mut environment = Environment::new();
        let added = Added::default();
        let more = Arc::clone(&added);
        environment.set_loader(move |name| match load(&sources, name)? {
            Some(source) => Ok(Some(source)),
            None => Ok(more.read().get(name).cloned()),
        });
        environment.set_formatter(format_value);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.set_fuel(Some(FUEL));
        let root = asset_root.clone();
        environment.add_function("asset", move |file: String| format!("{root}/{file}?v={}", env!("CARGO_PKG_VERSION")));
        environment.add_function("url_for", move |endpoint: String, query: Kwargs| -> Result<String, Error> {
            let next: Option<String> = query.get("next")?;
            let file: Option<String> = query.get("filename")?;
            if endpoint.ends_with("static") {
                return Ok(format!("{asset_root}/{}", file.unwrap_or_default()));
            }
            let known = url(&endpoint).or_else(|| url(&format!(".{endpoint}")));
            let url = known.ok_or_else(|| {
                Error::new(ErrorKind::InvalidOperation, format!("no endpoint is called {endpoint:?}"))
            })?;
            Ok(match next.filter(|next| !next.is_empty()) {
                Some(next) => query_of_next(&url, &next),
                None => url,
            })
        });
        environment.add_global("app_name", settings.text("app_name").to_owned());
        environment.add_global("app_logo", settings.text_opt("app_logo").map_or(Value::from(()), Value::from));
        environment.add_global("security", switches);
        environment
            .add_global("logout_needs_post", !settings.list("logout_methods").iter().any(|method| method == "GET"));
        Self { environment, added }
    }

    /// Takes up a template.
    pub(crate) fn add(&self, name: &str, source: &str) {
        self.added.write().insert(name.to_owned(), source.to_owned());
    }

    /// Renders a template in the language of `messages`.
    pub(crate) fn render(
        &self,
        template: &str,
        mut context: BTreeMap<String, Value>,
        messages: &Messages,
    ) -> Result<String, Error> {
        context.extend(language(messages).map(|(name, value)| (name.to_owned(), value)));
        self.environment.get_template(template)?.render(Value::from(context))
    }

    /// Whether there is a template of this name; one that cannot be read is an error.
    pub(crate) fn exists(&self, template: &str) -> Result<bool, Error> {
        match self.environment.get_template(template) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::TemplateNotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Instructions that one page may take: a template of an application must not run for ever.
const FUEL: u64 = 2_000_000;

fn load(sources: &Sources, name: &str) -> Result<Option<String>, Error> {
    if let Some(source) = sources.named.get(name) {
        return Ok(Some(source.clone()));
    }
    let is_plain =
        name.split('/').all(|part| !part.is_empty() && part != ".." && part != "." && !part.contains(['\\', '\0']));
    if !is_plain {
        return Ok(None);
    }
    for folder in &sources.folders {
        match std::fs::read_to_string(folder.join(name)) {
            Ok(source) => return Ok(Some(source)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(Error::new(ErrorKind::InvalidOperation, "a template cannot be read").with_source(error));
            }
        }
    }
    let embedded = Embedded::get(name).map(|file| String::from_utf8_lossy(&file.data).into_owned());
    Ok(embedded)
}

/// Which features are on, for templates that link to them.
fn features(settings: &Settings, url: &impl Fn(&str) -> Option<String>) -> Value {
    let there = |endpoint: &str| url(&format!(".{endpoint}")).is_some();
    let pages = [
        ("account", "account"),
        ("api_keys", "api_keys"),
        ("account_export", "account_export"),
        ("account_deletion", "account_delete"),
        ("registerable", "register"),
        ("recoverable", "forgot_password"),
        ("changeable", "change_password"),
        ("confirmable", "send_confirmation"),
        ("unified_signin", "us_signin"),
        ("webauthn", "wan_signin"),
        ("passwordless", "send_login"),
        ("two_factor", "two_factor_setup"),
        ("username_recovery", "recover_username"),
        ("change_email", "change_email"),
        ("change_username", "change_username"),
        ("oauth", "oauthstart"),
        ("recovery_codes", "mf_recovery_codes"),
        ("logout", "logout"),
        ("verify", "verify"),
    ];
    let mut map: BTreeMap<&str, Value> = pages.map(|(name, endpoint)| (name, there(endpoint).into())).into();
    let passkey_signin = there("wan_signin") && settings.flag("wan_allow_as_first_factor");
    let by_code = settings.flag("unified_signin") && settings.flag("us_signin_replaces_login");
    map.insert("password_signin", (there("login") && !by_code && !settings.flag("passwordless")).into());
    map.insert("passkey_signin", passkey_signin.into());
    map.insert("username_enable", settings.flag("username_enable").into());
    map.insert("trackable", settings.flag("trackable").into());
    Value::from(map)
}

/// What templates know of the language: its tag and direction, and the functions that look texts up in it.
fn language(messages: &Messages) -> [(&'static str, Value); 5] {
    // `_("Hello %(name)s", name=…)`: English is the language of the templates.
    let texts = messages.clone();
    let translate = Value::from_function(move |text: String, _: Rest<Value>, named: Kwargs| {
        filled(texts.translate(&text), &named, &[])
    });
    // `ngettext("%(num)s code", "%(num)s codes", n)`.
    let texts = messages.clone();
    let count = Value::from_function(move |one: String, several: String, count: i64, named: Kwargs| {
        filled(texts.form(&one, &several, count), &named, &[("num", &count), ("count", &count)])
    });
    [
        ("_", translate.clone()),
        ("_fsdomain", translate),
        ("ngettext", count),
        ("locale", messages.locale().into()),
        ("dir", messages.direction().as_str().into()),
    ]
}

/// A text with the named values in its place-holders. If one of them is HTML, the whole is, and the others are escaped.
fn filled(text: &str, named: &Kwargs, more: &[(&str, &dyn std::fmt::Display)]) -> Result<Value, Error> {
    let mut values: Vec<(&str, Value)> = Vec::new();
    for name in named.args() {
        values.push((name, named.get(name)?));
    }
    let is_html = values.iter().any(|(_, value)| value.is_safe());
    let shown = |value: &Value| match value.is_safe() {
        false if is_html => escaped(&value.to_string()),
        _ => value.to_string(),
    };
    let values: Vec<(&str, String)> = values.iter().map(|(name, value)| (*name, shown(value))).collect();
    let values = values.iter().map(|(name, value)| (*name, value as &dyn std::fmt::Display));
    let all: Vec<(&str, &dyn std::fmt::Display)> = values.chain(more.iter().copied()).collect();
    Ok(match is_html {
        true => Value::from_safe_string(messages::fill(&escaped(text), &all)),
        false => messages::fill(text, &all).into(),
    })
}

/// Escapes what HTML needs escaped, and leaves slashes, so that URLs read as they were written.
fn format_value(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    let Some(text) = value.as_str().filter(|_| *state.auto_escape() == AutoEscape::Html && !value.is_safe()) else {
        return minijinja::escape_formatter(out, state, value);
    };
    escape(out, text)?;
    Ok(())
}

fn escape(out: &mut dyn std::fmt::Write, text: &str) -> std::fmt::Result {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
        let (plain, tail) = rest.split_at(at);
        out.write_str(plain)?;
        let mut chars = tail.chars();
        out.write_str(match chars.next() {
            Some('&') => "&amp;",
            Some('<') => "&lt;",
            Some('>') => "&gt;",
            Some('"') => "&#34;",
            _ => "&#39;",
        })?;
        rest = chars.as_str();
    }
    out.write_str(rest)
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // Writing to a String cannot fail.
    let _ = escape(&mut out, text);
    out
}
