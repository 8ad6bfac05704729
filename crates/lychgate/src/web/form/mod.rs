//! Forms: what a feature asks for, what a client sent, and what was wrong with it.
//!
//! The same form is read from a JSON body and from an HTML form; its errors carry message keys, and become text only
//! when the reply is written.

mod field;
mod message;
#[cfg(test)]
mod tests;
mod view;

use serde_json::{Map, Value};

use self::field::{Secretive, Sent};
pub(crate) use self::{
    field::{Choice, Field, Kind},
    message::Message,
};
use super::body::Submitted;
use crate::{
    failure::Failure,
    messages::{self, MessageKey},
};

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
}
