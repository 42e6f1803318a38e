//! The form of the tasks that give their answer one symbol at a time after a sequence: `copy`, `sort` and
//! `sorted-list`.

/// A sequence followed by all but the last symbol of its answer.
pub(super) fn input(sequence: Vec<u32>, answer: Vec<u32>) -> Vec<u32> {
    let n_given = answer.len() - 1;
    sequence.into_iter().chain(answer.into_iter().take(n_given)).collect()
}

/// No target at the first `n_silent` positions, then the answer.
pub(super) fn targets(n_silent: usize, answer: Vec<u32>) -> Vec<Option<u32>> {
    std::iter::repeat_n(None, n_silent).chain(answer.into_iter().map(Some)).collect()
}
