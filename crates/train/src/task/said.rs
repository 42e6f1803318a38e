//! The form of the tasks that say their answer one symbol at a time after a sequence: `copy`, `sort` and
//! `sorted-list`.

/// A sequence followed by all but the last symbol of what has to be said.
pub(super) fn followed_by(sequence: Vec<u32>, said: Vec<u32>) -> Vec<u32> {
    let n_said = said.len() - 1;
    sequence.into_iter().chain(said.into_iter().take(n_said)).collect()
}

/// No target at the positions before the one that starts to say it, then everything that has to be said.
pub(super) fn say(n_silent: usize, said: Vec<u32>) -> Vec<Option<u32>> {
    std::iter::repeat_n(None, n_silent).chain(said.into_iter().map(Some)).collect()
}
