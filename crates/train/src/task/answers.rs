//! Which tokens a task asks for.

use std::collections::BTreeSet;

use super::{Split, Task, draw};
use crate::error::TrainError;

/// Of 97 equally likely answers, one an example, each is missed with a chance of 3e-5.
const N_EXAMPLES: u64 = 1000;

/// The tokens that are right answers in the first 1,000 training examples of `seed`; none where answers are real numbers.
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
    let mut answers = BTreeSet::new();
    for index in 0..N_EXAMPLES {
        answers.extend(draw(task, seed, Split::Train, index)?.targets.into_iter().flatten());
    }
    Ok(answers)
}
