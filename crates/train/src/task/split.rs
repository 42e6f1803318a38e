//! Training, validation and test examples that can never share an input.

use qkv_model::random::{Purpose, fnv1a, stream};
use serde::{Deserialize, Serialize};

use super::{Example, Task};
use crate::error::TrainError;

/// What an example is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// Seen by the optimizer.
    Train,
    /// Looked at during training, for early stop.
    Validation,
    /// For the final figures only.
    Test,
}

impl Split {
    /// The split's name, which is also the path of its random stream.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }

    /// The one split that an input belongs to: a hash of its tokens decides, one in eight each for validation and
    /// test, as minGPT does for its sorting demo. No seed enters, so runs of all seeds agree on what is held out.
    pub fn of(tokens: &[u32]) -> Self {
        match hash(tokens) % 8 {
            0 => Self::Test,
            1 => Self::Validation,
            _ => Self::Train,
        }
    }

    /// As [`of`](Self::of), with another share of all inputs for training and the rest in two halves.
    pub fn with_train_share(train_share: f64, tokens: &[u32]) -> Self {
        // The upper 53 bits, which are all that a double holds, as a number in [0, 1).
        let place = (hash(tokens) >> 11) as f64 / (1_u64 << 53) as f64;
        if place < train_share {
            Self::Train
        } else if place < (1.0 + train_share) / 2.0 {
            Self::Validation
        } else {
            Self::Test
        }
    }
}

/// The examples of one split.
#[derive(Clone, Copy)]
pub struct Examples<'a> {
    /// Draws the inputs and has their answers.
    pub task: &'a dyn Task,
    /// Seed of the run.
    pub seed: u64,
    /// What they are for.
    pub split: Split,
}

impl Examples<'_> {
    /// Example `index`; see [`draw`].
    ///
    /// # Errors
    /// As [`draw`].
    pub fn draw(&self, index: u64) -> Result<Example, TrainError> {
        draw(self.task, self.seed, self.split, index)
    }

    /// How many there are, where the split is a list.
    pub fn count(&self) -> Option<u64> {
        let lists = self.task.held_out_lists().filter(|_| self.split != Split::Train);
        lists.map(|lists| lists.n_held_out(self.split))
    }
}

fn hash(tokens: &[u32]) -> u64 {
    let bytes: Vec<u8> = tokens.iter().flat_map(|token| token.to_le_bytes()).collect();
    avalanche(fnv1a(&bytes))
}

/// MurmurHash3's finalizer (Austin Appleby, public domain). Without it, inputs that differ in their last token alone
/// would go to neighbouring eighths, because FNV-1a hardly mixes the last bytes.
fn avalanche(mut hash: u64) -> u64 {
    for factor in [0xff51_afd7_ed55_8ccd, 0xc4ce_b9fe_1a85_ec53] {
        hash = (hash ^ (hash >> 33)).wrapping_mul(factor);
    }
    hash ^ (hash >> 33)
}

/// A split of one in eight takes 8 draws on average; that none of 10,000 succeeds happens by chance once in 10^579.
const MAX_DRAWS: usize = 10_000;

/// Example `index` of a split: a function of its arguments and nothing else.
///
/// A held-out split that is a list starts again at its end, and no seed enters.
///
/// # Errors
/// If the task has so few different inputs that none of them belongs to the split.
///
/// ```
/// use qkv_train::{Reverse, Split, draw};
///
/// let task = Reverse { seq_len: 16, n_symbols: 10 };
/// let example = draw(&task, 7, Split::Test, 0)?;
/// assert_eq!(example, draw(&task, 7, Split::Test, 0)?);
/// assert_eq!(example.targets[0], Some(example.tokens[15]));
/// # Ok::<(), qkv_train::TrainError>(())
/// ```
pub fn draw(task: &dyn Task, seed: u64, split: Split, index: u64) -> Result<Example, TrainError> {
    let is_empty = |draws| TrainError::SplitIsEmpty { split: split.name(), draws };
    let lists = task.held_out_lists();
    if let Some(lists) = lists.filter(|_| split != Split::Train) {
        let index = index.checked_rem(lists.n_held_out(split)).ok_or_else(|| is_empty(0))?;
        return Ok(lists.held_out(split, index));
    }
    let mut rng = stream(seed, Purpose::Examples, split.name(), index);
    for _ in 0..MAX_DRAWS {
        let tokens = task.sample(&mut rng);
        if lists.is_some() || task.split(&tokens) == split {
            return Ok(Example::new(task, tokens));
        }
    }
    Err(is_empty(MAX_DRAWS))
}
