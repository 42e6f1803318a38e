//! Tables that every pass needs, kept from one to the next.

use std::fmt::{self, Debug, Formatter};
use std::sync::{Arc, Mutex, PoisonError};

/// The table that was made last, and what it was made for. Clones share it.
pub(super) struct Kept<K, T>(Arc<Mutex<Option<(K, T)>>>);

impl<K, T: Clone> Kept<K, T> {
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }

    /// The kept table if `serves` accepts its key, else that of `make`, which is kept from now on.
    pub(super) fn get(&self, serves: impl FnOnce(&K) -> bool, make: impl FnOnce() -> (K, T)) -> T {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some((key, table)) if serves(key) => table.clone(),
            _ => kept.insert(make()).1.clone(),
        }
    }
}

impl<K, T> Clone for Kept<K, T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, T> Debug for Kept<K, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}
