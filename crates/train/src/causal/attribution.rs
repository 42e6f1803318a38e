//! Direct logit attribution: the direct effect of each head on the logits, past all later layers.

use burn::tensor::{Device, Tensor};
use qkv_model::{Contribution, Mode, Source};

use super::effect::Effect;
use crate::error::{PartFault, TrainError};
use crate::measure::{HeldOut, Measures, Tally};
use crate::model::Model;
use crate::task::Examples;
use crate::training::{logits, logits_of};

/// What one source adds to the logit of the right answer, above what it adds to all.
#[derive(Debug, Clone, PartialEq)]
pub struct Attributed {
    /// The source.
    pub source: Source,
    /// Its part of the logit above the mean of all logits, mean over the positions that carry loss.
    pub logit: f64,
    /// The effect of leaving this one out of the logits, while what later layers computed from it stays.
    pub effect: Effect,
}

/// The logit of the right answer, above the mean of all, as a sum over its sources.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribution {
    /// Heads, MLPs, embedding, positions and biases; they add up to `logit`.
    pub parts: Vec<Attributed>,
    /// The logit of the right answer above the mean of all logits, mean over the positions that carry loss.
    pub logit: f64,
}

/// Attributes the logit of the right answer on the first `n_examples`, at least one
/// ([Elhage et al. 2021](https://transformer-circuits.pub/2021/framework/index.html)).
///
/// ```text
/// logit[answer] - mean_v logit[v] = Σ_c f_c · (U[:, answer] - mean_v U[:, v])
/// f_c = norm_c(x_c), x_c = context_h W_O,h for head h
/// ```
///
/// The `norm_c` and the other `f_c` are those of [`Contribution`](qkv_model::Contribution); β is one of the biases.
/// What a source adds to all logits alike is left out, because the softmax cancels it.
///
/// # Errors
/// If the split is empty, no example has a target, or the model has no `contributions`.
///
/// ```
/// use burn::tensor::Device;
/// use qkv_model::{Init, TransformerConfig};
/// use qkv_train::{Examples, Reverse, Split, attribute};
///
/// let device = Device::flex();
/// let task = Reverse { seq_len: 5, n_symbols: 7 };
/// let model = TransformerConfig::new(7, 5, 8).init(&Init::new(&device, 1))?;
/// let examples = Examples { task: &task, seed: 0, split: Split::Test };
/// let attribution = attribute(&model, examples, 100, &device)?;
/// let sum: f64 = attribution.parts.iter().map(|part| part.logit).sum();
/// assert!((sum - attribution.logit).abs() < 1e-5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn attribute<M: Model>(
    model: &M,
    examples: Examples<'_>,
    n_examples: u64,
    device: &Device,
) -> Result<Attribution, TrainError> {
    let mut parts: Vec<Part<'_>> = Vec::new();
    let tally = || Tally::new(Measures::default(), examples.task);
    let mut logit = 0.0;
    let mut n_targets = 0;
    let mut before = tally()?;
    for batch in (HeldOut { examples, n_examples }).batches(device) {
        let batch = batch?;
        let of_answers = |logits: Tensor<2>| -> f64 {
            let above_mean = logits.clone() - logits.mean_dim(1);
            let answers = above_mean.gather(1, batch.targets.clone().unsqueeze_dim(1));
            answers.into_data().iter::<f64>().sum()
        };
        let all = logits(model, &batch, Mode::Evaluate)?;
        let missing = PartFault::NotWritten { method: "contributions", done: "taken apart" };
        let contributions = model.contributions(batch.tokens.clone()).ok_or(missing)?;
        for Contribution { source, features } in one_each(contributions) {
            let known = parts.iter().position(|part| part.source == source);
            let index = match known {
                Some(index) => index,
                None => {
                    parts.push(Part { source, logit: 0.0, without: tally()? });
                    parts.len() - 1
                }
            };
            let added = logits_of(model, features, &batch)?;
            parts[index].without.add_logits(all.clone() - added.clone(), &batch);
            parts[index].logit += of_answers(added);
        }
        before.add_logits(all.clone(), &batch);
        logit += of_answers(all);
        n_targets += batch.n_targets();
    }
    let (before, n_targets) = (before.evaluation()?, n_targets as f64);
    let attributed = |Part { source, logit, without }: Part<'_>| {
        let effect = Effect { before: before.clone(), after: without.evaluation()? };
        Ok(Attributed { source, logit: logit / n_targets, effect })
    };
    let parts = parts.into_iter().map(attributed).collect::<Result<_, TrainError>>()?;
    Ok(Attribution { parts, logit: logit / n_targets })
}

/// One contribution of each source.
fn one_each(contributions: Vec<Contribution>) -> Vec<Contribution> {
    let mut each: Vec<Contribution> = Vec::new();
    for Contribution { source, features } in contributions {
        match each.iter_mut().find(|known| known.source == source) {
            Some(known) => known.features = known.features.clone() + features,
            None => each.push(Contribution { source, features }),
        }
    }
    each
}

/// Sums of one source over the batches.
struct Part<'a> {
    source: Source,
    logit: f64,
    without: Tally<'a>,
}
