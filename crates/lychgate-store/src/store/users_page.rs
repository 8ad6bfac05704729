//! Lists of users, page by page.
//!
//! A page is found by the key of the user before it, so that the thousandth costs what the first does. A filter that few
//! users pass is driven by its index; one that many pass is asked of each user on the way, who are then soon enough. Which
//! of the two it is, is counted first, and the count ends at [`RARE`].

use std::sync::Arc;

use super::{Store, is_key};
use crate::backend::Reach;
use crate::decode::{self, Row};
use crate::error::{Result, StoreError};
use crate::query::{MOST_FOUND, Page, UserQuery, UserSort};
use crate::records::User;
use crate::schema::{ColumnKind, Dialect};
use crate::value::{Value, parse_time};

/// The most users on one page.
const LONGEST_PAGE: u32 = 1000;

/// The longest text to search for, in characters; the rest is cut off.
const LONGEST_SEARCH: usize = 255;

/// Fewer users than this are listed first and sorted then.
const RARE: i64 = 10_000;

/// The longest place in a list, in bytes.
const LONGEST_PLACE: usize = 2048;

/// A statement's text and values as they grow.
#[derive(Default)]
struct Draft {
    values: Vec<Value>,
    conditions: Vec<String>,
}

impl Draft {
    fn mark(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    fn filter(&self) -> String {
        match self.conditions.as_slice() {
            [] => String::new(),
            conditions => format!(" WHERE {}", conditions.join(" AND ")),
        }
    }
}

/// What a list is sorted by.
struct Order {
    /// The key of the user `p`; nothing where it is the id.
    key: Option<String>,
    time: bool,
    nullable: bool,
}

/// Where a page begins: the key of a user, and its id.
struct Place {
    key: Option<String>,
    id: i64,
}

impl Place {
    /// An id, and a key in hexadecimal digits if there is one.
    fn write(&self) -> String {
        let hex = |key: &String| key.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
        self.key.as_ref().map_or_else(|| self.id.to_string(), |key| format!("{}.{}", self.id, hex(key)))
    }

    fn read(text: &str) -> Option<Self> {
        if text.len() > LONGEST_PLACE || !text.is_ascii() {
            return None;
        }
        let (id, key) = text.split_once('.').map_or((text, None), |(id, key)| (id, Some(key)));
        let key = match key {
            None => None,
            Some(hex) if hex.len() % 2 == 0 => {
                let bytes = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok());
                Some(String::from_utf8(bytes.collect::<Option<_>>()?).ok().filter(|key| !key.contains('\0'))?)
            }
            Some(_) => return None,
        };
        Some(Self { key, id: id.parse().ok()? })
    }
}

fn forged() -> StoreError {
    StoreError::invalid("there is no such place in this list")
}

/// A text to search for, bounded.
fn wanted(text: Option<&str>) -> Option<String> {
    let text: String = text?.chars().filter(|c| *c != '\0').take(LONGEST_SEARCH).collect();
    (!text.is_empty()).then_some(text)
}

/// Whether a name of the user `p` fits the pattern at a mark.
fn like(name: &str, mark: &str) -> String {
    format!("lower(p.{name}) LIKE lower(CAST({mark} AS TEXT)) ESCAPE '\\'")
}

/// Whether the user `p` is one of these.
fn among(mut ids: Vec<i64>) -> String {
    if ids.is_empty() {
        return "1 = 0".to_owned();
    }
    ids.sort_unstable();
    ids.dedup();
    let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
    format!("p.id IN ({})", ids.join(", "))
}

impl Store {
    /// A page of users.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for a place that no page of this list gave, both places at once, or
    /// a sort or filter by a column that the database does not have; and the usual ones of the database.
    pub async fn users_page(&self, query: &UserQuery) -> Result<Page<Arc<User>>> {
        let order = self.user_order(query.sort)?;
        let back = query.before.is_some();
        let place = match (&query.after, &query.before) {
            (Some(_), Some(_)) => return Err(StoreError::invalid("a page is behind a place or before one, not both")),
            (Some(place), None) | (None, Some(place)) => Some(Place::read(place).ok_or_else(forged)?),
            (None, None) => None,
        };
        let names = [&query.role, &query.state];
        if names.into_iter().flatten().any(|name| !is_key(name)) {
            return Ok(Page::default());
        }
        let mut draft = Draft::default();
        self.filter_users(query, &mut draft).await?;
        let cut = self.find_by_prefix(query, &mut draft).await?;
        let limit = match query.limit {
            0 => 50,
            limit => limit.min(LONGEST_PAGE),
        };
        // One more than asked for, to know whether there are more.
        let mut rows: Vec<Row> = Vec::new();
        for (condition, values) in segments(&order, place.as_ref(), query.descending != back, &draft)? {
            let left = (limit as usize + 1).saturating_sub(self.users_in(&rows)?);
            if left > 0 {
                let sql = self.page_sql(&order, query.descending != back, &draft, &condition, left);
                let found = self.query(sql, [draft.values.clone(), values].concat(), Reach::Scan).await?;
                rows.extend(found);
            }
        }
        self.page_of(rows, &order, limit as usize, back, place.is_some(), cut)
    }

    /// How many users the list of a question holds on all of its pages, counted no further than `most`; where it begins
    /// and how it is sorted do not matter.
    ///
    /// # Errors
    ///
    /// As [`users_page`](Self::users_page).
    pub async fn count_users_matching(&self, query: &UserQuery, most: u32) -> Result<i64> {
        let names = [&query.role, &query.state];
        if names.into_iter().flatten().any(|name| !is_key(name)) {
            return Ok(0);
        }
        let mut draft = Draft::default();
        self.filter_users(query, &mut draft).await?;
        self.find_by_prefix(query, &mut draft).await?;
        let (user, filter) = (&self.schema().user.quoted, draft.filter());
        let sql = format!("SELECT COUNT(*) FROM (SELECT 1 FROM {user} p{filter} LIMIT {most}) c");
        let rows = self.query(sql, draft.values, Reach::Scan).await?;
        let count = rows.first().and_then(|row| row.first()).map_or(Ok(None), Value::int)?;
        Ok(count.unwrap_or_default())
    }

    fn user_order(&self, sort: UserSort) -> Result<Order> {
        let column = |name: &str| match self.schema().user.field(name).map(|field| field.kind) {
            Some(ColumnKind::Time) => Ok(Order { key: Some(format!("p.{name}")), time: true, nullable: true }),
            _ => Err(StoreError::invalid(format!("users cannot be sorted by \"{name}\", which is not there"))),
        };
        match sort {
            UserSort::Id => Ok(Order { key: None, time: false, nullable: false }),
            UserSort::Email => Ok(Order { key: Some(self.folded("p", "email")), time: false, nullable: false }),
            UserSort::LastSignIn => column("current_login_at"),
            UserSort::Created => column("create_datetime"),
        }
    }

    /// A name in small letters, in the order of its bytes, as the index has it.
    fn folded(&self, alias: &str, column: &str) -> String {
        match self.schema().dialect {
            Dialect::Sqlite => format!("lower({alias}.{column})"),
            Dialect::Postgres => format!("lower({alias}.{column}) COLLATE \"C\""),
        }
    }

    fn name_columns(&self) -> impl Iterator<Item = &'static str> {
        let user = &self.schema().user;
        ["email", "username"].into_iter().filter(|name| user.field(name).is_some_and(|f| f.kind == ColumnKind::Text))
    }

    /// The conditions that the user `p` has to meet.
    async fn filter_users(&self, query: &UserQuery, draft: &mut Draft) -> Result<()> {
        let schema = self.schema();
        let user = &schema.user.quoted;
        if let Some(text) = wanted(query.search.as_deref()) {
            let special = |c| matches!(c, '%' | '_' | '\\').then_some('\\');
            let pattern: String = text.chars().flat_map(|c| special(c).into_iter().chain([c])).collect();
            let pattern = format!("%{pattern}%");
            match self.find_by_part(&pattern).await? {
                Some(ids) => draft.conditions.push(among(ids)),
                // Many have it, so they come soon.
                None => {
                    let mark = draft.mark(pattern);
                    let tests: Vec<String> = self.name_columns().map(|name| like(name, &mark)).collect();
                    draft.conditions.push(format!("({})", tests.join(" OR ")));
                }
            }
        }
        if let Some(role) = &query.role {
            let of_role = |mark: &str| {
                let (links, roles) = (&schema.links, &schema.role.quoted);
                format!(
                    "SELECT q.user_id FROM {links} q WHERE q.role_id IN (SELECT s.id FROM {roles} s WHERE s.name = {mark})"
                )
            };
            self.narrow(draft, role, of_role).await?;
        }
        if let Some(state) = &query.state {
            let in_state =
                |mark: &str| format!("SELECT q.user_id FROM lychgate_account_state q WHERE q.state = {mark}");
            self.narrow(draft, state, in_state).await?;
        }
        match query.active {
            Some(true) => draft.conditions.push("p.active".to_owned()),
            Some(false) => {
                self.narrow_to(draft, &format!("SELECT q.id FROM {user} q WHERE NOT q.active"), "NOT p.active").await?
            }
            None => {}
        }
        if let Some(confirmed) = query.confirmed {
            if !schema.user.has("confirmed_at") {
                return Err(StoreError::invalid("the user table does not say who is confirmed"));
            }
            match confirmed {
                true => draft.conditions.push("p.confirmed_at IS NOT NULL".to_owned()),
                false => {
                    let source = format!("SELECT q.id FROM {user} q WHERE q.confirmed_at IS NULL");
                    self.narrow_to(draft, &source, "p.confirmed_at IS NULL").await?;
                }
            }
        }
        if let Some(wanted) = query.second_factor {
            let chosen = schema.user.has("tf_primary_method");
            let chosen =
                chosen.then(|| ("tf_primary_method IS NOT NULL", format!("SELECT q.id FROM {user} q WHERE q.")));
            let keys = schema.webauthn.as_ref().map(|table| format!("SELECT w.user_id FROM {} w", table.quoted));
            let mut tests = Vec::new();
            let mut sources = Vec::new();
            if let Some((condition, source)) = chosen {
                tests.push(format!("p.{condition}"));
                sources.push(format!("{source}{condition}"));
            }
            if let Some(source) = keys {
                tests.push(format!("EXISTS ({source} WHERE w.user_id = p.id)"));
                sources.push(source);
            }
            let test = if tests.is_empty() { "1 = 0".to_owned() } else { format!("({})", tests.join(" OR ")) };
            match wanted {
                true if sources.is_empty() => draft.conditions.push(test),
                true => self.narrow_to(draft, &sources.join(" UNION ALL "), &test).await?,
                false => draft.conditions.push(format!("NOT {test}")),
            }
        }
        Ok(())
    }

    /// The users with a name that fits a pattern; nothing if there are more than [`MOST_FOUND`]. Each name is asked by
    /// itself, so that only its index is read, which is much less than the table.
    async fn find_by_part(&self, pattern: &str) -> Result<Option<Vec<i64>>> {
        let user = &self.schema().user.quoted;
        let mut ids: Vec<i64> = Vec::new();
        for name in self.name_columns() {
            let sql = format!("SELECT p.id FROM {user} p WHERE {} LIMIT {}", like(name, "$1"), MOST_FOUND + 1);
            for row in self.query(sql, vec![pattern.into()], Reach::Scan).await? {
                ids.extend(row.first().map_or(Ok(None), Value::int)?);
            }
            if ids.len() > MOST_FOUND as usize {
                return Ok(None);
            }
        }
        Ok(Some(ids))
    }

    /// Narrows to users whose id is among those that `source` selects from a table `q` for the value at a mark.
    async fn narrow(&self, draft: &mut Draft, value: &str, source: impl Fn(&str) -> String) -> Result<()> {
        let rare = self.is_rare(&source("$1"), vec![value.into()]).await?;
        let source = source(&draft.mark(value));
        draft.conditions.push(match rare {
            true => format!("p.id IN ({source})"),
            false => format!("EXISTS ({source} AND q.user_id = p.id)"),
        });
        Ok(())
    }

    /// Narrows to users whose id `source` gives, or who pass the test.
    async fn narrow_to(&self, draft: &mut Draft, source: &str, test: &str) -> Result<()> {
        let rare = self.is_rare(source, Vec::new()).await?;
        draft.conditions.push(if rare { format!("p.id IN ({source})") } else { test.to_owned() });
        Ok(())
    }

    async fn is_rare(&self, source: &str, values: Vec<Value>) -> Result<bool> {
        let sql = format!("SELECT COUNT(*) FROM (SELECT 1 FROM ({source}) a LIMIT {}) b", RARE + 1);
        let rows = self.query(sql, values, Reach::Scan).await?;
        let count = rows.first().and_then(|row| row.first()).map_or(Ok(None), Value::int)?;
        Ok(count.unwrap_or_default() <= RARE)
    }

    /// Narrows to the first users by each name that begin as wished; says whether there are more than those.
    async fn find_by_prefix(&self, query: &UserQuery, draft: &mut Draft) -> Result<bool> {
        let Some(prefix) = wanted(query.prefix.as_deref()) else {
            return Ok(false);
        };
        let mark = draft.mark(prefix);
        // Behind everything that begins so: no text holds this character, the last one.
        let last = draft.mark("\u{10ffff}");
        let user = &self.schema().user.quoted;
        let mut ids: Vec<i64> = Vec::new();
        let mut cut = false;
        for name in self.name_columns() {
            let key = self.folded("p", name);
            let also = draft.conditions.iter().map(|condition| format!(" AND {condition}")).collect::<String>();
            let sql = format!(
                "SELECT p.id FROM {user} p WHERE {key} >= lower(CAST({mark} AS TEXT)) \
                 AND {key} < lower(CAST({mark} AS TEXT)) || CAST({last} AS TEXT){also} ORDER BY {key}, p.id LIMIT {}",
                MOST_FOUND + 1
            );
            let mut found = Vec::new();
            for row in self.query(sql, draft.values.clone(), Reach::Scan).await? {
                found.extend(row.first().map_or(Ok(None), Value::int)?);
            }
            cut |= found.len() > MOST_FOUND as usize;
            found.truncate(MOST_FOUND as usize);
            ids.extend(found);
        }
        // Everything else was asked already.
        *draft = Draft::default();
        draft.conditions.push(among(ids));
        Ok(cut)
    }

    fn page_sql(&self, order: &Order, descending: bool, draft: &Draft, condition: &str, limit: usize) -> String {
        let schema = self.schema();
        let user = &schema.user.quoted;
        let (way, nulls) = if descending { ("DESC", "LAST") } else { ("ASC", "FIRST") };
        let key = order.key.as_deref().unwrap_or("p.id");
        let by = |key: &str, id: &str| match (&order.key, order.nullable) {
            (None, _) => format!("{id} {way}"),
            (Some(_), false) => format!("{key} {way}, {id} {way}"),
            (Some(_), true) => format!("{key} {way} NULLS {nulls}, {id} {way}"),
        };
        let mut filter = draft.filter();
        if !condition.is_empty() {
            filter.push_str(if filter.is_empty() { " WHERE " } else { " AND " });
            filter.push_str(condition);
        }
        let outer = match self.schema().dialect {
            Dialect::Postgres if order.key.is_some() && !order.time => "k.key COLLATE \"C\"",
            _ => "k.key",
        };
        format!(
            "SELECT {}, {}, k.key FROM (SELECT p.id AS id, {key} AS key FROM {user} p{filter} ORDER BY {} LIMIT {limit}) k \
             JOIN {user} u ON u.id = k.id LEFT JOIN {} x ON x.user_id = u.id LEFT JOIN {} r ON r.id = x.role_id ORDER BY {}",
            schema.user.select("u"),
            schema.role.select("r"),
            by(key, "p.id"),
            schema.links,
            schema.role.quoted,
            by(outer, "u.id"),
        )
    }

    /// How many users the rows are of; one with several roles has several rows, which are neighbours.
    fn users_in(&self, rows: &[Row]) -> Result<usize> {
        let at = self.id_column();
        let ids = rows.iter().map(|row| row.get(at).map_or(Ok(None), Value::int)).collect::<Result<Vec<_>>>()?;
        Ok(ids.chunk_by(|a, b| a == b).count())
    }

    fn id_column(&self) -> usize {
        self.schema().user.fields.iter().position(|field| field.name == "id").unwrap_or_default()
    }

    fn page_of(
        &self,
        mut rows: Vec<Row>,
        order: &Order,
        limit: usize,
        back: bool,
        placed: bool,
        cut: bool,
    ) -> Result<Page<Arc<User>>> {
        let schema = self.schema();
        let id_at = self.id_column();
        // The places of the first and the last user that are shown, and whether there was one more.
        let mut places: Vec<(i64, Option<String>)> = Vec::new();
        for row in &mut rows {
            let key = row.pop().unwrap_or(Value::Null);
            let id = row.get(id_at).map_or(Ok(None), Value::int)?.unwrap_or_default();
            if places.last().is_none_or(|(last, _)| *last != id) {
                let key = if order.key.is_some() { key.text()? } else { None };
                places.push((id, key));
            }
        }
        let more = places.len() > limit;
        places.truncate(limit);
        let mut items = decode::users(&schema.user, &schema.role, rows)?;
        items.truncate(limit);
        if back {
            items.reverse();
            places.reverse();
        }
        let place =
            |at: Option<&(i64, Option<String>)>| at.map(|(id, key)| Place { key: key.clone(), id: *id }.write());
        let behind = if back { placed } else { more };
        let before = if back { more } else { placed };
        Ok(Page {
            next: if behind { place(places.last()) } else { None },
            previous: if before { place(places.first()) } else { None },
            items: items.into_iter().map(Arc::new).collect(),
            cut,
        })
    }
}

/// What has to be asked, one after the other, for the users behind a place: whose key is null first, or last.
fn segments(
    order: &Order,
    place: Option<&Place>,
    descending: bool,
    draft: &Draft,
) -> Result<Vec<(String, Vec<Value>)>> {
    let Some(place) = place else {
        return Ok(vec![(String::new(), Vec::new())]);
    };
    let first = draft.values.len() + 1;
    let than = if descending { '<' } else { '>' };
    let Some(column) = &order.key else {
        if place.key.is_some() {
            return Err(forged());
        }
        return Ok(vec![(format!("p.id {than} CAST(${first} AS BIGINT)"), vec![place.id.into()])]);
    };
    let id_only = |condition: String| (condition, vec![Value::from(place.id)]);
    match &place.key {
        Some(key) => {
            let value: Value = match order.time {
                true => time_value(key)?,
                false => key.as_str().into(),
            };
            let known = (
                format!("({column}, p.id) {than} (${first}, CAST(${} AS BIGINT))", first + 1),
                vec![value, place.id.into()],
            );
            let mut list = vec![known];
            if order.nullable && descending {
                list.push((format!("{column} IS NULL"), Vec::new()));
            }
            Ok(list)
        }
        None if order.nullable => {
            let mut list = vec![id_only(format!("{column} IS NULL AND p.id {than} CAST(${first} AS BIGINT)"))];
            if !descending {
                list.push((format!("{column} IS NOT NULL"), Vec::new()));
            }
            Ok(list)
        }
        None => Err(forged()),
    }
}

/// A time as the database holds it: SQLite the text that was read from it, PostgreSQL a time.
fn time_value(text: &str) -> Result<Value> {
    if parse_time(text).is_none() {
        return Err(forged());
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn places_survive_and_forged_ones_are_refused() {
        for (key, id) in [(None, 7), (Some("\u{fc}x@lp.com".to_owned()), -1), (Some(String::new()), 0)] {
            let text = Place { key: key.clone(), id }.write();
            let read = Place::read(&text).unwrap();
            assert_eq!((read.key, read.id), (key, id));
        }
        for forged in
            ["", "x", "1.2", "1.zz", "1.ff", "1.\u{fc}\u{fc}", "99999999999999999999", "1;2", &"9".repeat(3000)]
        {
            assert!(Place::read(forged).is_none(), "{forged}");
        }
    }
}
