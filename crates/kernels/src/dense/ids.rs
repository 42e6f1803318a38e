//! Ids: integers that pick a row of a table or a logit of a row.

use std::fmt::Display;

/// An integer that picks one of `0..n`.
pub trait Id: Copy + Sync + Display + TryInto<usize> {}

impl<I: Copy + Sync + Display + TryInto<usize>> Id for I {}

/// # Panics
///
/// If an id is not in `0..n`; `name` is what the ids are called.
#[track_caller]
pub(super) fn check(name: &str, ids: &[impl Id], n: usize) {
    for (i, &id) in ids.iter().enumerate() {
        assert!(id.try_into().is_ok_and(|id| id < n), "{name}[{i}] is {id}, expected 0..{n}");
    }
}

/// An id that [`check`] has accepted.
#[inline(always)]
pub(super) fn index(id: impl Id) -> usize {
    id.try_into().unwrap_or_else(|_| unreachable!("ids were checked at the door"))
}
