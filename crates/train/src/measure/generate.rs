//! Samples: one token after another, each drawn from the probabilities that the model gives.

use burn::tensor::{Device, Int, Tensor, TensorData};
use qkv_model::Mode;
use qkv_model::random::{Purpose, Rng, stream};
use rand::RngExt;

use crate::error::TrainError;
use crate::model::Model;
use crate::task::Task;

/// How a sample is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampling {
    /// Number of new tokens.
    pub n_tokens: usize,
    /// Logits are divided by it: 1 gives the model's own probabilities, less makes likely tokens likelier; above 0.
    pub temperature: f64,
    /// Seed of the sample.
    pub seed: u64,
    /// Number of the sample, so that one seed gives several.
    pub index: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { n_tokens: 500, temperature: 1.0, seed: 0, index: 0 }
    }
}

/// The path of the random stream of samples: that of the first task that had any, because another path gives other
/// samples.
const STREAM: &str = "chars";

/// The tokens with which `model`, a validation copy, goes on after `prompt`.
///
/// ```text
/// p(next) = softmax(logits / temperature) at the last position
/// ```
///
/// It sees the last `seq_len - 1` tokens: the last position of a training example has no next token, so a model has
/// never answered there.
///
/// # Errors
/// If the temperature is not above 0.
///
/// # Panics
/// If the prompt is empty or has tokens outside the vocabulary, or several tokens share a position.
pub fn generate<M: Model>(
    model: &M,
    task: &dyn Task,
    prompt: &[u32],
    sampling: &Sampling,
    device: &Device,
) -> Result<Vec<u32>, TrainError> {
    Ok(generate_one_by_one(model, task, prompt, sampling, device)?.collect())
}

/// The same tokens, each computed when it is asked for.
///
/// # Errors
/// As [`generate`].
///
/// # Panics
/// As [`generate`].
pub fn generate_one_by_one<'a, M: Model>(
    model: &'a M,
    task: &'a dyn Task,
    prompt: &[u32],
    sampling: &Sampling,
    device: &Device,
) -> Result<impl Iterator<Item = u32> + use<'a, M>, TrainError> {
    let &Sampling { n_tokens, temperature, seed, index } = sampling;
    let fits = temperature > 0.0 && temperature.is_finite();
    TrainError::in_range(fits, "temperature", "above 0 and finite", temperature)?;
    let vocab_size = task.vocabulary().len();
    assert_eq!(task.stack(), 1, "tokens that share a position cannot follow each other");
    assert!(!prompt.is_empty(), "a sample starts from at least one token");
    assert!(prompt.iter().all(|&token| (token as usize) < vocab_size), "a token outside the vocabulary");

    let device = device.clone().without_autodiff();
    let mut rng = stream(seed, Purpose::Samples, STREAM, index);
    let mut tokens = prompt.to_vec();
    Ok((0..n_tokens).map(move |_| {
        let context = &tokens[tokens.len().saturating_sub((task.seq_len() - 1).max(1))..];
        let next = choose(&next_logits(model, context, &device), temperature, &mut rng);
        tokens.push(next);
        next
    }))
}

/// Logits after the last token, `[vocab_size]`.
fn next_logits<M: Model>(model: &M, context: &[u32], device: &Device) -> Vec<f64> {
    let ids: Vec<i64> = context.iter().map(|&token| i64::from(token)).collect();
    let tokens = Tensor::<3, Int>::from_data(TensorData::new(ids, [1, context.len(), 1]), device);
    let features = model.features(tokens, Mode::Evaluate);
    let [_, seq_len, d_model] = features.dims();
    let last = features.slice([0..1, seq_len - 1..seq_len]).reshape([1, d_model]);
    model.logits(last).into_data().iter::<f64>().collect()
}

/// Draws from `softmax(logits / temperature)`.
fn choose(logits: &[f64], temperature: f64, rng: &mut Rng) -> u32 {
    let highest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = logits.iter().map(|logit| ((logit - highest) / temperature).exp()).collect();
    let mut left = rng.random::<f64>() * weights.iter().sum::<f64>();
    for (token, weight) in weights.iter().enumerate() {
        left -= weight;
        if left < 0.0 {
            return token as u32;
        }
    }
    // Rounding can leave a trifle over, which goes to the most likely.
    let likeliest = (0..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b]));
    likeliest.expect("a vocabulary has tokens") as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often each of 4,000 choices falls on each token.
    fn counts(logits: [f64; 3], temperature: f64) -> [usize; 3] {
        let mut rng = stream(0, Purpose::Samples, "test", 0);
        let mut counts = [0; 3];
        for _ in 0..4000 {
            counts[choose(&logits, temperature, &mut rng) as usize] += 1;
        }
        counts
    }

    #[test]
    fn tokens_come_as_often_as_the_model_expects() {
        // 1 : 3 : 4. Five standard deviations of 4,000 draws are at most 158.
        let found = counts([0.0, 3_f64.ln(), 4_f64.ln()], 1.0);
        for (found, expected) in found.into_iter().zip([500, 1500, 2000]) {
            assert!(found.abs_diff(expected) < 158, "{found} instead of {expected}");
        }
        // At half the temperature 1 : 9 : 16.
        let found = counts([0.0, 3_f64.ln(), 4_f64.ln()], 0.5);
        assert!(found[0].abs_diff(4000 / 26) < 100, "{found:?}");
    }

    #[test]
    fn large_logits_and_hidden_tokens_are_no_problem() {
        assert_eq!(counts([1e6, f64::NEG_INFINITY, 1e6 - 1e4], 1.0), [4000, 0, 0]);
    }
}
