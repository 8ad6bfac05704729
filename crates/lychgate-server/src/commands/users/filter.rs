//! Which users are meant: the same options wherever there are several.

use clap::{Args, ValueEnum};
use lychgate_store::{UserQuery, UserSort};

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum YesOrNo {
    Yes,
    No,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum State {
    /// Waits to be approved
    Waiting,
    Declined,
    Suspended,
    Locked,
}

// (A doc comment would become the help of the command that flattens it.)
#[derive(Clone, Debug, Args)]
pub(super) struct Filter {
    /// Only those whose e-mail address or username begins with this; found by an index
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
    /// Only those whose e-mail address or username holds this
    #[arg(long, value_name = "TEXT", conflicts_with = "prefix")]
    search: Option<String>,
    /// Only those who have this role
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Only those who may sign in
    #[arg(long, conflicts_with = "inactive")]
    active: bool,
    /// Only those who may not sign in
    #[arg(long)]
    inactive: bool,
    /// Only those whose address is confirmed, or is not
    #[arg(long, value_name = "YES|NO")]
    confirmed: Option<YesOrNo>,
    /// Only those in this state
    #[arg(long)]
    state: Option<State>,
    /// Only those who have a second factor or a passkey, or have none
    #[arg(long, value_name = "YES|NO")]
    second_factor: Option<YesOrNo>,
}

fn is_yes(answer: YesOrNo) -> bool {
    matches!(answer, YesOrNo::Yes)
}

impl Filter {
    fn active(&self) -> Option<bool> {
        (self.active || self.inactive).then_some(self.active)
    }

    fn state(&self) -> Option<String> {
        let word = self.state?.to_possible_value()?.get_name().to_owned();
        Some(word)
    }

    /// Whether everybody is meant.
    pub(super) fn is_everybody(&self) -> bool {
        self.words().is_empty()
    }

    pub(super) fn query(&self) -> UserQuery {
        UserQuery {
            prefix: self.prefix.clone(),
            search: self.search.clone(),
            role: self.role.clone(),
            active: self.active(),
            confirmed: self.confirmed.map(is_yes),
            state: self.state(),
            second_factor: self.second_factor.map(is_yes),
            ..UserQuery::default()
        }
    }

    /// The same as the list of the panel spells it, without values that are not there.
    fn words(&self) -> Vec<(&'static str, String)> {
        let word = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
        let all = [
            ("q", self.search.clone().or_else(|| self.prefix.clone())),
            ("anywhere", self.search.as_ref().map(|_| word(true))),
            ("role", self.role.clone()),
            ("active", self.active().map(word)),
            ("confirmed", self.confirmed.map(|answer| word(is_yes(answer)))),
            ("state", self.state()),
            ("second_factor", self.second_factor.map(|answer| word(is_yes(answer)))),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// The same as a query of the panel.
    pub(super) fn text(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(self.words()).finish()
    }
}

/// What a list is sorted by.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Sort {
    /// The order in which they were made
    Id,
    Email,
    /// When they signed in last
    LastSignIn,
    /// When they were made
    Created,
}

impl From<Sort> for UserSort {
    fn from(sort: Sort) -> Self {
        match sort {
            Sort::Id => Self::Id,
            Sort::Email => Self::Email,
            Sort::LastSignIn => Self::LastSignIn,
            Sort::Created => Self::Created,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_a_query_of_the_panel() {
        let filter = Filter {
            prefix: None,
            search: Some("a b".to_owned()),
            role: Some("editor".to_owned()),
            active: false,
            inactive: true,
            confirmed: Some(YesOrNo::Yes),
            state: Some(State::Suspended),
            second_factor: Some(YesOrNo::No),
        };
        let text = "q=a+b&anywhere=yes&role=editor&active=no&confirmed=yes&state=suspended&second_factor=no";
        assert_eq!(filter.text(), text);
        assert!(!filter.is_everybody());
    }
}
