//! Counts of n-grams over a corpus, and the score of them.

use std::collections::BTreeMap;

use super::tokens::tokens;

/// Longest n-grams that are compared.
const ORDERS: usize = 4;

/// What corpus BLEU ([Papineni et al. 2002](https://aclanthology.org/P02-1040)) counts, over pairs of a hypothesis and its
/// references.
///
/// ```text
/// BLEU = 100 · BP · (p_1 p_2 p_3 p_4)^(1/4)       p_n = Σ matches of n-grams / Σ n-grams of the hypotheses
/// BP   = 1 if c > r, else e^(1 - r/c)             c, r: tokens of the hypotheses and of the references
/// ```
///
/// An n-gram matches as often as it stands in the reference that has it most often; `r` counts the reference whose length
/// is nearest. Tokens, smoothing and rounding are those of sacrebleu's `corpus_bleu`
/// ([Post 2018](https://aclanthology.org/W18-6319)): tokenization `13a`, smoothing `exp`, by which the k-th order without a
/// match has 2^-k matches, and all four orders, so that hypotheses without an n-gram of four tokens have 0.
///
/// ```
/// use qkv_train::BleuSums;
///
/// let mut sums = BleuSums::default();
/// sums.add("the cat sat on the mat", &["the cat sat on a mat"]);
/// // 5 of 6 words, 3 of 5 pairs, 2 of 4 triples and 1 of 3 quadruples.
/// let expected = 100.0 * (5.0 / 6.0 * 3.0 / 5.0 * 2.0 / 4.0 * 1.0 / 3.0_f64).powf(0.25);
/// assert!((sums.score() - expected).abs() < 1e-9);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BleuSums {
    /// Matching n-grams, by their length.
    matches: [u64; ORDERS],
    /// N-grams of the hypotheses.
    n_grams: [u64; ORDERS],
    /// Tokens of the hypotheses.
    hypotheses_len: u64,
    /// Tokens of the references.
    references_len: u64,
}

impl BleuSums {
    /// Adds a hypothesis with its references.
    pub fn add(&mut self, hypothesis: &str, references: &[&str]) {
        let hypothesis = tokens(hypothesis);
        let references: Vec<Vec<String>> = references.iter().map(|reference| tokens(reference)).collect();
        let len = hypothesis.len();
        let nearest = references.iter().map(Vec::len).min_by_key(|&of| (of.abs_diff(len), of));
        self.hypotheses_len += len as u64;
        self.references_len += nearest.unwrap_or(0) as u64;
        for order in 1..=ORDERS {
            let mut most: BTreeMap<&[String], u64> = BTreeMap::new();
            for reference in &references {
                for (n_gram, count) in counts(reference, order) {
                    let entry = most.entry(n_gram).or_default();
                    *entry = count.max(*entry);
                }
            }
            for (n_gram, count) in counts(&hypothesis, order) {
                self.n_grams[order - 1] += count;
                self.matches[order - 1] += most.get(n_gram).map_or(0, |&most| count.min(most));
            }
        }
    }

    /// The score, from 0 to 100.
    pub fn score(&self) -> f64 {
        let Self { matches, n_grams, hypotheses_len, references_len } = *self;
        if matches == [0; ORDERS] || n_grams.contains(&0) {
            return 0.0;
        }
        let mut smoothing = 1.0;
        let log_precision = |(matches, n_grams): (u64, u64)| {
            let matches = if matches == 0 {
                smoothing /= 2.0;
                smoothing
            } else {
                matches as f64
            };
            (100.0 * matches / n_grams as f64).ln()
        };
        let sum: f64 = matches.into_iter().zip(n_grams).map(log_precision).sum();
        let [hypotheses_len, references_len] = [hypotheses_len, references_len].map(|len| len as f64);
        let brevity =
            if hypotheses_len < references_len { 1.0 - references_len / hypotheses_len } else { 0.0 };
        brevity.exp() * (sum / ORDERS as f64).exp()
    }

    /// Each count with its name.
    pub(super) fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let lens = [self.hypotheses_len, self.references_len];
        NAMES.into_iter().zip(self.matches.into_iter().chain(self.n_grams).chain(lens))
    }

    /// Those of these counts.
    pub(super) fn of_counts(count: impl Fn(&str) -> u64) -> Self {
        let [m_1, m_2, m_3, m_4, n_1, n_2, n_3, n_4, hypotheses_len, references_len] = NAMES.map(count);
        Self { matches: [m_1, m_2, m_3, m_4], n_grams: [n_1, n_2, n_3, n_4], hypotheses_len, references_len }
    }
}

/// The names of the counts, in their order.
const NAMES: [&str; 2 * ORDERS + 2] = [
    "matches/1",
    "matches/2",
    "matches/3",
    "matches/4",
    "n-grams/1",
    "n-grams/2",
    "n-grams/3",
    "n-grams/4",
    "hypotheses",
    "references",
];

fn counts(tokens: &[String], order: usize) -> BTreeMap<&[String], u64> {
    let mut counts = BTreeMap::new();
    for n_gram in tokens.windows(order) {
        *counts.entry(n_gram).or_insert(0) += 1;
    }
    counts
}
