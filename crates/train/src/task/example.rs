//! An input and its answer.

use super::{TargetKind, Task};

/// An input and its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// `seq_len * stack` tokens, position by position.
    pub tokens: Vec<u32>,
    /// One a position; `None` carries no loss. Of a distribution it is the likeliest token; where the answers are real
    /// numbers, there are none.
    pub targets: Vec<Option<u32>>,
    /// One a position, where the answers are no tokens, and then what carries loss; empty otherwise.
    pub vectors: Vec<Option<Vec<f32>>>,
}

impl Example {
    /// The example that belongs to an input.
    pub fn new(task: &dyn Task, tokens: Vec<u32>) -> Self {
        if task.target_kind() == TargetKind::Tokens {
            return Self { targets: task.targets(&tokens), tokens, vectors: Vec::new() };
        }
        let vectors = task.target_vectors(&tokens);
        let targets = match task.target_kind() {
            TargetKind::Numbers => vec![None; vectors.len()],
            _ => vectors.iter().map(|vector| likeliest(vector.as_deref()?)).collect(),
        };
        Self { tokens, targets, vectors }
    }

    /// Whether a position carries loss.
    pub(crate) fn carries_loss(&self, position: usize) -> bool {
        match self.vectors.get(position) {
            Some(vector) => vector.is_some(),
            None => self.targets.get(position).is_some_and(Option::is_some),
        }
    }

    /// Number of positions that carry loss.
    pub(crate) fn n_targets(&self) -> usize {
        (0..self.targets.len()).filter(|&position| self.carries_loss(position)).count()
    }

    /// Whether none of its positions carries loss.
    pub(crate) fn asks_nothing(&self) -> bool {
        self.n_targets() == 0
    }
}

/// The first of the largest.
fn likeliest(p: &[f32]) -> Option<u32> {
    let by_p = |&(a_token, a): &(usize, &f32), &(b_token, b): &(usize, &f32)| {
        a.total_cmp(b).then(b_token.cmp(&a_token))
    };
    p.iter().enumerate().max_by(by_p).map(|(token, _)| token as u32)
}
