//! Forms: what a feature asks for, what a client sent, and what was wrong with it.
//!
//! The same form is read from a JSON body and from an HTML form; its errors carry message keys, and become text only
//! when the reply is written.

use serde_json::{Map, Value, json};
use zeroize::Zeroize as _;

use super::body::Submitted;
use crate::{
    failure::Failure,
    messages::{self, MessageKey, Messages, Said},
};

/// A message with what stands in its place-holders.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) key: MessageKey,
    pub(crate) args: Vec<(&'static str, Arg)>,
}

/// What stands in a place-holder.
#[derive(Clone, Debug)]
pub(crate) enum Arg {
    /// Text as it is.
    Text(String),
    /// What each language says in its own way.
    Said(Said),
}

impl From<String> for Arg {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Arg {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Said> for Arg {
    fn from(said: Said) -> Self {
        Self::Said(said)
    }
}

impl Message {
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Arg>) -> Self {
        self.args.push((name, value.into()));
        self
    }

    /// As people read it.
    pub(crate) fn text(&self, messages: &Messages) -> String {
        let args: Vec<(&str, String)> = self
            .args
            .iter()
            .map(|(name, arg)| match arg {
                Arg::Text(text) => (*name, text.clone()),
                Arg::Said(said) => (*name, said.in_words(messages)),
            })
            .collect();
        let args: Vec<(&str, &dyn std::fmt::Display)> =
            args.iter().map(|(name, value)| (*name, value as &dyn std::fmt::Display)).collect();
        messages.format(self.key, &args)
    }
}

impl From<MessageKey> for Message {
    fn from(key: MessageKey) -> Self {
        Self { key, args: Vec::new() }
    }
}

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
    name: &'static str,
    kind: Kind,
    label: &'static str,
    autocomplete: &'static str,
    required: bool,
    value: Secretive,
    sent: bool,
    checked: bool,
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
struct Secretive(String);

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

    fn read(&mut self, sent: Sent<'_>) -> Result<(), ()> {
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
    fn is_among_choices(&self) -> bool {
        self.kind != Kind::Radio || self.choices.iter().any(|choice| choice.value == self.value.0)
    }

    fn view(&self, errors: Vec<String>) -> Value {
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
enum Sent<'a> {
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

/// A form of a feature.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    /// The name that pages and their tests know it by.
    pub(crate) name: &'static str,
    /// The setting that names its template.
    pub(crate) template: String,
    /// Where it is sent to.
    pub(crate) action: String,
    fields: Vec<Field>,
    /// The order in which errors are told, where it is not that of the fields.
    error_order: &'static [&'static str],
    field_errors: Vec<(&'static str, Message)>,
    form_errors: Vec<Message>,
    /// More for the template, and for the JSON reply to a GET.
    pub(crate) payload: Map<String, Value>,
}

/// A form that was refused.
#[derive(Debug)]
pub(crate) struct Rejected {
    pub(crate) form: Form,
}

impl Form {
    pub(crate) fn new(name: &'static str, template: &str, action: String, fields: Vec<Field>) -> Self {
        Self {
            name,
            template: template.to_owned(),
            action,
            fields,
            error_order: &[],
            field_errors: Vec::new(),
            form_errors: Vec::new(),
            payload: Map::new(),
        }
    }

    /// Tells errors in this order of fields.
    pub(crate) fn error_order(self, error_order: &'static [&'static str]) -> Self {
        Self { error_order, ..self }
    }

    /// Takes the fields out of what was sent; a wrong type is an error of its field, a broken body one of the request.
    pub(crate) fn fill(&mut self, submitted: &Submitted) -> Result<(), Failure> {
        let mut wrong = Vec::new();
        match submitted {
            Submitted::Nothing => {}
            Submitted::Broken(why) => return Err(why.failure()),
            Submitted::Json(map) => {
                for field in &mut self.fields {
                    match map.get(field.name) {
                        // What a form ticks by default concerns only those who see it.
                        None => field.checked = false,
                        Some(value) if field.read(Sent::Json(value)).is_err() => wrong.push(field.name),
                        Some(_) => {}
                    }
                }
            }
            Submitted::Form(pairs) => {
                for field in &mut self.fields {
                    let mut values = pairs.iter().filter(|(name, _)| name == field.name).map(|(_, value)| value);
                    let Some(first) = values.next() else {
                        // A box that is not ticked is not sent.
                        field.checked = false;
                        continue;
                    };
                    if values.any(|other| other != first) || field.read(Sent::Text(first)).is_err() {
                        wrong.push(field.name);
                    }
                }
            }
        }
        let unlike = self.fields.iter().filter(|field| !field.is_among_choices() && !wrong.contains(&field.name));
        let unlike: Vec<&'static str> = unlike.map(|field| field.name).collect();
        for name in wrong {
            self.field_error(name, messages::API_ERROR);
        }
        for name in unlike {
            self.field_error(name, messages::INVALID_CHOICE);
        }
        Ok(())
    }

    /// What was sent in a field; empty if nothing was.
    pub(crate) fn value(&self, name: &str) -> &str {
        self.field(name).map_or("", |field| &field.value.0)
    }

    pub(crate) fn set_value(&mut self, name: &str, value: &str) {
        if let Some(field) = self.fields.iter_mut().find(|field| field.name == name) {
            field.value = Secretive(value.to_owned());
        }
    }

    pub(crate) fn set_checked(&mut self, name: &str, checked: bool) {
        if let Some(field) = self.fields.iter_mut().find(|field| field.name == name) {
            field.checked = checked;
        }
    }

    pub(crate) fn is_checked(&self, name: &str) -> bool {
        self.field(name).is_some_and(|field| field.checked)
    }

    pub(crate) fn has_field(&self, name: &str) -> bool {
        self.field(name).is_some()
    }

    fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    pub(crate) fn field_error(&mut self, name: &'static str, message: impl Into<Message>) {
        self.field_errors.push((name, message.into()));
    }

    pub(crate) fn form_error(&mut self, message: impl Into<Message>) {
        self.form_errors.push(message.into());
    }

    pub(crate) fn has_errors(&self) -> bool {
        !self.field_errors.is_empty() || !self.form_errors.is_empty()
    }

    pub(crate) fn has_error_in(&self, name: &str) -> bool {
        self.field_errors.iter().any(|(field, _)| *field == name)
    }

    /// Replaces every error by one that says as little for each: for replies that must not tell who is known.
    pub(crate) fn generalise(&mut self, fields: &[&str], message: MessageKey) {
        let mut failing: Vec<&str> = self.field_errors.iter().map(|(name, _)| *name).collect();
        failing.retain(|name| fields.contains(name));
        failing.sort_unstable();
        failing.dedup();
        self.field_errors.retain(|(name, _)| !fields.contains(name));
        let unspecific = !self.form_errors.is_empty();
        self.form_errors.clear();
        let repeats = failing.len().max(usize::from(unspecific));
        self.form_errors.extend(std::iter::repeat_n(Message::from(message), repeats));
    }

    /// Takes every error back, for a page that only asks.
    pub(crate) fn without_errors(mut self) -> Self {
        self.field_errors.clear();
        self.form_errors.clear();
        self
    }

    /// Takes back what was said of single fields.
    pub(crate) fn without_field_errors(mut self) -> Self {
        self.field_errors.clear();
        self
    }

    /// Takes back the errors that tell what these messages tell.
    pub(crate) fn without(mut self, telling: &[MessageKey]) -> Self {
        self.field_errors.retain(|(_, message)| !telling.contains(&message.key));
        self
    }

    /// The form as a failure.
    pub(crate) fn rejected(self) -> Failure {
        Failure::Form(Box::new(Rejected { form: self }))
    }

    /// Errors in the order of the fields, `csrf_token` last, then those of the form as a whole.
    pub(crate) fn errors_in_order(&self) -> impl Iterator<Item = (&'static str, &Message)> {
        let rank = |name: &str| {
            let listed = self.error_order.iter().position(|field| *field == name);
            let declared = self.fields.iter().position(|field| field.name == name);
            listed.or(declared.map(|at| at + self.error_order.len())).unwrap_or(usize::MAX)
        };
        let mut fields: Vec<_> = self.field_errors.iter().map(|(name, message)| (*name, message)).collect();
        fields.sort_by_key(|(name, _)| rank(name));
        let fields = fields.into_iter();
        fields.chain(self.form_errors.iter().map(|message| ("", message)))
    }

    /// For the template, in the language of `messages`.
    pub(crate) fn view(&self, messages: &Messages) -> Value {
        let text = |message: &Message| message.text(messages);
        let list: Vec<Value> = self
            .fields
            .iter()
            .map(|field| {
                let errors = self.field_errors.iter().filter(|(name, _)| *name == field.name);
                let mut view = field.view(errors.map(|(_, message)| text(message)).collect());
                translate_labels(&mut view, messages);
                view
            })
            .collect();
        let mut by_name: Map<String, Value> =
            self.fields.iter().zip(&list).map(|(field, view)| (field.name.to_owned(), view.clone())).collect();
        let stray = self.field_errors.iter().filter(|(name, _)| !self.has_field(name)).map(|(_, message)| message);
        let errors: Vec<Value> = self.form_errors.iter().map(|m| Value::from(text(m))).collect();
        let others: Vec<Value> = stray.map(|m| Value::from(text(m))).collect();
        let hidden: Vec<Value> =
            list.iter().filter(|view| view.get("type") == Some(&json!("hidden"))).cloned().collect();
        let submit = json!({"name": "submit", "id": "submit", "type": "submit", "label": "", "value": ""});
        by_name.insert("submit".to_owned(), submit.clone());
        let mut list = list;
        list.push(submit);
        let mut view = Map::new();
        view.insert("other_errors".to_owned(), others.into());
        view.insert("hidden".to_owned(), hidden.into());
        view.insert("name".to_owned(), self.name.into());
        view.insert("action".to_owned(), self.action.as_str().into());
        view.insert("method".to_owned(), "post".into());
        view.insert("errors".to_owned(), errors.into());
        view.insert("fields".to_owned(), by_name.into());
        view.insert("field_list".to_owned(), list.into());
        Value::Object(view)
    }
}

/// Translates what a field is called, how it is explained, and the same of its choices.
fn translate_labels(view: &mut Value, messages: &Messages) {
    for name in ["label", "help"] {
        if let Some(Value::String(text)) = view.get_mut(name) {
            *text = messages.translate(text).to_owned();
        }
    }
    if let Some(Value::Array(choices)) = view.get_mut("choices") {
        choices.iter_mut().for_each(|choice| translate_labels(choice, messages));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn form() -> Form {
        let fields = vec![
            Field::new("email", Kind::Email, "Email").required(),
            Field::new("password", Kind::Password, "Password"),
            Field::new("remember", Kind::Checkbox, "Remember").checked(true),
        ];
        Form::new("f", "t", "/".to_owned(), fields)
    }

    fn english() -> Messages {
        Messages::new(&crate::settings::tests::minimal().build().unwrap())
    }

    fn filled(json: Value) -> Form {
        let Value::Object(map) = json else { panic!() };
        let mut form = form();
        form.fill(&Submitted::Json(map)).unwrap();
        form
    }

    #[test]
    fn scalars_lists_and_wrong_types() {
        let form = filled(json!({"email": ["a@b"], "password": 7}));
        assert_eq!(form.value("email"), "a@b");
        let errors: Vec<_> = form.errors_in_order().map(|(name, message)| (name, message.key)).collect();
        assert_eq!(errors, [("password", messages::API_ERROR)]);
    }

    #[test]
    fn what_counts_as_ticked() {
        for (value, ticked) in [
            (json!(false), false),
            (json!(0), false),
            (json!(0.0), false),
            (json!(""), false),
            (json!("false"), false),
            (json!(null), true),
            (json!("0"), true),
            (json!("False"), true),
            (json!(1), true),
            (json!([]), false),
            (json!(["false"]), false),
            (json!(["y"]), true),
        ] {
            assert_eq!(filled(json!({"remember": value})).is_checked("remember"), ticked, "{value}");
        }
        let mut sent = form();
        sent.fill(&Submitted::Form(vec![("email".to_owned(), "a".to_owned())])).unwrap();
        assert!(!sent.is_checked("remember"), "a box that was not sent is not ticked");
    }

    #[test]
    fn one_of_several() {
        let choices =
            || vec![Choice::new("first", "First", ""), Choice::new("secondary", "Second", "After a password.")];
        let asked = |chosen, sent: Submitted| {
            let usage = Field::new("usage", Kind::Radio, "Usage").choices(choices(), chosen);
            let mut form = Form::new("f", "t", "/".to_owned(), vec![usage]);
            form.fill(&sent).unwrap();
            form
        };
        let json = |value: Value| Submitted::Json(Map::from_iter([("usage".to_owned(), value)]));
        assert_eq!(asked("secondary", json(json!("first"))).value("usage"), "first");
        for unsent in [|| Submitted::Nothing, || Submitted::Json(Map::new())] {
            let form = asked("secondary", unsent());
            assert_eq!((form.value("usage"), form.has_errors()), ("secondary", false));
            assert!(asked("", unsent()).has_error_in("usage"));
        }
        for wrong in [json!("third"), json!(""), json!(1), json!({"a": 1}), json!([2])] {
            let form = asked("secondary", json(wrong.clone()));
            let errors: Vec<_> = form.errors_in_order().map(|(name, message)| (name, message.key)).collect();
            assert!(
                matches!(errors.as_slice(), [("usage", messages::INVALID_CHOICE | messages::API_ERROR)]),
                "{wrong}: {errors:?}"
            );
        }
        let view = asked("secondary", Submitted::Nothing).view(&english());
        let shown = &view["fields"]["usage"];
        assert_eq!((&shown["type"], &shown["choices"][1]["checked"]), (&json!("radio"), &json!(true)));
    }

    #[test]
    fn one_field_sent_twice_with_two_values_is_refused() {
        let mut form = form();
        let pairs = [("email", "a"), ("email", "b")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        form.fill(&Submitted::Form(pairs.to_vec())).unwrap();
        assert!(form.has_error_in("email"));
    }

    #[test]
    fn passwords_are_never_shown_again() {
        let form = filled(json!({"password": "hunter2"}));
        assert!(!form.view(&english()).to_string().contains("hunter2"));
        assert!(!format!("{form:?}").contains("hunter2"));
    }
}
