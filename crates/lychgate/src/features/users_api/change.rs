//! Making, changing and deleting a user.

use std::sync::Arc;

use http::StatusCode;
use lychgate_store::{ErrorKind, User, UserPatch};
use serde_json::{Map, Value, json};

use super::{May, bad, done, fresh_caller, members, named, view};
use crate::{
    accounts::{AccountError, FieldErrors, NewAccount, Problem},
    audit::Audited,
    failure::Failure,
    flow::{
        access::{self, end_sessions},
        activity::What,
        administrators::last_administrator,
        links, names,
        notices::Notice,
    },
    identity, messages,
    web::{
        answer::{Reply, plain_json},
        form::Message,
        identify::Authenticated,
        jwt::said,
        routes::Call,
    },
};

/// All that may be sent.
const KNOWN: [&str; 6] = ["email", "username", "password", "active", "roles", "confirmed"];

/// What of it gives rights or takes them.
const WEIGHTY: [&str; 5] = ["email", "password", "active", "roles", "confirmed"];

/// The most roles in one request.
const MOST_ROLES: usize = 100;

fn refused(errors: impl IntoIterator<Item = (&'static str, String)>) -> Failure {
    let mut by_field: Map<String, Value> = Map::new();
    for (field, text) in errors {
        let list = by_field.entry(field).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(list) = list {
            list.push(text.into());
        }
    }
    let body =
        json!({"message": "The user was not saved", "data": null, "error": "Bad request", "field_errors": by_field});
    Failure::Said { status: StatusCode::BAD_REQUEST, body }
}

fn conflict(message: &str) -> Failure {
    said(StatusCode::CONFLICT, message, "Conflict")
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, Failure> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(bad(&format!("{name} is text"))),
    }
}

fn flag(members: &Map<String, Value>, name: &str) -> Result<Option<bool>, Failure> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(bad(&format!("{name} is true or false"))),
    }
}

/// The names of roles, each of which exists.
async fn roles(call: &Call, members: &Map<String, Value>) -> Result<Option<Vec<String>>, Failure> {
    let Some(value) = members.get("roles") else { return Ok(None) };
    let names = value.as_array().filter(|items| items.len() <= MOST_ROLES);
    let names = names.and_then(|items| items.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
    let names = names.ok_or_else(|| bad("roles is a list of names"))?;
    let known = call.gate.store().roles().await?;
    let mut found: Vec<String> = Vec::new();
    for name in names {
        if !known.iter().any(|role| role.name == name) {
            return Err(refused([("roles", "There is no such role".to_owned())]));
        }
        if !found.iter().any(|role| role == name) {
            found.push(name.to_owned());
        }
    }
    Ok(Some(found))
}

pub(super) async fn new_account(call: &Call, who: &Authenticated) -> Result<NewAccount, Failure> {
    let sent = members(call, &KNOWN)?;
    let weighty = WEIGHTY.into_iter().filter(|name| *name != "email");
    if weighty.into_iter().any(|name| sent.contains_key(name)) {
        May::Administer.asked(call, who)?;
    }
    let some = |name: &str| text(sent, name).map(|text| text.map(str::to_owned));
    Ok(NewAccount {
        email: some("email")?.unwrap_or_default(),
        username: some("username")?,
        password: some("password")?,
        active: flag(sent, "active")?.unwrap_or(true),
        confirmed: flag(sent, "confirmed")?.unwrap_or(false),
        roles: roles(call, sent).await?.unwrap_or_default(),
        ..NewAccount::default()
    })
}

pub(super) async fn made(call: &Call, new: &NewAccount) -> Result<Arc<User>, Failure> {
    call.gate.accounts().create(new).await.map_err(|error| match error {
        AccountError::Invalid(errors) => refused(errors),
        AccountError::Failed(text) => Failure::Internal(text),
    })
}

/// What a request asks to be changed, checked.
#[derive(Default)]
struct Change {
    patch: UserPatch,
    email: Option<String>,
    username: Option<String>,
    roles: Option<Vec<String>>,
    password: bool,
}

impl Change {
    /// Whether somebody may lose by it what only administrators have.
    fn takes_from(&self, user: &User, admin: &str) -> bool {
        let loses = self.roles.as_ref().is_some_and(|roles| !roles.iter().any(|role| role == admin));
        user.has_role(admin) && (loses || self.patch.active == Some(false))
    }
}

/// Changes what was sent, and leaves the rest.
pub(super) async fn change(call: Call) -> Result<Reply, Failure> {
    let who = fresh_caller(&call).await?;
    May::Write.asked(&call, &who)?;
    let sent = members(&call, &KNOWN)?;
    if WEIGHTY.iter().any(|name| sent.contains_key(*name)) {
        May::Administer.asked(&call, &who)?;
    }
    let user = named(&call).await?;
    spared(&call, &who, &user)?;
    let change = checked(&call, sent, &user).await?;
    write(&call, &user, &change).await?;
    let changed = call.gate.store().user_by_id(user.id).await?.unwrap_or(user);
    Ok(Reply::Other(plain_json(StatusCode::OK, &view::of(&call, &changed))))
}

/// Users with rights of administrators are changed by others like them alone.
fn spared(call: &Call, who: &Authenticated, user: &User) -> Result<(), Failure> {
    let above = May::Administer.roles(call.gate.settings()).iter().any(|role| user.has_role(role));
    if above { May::Administer.asked(call, who) } else { Ok(()) }
}

async fn checked(call: &Call, sent: &Map<String, Value>, user: &User) -> Result<Change, Failure> {
    let (mut change, mut errors) = (Change::default(), FieldErrors::new());
    let gate = &call.gate;
    if let Some(email) = text(sent, "email")? {
        match identity::map(gate.identity_rules(), "uia_email_mapper", email.trim()) {
            None => errors.push(("email", messages::INVALID_EMAIL_ADDRESS.into())),
            Some(email) if email == user.email => {}
            Some(email) if resolve(gate.is_taken("email", &email).await)? => {
                errors.push(("email", Message::from(messages::EMAIL_ALREADY_ASSOCIATED).with("email", email)));
            }
            Some(email) => {
                change.patch.email = Some(email.clone());
                // Whoever has the new mailbox has not said so yet.
                change.patch.confirmed_at = gate.store().has_user_column("confirmed_at").then_some(None);
                change.email = Some(email);
            }
        }
    }
    if let Some(username) = text(sent, "username")?
        && user.username.as_deref() != Some(username.trim())
    {
        match resolve(gate.check_username(Some(username), &mut errors).await)? {
            Some(username) => {
                change.patch.username = Some(Some(username.clone()));
                change.username = Some(username);
            }
            None if errors.is_empty() => errors.push(("username", messages::INVALID_INPUT.into())),
            None => {}
        }
    }
    if let Some(confirmed) = flag(sent, "confirmed")? {
        change.patch.confirmed_at = Some(confirmed.then(|| user.confirmed_at.unwrap_or(call.now.datetime())));
    }
    change.patch.active = flag(sent, "active")?;
    change.roles = roles(call, sent).await?;
    if let Some(password) = text(sent, "password")? {
        let words = [user.email.as_str(), user.username.as_deref().unwrap_or_default()];
        match gate.check_password(password, &words).await? {
            Err(message) => errors.push(("password", message)),
            Ok(password) if errors.is_empty() => {
                change.patch.password = Some(Some(gate.hash_password(&password).await?));
                change.password = true;
            }
            Ok(_) => {}
        }
    }
    if errors.is_empty() {
        return Ok(change);
    }
    Err(refused(errors.into_iter().map(|(field, message)| (field, call.text(&message)))))
}

fn resolve<T>(result: Result<T, Problem>) -> Result<T, Failure> {
    result.map_err(|problem| match problem {
        Problem::Failure(failure) => failure,
        Problem::Fields(_) => Failure::internal("an unexpected error of a field"),
    })
}

async fn write(call: &Call, user: &User, change: &Change) -> Result<(), Failure> {
    let (now, mut post) = (call.now.datetime(), call.post());
    let mut batch = call.gate.store().batch();
    let admin = call.gate.admin_role();
    let left = change.takes_from(user, admin).then(|| last_administrator(&mut batch, admin, user.id, now));
    // Nobody else changed the account in between.
    let expected = UserPatch {
        email: Some(user.email.clone()),
        fs_uniquifier: Some(user.fs_uniquifier.clone()),
        ..UserPatch::default()
    };
    if let Some(email) = &change.email {
        names::take(&mut batch, "email", email, user.id);
        for kind in ["reset", "login", "change-email"] {
            links::outdate(&mut batch, kind, user.id, call.now);
        }
        call.notify(&mut post, user, &Notice::EmailChanged { new: email })?;
        call.note(&mut batch, user.id, What::EmailChanged, Some(email));
    }
    if let Some(username) = &change.username {
        names::take(&mut batch, "username", username, user.id);
        call.notify(&mut post, user, &Notice::UsernameChanged { username })?;
        call.note(&mut batch, user.id, What::UsernameChanged, Some(username));
    }
    if change.password {
        links::outdate(&mut batch, "reset", user.id, call.now);
        call.notify(&mut post, user, &Notice::PasswordChanged)?;
        call.note(&mut batch, user.id, What::PasswordChanged, None);
    }
    let mut patch = change.patch.clone();
    if change.password {
        // Whatever was signed in with the old one.
        end_sessions(&call.gate, &mut batch, user, &mut patch, call.now);
    } else if change.patch.active == Some(false) {
        batch.revoke_sessions_of(user.id, None, now);
        batch.revoke_refresh_trackers_of(user.id, now);
    }
    batch.update_user_if(user.id, &expected, &patch, now);
    if let Some(roles) = &change.roles {
        for role in roles.iter().filter(|role| !user.has_role(role)) {
            batch.add_role(user.id, role);
            let what = Audited::new("role-added").about(user.id);
            call.gate.audit().note(&mut batch, what.with("role", role.as_str()));
        }
        for role in user.roles.iter().filter(|role| !roles.contains(&role.name)) {
            batch.remove_role(user.id, &role.name);
            let what = Audited::new("role-removed").about(user.id);
            call.gate.audit().note(&mut batch, what.with("role", role.name.as_str()));
        }
    }
    if let Some(active) = change.patch.active {
        let kind = if active { "user-activated" } else { "user-deactivated" };
        call.gate.audit().note(&mut batch, Audited::new(kind).about(user.id));
    }
    match call.commit_and_send(batch, post).await {
        Ok(_) => Ok(()),
        Err(error) if left.is_some_and(|left| left.nobody(&error)) => Err(conflict("The last administrator stays")),
        Err(error) if matches!(error.kind(), ErrorKind::Unmet(_) | ErrorKind::Conflict { .. }) => {
            Err(conflict("Somebody else changed this user or has the name; read it again"))
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn delete(call: Call) -> Result<Reply, Failure> {
    let who = fresh_caller(&call).await?;
    May::Administer.asked(&call, &who)?;
    let user = named(&call).await?;
    let mut batch = call.gate.store().batch();
    let left = last_administrator(&mut batch, call.gate.admin_role(), user.id, call.now.datetime());
    access::delete(&mut batch, &user);
    call.gate.audit().note(&mut batch, Audited::new("user-deleted").about(user.id));
    match call.gate.store().commit(batch).await {
        Ok(_) => Ok(done()),
        Err(error) if left.nobody(&error) => Err(conflict("The last administrator stays")),
        Err(error) => match error.kind() {
            ErrorKind::Unmet(_) => Err(super::not_found()),
            ErrorKind::Referenced => Err(conflict("Rows of the application refer to this user; deactivate it instead")),
            _ => Err(error.into()),
        },
    }
}
