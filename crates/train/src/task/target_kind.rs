//! What the answers of a task are.

use std::fmt::{self, Display, Formatter};

/// What stands at a position that carries loss.
///
/// A distribution is learned like a token, by its cross-entropy, which then ends at the entropy of the answers:
///
/// ```
/// use burn::module::Module;
/// use burn::tensor::Device;
/// use qkv_model::random::Rng;
/// use qkv_model::{Init, TransformerConfig};
/// use qkv_train::{Examples, Recipe, Split, TargetKind, Task, TrainError, Trainer, evaluate};
/// use rand::RngExt;
///
/// /// Two digits, of which either is right at both positions.
/// struct Either;
///
/// impl Task for Either {
///     fn summary(&self) -> String {
///         "either of two digits".to_owned()
///     }
///
///     fn vocabulary(&self) -> Vec<String> {
///         (0..10).map(|digit| digit.to_string()).collect()
///     }
///
///     fn seq_len(&self) -> usize {
///         2
///     }
///
///     fn sample(&self, rng: &mut Rng) -> Vec<u32> {
///         let first = rng.random_range(0..10);
///         vec![first, (first + rng.random_range(1..10)) % 10]
///     }
///
///     fn target_kind(&self) -> TargetKind {
///         TargetKind::Distributions
///     }
///
///     fn target_vectors(&self, tokens: &[u32]) -> Vec<Option<Vec<f32>>> {
///         let p = (0..10).map(|digit| if tokens.contains(&digit) { 0.5 } else { 0.0 });
///         vec![Some(p.collect()); 2]
///     }
/// }
///
/// let device = Device::flex().autodiff();
/// let model = TransformerConfig::new(10, 2, 16).init(&Init::new(&device, 0))?;
/// let trained = Trainer::new(model, &Either, Recipe::default(), &device)?.run()?;
/// let examples = Examples { task: &Either, seed: 0, split: Split::Test };
/// let found = evaluate(&trained.state.model.valid(), examples, 100, &device)?;
/// assert!((found.loss - 2_f64.ln()).abs() < 0.05, "{found:?}");
/// # Ok::<(), TrainError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TargetKind {
    /// One token: [`Task::targets`](crate::Task::targets).
    #[default]
    Tokens,
    /// A probability for every token of the vocabulary: [`Task::target_vectors`](crate::Task::target_vectors).
    Distributions,
    /// Real numbers, the same count everywhere and no more than the vocabulary has tokens:
    /// [`Task::target_vectors`](crate::Task::target_vectors). A model predicts them by its first logits.
    Numbers,
}

impl Display for TargetKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tokens => "tokens",
            Self::Distributions => "distributions",
            Self::Numbers => "real numbers",
        })
    }
}
