//! Which tokens a task asks for.

use std::collections::BTreeSet;

use super::{Split, Task, draw};
use crate::error::TrainError;

/// At least so many are drawn: positions of one example may have one answer in common.
const N_EXAMPLES: u64 = 1000;

/// Answers for each token of the vocabulary: of equally likely ones each is missed with a chance of 6e-6 then.
const N_ANSWERS: usize = 12;

/// The tokens that are right answers in the first training examples of `seed`: in 1,000, and in as many more as it takes
/// until they have twelve answers for each token of the vocabulary; none where answers are real numbers.
///
/// # Errors
/// As [`draw`].
///
/// ```
/// use qkv_train::{Layout, Recall, answer_tokens};
///
/// let task = Recall { layout: Layout::Stacked, n_pairs: 2, n_keys: 3, n_values: 4 };
/// // Three keys and three questions come first in the vocabulary; the answers are the values behind them.
/// assert_eq!(answer_tokens(&task, 0)?.into_iter().collect::<Vec<_>>(), [6, 7, 8, 9]);
/// # Ok::<(), qkv_train::TrainError>(())
/// ```
pub fn answer_tokens(task: &dyn Task, seed: u64) -> Result<BTreeSet<u32>, TrainError> {
    let (mut answers, mut n_drawn) = (BTreeSet::new(), 0);
    let n_needed = N_ANSWERS * task.vocabulary().len();
    // An example without an answer brings it no nearer.
    for index in 0..N_EXAMPLES.max(n_needed as u64) {
        if index >= N_EXAMPLES && n_drawn >= n_needed {
            break;
        }
        let targets = draw(task, seed, Split::Train, index)?.targets.into_iter().flatten();
        answers.extend(targets.inspect(|_| n_drawn += 1));
    }
    Ok(answers)
}
