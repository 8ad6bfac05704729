//! Whether what needs the layer stands below it, found out before the first request.
//!
//! A router hides what it holds, but it clones its routes, and a clone of a route goes through all its layers down to the
//! handler. So each route is cloned once while this thread looks on: the layer of a gate says that the rest is below it;
//! guards and the routes of the toolkit say that they were met.

use std::{cell::RefCell, collections::BTreeSet, sync::Arc};

use axum::Router;
use parking_lot::Mutex;
use tower::Layer;

use crate::gate::Lychgate;

/// How many of them an error names.
const NAMED: usize = 20;

/// A router that cannot work, see [`Lychgate::checked`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayerError {
    /// There is no layer.
    #[error(
        "`gate.layer()` was never called: nobody can be signed in, and every guard refuses; write \
         `.layer(gate.layer())` on the router, after its last route"
    )]
    Missing,
    /// These need the layer and stand outside of it.
    #[error(
        "outside of the layer of lychgate, where every request fails:\n{}\nA layer is around what was added to the router \
         before it: write `.layer(gate.layer())` on the outermost router, after its last `.route`, `.merge` and `.nest`",
        listed(.0)
    )]
    Outside(Vec<String>),
    /// Somebody who is signed in at one gate would be asked for at another.
    #[error("routes are below the layers of two gates, and guards would ask the outer one: use one gate for a route")]
    TwoGates,
}

fn listed(names: &[String]) -> String {
    let mut lines: Vec<String> = names.iter().take(NAMED).map(|name| format!("  {name}")).collect();
    if names.len() > NAMED {
        lines.push(format!("  and {} more", names.len() - NAMED));
    }
    lines.join("\n")
}

/// What was seen so far.
#[derive(Debug, Default)]
struct Look {
    /// The gates whose layers are above, by their addresses.
    above: Vec<usize>,
    outside: BTreeSet<String>,
    twice: bool,
    of_two_gates: bool,
}

thread_local! {
    static LOOK: RefCell<Option<Look>> = const { RefCell::new(None) };
}

/// Does something with what this thread sees, if it looks.
fn looking<T>(work: impl FnOnce(&mut Look) -> T) -> Option<T> {
    LOOK.try_with(|look| look.try_borrow_mut().ok()?.as_mut().map(work)).ok().flatten()
}

/// Something that needs the layer was met.
pub(super) fn met(name: impl FnOnce() -> String) {
    looking(|look| {
        if look.above.is_empty() {
            look.outside.insert(name());
        }
    });
}

/// Clones what is below the layer of `gate`.
pub(super) fn below<T>(gate: &Lychgate, clone: impl FnOnce() -> T) -> T {
    let own = Arc::as_ptr(&gate.0).addr();
    let looks = looking(|look| {
        look.twice |= !look.above.is_empty();
        look.of_two_gates |= look.above.iter().any(|other| *other != own);
        look.above.push(own);
    });
    let cloned = clone();
    if looks.is_some() {
        looking(|look| look.above.pop());
    }
    cloned
}

/// A text that is met where it is cloned: what a handler of ours holds.
#[derive(Debug)]
pub(super) struct Marked(pub(super) String);

impl Marked {
    /// The text. (A closure that asks for the field captures the field alone.)
    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

impl Clone for Marked {
    fn clone(&self) -> Self {
        met(|| format!("{} of `gate.routes()`", self.0));
        Self(self.0.clone())
    }
}

/// Clones each service that it is put around, while the thread looks.
#[derive(Clone, Default)]
struct Looking(Arc<Mutex<Look>>);

impl<S: Clone> Layer<S> for Looking {
    type Service = S;

    fn layer(&self, inner: S) -> S {
        LOOK.set(Some(std::mem::take(&mut *self.0.lock())));
        drop(inner.clone());
        *self.0.lock() = LOOK.take().unwrap_or_default();
        inner
    }
}

impl Lychgate {
    /// Looks whether all that needs the layer stands below it, and gives `app` back. [`serve`](Self::serve) does this
    /// before it takes the first connection; call it where something else serves the router, `axum::serve` or a test.
    ///
    /// Guards and the toolkit's own routes are found wherever `route`, `merge` and `nest` have put them. What is not found
    /// is answered with a 500 that names the missing line: extractors such as [`CurrentUser`](crate::CurrentUser) in a
    /// route without a guard, and what `nest_service` and `fallback_service` were given; check such a router by itself.
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use lychgate::{Lychgate, guard};
    ///
    /// fn app(gate: &Lychgate) -> Result<Router, lychgate::LayerError> {
    ///     let app = Router::new()
    ///         .route("/profile", get(|| async { "profile" }).route_layer(guard::authenticated()))
    ///         .merge(gate.routes())
    ///         .layer(gate.layer());
    ///     gate.checked(app)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`LayerError`], which names what stands outside and where it was written.
    pub fn checked(&self, app: Router) -> Result<Router, LayerError> {
        let looking = Looking::default();
        // Handlers become services, and get their layers, when the state is there.
        let all: Router = app.clone().layer(looking.clone()).with_state(());
        drop(all);
        let seen = std::mem::take(&mut *looking.0.lock());
        if !self.has_layer() {
            return Err(LayerError::Missing);
        }
        if !seen.outside.is_empty() {
            return Err(LayerError::Outside(seen.outside.into_iter().collect()));
        }
        if seen.of_two_gates {
            return Err(LayerError::TwoGates);
        }
        if seen.twice {
            tracing::warn!(
                "`gate.layer()` is on some routes twice; the outer one does the work, take the inner one away"
            );
        }
        Ok(app)
    }
}
