//! Users as JSON, for programs and for pages of another origin: list, read, make, change, delete.
//!
//! Only members that are named here are read and shown. What gives rights (roles, password, whether somebody is active)
//! needs a role of its own and a recent proof of identity.

mod change;
mod list;
pub(crate) mod openapi;
pub(crate) mod settings;
mod view;

use std::sync::Arc;

use axum::response::IntoResponse as _;
use http::{HeaderValue, Method, StatusCode, header};
use lychgate_store::User;
use serde_json::{Map, Value};

use crate::{
    failure::Failure,
    gate::Lychgate,
    principal::{Need, Permission},
    settings::Settings,
    web::{
        answer::{Reply, plain_json},
        body::Submitted,
        identify::{Authenticated, Mechanism},
        jwt::{Refusal, Stop, Why, bearer::Wanted, guard::missing_role, said},
        routes::{Call, Routes},
    },
};

pub(crate) fn endpoints(settings: &Settings) -> Vec<(&'static str, String)> {
    let url = settings.text_opt("users_api_url").filter(|_| settings.flag("users_api"));
    let Some(url) = url.map(|url| url.trim_end_matches('/')) else { return Vec::new() };
    vec![("users", format!("{url}/")), ("user", format!("{url}/{{id}}"))]
}

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(gate: &Lychgate, routes: &mut Routes<S>) {
    for (name, url) in endpoints(gate.settings()) {
        if name == "users" {
            routes.add(name, &[Method::GET], &url, "role", list::get);
            routes.add(name, &[Method::POST], &url, "role, fresh", create);
        } else {
            routes.add(name, &[Method::GET], &url, "role, or oneself", read);
            routes.add(name, &[Method::PUT], &url, "role, fresh", change::change);
            routes.add(name, &[Method::PATCH], &url, "role, fresh", change::change);
            routes.add(name, &[Method::DELETE], &url, "role, fresh", change::delete);
        }
    }
}

/// What callers may do, by a setting that lists roles.
#[derive(Clone, Copy)]
enum May {
    Read,
    Write,
    Administer,
}

impl May {
    fn roles(self, settings: &Settings) -> &[String] {
        settings.list(match self {
            May::Read => "users_api_read_roles",
            May::Write => "users_api_write_roles",
            May::Administer => "users_api_admin_roles",
        })
    }

    fn allows(self, call: &Call, who: &Authenticated) -> bool {
        let roles = self.roles(call.gate.settings());
        let needs = roles.iter().map(|role| Need::role(role.clone()));
        !roles.is_empty() && Permission::any(needs).allows(who.identity())
    }

    fn asked(self, call: &Call, who: &Authenticated) -> Result<(), Failure> {
        if self.allows(call, who) {
            return Ok(());
        }
        Err(missing_role(self.roles(call.gate.settings())).into_lesson())
    }
}

/// The caller, by whatever mechanism the settings take, and by a JSON Web Token where those are on.
async fn caller(call: &Call) -> Result<Arc<Authenticated>, Failure> {
    let mut mechanisms = call.config().api_mechanisms.clone();
    if call.config().jwt.is_some() {
        match call.bearer(Wanted::Access).await {
            Ok(_) => {}
            Err(Stop::Refused(refusal)) if refusal.why == Why::Missing => {}
            Err(Stop::Refused(refusal)) => return Err(refusal.into_lesson()),
            Err(Stop::Failed(failure)) => return Err(failure),
        }
        mechanisms.push(Mechanism::Jwt);
    }
    let who = match call.admit(&mechanisms, None).await {
        Err(Failure::Unauthenticated { .. }) => return Err(Refusal::new(Why::Missing, "").into_lesson()),
        other => other?,
    };
    let by_cookie = who.via == Mechanism::Session || who.via == Mechanism::Jwt && !call.jwt_proves_intent();
    if by_cookie && !call.method.is_safe() {
        call.csrf_of_request()?;
    }
    Ok(who)
}

/// The same for a change, which needs a recent proof, by a second factor too where there is one.
async fn fresh_caller(call: &Call) -> Result<Arc<Authenticated>, Failure> {
    let who = caller(call).await?;
    call.admit_to_change(&who).await?;
    Ok(who)
}

fn bad(message: &str) -> Failure {
    said(StatusCode::BAD_REQUEST, message, "Bad request")
}

fn not_found() -> Failure {
    said(StatusCode::NOT_FOUND, "User not found", "Not found")
}

/// What was sent; every member has to be one of `known`.
fn members<'a>(call: &'a Call, known: &[&str]) -> Result<&'a Map<String, Value>, Failure> {
    let members = match &call.submitted {
        Submitted::Json(members) => members,
        Submitted::Broken(why) => return Err(said(why.failure().status(), "The body cannot be read", "Bad request")),
        Submitted::Nothing | Submitted::Form(_) => return Err(bad("Please provide user details")),
    };
    let csrf = call.config().csrf.field;
    if let Some(unknown) = members.keys().find(|name| !known.contains(&name.as_str()) && *name != csrf) {
        let shown: String = unknown.chars().take(60).collect();
        return Err(bad(&format!("There is no field \"{shown}\"; known are {}", known.join(", "))));
    }
    if members.keys().all(|name| name == csrf) {
        return Err(bad("Please provide user details"));
    }
    Ok(members)
}

/// The user whom the path names.
async fn named(call: &Call) -> Result<Arc<User>, Failure> {
    let id: i64 = call.param("id").parse().map_err(|_| not_found())?;
    call.gate.store().user_by_id(id).await?.ok_or_else(not_found)
}

async fn read(call: Call) -> Result<Reply, Failure> {
    let who = caller(&call).await?;
    let own = call.param("id").parse() == Ok(who.user.id);
    if !own {
        May::Read.asked(&call, &who)?;
    }
    let user = named(&call).await?;
    Ok(Reply::Other(plain_json(StatusCode::OK, &view::of(&call, &user))))
}

async fn create(call: Call) -> Result<Reply, Failure> {
    let who = fresh_caller(&call).await?;
    May::Write.asked(&call, &who)?;
    let new = change::new_account(&call, &who).await?;
    let user = change::made(&call, &new).await?;
    let mut response = plain_json(StatusCode::CREATED, &view::of(&call, &user));
    let location = format!("{}{}", call.gate.url("users"), user.id);
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(Reply::Other(response))
}

fn done() -> Reply {
    Reply::Other(StatusCode::NO_CONTENT.into_response())
}
