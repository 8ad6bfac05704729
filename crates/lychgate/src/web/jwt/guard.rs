//! Guards that ask for a JSON Web Token.

use serde_json::Value;
use tower::Layer;

use super::{
    Refusal, Stop, Why,
    bearer::{Bearer, Wanted},
};
use crate::{
    failure::Failure,
    web::{
        exchange::Exchange,
        guard::{Guard, Guarded},
    },
};

/// The bearer of a JSON Web Token; put it on a route, or say more of the token first.
///
/// ```
/// use axum::{Router, routing::{get, post}};
/// use lychgate::guard;
///
/// let app: Router = Router::new()
///     .route("/orders", get(|| async { "orders" }).route_layer(guard::jwt()))
///     .route("/pay", post(|| async { "paid" }).route_layer(guard::jwt().fresh()))
///     .route("/prices", get(|| async { "prices" }).route_layer(guard::jwt().optional()))
///     .route("/reports", get(|| async { "reports" }).route_layer(guard::jwt().claim("plan", "gold").roles(["editor"])));
/// ```
#[derive(Clone, Debug)]
#[must_use = "a guard does nothing until it is put on a route"]
pub struct JwtGuard(JwtRule);

#[derive(Clone, Debug)]
pub(crate) struct JwtRule {
    wanted: Wanted,
    optional: bool,
    fresh: bool,
    claims: Vec<(String, Value)>,
    /// One of these, if there are any.
    roles: Vec<String>,
    /// Whether refusals have the shape of the lessons.
    lesson: bool,
}

/// The bearer of an access token, in one of the places of `jwt.token_location`. Refusals are `{"msg": "…"}`.
pub fn jwt() -> JwtGuard {
    let (claims, roles) = (Vec::new(), Vec::new());
    JwtGuard(JwtRule { wanted: Wanted::Access, optional: false, fresh: false, claims, roles, lesson: false })
}

/// The bearer of an access token who has one of `roles`, or anybody with one where none is named. Refusals are
/// `{"message": "…", "data": null, "error": "…"}`, with 401 for whatever is wrong with the token and 403 for a missing
/// role.
#[track_caller]
pub fn token_required<S: Into<String>>(roles: impl IntoIterator<Item = S>) -> Guard {
    let JwtGuard(rule) = jwt().roles(roles);
    JwtGuard(JwtRule { lesson: true, ..rule }).into()
}

impl JwtGuard {
    /// Lets requests without a token pass; one that is there has to be good.
    pub fn optional(self) -> Self {
        Self(JwtRule { optional: true, ..self.0 })
    }

    /// Only tokens that were handed out for a password or another proof, not by a refresh.
    pub fn fresh(self) -> Self {
        Self(JwtRule { fresh: true, ..self.0 })
    }

    /// Refresh tokens instead of access tokens. Their bearer is not the current user.
    pub fn refresh(self) -> Self {
        Self(JwtRule { wanted: Wanted::Refresh, ..self.0 })
    }

    /// Tokens of both kinds.
    pub fn any_kind(self) -> Self {
        Self(JwtRule { wanted: Wanted::Either, ..self.0 })
    }

    /// Only tokens with this claim; a list in the token may hold the value. Others get 400.
    pub fn claim(self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        let mut rule = self.0;
        rule.claims.push((name.into(), value.into()));
        Self(rule)
    }

    /// Only bearers with one of these roles, which the database says, not the token. Others get 403.
    pub fn roles<S: Into<String>>(self, names: impl IntoIterator<Item = S>) -> Self {
        let mut rule = self.0;
        rule.roles.extend(names.into_iter().map(Into::into));
        Self(rule)
    }

    /// Both; see [`Guard::and`].
    #[track_caller]
    pub fn and(self, other: impl Into<Guard>) -> Guard {
        Guard::from(self).and(other.into())
    }

    /// Either; see [`Guard::or`].
    #[track_caller]
    pub fn or(self, other: impl Into<Guard>) -> Guard {
        Guard::from(self).or(other.into())
    }
}

impl From<JwtGuard> for Guard {
    #[track_caller]
    fn from(JwtGuard(rule): JwtGuard) -> Guard {
        Guard::of_jwt(rule)
    }
}

impl<S> Layer<S> for JwtGuard {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guard::from(self.clone()).layer(inner)
    }
}

impl std::fmt::Display for JwtRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.wanted {
            Wanted::Access => "an access token",
            Wanted::Refresh | Wanted::Next => "a refresh token",
            Wanted::Either | Wanted::End => "a token",
        })?;
        if self.fresh {
            f.write_str(", fresh")?;
        }
        for (name, _) in &self.claims {
            write!(f, ", with claim {name}")?;
        }
        if !self.roles.is_empty() {
            write!(f, ", with role {}", self.roles.join(" or "))?;
        }
        if self.optional { f.write_str(", or none") } else { Ok(()) }
    }
}

impl JwtRule {
    pub(crate) async fn check(&self, exchange: &Exchange) -> Result<(), Failure> {
        let Some(config) = &exchange.config().jwt else {
            return Err(Failure::internal("a route asks for a JSON Web Token, but `jwt.enabled` is off"));
        };
        let found = match exchange.bearer(self.wanted).await {
            Ok(bearer) => self.suits(exchange, &bearer).map(|()| bearer),
            Err(Stop::Refused(refusal)) if refusal.why == Why::Missing && self.optional => return Ok(()),
            Err(Stop::Refused(refusal)) => Err(refusal),
            Err(Stop::Failed(failure)) => return Err(failure),
        };
        match found {
            Ok(bearer) => exchange.admit_bearer(&bearer).await,
            Err(refusal) if self.lesson => Err(refusal.into_lesson()),
            Err(refusal) => Err(refusal.into_failure(config)),
        }
    }

    fn suits(&self, exchange: &Exchange, bearer: &Bearer) -> Result<(), Refusal> {
        if self.fresh && !bearer.is_fresh(exchange.now.float()) {
            return Err(Refusal::new(Why::NotNow, "Fresh token required"));
        }
        let holds = |(name, wanted): &(String, Value)| match bearer.claims.get(name) {
            Some(Value::Array(items)) if !wanted.is_array() => items.contains(wanted),
            Some(found) => found == wanted,
            None => false,
        };
        if !self.claims.iter().all(holds) {
            return Err(Refusal::new(Why::Claims, "User claims verification failed"));
        }
        if self.roles.is_empty() || self.roles.iter().any(|role| bearer.user.has_role(role)) {
            return Ok(());
        }
        Err(missing_role(&self.roles))
    }
}

/// Nobody with one of these roles.
pub(crate) fn missing_role(roles: &[String]) -> Refusal {
    let names: Vec<String> = roles.iter().map(|role| quoted(role)).collect();
    Refusal::new(Why::Role, format!("Insufficient permissions. Required roles: [{}]", names.join(", ")))
}

/// A text as Python shows it in a list.
fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for c in text.chars() {
        if c == quote || c == '\\' {
            out.push('\\');
        }
        out.push(c);
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn names_are_quoted_as_python_does() {
        for (text, shown) in
            [("Admin", "'Admin'"), ("O'Neil", "\"O'Neil\""), ("a\"'b", "'a\"\\'b'"), ("a\\b", "'a\\\\b'")]
        {
            assert_eq!(quoted(text), shown);
        }
    }
}
