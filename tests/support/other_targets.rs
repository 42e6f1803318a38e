//! The inputs of a small `reverse` with other targets, and a model for them.

use burn::tensor::Device;
use qkv_model::{Init, Transformer, TransformerConfig};
use qkv_train::{Reverse, TargetKind, Task};

pub const REVERSE: Reverse = Reverse { seq_len: 5, n_symbols: 6 };

/// The methods of a task with the inputs of `reverse`.
macro_rules! inputs_of_reverse {
    () => {
        fn summary(&self) -> String {
            REVERSE.summary()
        }

        fn vocabulary(&self) -> Vec<String> {
            REVERSE.vocabulary()
        }

        fn seq_len(&self) -> usize {
            REVERSE.seq_len()
        }

        fn sample(&self, rng: &mut qkv_model::random::Rng) -> Vec<u32> {
            REVERSE.sample(rng)
        }
    };
}
pub(crate) use inputs_of_reverse;

/// The targets as a function of the tokens.
pub struct WithTargets<F>(pub F);

impl<F: Fn(&[u32]) -> Vec<Option<u32>> + Send + Sync> Task for WithTargets<F> {
    inputs_of_reverse!();

    fn targets(&self, tokens: &[u32]) -> Vec<Option<u32>> {
        self.0(tokens)
    }
}

/// Answers that are no tokens, as a function of the tokens.
pub struct WithVectors<F>(pub TargetKind, pub F);

impl<F: Fn(&[u32]) -> Vec<Option<Vec<f32>>> + Send + Sync> Task for WithVectors<F> {
    inputs_of_reverse!();

    fn target_kind(&self) -> TargetKind {
        self.0
    }

    fn target_vectors(&self, tokens: &[u32]) -> Vec<Option<Vec<f32>>> {
        (self.1)(tokens)
    }
}

pub fn transformer(device: &Device) -> Transformer {
    TransformerConfig::new(6, 5, 12).init(&Init::new(device, 1)).unwrap()
}
