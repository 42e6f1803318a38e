//! A task whose tokens have the labels that they had in a run: another version of the program may give them others.

use std::sync::Arc;

use qkv_model::random::Rng;

use super::{Corpus, HeldOutLists, Inputs, Split, TargetKind, Task, Translation};
use crate::error::TrainError;

/// The same task with other labels.
pub(crate) struct Relabelled {
    task: Arc<dyn Task>,
    labels: Vec<String>,
}

impl Relabelled {
    /// The task with these labels; as it is where they are its own, or not as many.
    pub fn of(task: Arc<dyn Task>, labels: Vec<String>) -> Arc<dyn Task> {
        let own = task.vocabulary();
        if own.len() != labels.len() || own == labels { task } else { Arc::new(Self { task, labels }) }
    }
}

impl Task for Relabelled {
    fn summary(&self) -> String {
        self.task.summary()
    }

    fn vocabulary(&self) -> Vec<String> {
        self.labels.clone()
    }

    fn seq_len(&self) -> usize {
        self.task.seq_len()
    }

    fn sample(&self, rng: &mut Rng) -> Vec<u32> {
        self.task.sample(rng)
    }

    fn targets(&self, tokens: &[u32]) -> Vec<Option<u32>> {
        self.task.targets(tokens)
    }

    fn target_kind(&self) -> TargetKind {
        self.task.target_kind()
    }

    fn target_vectors(&self, tokens: &[u32]) -> Vec<Option<Vec<f32>>> {
        self.task.target_vectors(tokens)
    }

    fn stack(&self) -> usize {
        self.task.stack()
    }

    fn needs_causal_mask(&self) -> bool {
        self.task.needs_causal_mask()
    }

    fn source_len(&self) -> usize {
        self.task.source_len()
    }

    fn padding(&self) -> Option<u32> {
        self.task.padding()
    }

    fn slices(&self) -> Vec<String> {
        self.task.slices()
    }

    fn slice(&self, tokens: &[u32], position: usize) -> Option<usize> {
        self.task.slice(tokens, position)
    }

    fn check(&self) -> Result<(), TrainError> {
        self.task.check()
    }

    fn split(&self, tokens: &[u32]) -> Split {
        self.task.split(tokens)
    }

    fn n_bytes(&self) -> u64 {
        self.task.n_bytes()
    }

    fn inputs(&self) -> Option<Inputs<'_>> {
        self.task.inputs()
    }

    fn held_out_lists(&self) -> Option<&dyn HeldOutLists> {
        self.task.held_out_lists()
    }

    fn corpus(&self) -> Option<&dyn Corpus> {
        self.task.corpus()
    }

    fn translation(&self) -> Option<&dyn Translation> {
        self.task.translation()
    }
}
