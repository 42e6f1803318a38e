//! The task on which generalisation was seen to come long after memorisation ("grokking").

use qkv_model::random::Rng;
use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::task::{Inputs, Split, Task, symbols};

/// Add two numbers modulo `modulus`
/// ([Power et al. 2022](https://arxiv.org/abs/2201.02177);
/// [Nanda et al. 2023, section 3](https://arxiv.org/abs/2301.05217)).
///
/// ```text
/// position   0  1  2
/// input      5  4  =        modulus 7
/// target     ·  ·  2
/// ```
///
/// With the published settings, `modulus = 113` and `train_share = 0.3`, a model first learns the training pairs by
/// heart and generalises only after some ten thousand steps; a larger share shortens the wait.
///
/// No positions (the order of the two does not matter) and fixed embeddings keep the comparison of the variants fair.
/// The variants differ little all the same: `=` only has to collect both numbers, which takes no learned projection,
/// and the MLP adds them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModularAddition {
    /// The numbers are `0..modulus`.
    pub modulus: usize,
    /// Share of all pairs that is trained on, between 0 and 1; the rest is validation and test, half each.
    pub train_share: f64,
}

impl ModularAddition {
    fn equals(&self, mut numbers: Vec<u32>) -> Vec<u32> {
        numbers.push(self.modulus as u32);
        numbers
    }
}

impl Task for ModularAddition {
    fn summary(&self) -> String {
        format!("add two numbers modulo {}, {} of all pairs seen", self.modulus, self.train_share)
    }

    fn vocabulary(&self) -> Vec<String> {
        symbols::and(symbols::numbers(self.modulus), "=")
    }

    fn seq_len(&self) -> usize {
        3
    }

    fn sample(&self, rng: &mut Rng) -> Vec<u32> {
        self.equals(symbols::sample(rng, 2, self.modulus))
    }

    fn targets(&self, tokens: &[u32]) -> Vec<Option<u32>> {
        vec![None, None, Some((tokens[0] + tokens[1]) % self.modulus as u32)]
    }

    fn check(&self) -> Result<(), TrainError> {
        TrainError::between("task.modulus", self.modulus, 2, symbols::MAX_SYMBOLS)?;
        let fits = self.train_share > 0.0 && self.train_share < 1.0;
        TrainError::in_range(fits, "task.train_share", "above 0 and below 1", self.train_share)
    }

    fn inputs(&self) -> Option<Inputs<'_>> {
        Some(Inputs::of_strings(2, self.modulus, |numbers| self.equals(numbers)))
    }

    fn split(&self, tokens: &[u32]) -> Split {
        Split::with_train_share(self.train_share, tokens)
    }
}
