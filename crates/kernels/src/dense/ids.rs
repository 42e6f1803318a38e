//! Ids: integers that pick a row of a table or a logit of a row.

/// # Panics
///
/// If an id is not in `0..n`; `name` is what the ids are called.
#[track_caller]
pub(super) fn check(name: &str, ids: &[i64], n: usize) {
    for (i, &id) in ids.iter().enumerate() {
        assert!(usize::try_from(id).is_ok_and(|id| id < n), "{name}[{i}] is {id}, expected 0..{n}");
    }
}
