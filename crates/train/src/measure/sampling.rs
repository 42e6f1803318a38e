//! How a model's next token is chosen: the likeliest, or drawn from its probabilities.

use qkv_model::random::{Purpose, Rng, stream};
use rand::RngExt;

use crate::error::TrainError;

/// How tokens are chosen, one after another.
///
/// ```text
/// p(next) = softmax(logits / temperature), over the top_k largest logits
/// ```
///
/// The same model, seed and index give the same tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampling {
    /// Logits are divided by it: 1 gives the model's own probabilities, less makes likely tokens likelier, and at 0 the
    /// likeliest is always chosen; 1 by default.
    pub temperature: f64,
    /// Only so many tokens are drawn from, the likeliest, and of equally likely ones the first; by default all of them.
    pub top_k: Option<usize>,
    /// Seed of the sample.
    pub seed: u64,
    /// Number of the sample, so that one seed gives several.
    pub index: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { temperature: 1.0, top_k: None, seed: 0, index: 0 }
    }
}

impl Sampling {
    /// The likeliest token at every step.
    pub fn greedy() -> Self {
        Self { temperature: 0.0, ..Self::default() }
    }
}

/// A token that was chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drawn {
    /// The token.
    pub token: u32,
    /// The natural logarithm of the probability that the model itself gives it: at a temperature of 1, among all tokens.
    pub log_probability: f64,
}

/// The path of the random stream of samples: that of the first task that had any, because another path gives other
/// samples.
const STREAM: &str = "chars";

/// Chooses the tokens of one sample.
pub(super) struct Sampler {
    temperature: f64,
    top_k: usize,
    rng: Rng,
}

impl Sampler {
    /// # Errors
    /// If the temperature is below 0 or not finite, or `top_k` is 0.
    pub fn new(sampling: &Sampling) -> Result<Self, TrainError> {
        let &Sampling { temperature, top_k, seed, index } = sampling;
        let fits = temperature >= 0.0 && temperature.is_finite();
        TrainError::in_range(fits, "temperature", "at least 0 and finite", temperature)?;
        TrainError::in_range(top_k != Some(0), "top_k", "at least 1", 0)?;
        let rng = stream(seed, Purpose::Samples, STREAM, index);
        Ok(Self { temperature, top_k: top_k.unwrap_or(usize::MAX), rng })
    }

    /// Chooses a token by its logits, one for every token of a vocabulary.
    pub fn draw(&mut self, logits: &[f64]) -> Drawn {
        let token = if self.temperature == 0.0 { likeliest(logits) } else { self.draw_by_chance(logits) };
        let highest = highest(logits);
        let sum: f64 = logits.iter().map(|logit| (logit - highest).exp()).sum();
        Drawn { token: token as u32, log_probability: logits[token] - highest - sum.ln() }
    }

    fn draw_by_chance(&mut self, logits: &[f64]) -> usize {
        let highest = highest(logits);
        let weight = |logit: &f64| ((logit - highest) / self.temperature).exp();
        let mut weights: Vec<f64> = logits.iter().map(weight).collect();
        for hidden in behind_the_first(self.top_k, logits) {
            weights[hidden] = 0.0;
        }
        let mut left = self.rng.random::<f64>() * weights.iter().sum::<f64>();
        for (token, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return token;
            }
        }
        // Rounding can leave a trifle over, which goes to the most likely.
        likeliest(logits)
    }
}

fn highest(logits: &[f64]) -> f64 {
    logits.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

/// The first of the likeliest tokens, as an argmax has it.
fn likeliest(logits: &[f64]) -> usize {
    let by_logit = |&a: &usize, &b: &usize| logits[a].total_cmp(&logits[b]).then(b.cmp(&a));
    (0..logits.len()).max_by(by_logit).expect("a vocabulary has tokens")
}

/// All tokens but the `k` likeliest.
fn behind_the_first(k: usize, logits: &[f64]) -> Vec<usize> {
    let mut tokens: Vec<usize> = (0..logits.len()).collect();
    if k >= tokens.len() {
        return Vec::new();
    }
    tokens.select_nth_unstable_by(k, |&a, &b| logits[b].total_cmp(&logits[a]).then(a.cmp(&b)));
    tokens.split_off(k)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often each of 4,000 choices falls on each token.
    fn counts<const N: usize>(logits: [f64; N], temperature: f64, top_k: Option<usize>) -> [usize; N] {
        let sampling = Sampling { temperature, top_k, ..Sampling::default() };
        let mut sampler = Sampler::new(&sampling).expect("in range");
        let mut counts = [0; N];
        for _ in 0..4000 {
            counts[sampler.draw(&logits).token as usize] += 1;
        }
        counts
    }

    #[test]
    fn tokens_come_as_often_as_the_model_expects() {
        // 1 : 3 : 4. Five standard deviations of 4,000 draws are at most 158.
        let found = counts([0.0, 3_f64.ln(), 4_f64.ln()], 1.0, None);
        for (found, expected) in found.into_iter().zip([500, 1500, 2000]) {
            assert!(found.abs_diff(expected) < 158, "{found} instead of {expected}");
        }
        // At half the temperature 1 : 9 : 16.
        let found = counts([0.0, 3_f64.ln(), 4_f64.ln()], 0.5, None);
        assert!(found[0].abs_diff(4000 / 26) < 100, "{found:?}");
    }

    #[test]
    fn large_logits_and_hidden_tokens_are_no_problem() {
        assert_eq!(counts([1e6, f64::NEG_INFINITY, 1e6 - 1e4], 1.0, None), [4000, 0, 0]);
    }

    #[test]
    fn only_the_k_likeliest_are_drawn_as_often_as_they_are_likely_among_themselves() {
        // 3 : 1 once the others are left out, at any place.
        let found = counts([0.0, 3_f64.ln(), -1.0, -2.0, -1.5], 1.0, Some(2));
        assert!(found[0].abs_diff(1000) < 158 && found[0] + found[1] == 4000, "{found:?}");
        // Of equally likely ones the first.
        let found = counts([0.0, 2.0, 0.0, 2.0, 2.0], 1.0, Some(2));
        assert!(found[1] > 1800 && found[1] + found[3] == 4000, "{found:?}");
        assert_eq!(counts([0.0, 2.0, 1.0], 1e9, Some(1)), [0, 4000, 0]);
        let logits = [0.5, 0.1, 0.3];
        assert_eq!(counts(logits, 1.0, Some(3)), counts(logits, 1.0, None));
        assert_eq!(counts(logits, 1.0, Some(usize::MAX)), counts(logits, 1.0, None));
    }

    #[test]
    fn at_a_temperature_of_zero_the_first_of_the_likeliest_is_chosen() {
        assert_eq!(counts([0.0, 2.0, 2.0, f64::NEG_INFINITY], 0.0, None), [0, 4000, 0, 0]);
        assert_eq!(counts([-0.0, -1e-300], -0.0, None), [4000, 0]);
    }

    #[test]
    fn the_probability_is_the_model_s_own_whatever_is_drawn_from() {
        let logits = [0.0, 3_f64.ln(), 4_f64.ln()].map(|logit| logit + 1e6);
        for (temperature, top_k) in [(0.0, None), (0.3, Some(2)), (1.0, Some(1)), (2.0, None)] {
            let sampling = Sampling { temperature, top_k, ..Sampling::default() };
            let mut sampler = Sampler::new(&sampling).expect("in range");
            for _ in 0..20 {
                let Drawn { token, log_probability } = sampler.draw(&logits);
                let expected = [0.125_f64, 0.375, 0.5][token as usize];
                // Around a million, neighbouring numbers are 1e-10 apart.
                assert!((log_probability.exp() - expected).abs() < 1e-9, "{token}: {log_probability}");
            }
        }
    }
}
