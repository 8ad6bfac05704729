//! What features put on the account page: rows of parts that they share.

use std::{future::Future, pin::Pin};

use lychgate_store::User;
use serde_json::{Value, json};

use crate::{
    failure::Failure,
    messages::{self, MessageKey},
    web::exchange::Exchange,
};

/// A function of a feature: what it has to say of this user, if anything.
pub(crate) type Part = for<'a> fn(&'a Exchange, &'a User) -> PartFuture<'a>;

/// What such a function gives.
pub(crate) type PartFuture<'a> = Pin<Box<dyn Future<Output = Result<Option<Section>, Failure>> + Send + 'a>>;

/// The parts of the page, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    SignIn,
    Passkeys,
    SecondFactor,
    ApiKeys,
}

impl Place {
    fn key(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Passkeys => "passkeys",
            Self::SecondFactor => "second-factor",
            Self::ApiKeys => "api-keys",
        }
    }

    fn title(self) -> MessageKey {
        match self {
            Self::SignIn => messages::ACCOUNT_SIGN_IN,
            Self::Passkeys => messages::ACCOUNT_PASSKEYS,
            Self::SecondFactor => messages::ACCOUNT_SECOND_FACTOR,
            Self::ApiKeys => messages::ACCOUNT_API_KEYS,
        }
    }
}

/// A part of the page, or what one feature adds to it.
#[derive(Debug)]
pub(crate) struct Section {
    place: Place,
    rows: Vec<Row>,
    /// Buttons below the rows.
    actions: Vec<Action>,
}

/// A row: what it is called, what is so, and what can be done.
#[derive(Debug)]
pub(crate) struct Row {
    /// Rows of one part that have the same key are one row.
    key: String,
    name: String,
    value: String,
    /// A word in a coloured frame, and whether all is well.
    badge: Option<(String, bool)>,
    actions: Vec<Action>,
}

/// A button that leads to a page.
#[derive(Debug)]
pub(crate) struct Action {
    label: String,
    url: String,
}

impl Section {
    pub(crate) fn at(place: Place) -> Self {
        Self { place, rows: Vec::new(), actions: Vec::new() }
    }

    pub(crate) fn row(mut self, row: Row) -> Self {
        self.rows.push(row);
        self
    }

    /// A button below the rows.
    pub(crate) fn action(mut self, action: Action) -> Self {
        self.actions.push(action);
        self
    }

    fn view(&self, exchange: &Exchange) -> Value {
        json!({
            "key": self.place.key(),
            "title": exchange.text(&self.place.title().into()),
            "rows": self.rows.iter().map(Row::view).collect::<Vec<_>>(),
            "actions": self.actions.iter().map(Action::view).collect::<Vec<_>>(),
        })
    }
}

impl Row {
    pub(crate) fn new(key: impl Into<String>, name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { key: key.into(), name: name.into(), value: value.into(), badge: None, actions: Vec::new() }
    }

    /// More for a row that another feature begins.
    pub(crate) fn more(key: impl Into<String>) -> Self {
        Self::new(key, "", "")
    }

    /// A word in a coloured frame; `is_good` makes it green.
    pub(crate) fn badge(self, text: impl Into<String>, is_good: bool) -> Self {
        Self { badge: Some((text.into(), is_good)), ..self }
    }

    pub(crate) fn action(mut self, action: Action) -> Self {
        self.actions.push(action);
        self
    }

    fn view(&self) -> Value {
        json!({
            "key": self.key,
            "name": self.name,
            "value": self.value,
            "badge": self.badge.as_ref().map(|(text, is_good)| json!({"text": text, "good": is_good})),
            "actions": self.actions.iter().map(Action::view).collect::<Vec<_>>(),
        })
    }
}

impl Action {
    pub(crate) fn link(label: impl Into<String>, url: impl Into<String>) -> Self {
        Self { label: label.into(), url: url.into() }
    }

    fn view(&self) -> Value {
        json!({"label": self.label, "url": self.url})
    }
}

/// What all features said, in the order of the page: one section for a place, one row for a key.
fn merged(said: Vec<Section>) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for next in said {
        let at = sections.iter().position(|section| section.place == next.place);
        let Some(section) = at.and_then(|at| sections.get_mut(at)) else {
            sections.push(next);
            continue;
        };
        for row in next.rows {
            let same = section.rows.iter_mut().find(|known| known.key == row.key);
            match same {
                Some(known) => {
                    known.actions.extend(row.actions);
                    known.badge = known.badge.take().or(row.badge);
                }
                None => section.rows.push(row),
            }
        }
        section.actions.extend(next.actions);
    }
    // A row that nobody began has no name to show.
    for section in &mut sections {
        section.rows.retain(|row| !row.name.is_empty());
    }
    sections.retain(|section| !section.rows.is_empty() || !section.actions.is_empty());
    sections.sort_by_key(|section| section.place);
    sections
}

impl Exchange {
    /// The parts of the page that features fill, for the template and for programs.
    pub(crate) async fn account_sections(&self, parts: &[Part], user: &User) -> Result<Vec<Value>, Failure> {
        let mut said = Vec::new();
        for part in parts {
            said.extend(part(self, user).await?);
        }
        Ok(merged(said).iter().map(|section| section.view(self)).collect())
    }

    /// The rows of a feature that only leads to a page where something is changed.
    pub(crate) fn leads_to<'a>(&self, row: &'static str, endpoint: &str, has_one: bool) -> PartFuture<'a> {
        let label = if has_one { messages::ACCOUNT_CHANGE } else { messages::ACCOUNT_CHOOSE };
        let action = Action::link(self.text(&label.into()), self.gate.url(endpoint));
        let section = Section::at(Place::SignIn).row(Row::more(row).action(action));
        let there = self.gate.endpoint_url(&format!(".{endpoint}")).is_some();
        Box::pin(std::future::ready(Ok(there.then_some(section))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_share_sections_and_rows() {
        let change = |row: Row| row.action(Action::link("Change", "/change"));
        let said = vec![
            Section::at(Place::SecondFactor).row(Row::new("codes", "Recovery codes", "7 left")),
            Section::at(Place::SignIn).row(Row::new("email", "Email", "joe")).row(Row::new("password", "Password", "")),
            Section::at(Place::SignIn).row(change(Row::more("password"))).row(change(Row::more("nobody began it"))),
            Section::at(Place::Passkeys),
            Section::at(Place::SecondFactor).row(Row::new("app", "App", "").badge("On", true)),
        ];
        let merged = merged(said);
        let rows = |section: &Section| -> Vec<(String, usize)> {
            section.rows.iter().map(|row| (row.key.clone(), row.actions.len())).collect()
        };
        assert_eq!(
            merged.iter().map(|section| section.place).collect::<Vec<_>>(),
            [Place::SignIn, Place::SecondFactor]
        );
        assert_eq!(rows(&merged[0]), [("email".to_owned(), 0), ("password".to_owned(), 1)]);
        assert_eq!(rows(&merged[1]), [("codes".to_owned(), 0), ("app".to_owned(), 0)]);
    }
}
