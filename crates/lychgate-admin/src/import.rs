//! Making many accounts from a table: looked at first, then done.

use std::collections::BTreeSet;

use lychgate::{Lychgate, NewAccount};
use serde_json::{Value, json};

use crate::{
    ask::{Answer, Ask, Stop, object},
    csv,
    texts::{Text, say},
};

/// The most accounts in one table.
const MOST: usize = 1000;

pub(crate) async fn form(ask: Ask) -> Answer {
    Ok(ask.page("admin/import.html", "users", object(json!({"most": MOST}))))
}

/// One line of the table.
pub(crate) struct Entry {
    pub(crate) line: usize,
    pub(crate) account: NewAccount,
    pub(crate) problem: Option<Text>,
}

impl Entry {
    fn told(&self, ask: &Ask) -> Option<String> {
        self.problem.as_ref().map(|text| text.to(&ask.operator))
    }
}

/// Reads the table: its first line names the columns.
fn entries(text: &str, most: usize) -> Result<Vec<Entry>, Stop> {
    let mut rows = csv::read(text, most + 2).into_iter();
    let (_, head) = rows.next().ok_or_else(|| Stop::bad("The table is empty."))?;
    let known = ["email", "username", "active", "confirmed", "roles"];
    let head: Vec<String> = head.iter().map(|name| name.to_lowercase()).collect();
    if let Some(other) = head.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(Stop::bad(
            say("Line 1: there is no column %(name)s. Columns are %(known)s.")
                .with("name", other)
                .with("known", known.join(", ")),
        ));
    }
    if !head.iter().any(|name| name == "email") {
        return Err(Stop::bad("Line 1: the column email is missing."));
    }
    let rows: Vec<_> = rows.collect();
    if rows.len() > most {
        return Err(Stop::bad(say("A table has at most %(count)s accounts.").with("count", most)));
    }
    let mut seen = BTreeSet::new();
    Ok(rows.into_iter().map(|(line, row)| entry(line, &head, &row, &mut seen)).collect())
}

fn entry(line: usize, head: &[String], row: &[String], seen: &mut BTreeSet<String>) -> Entry {
    let field = |name: &str| {
        head.iter().position(|column| column == name).and_then(|at| row.get(at)).map_or("", String::as_str)
    };
    let mut problem = (row.len() > head.len()).then(|| say("there are more fields than columns"));
    let mut yes = |name: &str, otherwise| match field(name).to_lowercase().as_str() {
        "" => otherwise,
        "yes" | "true" | "1" => true,
        "no" | "false" | "0" => false,
        _ => {
            problem = Some(say("%(name)s is yes or no").with("name", name));
            otherwise
        }
    };
    let (active, confirmed) = (yes("active", true), yes("confirmed", false));
    let account = NewAccount {
        email: field("email").to_owned(),
        username: Some(field("username").to_owned()).filter(|name| !name.is_empty()),
        active,
        confirmed,
        roles: field("roles").split([' ', ';', '|']).filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        ..NewAccount::default()
    };
    if !seen.insert(account.email.to_lowercase()) {
        problem = Some(say("the address is in the table twice"));
    }
    Entry { line, account, problem }
}

/// Looks at every line as making the account would, and makes none.
pub(crate) async fn checked(gate: &Lychgate, text: &str, most: usize) -> Result<Vec<Entry>, Stop> {
    let mut entries = entries(text, most)?;
    let roles = gate.store().roles().await?;
    for entry in &mut entries {
        if entry.problem.is_some() {
            continue;
        }
        let unknown = entry.account.roles.iter().find(|name| !roles.iter().any(|role| role.name == **name));
        entry.problem = match unknown {
            Some(name) => Some(say("there is no role %(name)s").with("name", name)),
            None => gate.accounts().check(&entry.account).await.err().map(|error| error.to_string().into()),
        };
    }
    Ok(entries)
}

fn told(ask: &Ask, entries: &[Entry]) -> Vec<Value> {
    let one = |entry: &Entry| {
        json!({"line": entry.line, "email": entry.account.email, "username": entry.account.username,
            "roles": entry.account.roles, "active": entry.account.active, "error": entry.told(ask)})
    };
    entries.iter().map(one).collect()
}

pub(crate) async fn check(ask: Ask) -> Answer {
    let entries = checked(ask.gate(), ask.field("csv"), MOST).await.map_err(|stop| ask.stop(stop))?;
    let wrong = entries.iter().filter(|entry| entry.problem.is_some()).count();
    let values = json!({"most": MOST, "lines": told(&ask, &entries), "wrong": wrong, "right": entries.len() - wrong,
        "csv": if ask.json { "" } else { ask.field("csv") }});
    Ok(ask.page("admin/import.html", "users", object(values)))
}

/// Makes the accounts of all lines, if none of them has a mistake.
pub(crate) async fn run(ask: Ask) -> Answer {
    let mut entries = checked(ask.gate(), ask.field("csv"), MOST).await.map_err(|stop| ask.stop(stop))?;
    if entries.iter().any(|entry| entry.problem.is_some()) {
        let values = json!({"most": MOST, "lines": told(&ask, &entries), "csv": ask.field("csv"),
            "wrong": entries.iter().filter(|entry| entry.problem.is_some()).count(), "right": 0});
        return Ok(ask.page("admin/import.html", "users", object(values)));
    }
    let mut made = 0;
    for entry in &mut entries {
        match ask.gate().accounts().create(&entry.account).await {
            Ok(_) => made += 1,
            // Somebody took the name meanwhile.
            Err(error) => entry.problem = Some(error.to_string().into()),
        }
    }
    ask.operator.note_own(&format!("imported {made} accounts")).await;
    let results: Vec<Value> = entries
        .iter()
        .map(|entry| json!({"email": entry.account.email, "done": entry.problem.is_none(), "error": entry.told(&ask)}))
        .collect();
    let values = json!({"action": "import", "results": results, "changed": made});
    Ok(ask.page("admin/results.html", "users", object(values)))
}
