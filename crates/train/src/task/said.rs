//! The form of the tasks that say their answer one symbol at a time after a sequence: `copy` and `sort`.

/// A sequence followed by all but the last symbol of what has to be said.
pub(super) fn followed_by(sequence: Vec<u32>, said: Vec<u32>) -> Vec<u32> {
    let n_said = said.len() - 1;
    sequence.into_iter().chain(said.into_iter().take(n_said)).collect()
}

/// No target before the last symbol of the sequence, then everything that has to be said.
pub(super) fn say(said: Vec<u32>) -> Vec<Option<u32>> {
    let silent = said.len() - 1;
    std::iter::repeat_n(None, silent).chain(said.into_iter().map(Some)).collect()
}
