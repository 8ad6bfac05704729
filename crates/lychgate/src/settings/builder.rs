//! Collecting values from file, environment and code, and making settings of them.

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Inner, Profile, Settings, check, environment,
    error::{Problem, SettingsErrors, Source},
    file::{self, Entry},
    known::{self, Target},
    parse,
    raw::RawValue,
    setting::{Setting, Status},
    value::{IdentityAttribute, IdentityMapper, Value},
};
use crate::messages::MessageKey;

/// The longest message text, in bytes.
const MESSAGE_MAX: usize = 10_000;
/// The longest file that is read, in bytes.
const FILE_MAX: u64 = 1 << 20;

/// Collects values; made by [`Settings::builder`].
///
/// Files come first, then the environment, then calls of [`set`](Self::set); of several values the
/// last one counts.
#[derive(Default)]
#[must_use]
pub struct SettingsBuilder {
    texts: Vec<(String, String)>,
    unread: Vec<(PathBuf, String)>,
    variables: Vec<(String, String)>,
    calls: Vec<(String, RawValue)>,
}

impl SettingsBuilder {
    /// Takes the text of a file; `file_name` is what errors call it.
    pub fn toml(mut self, file_name: &str, text: &str) -> Self {
        self.texts.push((file_name.to_owned(), text.to_owned()));
        self
    }

    /// Takes a file; that it cannot be read is an error of [`build`](Self::build).
    pub fn file(mut self, path: &Path) -> Self {
        match read_file(path) {
            Ok(text) => self.texts.push((path.display().to_string(), text)),
            Err(problem) => self.unread.push((path.to_owned(), problem)),
        }
        self
    }

    /// Takes environment variables, handed in so that tests need none.
    pub fn env(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.variables.extend(variables);
        self
    }

    /// Takes the environment of this process; names and values that are not Unicode are left out.
    pub fn process_environment(self) -> Self {
        let unicode =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        self.env(unicode)
    }

    /// Chooses the profile, whatever file and environment say.
    pub fn profile(self, profile: Profile) -> Self {
        self.set("profile", profile.name())
    }

    /// Gives a value by qualified name: `login_url`, `session.cookie_name`,
    /// `messages.UNAUTHORIZED`.
    pub fn set(mut self, name: &str, value: impl Into<RawValue>) -> Self {
        self.calls.push((name.to_owned(), value.into()));
        self
    }

    /// Reads and checks everything.
    ///
    /// # Errors
    ///
    /// All problems at once: unknown names, wrong types, combinations that cannot work, missing or
    /// sample secrets.
    pub fn build(self) -> Result<Settings, SettingsErrors> {
        let mut problems: Vec<Problem> = Vec::new();
        let mut entries: Vec<Entry> = Vec::new();
        for (path, text) in self.unread {
            problems.push(Problem::new(Source::File { name: path.display().to_string(), line: 1 }, text));
        }
        for (name, text) in &self.texts {
            let reading = file::read(name, text);
            problems.extend(reading.problems);
            entries.extend(reading.entries);
        }
        let (from_variables, bad, mut warnings) = environment::read(self.variables);
        entries.extend(from_variables);
        problems.extend(bad);
        for (name, raw) in self.calls {
            match known::find_qualified(&name) {
                Ok(target) => entries.push(Entry { target, raw, source: Source::Builder }),
                Err(text) => problems.push(Problem::new(Source::Builder, text)),
            }
        }
        let draft = Draft::fill(entries, &mut problems, &mut warnings);
        let settings = Settings { inner: Arc::new(draft.finish(warnings)) };
        let mut checked = check::run(&settings);
        // A default in place of a bad value misleads, so nothing is said of combinations that have one; nor of any where
        // the defaults themselves, or what else was meant, are unknown.
        let bad: Vec<Option<&str>> = problems.iter().map(|problem| problem.setting.as_deref()).collect();
        let is_open = bad.iter().any(|name| matches!(*name, None | Some("profile" | "environment")));
        let fits = |text: &str| !is_open && !bad.iter().flatten().any(|name| text.contains(name));
        checked.problems.retain(|problem| fits(&problem.text));
        problems.extend(checked.problems);
        if problems.is_empty() {
            return Ok(settings.with_warnings(checked.warnings));
        }
        problems.sort_by_key(|problem| match &problem.source {
            Source::File { name, line } => (0, name.clone(), *line),
            _ => (1, String::new(), 0),
        });
        Err(SettingsErrors::new(problems))
    }
}

impl Settings {
    fn with_warnings(mut self, more: Vec<String>) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.warnings.extend(more);
        }
        self
    }
}

/// What was given so far, by place in the table.
struct Draft {
    given: HashMap<usize, (Value, Source)>,
    messages: HashMap<MessageKey, (String, String)>,
}

impl Draft {
    fn fill(entries: Vec<Entry>, problems: &mut Vec<Problem>, warnings: &mut Vec<String>) -> Self {
        let mut draft = Self { given: HashMap::new(), messages: HashMap::new() };
        for Entry { target, raw, source } in entries {
            match target {
                Target::Setting(at) => {
                    let Some(&setting) = known::table().get(at) else {
                        continue;
                    };
                    match parse::read(setting, raw) {
                        Ok(value) => {
                            warnings.extend(without_effect(setting, &source));
                            draft.given.insert(at, (value, source));
                        }
                        Err(text) => {
                            let name = setting.qualified();
                            problems.push(Problem::new(source, format!("{name}: {text}")).about(name));
                        }
                    }
                }
                Target::Message(key) => match message(key, raw) {
                    Ok(text) => {
                        draft.messages.insert(key, text);
                    }
                    Err(text) => problems.push(Problem::new(source, format!("messages.{key}: {text}"))),
                },
                Target::Form => warnings.push(format!("{source}: forms are not replaced by settings")),
            }
        }
        draft
    }

    fn finish(mut self, warnings: Vec<String>) -> Inner {
        let profile = match known::place("profile").and_then(|at| self.given.get(&at)) {
            Some((Value::Text(name), _)) if name == Profile::Flask.name() => Profile::Flask,
            _ => Profile::Modern,
        };
        let mut values = Vec::with_capacity(known::table().len());
        let mut sources = Vec::with_capacity(known::table().len());
        for (at, setting) in known::table().iter().enumerate() {
            let preset = match profile {
                Profile::Modern => &setting.modern,
                Profile::Flask => &setting.flask,
            };
            let (value, source) =
                self.given.remove(&at).unwrap_or_else(|| (Value::from_preset(preset), Source::Default));
            values.push(value);
            sources.push(source);
        }
        let mut inner = Inner { profile, values, sources, messages: self.messages, warnings };
        inner.derive();
        inner
    }
}

impl Inner {
    /// Defaults that follow from other settings.
    fn derive(&mut self) {
        // NIST SP 800-63B-4 section 3.1.1.2: 15 characters for a password used alone, 8 beside a
        // second factor.
        let second_factor = self.is_on("two_factor") && self.is_on("two_factor_required");
        if self.profile == Profile::Modern && second_factor {
            self.default_to("password_length_min", Value::Int(8));
        }
        if self.is_on("username_enable")
            && let Some(Value::Identities(columns)) =
                known::place("user_identity_attributes").and_then(|at| self.values.get_mut(at))
            && !columns.iter().any(|column| column.name == "username")
        {
            columns.push(IdentityAttribute {
                name: "username".to_owned(),
                mapper: IdentityMapper::Username,
                case_insensitive: true,
            });
        }
    }

    fn is_on(&self, name: &str) -> bool {
        known::place(name).and_then(|at| self.values.get(at)).is_some_and(|value| *value == Value::Flag(true))
    }

    fn default_to(&mut self, name: &str, value: Value) {
        let Some(at) = known::place(name) else { return };
        if self.sources.get(at) == Some(&Source::Default)
            && let Some(slot) = self.values.get_mut(at)
        {
            *slot = value;
        }
    }
}

/// The warning about a name that does nothing.
fn without_effect(setting: &Setting, source: &Source) -> Option<String> {
    let name = setting.qualified();
    match setting.status {
        Status::Live => None,
        Status::Later(feature) => {
            Some(format!("{source}: {name} belongs to {feature}, which this version does not have yet"))
        }
        Status::WithoutMeaning(why) => Some(format!("{source}: {name} has no meaning here: {why}")),
    }
}

/// Reads the text of a message, or its text and category.
fn message(key: MessageKey, raw: RawValue) -> Result<(String, String), String> {
    let expected = || "expected a text, or a list of text and category".to_owned();
    let raw = match raw {
        RawValue::Written(text) => RawValue::from_json_text(&text).unwrap_or(RawValue::Text(text)),
        typed => typed,
    };
    let (text, category) = match raw {
        RawValue::Text(text) => (text, key.default_category().to_owned()),
        RawValue::List(items) => match <[RawValue; 2]>::try_from(items) {
            Ok([RawValue::Text(text), RawValue::Text(category)]) => (text, category),
            _ => return Err(expected()),
        },
        _ => return Err(expected()),
    };
    if text.len() > MESSAGE_MAX {
        return Err(format!("the text is longer than {MESSAGE_MAX} bytes"));
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if category.is_empty() || category.len() > 32 || !category.bytes().all(plain) {
        return Err("the category is a word of letters, digits, - and _".to_owned());
    }
    Ok((text, category))
}

fn read_file(path: &Path) -> Result<String, String> {
    let metadata = std::fs::metadata(path).map_err(|error| format!("cannot be read: {error}"))?;
    if metadata.len() > FILE_MAX {
        return Err(format!("larger than {FILE_MAX} bytes"));
    }
    std::fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))
}

impl fmt::Debug for SettingsBuilder {
    /// Names only, as values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files: Vec<&str> = self.texts.iter().map(|(name, _)| name.as_str()).collect();
        let calls: Vec<&str> = self.calls.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("SettingsBuilder").field("files", &files).field("calls", &calls).finish_non_exhaustive()
    }
}
