//! The second demonstration: content tells where to look, and no two inputs have the same map.

use qkv_model::random::Rng;
use rand::RngExt;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::task::{Task, symbols};

/// Remember which value stood with which key.
///
/// ```text
/// position   0   1   2  |  3   4   5
/// key        d   a   g  |  G   D   A        each key is asked for once, in another order
/// value      7   2   5  |  ·   ·   ·        key and value share a position
/// target     ·   ·   ·  |  5   7   2
/// ```
///
/// With `layout = "interleaved"` the values follow their keys
/// ```text
/// position   0  1  2  3  4  5 | 6  7  8
/// input      d  7  a  2  g  5 | G  D  A
/// target     ·  ·  ·  ·  ·  · | 5  7  2
/// ```
/// and it takes two layers, because the position of a value holds nothing of its key until an earlier layer has carried
/// the key one position forward.
///
/// A key is asked for by a token of its own (`D` asks for `d`): with fixed embeddings the two have nothing in common
/// until W_Q and W_K learn to bring them together. Fixed embeddings keep the comparison of the variants fair, because
/// learned ones would bring a key and its question together on their own; so do no positions for the stacked layout,
/// which needs none, and sinusoidal positions for the interleaved one, which needs a step of one position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recall {
    /// Whether key and value share a position; `stacked` by default.
    #[serde(default)]
    pub layout: Layout,
    /// Number of pairs to remember; an input has `2 * n_pairs` positions, `3 * n_pairs` interleaved.
    pub n_pairs: usize,
    /// Number of different keys.
    pub n_keys: usize,
    /// Number of different values.
    pub n_values: usize,
}

/// How the pairs of [`Recall`] lie in an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// Key and value share a position.
    #[default]
    Stacked,
    /// The value follows its key.
    Interleaved,
}

impl Recall {
    /// Those of the pair itself and the one of its question.
    fn positions_per_pair(&self) -> usize {
        match self.layout {
            Layout::Stacked => 2,
            Layout::Interleaved => 3,
        }
    }

    /// The token that asks for a key.
    fn question(&self, key: u32) -> u32 {
        self.n_keys as u32 + key
    }

    fn value(&self, value: u32) -> u32 {
        2 * self.n_keys as u32 + value
    }

    /// Stands where a question has no value.
    fn blank(&self) -> u32 {
        (2 * self.n_keys + self.n_values) as u32
    }
}

impl Task for Recall {
    fn summary(&self) -> String {
        let Self { layout, n_pairs, n_keys, n_values } = self;
        let place = match layout {
            Layout::Stacked => "",
            Layout::Interleaved => ", in positions of their own",
        };
        format!(
            "answer each of {n_pairs} keys with its value; keys out of {n_keys}, values out of {n_values}{place}"
        )
    }

    fn vocabulary(&self) -> Vec<String> {
        let letter = |first: u8, key: usize| match u8::try_from(key) {
            Ok(offset) if offset < 26 && self.n_keys <= 26 => char::from(first + offset).to_string(),
            _ => format!("{}{key}", char::from(first)),
        };
        let keys = (0..self.n_keys).map(|key| letter(b'a', key));
        let questions = (0..self.n_keys).map(|key| letter(b'A', key));
        let values = (0..self.n_values).map(|value| value.to_string());
        let blank = (self.layout == Layout::Stacked).then(|| "·".to_owned());
        keys.chain(questions).chain(values).chain(blank).collect()
    }

    fn seq_len(&self) -> usize {
        self.n_pairs * self.positions_per_pair()
    }

    fn stack(&self) -> usize {
        match self.layout {
            Layout::Stacked => 2,
            Layout::Interleaved => 1,
        }
    }

    fn sample(&self, rng: &mut Rng) -> Vec<u32> {
        let mut keys = symbols::sample_distinct(rng, self.n_pairs, self.n_keys);
        keys.shuffle(rng);
        let mut tokens = Vec::with_capacity(4 * self.n_pairs);
        for &key in &keys {
            tokens.extend([key, self.value(rng.random_range(0..self.n_values as u32))]);
        }
        keys.shuffle(rng);
        for key in keys {
            tokens.push(self.question(key));
            if self.layout == Layout::Stacked {
                tokens.push(self.blank());
            }
        }
        tokens
    }

    fn targets(&self, tokens: &[u32]) -> Vec<Option<u32>> {
        let (pairs, questions) = tokens.split_at(2 * self.n_pairs);
        let answer = |question: u32| {
            let pair = pairs.chunks_exact(2).find(|pair| self.question(pair[0]) == question);
            pair.map(|pair| pair[1])
        };
        std::iter::repeat_n(None, self.seq_len() - self.n_pairs)
            .chain(questions.chunks_exact(self.stack()).map(|question| answer(question[0])))
            .collect()
    }

    fn check(&self) -> Result<(), TrainError> {
        TrainError::between("task.n_pairs", self.n_pairs, 1, symbols::MAX_LEN / self.positions_per_pair())?;
        TrainError::between("task.n_keys", self.n_keys, self.n_pairs, symbols::MAX_SYMBOLS)?;
        TrainError::between("task.n_values", self.n_values, 2, symbols::MAX_SYMBOLS)
    }
}
