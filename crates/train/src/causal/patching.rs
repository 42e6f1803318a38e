//! Patching: which activation carries the difference between two inputs.

use burn::tensor::{Device, Int, Tensor, TensorData};
use qkv_model::Hook;
use qkv_run::Evaluation;

use super::effect::Effect;
use super::site::{Patch, Shown, Stages, prediction_with, replacing};
use crate::error::TrainError;
use crate::measure::{Measures, Tally};
use crate::model::Model;
use crate::task::{Example, Task};
use crate::training::{Batch, LossInputs, Prediction};

/// Two examples that differ in the information to be located, and in the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// The example whose activations replace those of the other, and whose answers count.
    pub clean: Example,
    /// The example that the model runs on.
    pub corrupted: Example,
}

/// The result of a patched run.
#[derive(Debug, Clone, PartialEq)]
pub struct Patched {
    /// Against the answers of the clean examples; before is the corrupted run as it is.
    pub effect: Effect,
    /// Share of the logit difference that the patch brings back: 0 for the corrupted run, 1 for the clean one, and
    /// beyond both where a patch does more; `None` where the two runs do not differ, or have no finite difference.
    pub recovered: Option<f64>,
}

/// A model and pairs of inputs between which activations are moved
/// ([Heimersheim & Nanda 2024](https://arxiv.org/abs/2404.15255), which calls this direction denoising; the logit
/// difference of [Wang et al. 2023, section 2](https://arxiv.org/abs/2211.00593), normalised as by
/// [Zhang & Nanda 2023](https://arxiv.org/abs/2309.16042)).
///
/// ```text
/// LD(run)   = mean of logit[answer of clean] - logit[answer of corrupted]      where both have one, and another
/// recovered = (LD(patched) - LD(corrupted)) / (LD(clean) - LD(corrupted))
/// ```
///
/// The loss is the cross-entropy. The activations of all clean runs are kept, every stage of every layer: a few dozen pairs are plenty.
///
/// ```
/// use burn::tensor::Device;
/// use qkv_model::{Init, Stage, TransformerConfig};
/// use qkv_train::{Example, Pair, Patch, Patching, Reverse, Site};
///
/// let device = Device::flex();
/// let task = Reverse { seq_len: 3, n_symbols: 7 };
/// let model = TransformerConfig::new(7, 3, 8).init(&Init::new(&device, 1))?;
/// let example = |tokens: [u32; 3]| Example::new(&task, tokens.to_vec());
/// let pair = Pair { clean: example([1, 2, 3]), corrupted: example([4, 2, 3]) };
/// let patching = Patching::new(&model, &task, &[pair], &device)?;
/// let stream = Site { layer: 0, stage: Stage::Residual, head: 0 };
/// let there = Patch { site: stream, position: Some(0) };
/// // The whole difference goes through the one position at which the two inputs differ.
/// assert_eq!(patching.with(&[there])?.recovered, Some(1.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Patching<'a, M> {
    model: &'a M,
    task: &'a dyn Task,
    /// Corrupted inputs with clean answers.
    corrupted: Batch,
    /// The activations of the clean runs.
    clean: Stages,
    contrast: Contrast,
    of_corrupted: Measured,
    difference_of_clean: f64,
}

/// The answers between which logits are compared, `[n_rows]` each.
#[derive(Debug)]
struct Contrast {
    /// Which of the batch's targets have another answer in the corrupted example.
    rows: Tensor<1, Int>,
    clean: Tensor<1, Int>,
    corrupted: Tensor<1, Int>,
}

#[derive(Debug, Clone)]
struct Measured {
    evaluation: Evaluation,
    difference: f64,
}

impl<'a, M: Model> Patching<'a, M> {
    /// Runs the model on both inputs of all pairs; `model` should be a validation copy (`model.valid()`).
    ///
    /// # Errors
    /// If an example does not have the task's length, no pair has a position with two different answers, the model does
    /// not let itself be changed, or it shows its hooks a stage more than once.
    pub fn new(
        model: &'a M,
        task: &'a dyn Task,
        pairs: &[Pair],
        device: &Device,
    ) -> Result<Self, TrainError> {
        let device = device.clone().without_autodiff();
        let batch = |of: fn(&Pair) -> &Example| {
            let examples: Vec<Example> = pairs.iter().map(|pair| of(pair).clone()).collect();
            Batch::new(task, &examples, &device)
        };
        let inputs = batch(|pair| &pair.clean)?;
        let corrupted = Batch { tokens: batch(|pair| &pair.corrupted)?.tokens, ..inputs.clone() };
        let contrast = Contrast::of(pairs, &device)?;
        let mut clean = Stages::new();
        let mut shown = Shown::default();
        let mut keep = |layer, stage, x: Tensor<4>| {
            shown.count(layer, stage);
            clean.insert((layer, stage), x.clone());
            x
        };
        let difference_of_clean = contrast.measure((model, task), &inputs, &mut keep)?.difference;
        shown.check(1)?;
        let of_corrupted = contrast.measure((model, task), &corrupted, &mut |_, _, x| x)?;
        Ok(Self { model, task, corrupted, clean, contrast, of_corrupted, difference_of_clean })
    }

    /// Runs the model on the corrupted inputs, given the activations of the clean ones at all of `patches`.
    ///
    /// # Errors
    /// If the model has no such layer, head or position.
    pub fn with(&self, patches: &[Patch]) -> Result<Patched, TrainError> {
        let by = patches.iter().map(|&patch| Ok((patch, patch.of(&self.clean)?)));
        let by: Vec<(Patch, Tensor<4>)> = by.collect::<Result<_, TrainError>>()?;
        let Measured { evaluation, difference } =
            self.contrast.measure((self.model, self.task), &self.corrupted, &mut replacing(&by))?;
        let Measured { evaluation: before, difference: of_corrupted } = self.of_corrupted.clone();
        let whole = self.difference_of_clean - of_corrupted;
        Ok(Patched {
            effect: Effect { before, after: evaluation },
            recovered: (whole.is_finite() && whole != 0.0).then(|| (difference - of_corrupted) / whole),
        })
    }
}

impl Contrast {
    fn of(pairs: &[Pair], device: &Device) -> Result<Self, TrainError> {
        let answers = pairs.iter().flat_map(|pair| pair.clean.targets.iter().zip(&pair.corrupted.targets));
        let contrasts: Vec<[i64; 3]> = answers
            .filter_map(|(clean, corrupted)| Some(((*clean)?, *corrupted)))
            .enumerate()
            .filter_map(|(row, (clean, corrupted))| Some([row as i64, clean.into(), corrupted?.into()]))
            .filter(|[_, clean, corrupted]| clean != corrupted)
            .collect();
        if contrasts.is_empty() {
            return Err(TrainError::SameAnswers { pairs: pairs.len() });
        }
        let [rows, clean, corrupted] = [0, 1, 2].map(|column| {
            let values: Vec<i64> = contrasts.iter().map(|contrast| contrast[column]).collect();
            Tensor::from_data(TensorData::new(values, [contrasts.len()]), device)
        });
        Ok(Self { rows, clean, corrupted })
    }

    fn measure<M: Model>(
        &self,
        (model, task): (&M, &dyn Task),
        batch: &Batch,
        hook: &mut dyn Hook,
    ) -> Result<Measured, TrainError> {
        let Prediction { logits, .. } = prediction_with(model, batch, LossInputs::default(), hook)?;
        let rows = logits.clone().select(0, self.rows.clone());
        let of = |answers: &Tensor<1, Int>| rows.clone().gather(1, answers.clone().unsqueeze_dim(1));
        let differences: Vec<f64> =
            (of(&self.clean) - of(&self.corrupted)).into_data().iter::<f64>().collect();
        let mut tally = Tally::new(Measures::default(), task)?;
        tally.add_logits(logits, batch);
        let difference = differences.iter().sum::<f64>() / differences.len() as f64;
        Ok(Measured { evaluation: tally.evaluation()?, difference })
    }
}
