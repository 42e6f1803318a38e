//! How much of an input a model cannot write by itself.

use super::{Split, TargetKind, Task, draw};
use crate::error::TrainError;

/// Examples that are looked at: enough for those of [`Induction`](super::Induction), whose repeated part has another
/// length in each.
const N_EXAMPLES: u64 = 100;

/// The number of positions with which an input of `task` has to begin so that the rest of it can be written by a model:
/// from the last of them on, each answer is the token at the next position. All of them where a position holds something
/// else.
///
/// It is found in training examples of `seed`.
///
/// ```
/// use qkv_train::{Copy, Reverse, n_given};
///
/// // Of `D B E B | D B E` the sequence is given, and the answer to each position is the next symbol.
/// assert_eq!(n_given(&Copy { len: 4, n_symbols: 10 }, 0)?, 4);
/// assert_eq!(n_given(&Reverse { seq_len: 4, n_symbols: 10 }, 0)?, 4);
/// # Ok::<(), qkv_train::TrainError>(())
/// ```
///
/// # Errors
/// As [`draw`].
pub fn n_given(task: &dyn Task, seed: u64) -> Result<usize, TrainError> {
    let seq_len = task.seq_len();
    if !task.needs_causal_mask() || task.stack() != 1 || task.target_kind() != TargetKind::Tokens {
        return Ok(seq_len);
    }
    let mut n_given = 1;
    for index in 0..N_EXAMPLES {
        let example = draw(task, seed, Split::Train, index)?;
        let is_written = |at: &usize| {
            let next = example.tokens.get(at + 1);
            example.targets[*at].is_some_and(|target| next.is_none_or(|&next| next == target))
        };
        let first = (0..seq_len).rev().take_while(is_written).last();
        n_given = n_given.max(first.map_or(seq_len, |first| first + 1));
    }
    Ok(n_given)
}
