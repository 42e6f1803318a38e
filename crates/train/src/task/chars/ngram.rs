//! Count models: what a language model that only looks at the last few characters can reach.

use std::collections::HashMap;
use std::ops::{ControlFlow, Range};

use qkv_run::Baseline;

use crate::measure::{Asked, EvaluationProgress};

/// A text, and what its parts are for.
pub(super) struct Parts<'a> {
    pub(super) text: &'a [u32],
    pub(super) vocab_size: usize,
    pub(super) train: Range<usize>,
    pub(super) validation: Range<usize>,
    pub(super) held_out: Range<usize>,
}

/// The loss of the unigram, bigram and trigram models on the held-out part, each trained on the training part, for as
/// long as `ask` answers `Continue`.
///
/// ```text
/// p(c | h) = (n(hc) + β u(h) p(c | h')) / (n(h) + β u(h))        p(c | nothing known) = 1 / vocab_size
/// ```
///
/// `h` is the one or two characters before (none for the unigram), `h'` is `h` without its first, `n` counts in the
/// training part and `u(h)` is the number of different characters that followed `h` there. With `β = 1` this is
/// interpolated Witten-Bell smoothing ([Chen & Goodman 1998, section 2.5](https://dash.harvard.edu/handle/1/25104739));
/// here each order has the `β` that is best on the validation part. The contexts are the true characters before, also
/// those before a window of the transformer starts.
pub(super) fn baselines(
    Parts { text, vocab_size, train, validation, held_out }: Parts<'_>,
    ask: &mut dyn FnMut(EvaluationProgress) -> ControlFlow<()>,
) -> Asked<Vec<Baseline>> {
    let uniform = 1.0 / vocab_size as f64;
    let mut on_validation = vec![uniform; validation.len()];
    let mut on_held_out = vec![uniform; held_out.len()];
    let names = ["unigram", "bigram", "trigram"];
    let n_positions = train.len() + BETAS.len() * validation.len() + held_out.len();
    let n_examples = (names.len() * n_positions) as u64;
    let mut pieces = Pieces { ask, progress: EvaluationProgress { n_done: 0, n_examples } };
    let mut baselines = Vec::new();
    for (context_len, name) in names.into_iter().enumerate() {
        let counts = Counts::new(&text[train.clone()], context_len, &mut pieces)?;
        let (beta, refined) = counts.fit(text, validation.clone(), &on_validation, &mut pieces)?;
        on_validation = refined;
        on_held_out = counts.refine(text, held_out.clone(), &on_held_out, beta, &mut pieces)?;
        baselines.push(Baseline { name: name.to_owned(), loss: loss(&on_held_out) });
    }
    ControlFlow::Continue(baselines)
}

/// Positions of a text between two questions whether to go on: at most some 30 ms.
const PIECE: usize = 1 << 16;

/// Work on the positions of a text, piece by piece.
struct Pieces<'a> {
    ask: &'a mut dyn FnMut(EvaluationProgress) -> ControlFlow<()>,
    progress: EvaluationProgress,
}

impl Pieces<'_> {
    fn for_each(&mut self, at: Range<usize>, mut work: impl FnMut(usize)) -> ControlFlow<EvaluationProgress> {
        for start in at.clone().step_by(PIECE) {
            let piece = start..at.end.min(start + PIECE);
            let n_positions = piece.len() as u64;
            (self.ask)(self.progress).map_break(|()| self.progress)?;
            piece.for_each(&mut work);
            self.progress.n_done += n_positions;
        }
        ControlFlow::Continue(())
    }
}

/// Bytes of a context, in the table of contexts, its key and its own table of followers; measured.
const CONTEXT: usize = 260;

/// Bytes of a follower in a table that has grown; measured.
const FOLLOWER: usize = 32;

/// Probabilities of one position that are held at once: of both held-out parts, and two more while β is chosen.
const PROBABILITIES: usize = 4;

/// The memory that [`baselines`] takes at most, in bytes: every context of two characters may occur, and be followed by
/// every character, but no more often than the text is long.
pub(super) fn n_bytes(vocab_size: usize, train: Range<usize>, held_out: Range<usize>) -> u64 {
    let n_contexts = vocab_size.saturating_pow(2).min(train.len());
    let n_followers = vocab_size.saturating_pow(3).min(train.len());
    let of_text = PROBABILITIES * size_of::<f64>() * held_out.len();
    (CONTEXT * n_contexts + FOLLOWER * n_followers + of_text) as u64
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
    fn new(text: &[u32], context_len: usize, pieces: &mut Pieces<'_>) -> Asked<Self> {
        let mut followers: HashMap<Vec<u32>, Followers> = HashMap::new();
        pieces.for_each(context_len..text.len(), |at| {
            let context = &text[at - context_len..at];
            let of_context = match followers.get_mut(context) {
                Some(of_context) => of_context,
                None => followers.entry(context.to_vec()).or_default(),
            };
            *of_context.of.entry(text[at]).or_default() += 1;
            of_context.total += 1;
        })?;
        ControlFlow::Continue(Self { context_len, followers })
    }

    /// `p(c | h)` at each position of `at`, from `shorter`, the `p(c | h')`.
    fn refine(
        &self,
        text: &[u32],
        at: Range<usize>,
        shorter: &[f64],
        beta: f64,
        pieces: &mut Pieces<'_>,
    ) -> Asked<Vec<f64>> {
        let mut refined = Vec::with_capacity(at.len());
        pieces.for_each(at, |at| {
            let shorter = shorter[refined.len()];
            let Some(followers) = self.followers.get(&text[at - self.context_len..at]) else {
                return refined.push(shorter);
            };
            let n_this = followers.of.get(&text[at]).copied().unwrap_or_default() as f64;
            let pull = beta * followers.of.len() as f64;
            refined.push((n_this + pull * shorter) / (followers.total as f64 + pull));
        })?;
        ControlFlow::Continue(refined)
    }

    /// The best of [`BETAS`] and what it gives.
    fn fit(
        &self,
        text: &[u32],
        at: Range<usize>,
        shorter: &[f64],
        pieces: &mut Pieces<'_>,
    ) -> Asked<(f64, Vec<f64>)> {
        // Only the best so far is kept: for a long text each takes about as much memory as the text.
        let mut best: Option<(f64, f64, Vec<f64>)> = None;
        for beta in BETAS {
            let refined = self.refine(text, at.clone(), shorter, beta, pieces)?;
            let loss = loss(&refined);
            if best.as_ref().is_none_or(|(least, ..)| loss.total_cmp(least).is_lt()) {
                best = Some((loss, beta, refined));
            }
        }
        let (_, beta, refined) = best.expect("there is at least one to try");
        ControlFlow::Continue((beta, refined))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What work gives that nothing stops.
    fn whole<T>(work: impl FnOnce(&mut Pieces<'_>) -> Asked<T>) -> T {
        let progress = EvaluationProgress { n_done: 0, n_examples: 0 };
        let result = work(&mut Pieces { ask: &mut |_| ControlFlow::Continue(()), progress });
        result.continue_value().expect("nothing stops it")
    }

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
            let counts = whole(|pieces| Counts::new(&TEXT[..8], context_len, pieces));
            probabilities = whole(|pieces| counts.refine(&TEXT, 8..10, &probabilities, 1.0, pieces));
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
                        let counts = whole(|pieces| Counts::new(&TEXT, context_len, pieces));
                        whole(|pieces| counts.refine(&text, 2..3, &shorter, beta, pieces))
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
        let counts = whole(|pieces| Counts::new(&TEXT[..6], 0, pieces));
        let shorter = vec![1.0 / 5.0; 2];
        let with = |beta| whole(|pieces| counts.refine(&TEXT, 6..8, &shorter, beta, pieces));
        let (beta, refined) = whole(|pieces| counts.fit(&TEXT, 6..8, &shorter, pieces));
        assert!(BETAS.iter().all(|&other| loss(&refined) <= loss(&with(other))));
        assert_eq!(refined, with(beta));
    }

    #[test]
    fn it_asks_before_every_piece_and_ends_where_it_is_stopped() {
        // A piece and a bit more in each part.
        let n = PIECE + 7;
        let text: Vec<u32> = (0..3 * n as u32).map(|at| at % 5).collect();
        let parts = || Parts {
            text: &text,
            vocab_size: 5,
            train: 0..n,
            validation: n..2 * n,
            held_out: 2 * n..3 * n,
        };
        let n_examples = 3 * 11 * n as u64;
        let mut asked = Vec::new();
        let whole = baselines(parts(), &mut |progress| {
            asked.push(progress);
            ControlFlow::Continue(())
        });
        assert_eq!(whole.continue_value().map(|baselines| baselines.len()), Some(3));
        assert!(asked.len() == 3 * 11 * 2 && asked.iter().all(|progress| progress.n_examples == n_examples));
        assert!(asked.is_sorted_by_key(|progress| progress.n_done));
        for (n_asked, progress) in asked.into_iter().enumerate().step_by(13) {
            let mut left = n_asked;
            let stopped = baselines(parts(), &mut |_| match left {
                0 => ControlFlow::Break(()),
                _ => {
                    left -= 1;
                    ControlFlow::Continue(())
                }
            });
            assert_eq!(stopped, ControlFlow::Break(progress));
        }
    }
}
