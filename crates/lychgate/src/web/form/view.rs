//! A form as a template sees it.

use serde_json::{Map, Value, json};

use super::{Form, Message};
use crate::messages::Messages;

impl Form {
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
