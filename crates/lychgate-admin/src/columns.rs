//! Which columns the list of users has: as chosen in its query, on the page and in the table that is downloaded.

use lychgate::store::User;
use serde_json::{Value, json};

use crate::{
    ask::{Ask, Stop},
    texts::say,
    view::iso,
};

/// What the query calls a column, what a downloaded table calls it, and what the list can be sorted by for it.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    heading: &'static str,
    sort: Option<&'static str>,
    /// Whether the page has it where nothing was chosen.
    usual: bool,
}

const fn column(name: &'static str, heading: &'static str, sort: Option<&'static str>, usual: bool) -> Column {
    Column { name, heading, sort, usual }
}

/// All that can be chosen, in their order; the address is always there.
pub(crate) static COLUMNS: [Column; 8] = [
    column("id", "id", Some("id"), false),
    column("username", "username", None, false),
    column("status", "active", None, true),
    column("confirmed", "confirmed_at", None, false),
    column("roles", "roles", None, true),
    column("second_factor", "second_factor", None, true),
    column("last_sign_in", "last_sign_in_at", Some("last_sign_in"), true),
    column("created", "created_at", Some("created"), true),
];

/// The columns of these names, each once; none of them stands for no choice.
pub(crate) fn named<'a>(names: impl Iterator<Item = &'a str>) -> Result<Vec<&'static Column>, Stop> {
    let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
    if names.iter().any(|name| !COLUMNS.iter().any(|column| column.name == *name)) {
        return Err(Stop::bad(say("There is no such column.")));
    }
    Ok(COLUMNS.iter().filter(|column| names.contains(&column.name)).collect())
}

/// What the query chooses.
pub(crate) fn chosen(ask: &Ask) -> Result<Vec<&'static Column>, Stop> {
    named(ask.queries().filter(|(name, _)| *name == "column").map(|(_, value)| value))
}

/// The columns for the page: name, whether it is shown, and the name to sort by.
pub(crate) fn for_page(chosen: &[&Column]) -> Vec<Value> {
    let shown = |column: &Column| match chosen {
        [] => column.usual,
        chosen => chosen.iter().any(|one| one.name == column.name),
    };
    COLUMNS.iter().map(|one| json!({"name": one.name, "shown": shown(one), "sort": one.sort})).collect()
}

/// The headings of a downloaded table.
pub(crate) fn headings(chosen: &[&Column]) -> Vec<String> {
    let all = ordered(chosen).map(|column| column.heading.to_owned());
    with_address("email".to_owned(), all)
}

/// A user's line in it.
pub(crate) fn line(user: &User, chosen: &[&Column]) -> Vec<String> {
    with_address(user.email.clone(), ordered(chosen).map(|column| field(user, column)))
}

fn ordered<'a>(chosen: &'a [&'a Column]) -> impl Iterator<Item = &'a Column> {
    COLUMNS.iter().filter(move |one| chosen.is_empty() || chosen.iter().any(|known| known.name == one.name))
}

/// The address stands behind the id, or first.
fn with_address(address: String, fields: impl Iterator<Item = String>) -> Vec<String> {
    let mut all: Vec<String> = fields.collect();
    let at = usize::from(all.len() == COLUMNS.len());
    all.insert(at, address);
    all
}

fn field(user: &User, column: &Column) -> String {
    let at = |time: Option<time::OffsetDateTime>| time.and_then(iso).unwrap_or_default();
    match column.name {
        "id" => user.id.to_string(),
        "username" => user.username.clone().unwrap_or_default(),
        "status" => if user.active { "yes" } else { "no" }.to_owned(),
        "confirmed" => at(user.confirmed_at),
        "roles" => user.roles.iter().map(|role| role.name.as_str()).collect::<Vec<_>>().join(" "),
        "second_factor" => user.tf_primary_method.clone().unwrap_or_default(),
        "last_sign_in" => at(user.current_login_at),
        _ => at(user.create_datetime),
    }
}
