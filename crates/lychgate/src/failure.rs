//! The one failure type: whatever stops a request becomes a [`Failure`], and only `web::answer` turns it into a reply.

use std::{borrow::Cow, sync::Arc};

use axum::response::{IntoResponse, Response};
use http::StatusCode;

use crate::{
    flow::{account::Standing, second_factor::Proof},
    messages::MessageKey,
    web::form::Rejected,
};

/// Why a request was not served. Return it from a handler; the layer turns it into a page, JSON or a redirect.
///
/// ```
/// use lychgate::{CurrentUser, Error, Need, Permission};
///
/// async fn edit(user: CurrentUser) -> Result<&'static str, Error> {
///     user.require(&Permission::from(Need::role("editor")))?;
///     Ok("saved")
/// }
/// ```
#[derive(Debug)]
pub struct Error(pub(crate) Failure);

impl Error {
    /// Nobody is signed in: 401 for programs, the sign-in page for people.
    #[must_use]
    pub fn unauthenticated() -> Self {
        Self(Failure::Unauthenticated { realm: None })
    }

    /// Somebody is signed in but may not do this: 403.
    #[must_use]
    pub fn forbidden() -> Self {
        Self(Failure::Forbidden { refused: None })
    }

    /// There is nothing here, or nothing that this visitor may know of: 404.
    #[must_use]
    pub fn not_found() -> Self {
        Self(Failure::bad(StatusCode::NOT_FOUND, crate::messages::NOT_FOUND))
    }

    /// The request cannot be understood: 400.
    #[must_use]
    pub fn bad_request() -> Self {
        Self(Failure::bad(StatusCode::BAD_REQUEST, crate::messages::BAD_REQUEST))
    }

    /// More was sent than is taken: 413.
    #[must_use]
    pub fn too_large() -> Self {
        Self(Failure::bad(StatusCode::PAYLOAD_TOO_LARGE, crate::messages::BODY_TOO_LARGE))
    }

    /// The application's own mistake: 500. What went wrong goes to the log, under an id that the reply shows.
    #[must_use]
    pub fn internal(what: impl std::fmt::Display) -> Self {
        Self(Failure::internal(what))
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the request was refused with status {}", self.0.status().as_u16())
    }
}

impl std::error::Error for Error {}

impl From<lychgate_store::StoreError> for Error {
    fn from(error: lychgate_store::StoreError) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

/// What a permission asked for and the caller lacked: for the log and for administrators, never for the client.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) needed: String,
    pub(crate) missing: Vec<String>,
    /// What the reply says instead of 403.
    pub(crate) status: StatusCode,
    /// What the client is told, where that is no matter of rights.
    pub(crate) because: Option<MessageKey>,
    /// Where a browser goes instead.
    pub(crate) instead: Option<Cow<'static, str>>,
}

impl Refused {
    pub(crate) fn new(needed: String, missing: Vec<String>) -> Self {
        Self { needed, missing, status: StatusCode::FORBIDDEN, because: None, instead: None }
    }
}

/// What stopped a request.
#[derive(Debug)]
pub(crate) enum Failure {
    /// No mechanism that the route accepts proved who this is. With a realm, the reply asks for Basic credentials.
    Unauthenticated { realm: Option<Cow<'static, str>> },
    /// The same, on a route with a sign-in page of its own.
    SignInAt(Cow<'static, str>),
    /// The proof is too old.
    NotFresh,
    /// A further proof is asked for.
    NeedsProof(Proof),
    /// Somebody without the right; what was needed goes to the log, not to the client.
    Forbidden { refused: Option<Box<Refused>> },
    /// The account may not be used, which its owner is told.
    Stopped(Box<Standing>),
    /// The route is for people who are not signed in.
    AlreadySignedIn,
    /// A form for which no work was done.
    Challenge(Cow<'static, str>),
    /// A form with errors.
    Form(Box<Rejected>),
    /// The request does not prove that it comes from our own page.
    Csrf(MessageKey),
    /// Anything else that is the client's mistake.
    Bad { status: StatusCode, message: MessageKey },
    /// A refusal whose body the protocol of the route says.
    Said { status: StatusCode, body: serde_json::Value },
    /// Too much to do at the moment.
    Busy { retry_after: u32 },
    /// Too often; so many seconds have to pass.
    TooMany { retry_after: u32 },
    /// Our own mistake; the text goes to the log only.
    Internal(String),
    /// The route stands outside `gate.layer()`.
    MissingLayer,
}

impl Failure {
    pub(crate) fn bad(status: StatusCode, message: MessageKey) -> Self {
        Failure::Bad { status, message }
    }

    /// The only second factor goes the way of the first.
    pub(crate) fn not_this_way() -> Self {
        Self::bad(StatusCode::FORBIDDEN, crate::messages::SECOND_FACTOR_SAME_WAY)
    }

    pub(crate) fn internal(what: impl std::fmt::Display) -> Self {
        Failure::Internal(what.to_string())
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Failure::Unauthenticated { .. } | Failure::SignInAt(_) | Failure::NotFresh | Failure::NeedsProof(_) => {
                StatusCode::UNAUTHORIZED
            }
            Failure::Forbidden { refused: Some(refused) } => refused.status,
            Failure::Challenge(_) | Failure::Forbidden { refused: None } | Failure::Stopped(_) => StatusCode::FORBIDDEN,
            Failure::AlreadySignedIn | Failure::Form(_) | Failure::Csrf(_) => StatusCode::BAD_REQUEST,
            Failure::Bad { status, .. } | Failure::Said { status, .. } => *status,
            Failure::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Failure::Busy { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Failure::Internal(_) | Failure::MissingLayer => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// A failure on its way up to the layer, where what the client wants is known.
#[derive(Clone, Debug)]
pub(crate) struct Pending(pub(crate) Arc<Failure>);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let text = if matches!(self, Failure::MissingLayer) {
            tracing::error!("a guard or extractor of lychgate ran outside its layer; add `.layer(gate.layer())`");
            "This route uses lychgate but stands outside its layer: add `.layer(gate.layer())` to the router.\n"
        } else {
            ""
        };
        let mut response = (self.status(), text).into_response();
        response.extensions_mut().insert(Pending(Arc::new(self)));
        response
    }
}

impl From<lychgate_store::StoreError> for Failure {
    fn from(error: lychgate_store::StoreError) -> Self {
        use lychgate_store::ErrorKind as Kind;
        match error.kind() {
            Kind::Busy | Kind::Unavailable => {
                crate::measure::database_error(if *error.kind() == Kind::Busy { "busy" } else { "unavailable" });
                tracing::warn!(%error, "the database did not answer");
                Failure::Busy { retry_after: 2 }
            }
            _ => Failure::internal(error),
        }
    }
}
