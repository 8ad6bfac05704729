//! One field: its kind, what was sent in it, how it is shown.

use serde_json::{Map, Value, json};
use zeroize::Zeroize as _;

/// What a field holds, which decides how it is read and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Email,
    Tel,
    Password,
    Hidden,
    Checkbox,
    /// A one-time code, which programs may send as a number.
    Code,
    /// A password or a one-time code, which programs may send as a number.
    Passcode,
    /// One of several; see [`Field::choices`].
    Radio,
}

impl Kind {
    fn input_type(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Email => "email",
            Kind::Tel => "tel",
            Kind::Password | Kind::Passcode => "password",
            Kind::Hidden => "hidden",
            Kind::Checkbox => "checkbox",
            Kind::Code => "text",
            Kind::Radio => "radio",
        }
    }
}

/// One field of a form and what was sent in it.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(super) name: &'static str,
    kind: Kind,
    label: &'static str,
    autocomplete: &'static str,
    required: bool,
    pub(super) value: Secretive,
    sent: bool,
    pub(super) checked: bool,
    choices: Vec<Choice>,
}

/// One of the values that a field may have.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) label: String,
    /// What it means, where the label does not say it all.
    pub(crate) help: String,
}

impl Choice {
    pub(crate) fn new(value: impl Into<String>, label: impl Into<String>, help: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into(), help: help.into() }
    }
}

/// Text that is not shown by `Debug` and is wiped when dropped: any field may hold a password.
#[derive(Clone, Default)]
pub(super) struct Secretive(pub(super) String);

impl std::fmt::Debug for Secretive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

impl Drop for Secretive {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Field {
    pub(crate) fn new(name: &'static str, kind: Kind, label: &'static str) -> Self {
        Self {
            name,
            kind,
            label,
            autocomplete: "",
            required: false,
            value: Secretive::default(),
            sent: false,
            checked: false,
            choices: Vec::new(),
        }
    }

    /// The values that the field may have. `chosen` holds where nothing is sent; if it is none of them, one has to be sent.
    pub(crate) fn choices(self, choices: Vec<Choice>, chosen: &str) -> Self {
        Self { choices, value: Secretive(chosen.to_owned()), ..self }
    }

    pub(crate) fn required(self) -> Self {
        Self { required: true, ..self }
    }

    pub(crate) fn required_if(self, required: bool) -> Self {
        Self { required, ..self }
    }

    pub(crate) fn autocomplete(self, autocomplete: &'static str) -> Self {
        Self { autocomplete, ..self }
    }

    pub(crate) fn checked(self, checked: bool) -> Self {
        Self { checked, ..self }
    }

    pub(super) fn read(&mut self, sent: Sent<'_>) -> Result<(), ()> {
        self.sent = true;
        match (self.kind, sent) {
            (Kind::Checkbox, sent) => self.checked = sent.is_truthy(),
            (_, Sent::Text(text)) => self.value = Secretive(text.to_owned()),
            (_, Sent::Json(Value::String(text))) => self.value = Secretive(text.clone()),
            (_, Sent::Json(Value::Null)) => self.sent = false,
            (_, Sent::Json(Value::Array(items))) => match items.first() {
                Some(Value::String(text)) => self.value = Secretive(text.clone()),
                None => self.sent = false,
                Some(_) => return Err(()),
            },
            (Kind::Code, Sent::Json(Value::Number(number))) if number.is_u64() => {
                self.value = Secretive(format!("{:06}", number.as_u64().unwrap_or_default()));
            }
            (Kind::Passcode, Sent::Json(Value::Number(number))) if number.is_u64() => {
                self.value = Secretive(number.to_string());
            }
            // What is none of the choices says so itself.
            (Kind::Radio, Sent::Json(_)) => self.value = Secretive::default(),
            (_, Sent::Json(_)) => return Err(()),
        }
        Ok(())
    }

    /// Whether it holds one of its choices, if it has any.
    pub(super) fn is_among_choices(&self) -> bool {
        self.kind != Kind::Radio || self.choices.iter().any(|choice| choice.value == self.value.0)
    }

    pub(super) fn view(&self, errors: Vec<String>) -> Value {
        let shown =
            if matches!(self.kind, Kind::Password | Kind::Code | Kind::Passcode) { "" } else { self.value.0.as_str() };
        let mut view = Map::new();
        for (key, value) in [
            ("name", self.name),
            ("id", self.name),
            ("type", self.kind.input_type()),
            ("label", self.label),
            ("autocomplete", self.autocomplete),
            ("value", if self.kind == Kind::Checkbox { "y" } else { shown }),
        ] {
            view.insert(key.to_owned(), Value::from(value));
        }
        view.insert("required".to_owned(), self.required.into());
        view.insert("checked".to_owned(), self.checked.into());
        view.insert("errors".to_owned(), errors.into());
        if self.kind == Kind::Radio {
            let choices = self.choices.iter().map(|choice| {
                let checked = choice.value == self.value.0;
                json!({"value": choice.value, "label": choice.label, "help": choice.help, "checked": checked})
            });
            view.insert("choices".to_owned(), choices.collect());
        }
        Value::Object(view)
    }
}

#[derive(Clone, Copy)]
pub(super) enum Sent<'a> {
    Text(&'a str),
    Json(&'a Value),
}

impl Sent<'_> {
    /// `false` is `""`, `"false"`, JSON `false` and JSON zero; everything else is true.
    fn is_truthy(self) -> bool {
        match self {
            Sent::Text(text) => !matches!(text, "" | "false"),
            Sent::Json(Value::Bool(value)) => *value,
            Sent::Json(Value::Number(number)) => number.as_f64() != Some(0.0),
            Sent::Json(Value::String(text)) => !matches!(text.as_str(), "" | "false"),
            Sent::Json(Value::Array(items)) => items.first().is_some_and(|first| Sent::Json(first).is_truthy()),
            Sent::Json(_) => true,
        }
    }
}
