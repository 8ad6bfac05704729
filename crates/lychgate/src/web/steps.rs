//! Steps of a session: a route that may be reached only after another one.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;
use lychgate_signing::session::Value;

use super::{exchange::Exchange, session::key};
use crate::failure::{Error, Failure};

/// The most steps that a session remembers; the cookie has little room.
const MOST: usize = 16;
/// The longest name of a step, in bytes.
const LONGEST: usize = 64;

/// The steps that the caller has taken in this session, as an argument of a handler. [`guard::step`](crate::guard::step)
/// asks for one.
///
/// ```
/// use lychgate::Steps;
///
/// async fn accept(steps: Steps) -> &'static str {
///     steps.take("terms");
///     "thank you"
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Steps(Arc<Exchange>);

impl Steps {
    /// Notes that the step is taken. A session remembers sixteen, the earliest goes first; a name longer than 64 bytes is
    /// not remembered.
    pub fn take(&self, name: &str) {
        self.0.take_step(name);
    }

    /// Whether the step was taken.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.has_step(name)
    }

    /// Forgets the step, so that it has to be taken anew.
    pub fn forget(&self, name: &str) {
        let mut steps = self.0.steps();
        steps.retain(|step| step != name);
        self.0.set_steps(steps);
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Steps {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get::<Arc<Exchange>>().cloned().map(Self).ok_or(Error(Failure::MissingLayer))
    }
}

impl Exchange {
    fn steps(&self) -> Vec<String> {
        let text = self.session(|session| session.text(key::STEPS).map(str::to_owned)).unwrap_or_default();
        text.split('\n').filter(|step| !step.is_empty()).map(str::to_owned).collect()
    }

    fn set_steps(&self, steps: Vec<String>) {
        self.session(|session| match steps.is_empty() {
            true => drop(session.remove(key::STEPS)),
            false => session.set(key::STEPS, Value::Str(steps.join("\n"))),
        });
    }

    pub(crate) fn has_step(&self, name: &str) -> bool {
        self.steps().iter().any(|step| step == name)
    }

    pub(crate) fn take_step(&self, name: &str) {
        let mut steps = self.steps();
        if name.is_empty() || name.len() > LONGEST || name.contains('\n') || steps.iter().any(|step| step == name) {
            return;
        }
        steps.push(name.to_owned());
        let superfluous = steps.len().saturating_sub(MOST);
        steps.drain(..superfluous);
        self.set_steps(steps);
    }
}
