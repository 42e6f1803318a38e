//! Count models: what a language model that only looks at the last few characters can reach.

use std::collections::HashMap;
use std::ops::Range;

use qkv_run::Baseline;

/// The loss of the unigram, bigram and trigram models on `held_out`, positions of `text`, each trained on
/// `text[train]`.
///
/// ```text
/// p(c | h) = (n(hc) + β u(h) p(c | h')) / (n(h) + β u(h))        p(c | nothing known) = 1 / vocab_size
/// ```
///
/// `h` is the one or two characters before (none for the unigram), `h'` is `h` without its first, `n` counts in the
/// training part and `u(h)` is the number of different characters that followed `h` there. With `β = 1` this is
/// interpolated Witten-Bell smoothing ([Chen & Goodman 1998, section 2.5](https://dash.harvard.edu/handle/1/25104739));
/// here each order has the `β` that is best on `validation`. The contexts are the true characters before, also those
/// before a window of the transformer starts.
pub(super) fn baselines(
    text: &[u32],
    vocab_size: usize,
    train: Range<usize>,
    validation: Range<usize>,
    held_out: Range<usize>,
) -> Vec<Baseline> {
    let uniform = 1.0 / vocab_size as f64;
    let mut on_validation = vec![uniform; validation.len()];
    let mut on_held_out = vec![uniform; held_out.len()];
    let model = |(context_len, name): (usize, &str)| {
        let counts = Counts::new(&text[train.clone()], context_len);
        let (beta, refined) = counts.fit(text, validation.clone(), &on_validation);
        on_validation = refined;
        on_held_out = counts.refine(text, held_out.clone(), &on_held_out, beta);
        Baseline { name: name.to_owned(), loss: loss(&on_held_out) }
    };
    ["unigram", "bigram", "trigram"].into_iter().enumerate().map(model).collect()
}

/// Mean cross-entropy of probabilities given to what came, in nats.
fn loss(probabilities: &[f64]) -> f64 {
    -probabilities.iter().map(|p| p.ln()).sum::<f64>() / probabilities.len() as f64
}

/// What followed each context of one length.
struct Counts {
    context_len: usize,
    followers: HashMap<Vec<u32>, Followers>,
}

#[derive(Default)]
struct Followers {
    /// `n(hc)` for each `c`; its size is `u(h)`.
    of: HashMap<u32, u64>,
    /// `n(h)`, followed by something.
    total: u64,
}

/// Powers of two around Witten-Bell's 1; a finer grid moves the loss in its fourth figure only.
const BETAS: [f64; 9] = [0.0625, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0];

impl Counts {
    fn new(text: &[u32], context_len: usize) -> Self {
        let mut followers: HashMap<Vec<u32>, Followers> = HashMap::new();
        for window in text.windows(context_len + 1) {
            let (context, next) = window.split_at(context_len);
            let of_context = match followers.get_mut(context) {
                Some(of_context) => of_context,
                None => followers.entry(context.to_vec()).or_default(),
            };
            *of_context.of.entry(next[0]).or_default() += 1;
            of_context.total += 1;
        }
        Self { context_len, followers }
    }

    /// `p(c | h)` at each position of `at`, from `shorter`, the `p(c | h')`.
    fn refine(&self, text: &[u32], at: Range<usize>, shorter: &[f64], beta: f64) -> Vec<f64> {
        let one = |(at, &shorter): (usize, &f64)| {
            let context = &text[at - self.context_len..at];
            let Some(followers) = self.followers.get(context) else { return shorter };
            let n_this = followers.of.get(&text[at]).copied().unwrap_or_default() as f64;
            let pull = beta * followers.of.len() as f64;
            (n_this + pull * shorter) / (followers.total as f64 + pull)
        };
        at.zip(shorter).map(one).collect()
    }

    /// The best of [`BETAS`] and what it gives.
    fn fit(&self, text: &[u32], at: Range<usize>, shorter: &[f64]) -> (f64, Vec<f64>) {
        let tried = BETAS.map(|beta| (beta, self.refine(text, at.clone(), shorter, beta)));
        let best = tried.into_iter().min_by(|a, b| loss(&a.1).total_cmp(&loss(&b.1)));
        best.expect("there is at least one to try")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `abracadabr` in the alphabet `abcdr`.
    const TEXT: [u32; 10] = [0, 1, 4, 0, 2, 0, 3, 0, 1, 4];

    /// The probabilities that each order gives for the `b` and the `r` at the end, after it has counted `abracada`; `β`
    /// is 1.
    #[test]
    fn ten_letters_by_hand() {
        let by_hand = [
            // a 4, b 1, c 1, d 1, r 1: five different of eight; (1 + 5 · 1/5) / (8 + 5).
            [2.0 / 13.0, 2.0 / 13.0],
            // After a: b, c, d once each; (1 + 3 · 2/13) / (3 + 3). After b: r; (1 + 2/13) / (1 + 1).
            [19.0 / 78.0, 15.0 / 26.0],
            // After da: nothing was counted. After ab: r; (1 + 15/26) / (1 + 1).
            [19.0 / 78.0, 41.0 / 52.0],
        ];
        let mut probabilities = vec![1.0 / 5.0; 2];
        for (context_len, expected) in by_hand.into_iter().enumerate() {
            probabilities = Counts::new(&TEXT[..8], context_len).refine(&TEXT, 8..10, &probabilities, 1.0);
            for (got, want) in probabilities.iter().zip(expected) {
                assert!((got - want).abs() < 1e-15, "context of {context_len}: {got} instead of {want}");
            }
        }
        let expected = -((19.0_f64 / 78.0).ln() + (41.0_f64 / 52.0).ln()) / 2.0;
        assert!((loss(&probabilities) - expected).abs() < 1e-15);
    }

    #[test]
    fn what_can_follow_a_context_has_probability_one_in_all() {
        for beta in BETAS {
            for context in [[0, 1], [3, 0], [4, 4]] {
                let one = |next: u32| {
                    let text = [context[0], context[1], next];
                    let refine = |shorter: Vec<f64>, context_len: usize| {
                        Counts::new(&TEXT, context_len).refine(&text, 2..3, &shorter, beta)
                    };
                    (0..3).fold(vec![1.0 / 5.0], refine)[0]
                };
                let sum: f64 = (0..5).map(one).sum();
                assert!((sum - 1.0).abs() < 1e-14, "after {context:?}: {sum}");
            }
        }
    }

    #[test]
    fn beta_is_the_best_on_validation() {
        let counts = Counts::new(&TEXT[..6], 0);
        let shorter = vec![1.0 / 5.0; 2];
        let (beta, refined) = counts.fit(&TEXT, 6..8, &shorter);
        let losses = BETAS.map(|beta| loss(&counts.refine(&TEXT, 6..8, &shorter, beta)));
        assert!(losses.iter().all(|&other| loss(&refined) <= other));
        assert_eq!(refined, counts.refine(&TEXT, 6..8, &shorter, beta));
    }
}
