//! Where what an application sends is kept for the test to look at.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use parking_lot::Mutex;

/// Takes what is sent and keeps it; a clone is the same place.
#[derive(Debug)]
pub struct Kept<T> {
    items: Arc<Mutex<Vec<T>>>,
    is_down: Arc<AtomicBool>,
    tried: Arc<AtomicUsize>,
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Self { items: self.items.clone(), is_down: self.is_down.clone(), tried: self.tried.clone() }
    }
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { items: Arc::default(), is_down: Arc::default(), tried: Arc::default() }
    }
}

impl<T: Clone> Kept<T> {
    /// What came since the last call.
    #[must_use]
    pub fn take(&self) -> Vec<T> {
        std::mem::take(&mut *self.items.lock())
    }

    /// Whether it refuses everything from now on, as a server that is away does.
    pub fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }

    /// How often something was handed in.
    #[must_use]
    pub fn tried(&self) -> usize {
        self.tried.load(Ordering::SeqCst)
    }

    /// Keeps a copy; `false` while it is down.
    pub(crate) fn hand_in(&self, item: &T) -> bool {
        self.tried.fetch_add(1, Ordering::SeqCst);
        let is_up = !self.is_down.load(Ordering::SeqCst);
        if is_up {
            self.items.lock().push(item.clone());
        }
        is_up
    }
}
