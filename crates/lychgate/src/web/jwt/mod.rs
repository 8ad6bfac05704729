//! JSON Web Tokens in requests: where they stand, whether they are good, who their bearer is, and handing them out.
//!
//! Behaviour and replies are those of Flask-JWT-Extended; what it leaves to the application (whose token it is, what was
//! revoked) is done here at every request.

pub(crate) mod bearer;
pub(crate) mod claims;
pub(crate) mod config;
pub(crate) mod guard;
pub(crate) mod issue;
mod locate;
pub(crate) mod rotate;

use http::StatusCode;
use serde_json::{Value, json};

use self::config::JwtConfig;
use crate::failure::Failure;

/// What a token is for; it stands in the claim `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Opens routes.
    Access,
    /// Gets new access tokens, and opens nothing.
    Refresh,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Access => "access",
            Kind::Refresh => "refresh",
        }
    }
}

/// Where a request carries its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Headers,
    Cookies,
    Query,
    Json,
}

impl Place {
    const ALL: [Place; 4] = [Place::Headers, Place::Cookies, Place::Query, Place::Json];

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|place| place.name() == name)
    }

    /// The name that the settings use.
    fn name(self) -> &'static str {
        match self {
            Place::Headers => "headers",
            Place::Cookies => "cookies",
            Place::Query => "query_string",
            Place::Json => "json",
        }
    }
}

/// Why there is no bearer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) why: Why,
    /// For the reply; programs of moved applications know these texts.
    pub(crate) text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The request carries none.
    Missing,
    /// It is no good token at all, or one of another kind.
    Bad,
    /// It was good once, or is not good for this request.
    NotNow,
    /// Nobody has it, or somebody who may not sign in.
    Nobody,
    /// Its claims are not the ones asked for.
    Claims,
    /// Its bearer lacks a role.
    Role,
}

impl Refusal {
    pub(crate) fn new(why: Why, text: impl Into<String>) -> Self {
        Self { why, text: text.into() }
    }

    /// As Flask-JWT-Extended says it: `{"msg": "…"}`.
    pub(crate) fn into_failure(self, config: &JwtConfig) -> Failure {
        let status = match self.why {
            Why::Missing | Why::NotNow | Why::Nobody => StatusCode::UNAUTHORIZED,
            Why::Bad => config.refused,
            Why::Claims => StatusCode::BAD_REQUEST,
            Why::Role => StatusCode::FORBIDDEN,
        };
        let mut body = serde_json::Map::new();
        body.insert(config.message_key.clone(), self.text.into());
        Failure::Said { status, body: body.into() }
    }

    /// As the guard `token_required` of the lessons says it: `{"message", "data", "error"}`.
    pub(crate) fn into_lesson(self) -> Failure {
        let (status, message, error) = match self.why {
            Why::Missing => {
                (StatusCode::UNAUTHORIZED, "Authentication Token is missing!".to_owned(), "Unauthorized".to_owned())
            }
            Why::Nobody => {
                (StatusCode::UNAUTHORIZED, "Invalid Authentication token!".to_owned(), "Unauthorized".to_owned())
            }
            Why::Role => (StatusCode::FORBIDDEN, self.text, "Forbidden".to_owned()),
            // Theirs answers 500 here, for a mistake of the client.
            Why::Bad | Why::NotNow | Why::Claims => {
                (StatusCode::UNAUTHORIZED, "Something went wrong, likely with the token!".to_owned(), self.text)
            }
        };
        said(status, &message, &error)
    }
}

/// A refusal in the shape of the lessons.
pub(crate) fn said(status: StatusCode, message: &str, error: &str) -> Failure {
    let body: Value = json!({"message": message, "data": null, "error": error});
    Failure::Said { status, body }
}

/// What stops the search for a bearer.
#[derive(Debug)]
pub(crate) enum Stop {
    Refused(Refusal),
    Failed(Failure),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Stop::Refused(refusal)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Stop::Failed(failure)
    }
}

impl From<lychgate_store::StoreError> for Stop {
    fn from(error: lychgate_store::StoreError) -> Self {
        Stop::Failed(error.into())
    }
}
