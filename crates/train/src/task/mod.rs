//! What there is to learn: a task draws inputs and has the right answer to each.
//!
//! Here belong the trait and what is made of a task: examples and their splits. The built-in tasks lie in `synthetic/`,
//! `chars/` and `pair/`; how a config names one lies in `registry/`.

mod answers;
mod chars;
mod example;
mod given;
mod inputs;
mod optional;
mod pair;
mod relabelled;
mod split;
mod symbols;
mod synthetic;
mod target_kind;
mod text_file;

pub use answers::answer_tokens;
pub use chars::{Chars, CharsConfig};
pub use example::Example;
pub use given::n_given;
pub use inputs::Inputs;
pub use optional::{Corpus, HeldOutLists, Translation, UnknownSymbol};
pub use pair::{Dates, Language, Level, Translate, TranslateConfig};
pub(crate) use relabelled::Relabelled;
pub use split::{Examples, Split, draw};
pub(crate) use symbols::numbers_for_letters;
pub use synthetic::{
    Copy, Induction, InductionForm, Layout, Max, ModularAddition, Recall, Reverse, Sort, SortedList,
};
pub use target_kind::TargetKind;

use std::fmt::{self, Debug, Formatter};

use qkv_model::random::Rng;

use crate::error::TrainError;

/// A distribution over inputs, and the right answer to each of them.
///
/// That is all that a task needs: [`draw`] turns it into examples that are a function of (seed, split, index), with
/// training, validation and test examples disjoint by construction. Its name is that of its entry in a
/// [`Registry`](crate::Registry).
pub trait Task: Send + Sync {
    /// One line: what goes in and what has to come out.
    fn summary(&self) -> String;

    /// The label of each token; the index is the token.
    fn vocabulary(&self) -> Vec<String>;

    /// Number of positions of every input.
    fn seq_len(&self) -> usize;

    /// Draws an input, `seq_len * stack` tokens, position by position.
    fn sample(&self, rng: &mut Rng) -> Vec<u32>;

    /// The right answer at each of the `seq_len` positions; `None` where a position carries no loss. Every task whose
    /// answers are tokens has it.
    fn targets(&self, tokens: &[u32]) -> Vec<Option<u32>> {
        let _ = tokens;
        Vec::new()
    }

    /// What the answers are; tokens by default.
    fn target_kind(&self) -> TargetKind {
        TargetKind::Tokens
    }

    /// The right answer at each of the `seq_len` positions, where the answers are no tokens: a probability for every
    /// token, or real numbers.
    ///
    /// ```
    /// use burn::tensor::Device;
    /// use qkv_model::random::Rng;
    /// use qkv_train::{ConfigSource, Examples, HeldOut, Registry, Split, TargetKind, Task, TrainError, Trainer};
    /// use rand::RngExt;
    ///
    /// /// The mean and the largest of three digits, asked for at the first position.
    /// struct Statistics;
    ///
    /// impl Task for Statistics {
    ///     fn summary(&self) -> String {
    ///         "mean and largest of three digits".to_owned()
    ///     }
    ///
    ///     fn vocabulary(&self) -> Vec<String> {
    ///         (0..5).map(|digit| digit.to_string()).collect()
    ///     }
    ///
    ///     fn seq_len(&self) -> usize {
    ///         3
    ///     }
    ///
    ///     fn sample(&self, rng: &mut Rng) -> Vec<u32> {
    ///         (0..3).map(|_| rng.random_range(0..5)).collect()
    ///     }
    ///
    ///     fn target_kind(&self) -> TargetKind {
    ///         TargetKind::Numbers
    ///     }
    ///
    ///     fn target_vectors(&self, tokens: &[u32]) -> Vec<Option<Vec<f32>>> {
    ///         let mean = tokens.iter().sum::<u32>() as f32 / 3.0;
    ///         let largest = tokens.iter().copied().max().unwrap_or(0) as f32;
    ///         vec![Some(vec![mean, largest]), None, None]
    ///     }
    /// }
    ///
    /// let registry = Registry::new().task("statistics", "", |_: &qkv_model::NoSettings| Ok(Statistics));
    /// let read = |loss: &str| {
    ///     let settings = [loss, "train.steps=300", "model.d_mlp=32"];
    ///     registry.read(ConfigSource::Task("statistics"), &settings)
    /// };
    /// let experiment = read("loss=mean-squared-error")?;
    /// let device = Device::flex().autodiff();
    /// let model = experiment.model(&device)?;
    /// let trainer = Trainer::with_parts(model, &*experiment.task, experiment.parts.clone(), &device)?;
    /// let model = burn::module::Module::valid(&trainer.run()?.state.model);
    /// let held_out =
    ///     HeldOut { examples: Examples { task: &Statistics, seed: 0, split: Split::Test }, n_examples: 100 };
    /// let mut go_on = |_| Ok(std::ops::ControlFlow::Continue(()));
    /// let measured = held_out.evaluate_while(&model, experiment.parts.measures(), &device, &mut go_on)?;
    /// let found = measured.continue_value().expect("nothing stops it");
    /// assert!(found.loss < 0.1 && found.figure("accuracy").is_none(), "{found:?}");
    /// // A loss that needs tokens is refused.
    /// assert!(matches!(read("loss=cross-entropy"), Err(TrainError::LossOfTargets { .. })));
    /// # Ok::<(), TrainError>(())
    /// ```
    fn target_vectors(&self, tokens: &[u32]) -> Vec<Option<Vec<f32>>> {
        let _ = tokens;
        Vec::new()
    }

    /// Number of tokens that share one position; 1 by default.
    fn stack(&self) -> usize {
        1
    }

    /// Whether an input holds an answer after the position that it belongs to, so that a model must not look ahead;
    /// `false` by default.
    fn needs_causal_mask(&self) -> bool {
        false
    }

    /// Number of positions at the beginning of every input that hold a source, which all positions after it may see
    /// whole: where an input is a pair, its answer is written behind it. 0 by default: there is no source.
    fn source_len(&self) -> usize {
        0
    }

    /// The token of positions that hold nothing, because their pair is shorter than others: it carries no loss, and a
    /// model may hide it. `None` by default: every position holds something.
    fn padding(&self) -> Option<u32> {
        None
    }

    /// Names of the parts into which the targets are divided for metrics such as
    /// [`slice-loss`](crate::SliceLoss); by default the positions.
    fn slices(&self) -> Vec<String> {
        (0..self.seq_len()).map(|position| position.to_string()).collect()
    }

    /// The index of the slice that the target at a position is in; `None` in none of them. By default the position.
    fn slice(&self, tokens: &[u32], position: usize) -> Option<usize> {
        let _ = tokens;
        Some(position)
    }

    /// Refuses settings that are out of range; a [`Registry`](crate::Registry) calls it once. Any fit by default.
    ///
    /// # Errors
    /// If a setting is out of range.
    fn check(&self) -> Result<(), TrainError> {
        Ok(())
    }

    /// The one split that an input belongs to; [`Split::of`] by default. Tasks with [`HeldOutLists`] have no use for
    /// it.
    fn split(&self, tokens: &[u32]) -> Split {
        Split::of(tokens)
    }

    /// Bytes of the data that it holds in memory, such as a text; 0 by default.
    fn n_bytes(&self) -> u64 {
        0
    }

    /// All inputs, where they can be numbered.
    fn inputs(&self) -> Option<Inputs<'_>> {
        None
    }

    /// `Some(self)` where the held-out splits are lists.
    fn held_out_lists(&self) -> Option<&dyn HeldOutLists> {
        None
    }

    /// `Some(self)` where the inputs come out of data such as a text.
    fn corpus(&self) -> Option<&dyn Corpus> {
        None
    }

    /// `Some(self)` where an input is a text with an answer behind it that a model can write.
    fn translation(&self) -> Option<&dyn Translation> {
        None
    }
}

impl Debug for dyn Task + '_ {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary())
    }
}
