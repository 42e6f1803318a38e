//! Direct logit attribution: what each head says itself, past everything that comes after it.

use burn::tensor::{Device, Tensor};
use qkv_model::{Mode, Source};

use crate::error::TrainError;
use crate::evaluate::held_out;
use crate::loss::{logits, logits_of};
use crate::model::Model;
use crate::task::Examples;

/// What one source adds to the logit of the right answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Attributed {
    /// Who adds it.
    pub source: Source,
    /// Mean over the positions that carry loss.
    pub logit: f64,
}

/// The logit of the right answer as a sum over who wrote it.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribution {
    /// Heads, MLPs, embedding, positions and biases; they add up to `logit`.
    pub parts: Vec<Attributed>,
    /// The logit of the right answer, mean over the positions that carry loss.
    pub logit: f64,
}

/// Attributes the logit of the right answer on the first `n_examples`, at least one
/// ([Elhage et al. 2021](https://transformer-circuits.pub/2021/framework/index.html)).
///
/// ```text
/// logit[answer] = Σ_c norm_c(x_c) · U[:, answer]        x_c = context_h W_O,h for head h
/// ```
///
/// The `norm_c` and the other `x_c` are those of [`Contribution`](qkv_model::Contribution). What a source adds to all
/// logits alike is counted too, although the softmax cancels it.
///
/// # Errors
/// If the split is empty, or the model does not say who contributes what.
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
    let mut parts: Vec<Attributed> = Vec::new();
    let mut logit = 0.0;
    let mut n_targets = 0;
    for batch in held_out(examples, n_examples, device) {
        let batch = batch?;
        let of_answers = |logits: Tensor<2>| -> f64 {
            let answers = logits.gather(1, batch.targets.clone().unsqueeze_dim(1));
            answers.into_data().iter::<f64>().sum()
        };
        let contributions =
            model.contributions(batch.tokens.clone()).ok_or_else(TrainError::no_contributions)?;
        for contribution in contributions {
            let added = of_answers(logits_of(model, contribution.features, &batch));
            match parts.iter_mut().find(|part| part.source == contribution.source) {
                Some(part) => part.logit += added,
                None => parts.push(Attributed { source: contribution.source, logit: added }),
            }
        }
        logit += of_answers(logits(model, &batch, Mode::Evaluate));
        n_targets += batch.targets.dims()[0];
    }
    for part in &mut parts {
        part.logit /= n_targets as f64;
    }
    Ok(Attribution { parts, logit: logit / n_targets as f64 })
}
