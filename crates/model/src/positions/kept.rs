//! Tables that every pass needs, kept from one to the next.

use std::fmt::{self, Debug, Formatter};
use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::Device;

/// The table that was made last, with its device and what it was made for. Clones share it.
pub(super) struct Kept<K, T>(Arc<Mutex<Option<Entry<K, T>>>>);

struct Entry<K, T> {
    device: Device,
    key: K,
    table: T,
}

impl<K, T: Clone> Kept<K, T> {
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }

    /// The kept table if it lies on `device` and `serves` accepts its key, else that of `make`, which is kept from now on.
    ///
    /// A device that records gradients equals the one that does not, but a table of the one must not serve the other: it
    /// would decide which operations a pass takes, and so the last bits of what comes out.
    pub(super) fn get(
        &self,
        device: &Device,
        serves: impl FnOnce(&K) -> bool,
        make: impl FnOnce() -> (K, T),
    ) -> T {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_there = |on: &Device| on == device && on.is_autodiff() == device.is_autodiff();
        match &*kept {
            Some(Entry { device, key, table }) if is_there(device) && serves(key) => table.clone(),
            _ => {
                let (key, table) = make();
                kept.insert(Entry { device: device.clone(), key, table }).table.clone()
            }
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
