//! `lychgate users list`.

use clap::{Args, ValueEnum};
use lychgate::Lychgate;
use lychgate_store::User;
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

use super::filter::{Filter, Sort};
use crate::{exit::Exit, output};

/// The most users that the database gives at once.
const PAGE: u32 = 1000;

/// List users, in the order in which they were made
///
///   lychgate users list --state waiting                       who waits to be approved
///   lychgate users list --role editor --second-factor no      editors without a second factor
///   lychgate users list --sort last-sign-in --desc --json     for a program, the last to sign in first
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct List {
    #[command(flatten)]
    filter: Filter,
    /// What they are sorted by
    #[arg(long, value_name = "BY", default_value = "id")]
    sort: Sort,
    /// The other way round
    #[arg(long)]
    desc: bool,
    /// The columns to show, in this order
    #[arg(long, value_name = "NAME", value_delimiter = ',', conflicts_with = "json")]
    columns: Vec<Column>,
    /// At most so many
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    limit: u32,
    /// Only those behind this place: what the list before said at its end
    #[arg(long, value_name = "PLACE", allow_hyphen_values = true)]
    after: Option<String>,
    /// Say only how many they are
    #[arg(long, conflicts_with_all = ["columns", "after"])]
    count: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Column {
    Id,
    Email,
    Username,
    Active,
    Confirmed,
    Roles,
    SecondFactor,
    LastSignIn,
    Created,
}

/// What is shown unless something else was asked for.
const USUAL: [Column; 7] =
    [Column::Id, Column::Email, Column::Username, Column::Active, Column::Confirmed, Column::Roles, Column::LastSignIn];

impl Column {
    fn heading(self) -> &'static str {
        match self {
            Self::Id => "ID",
            Self::Email => "EMAIL",
            Self::Username => "USERNAME",
            Self::Active => "ACTIVE",
            Self::Confirmed => "CONFIRMED",
            Self::Roles => "ROLES",
            Self::SecondFactor => "SECOND FACTOR",
            Self::LastSignIn => "LAST SIGN-IN",
            Self::Created => "CREATED",
        }
    }

    fn of(self, user: &User) -> String {
        match self {
            Self::Id => user.id.to_string(),
            Self::Email => user.email.clone(),
            Self::Username => user.username.clone().unwrap_or_default(),
            Self::Active => yes(user.active),
            Self::Confirmed => yes(user.confirmed_at.is_some()),
            Self::Roles => roles(user).join(", "),
            Self::SecondFactor => user.tf_primary_method.clone().unwrap_or_default(),
            Self::LastSignIn => short(user.current_login_at),
            Self::Created => short(user.create_datetime),
        }
    }
}

impl List {
    pub(crate) async fn run(self, gate: &Lychgate) -> Result<(), Exit> {
        let mut query = self.filter.query();
        query.sort = self.sort.into();
        query.descending = self.desc;
        query.after = self.after;
        if self.count {
            let count = gate.store().count_users_matching(&query, u32::MAX).await?;
            if self.json {
                output::json(&json!({"count": count}));
            } else {
                output::line(count);
            }
            return Ok(());
        }
        let mut left = self.limit;
        let (mut users, mut cut) = (Vec::new(), false);
        while left > 0 {
            query.limit = left.min(PAGE);
            let page = gate.store().users_page(&query).await?;
            left -= u32::try_from(page.items.len()).unwrap_or(PAGE).min(left);
            users.extend(page.items);
            query.after = page.next;
            cut |= page.cut;
            if query.after.is_none() {
                break;
            }
        }
        if self.json {
            output::json(&users.iter().map(|user| brief(user)).collect());
        } else {
            let columns = if self.columns.is_empty() { USUAL.to_vec() } else { self.columns };
            let headings: Vec<&str> = columns.iter().map(|column| column.heading()).collect();
            output::table(&headings, users.iter().map(|user| columns.iter().map(|column| column.of(user)).collect()));
        }
        // Not on standard output, which programs read.
        if let Some(next) = query.after.filter(|_| !users.is_empty()) {
            output::complain(format_args!("There are more: --after {next}, or a greater --limit."));
        }
        if cut {
            output::complain("So many begin with this that only the first were looked at: type more of it.");
        }
        Ok(())
    }
}

pub(super) fn roles(user: &User) -> Vec<&str> {
    user.roles.iter().map(|role| role.name.as_str()).collect()
}

pub(super) fn brief(user: &User) -> Value {
    json!({
        "id": user.id,
        "email": user.email,
        "username": user.username,
        "active": user.active,
        "confirmed_at": stamp(user.confirmed_at),
        "roles": roles(user),
        "second_factor": user.tf_primary_method.as_deref().filter(|method| !method.is_empty()),
        "created_at": stamp(user.create_datetime),
        "last_sign_in_at": stamp(user.current_login_at),
    })
}

pub(super) fn stamp(time: Option<OffsetDateTime>) -> Option<String> {
    time?.format(&Rfc3339).ok()
}

pub(super) fn short(time: Option<OffsetDateTime>) -> String {
    let text = time.map(|time| time.format(format_description!("[year]-[month]-[day] [hour]:[minute]")));
    text.and_then(Result::ok).unwrap_or_default()
}

pub(super) fn yes(flag: bool) -> String {
    if flag { "yes" } else { "no" }.to_owned()
}
