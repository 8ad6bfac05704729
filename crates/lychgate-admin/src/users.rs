//! The list of users: found, narrowed, sorted, page by page.

use lychgate::{
    NewAccount,
    store::{User, UserQuery, UserSort},
};
use serde_json::{Value, json};

use crate::{
    ask::{Answer, Ask, Pairs, Stop, first, object},
    bulk, columns,
    texts::{Text, say},
    view::briefs,
};

/// Users on a page unless the client asks for another number.
const PER_PAGE: u32 = 25;

/// The most users on a page.
pub(crate) const MOST: u32 = 100;

/// What the query of a list may name, beside the places of its pages.
pub(crate) const KNOWN: [&str; 10] =
    ["q", "anywhere", "role", "active", "confirmed", "state", "second_factor", "sort", "limit", "column"];

/// The question that the parameters ask; unknown values are a mistake.
pub(crate) fn question(asked: &Pairs) -> Result<UserQuery, Stop> {
    let get = |name: &str| first(asked, name);
    let text = |name| Some(get(name).to_owned()).filter(|text| !text.is_empty());
    let yes = |name: &str| match get(name) {
        "" => Ok(None),
        "yes" => Ok(Some(true)),
        "no" => Ok(Some(false)),
        _ => Err(Stop::bad(say("%(name)s is yes or no").with("name", name))),
    };
    let (sort, descending) = match get("sort") {
        "" | "id" => (UserSort::Id, false),
        "-id" => (UserSort::Id, true),
        "email" => (UserSort::Email, false),
        "-email" => (UserSort::Email, true),
        "last_sign_in" => (UserSort::LastSignIn, false),
        "-last_sign_in" => (UserSort::LastSignIn, true),
        "created" => (UserSort::Created, false),
        "-created" => (UserSort::Created, true),
        _ => return Err(Stop::bad("users cannot be sorted by this")),
    };
    let limit = match get("limit") {
        "" => PER_PAGE,
        text => text
            .parse::<u32>()
            .ok()
            .filter(|limit| (1..=MOST).contains(limit))
            .ok_or_else(|| Stop::bad(say("limit is a number from 1 to %(most)s").with("most", MOST)))?,
    };
    let anywhere = get("anywhere") == "yes";
    let (search, prefix) = if anywhere { (text("q"), None) } else { (None, text("q")) };
    Ok(UserQuery {
        search,
        prefix,
        role: text("role"),
        active: yes("active")?,
        confirmed: yes("confirmed")?,
        state: text("state"),
        second_factor: yes("second_factor")?,
        sort,
        descending,
        after: text("after"),
        before: text("before"),
        limit,
    })
}

/// The same question at another place or in another order, as a query.
fn link(ask: &Ask, changes: &[(&str, &str)]) -> String {
    let mut to = form_urlencoded::Serializer::new(String::new());
    let kept = ask.queries().filter(|(name, value)| {
        KNOWN.contains(name) && !value.is_empty() && !changes.iter().any(|(changed, _)| changed == name)
    });
    to.extend_pairs(kept).extend_pairs(changes.iter().filter(|(_, value)| !value.is_empty()));
    to.finish()
}

/// A user by id, whom a search for a number finds first.
async fn by_id(ask: &Ask) -> Result<Option<std::sync::Arc<User>>, Stop> {
    match ask.query("q").trim_start_matches('#').parse::<i64>() {
        Ok(id) => Ok(ask.gate().store().user_by_id(id).await?),
        Err(_) => Ok(None),
    }
}

pub(crate) async fn list(ask: Ask) -> Answer {
    let made = async {
        let store = ask.gate().store();
        let mut query = question(ask.asked())?;
        let chosen = columns::chosen(&ask)?;
        let mut page = store.users_page(&query).await?;
        // Nobody's name begins so: then it may stand within.
        let widened =
            page.items.is_empty() && query.prefix.is_some() && query.after.is_none() && query.before.is_none();
        if widened {
            query.search = query.prefix.take();
            page = store.users_page(&query).await?;
        }
        let mut items = page.items;
        if let Some(user) = by_id(&ask).await?.filter(|user| !items.iter().any(|item| item.id == user.id)) {
            items.insert(0, user);
        }
        let users = briefs(&ask.operator, &items).await?;
        let wide = if widened { "yes" } else { ask.query("anywhere") };
        let turned = |place: &Option<String>, name| {
            place.as_ref().map(|at| format!("?{}", link(&ask, &[("anywhere", wide), (name, at)])))
        };
        let sorts: serde_json::Map<String, Value> = ["id", "email", "last_sign_in", "created"]
            .into_iter()
            .map(|by| {
                let down = format!("-{by}");
                let to = if ask.query("sort") == by { down.as_str() } else { by };
                (by.to_owned(), format!("?{}", link(&ask, &[("sort", to)])).into())
            })
            .collect();
        let roles: Vec<String> = store.roles().await?.iter().map(|role| role.name.clone()).collect();
        let mut values = json!({
            "users": users,
            "next": page.next,
            "previous": page.previous,
            "cut": page.cut,
            "anywhere": wide == "yes",
            "total": store.count_users().await?,
        });
        if !ask.json {
            let asked: serde_json::Map<String, Value> =
                ask.queries().map(|(name, value)| (name.to_owned(), value.into())).collect();
            let more = json!({
                "next_url": turned(&page.next, "after"),
                "previous_url": turned(&page.previous, "before"),
                "sorts": sorts,
                "columns": columns::for_page(&chosen),
                "matching": link(&ask, &[("anywhere", wide)]),
                "export_url": format!("{}?{}", ask.url("/users.csv"), link(&ask, &[])),
                "all_roles": roles,
                "asked": asked,
                "waiting": store.count_marked("waiting").await?,
                "bulk_runs": bulk::runs(&ask).await?,
            });
            if let Value::Object(values) = &mut values {
                values.extend(object(more));
            }
        }
        Ok(values)
    };
    let values = made.await.map_err(|stop| ask.stop(stop))?;
    Ok(ask.page("admin/users.html", "users", object(values)))
}

pub(crate) async fn form(ask: Ask) -> Answer {
    let roles = ask.gate().store().roles().await.map_err(|error| ask.stop(error.into()))?;
    let names: Vec<&str> = roles.iter().map(|role| role.name.as_str()).collect();
    Ok(ask.page("admin/new_user.html", "users", object(json!({"all_roles": names}))))
}

pub(crate) async fn create(ask: Ask) -> Answer {
    let account = NewAccount {
        email: ask.field("email").to_owned(),
        username: Some(ask.field("username").to_owned()).filter(|name| !name.is_empty()),
        active: true,
        confirmed: ask.ticked("confirmed"),
        roles: ask.fields("role").map(str::to_owned).collect(),
        ..NewAccount::default()
    };
    match ask.gate().accounts().create(&account).await {
        Ok(user) => {
            ask.operator.remember_own(&format!("made the account of {}", user.email)).await;
            let mut text = say("The account is made.");
            // Nobody knows a password for it: its owner chooses one.
            if ask.ticked("invite") {
                text = match ask.operator.send_reset(&user).await {
                    Ok(()) => say("The account is made, and its owner has a mail to choose a password."),
                    Err(why) => {
                        let why = Text::from(why.to_string()).to(&ask.operator);
                        say("The account is made, but no mail was sent. %(why)s").with("why", why)
                    }
                };
            }
            Ok(ask.done(text, &format!("/users/{}", user.id), json!({"id": user.id})))
        }
        Err(error) => Err(ask.refused(error.to_string(), "/users/new")),
    }
}
