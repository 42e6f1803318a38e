//! The answers that a model gives at the positions of an input, and the rest of an input that it writes by itself.

use burn::tensor::{Device, Int, Tensor, TensorData};
use qkv_model::Mode;

use super::next::{Reader, Text, rows};
use super::sampling::{Drawn, Sampler, Sampling};
use crate::error::TrainError;
use crate::model::Model;
use crate::task::{Example, TargetKind, Task};

/// The answers of `model`, a validation copy, to an input of `task`, at every position that carries loss.
///
/// An input may be begun with [`n_given`](crate::n_given) positions or more: each of the others then holds the answer to
/// the position before it.
///
/// ```
/// use burn::tensor::Device;
/// use qkv_model::{Init, MaskConfig, TransformerConfig};
/// use qkv_train::{Copy, Sampling, Task, answer_input};
///
/// let device = Device::flex();
/// let task = Copy { len: 4, n_symbols: 10 };
/// let mut config = TransformerConfig::new(task.vocabulary().len(), task.seq_len(), 16);
/// config.mask = MaskConfig::Causal.into();
/// let model = config.init(&Init::new(&device, 0))?;
/// let answers = answer_input(&model, &task, &[3, 1, 4, 1], &Sampling::greedy(), &device)?;
/// assert_eq!(answers.len(), 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the temperature is below 0 or not finite, or `top_k` is 0.
///
/// # Panics
/// If the answers of the task are real numbers, or the input has more positions than those of the task.
pub fn answer_input<M: Model>(
    model: &M,
    task: &dyn Task,
    input: &[u32],
    sampling: &Sampling,
    device: &Device,
) -> Result<Vec<Drawn>, TrainError> {
    let mut sampler = Sampler::new(sampling)?;
    let device = device.clone().without_autodiff();
    let (stack, seq_len) = (task.stack(), task.seq_len());
    let n_given = input.len() / stack;
    assert!(task.target_kind() != TargetKind::Numbers, "numbers are not drawn");
    assert!(input.len() == n_given * stack && n_given <= seq_len, "an input of another length");

    let mut tokens = input.to_vec();
    tokens.resize(seq_len * stack, 0);
    let example = Example::new(task, tokens);
    let asked: Vec<i64> = (0..n_given).filter(|&at| example.carries_loss(at)).map(|at| at as i64).collect();
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let given = input.iter().map(|&token| i64::from(token)).collect();
    let given = Tensor::<3, Int>::from_data(TensorData::new::<i64, _>(given, [1, n_given, stack]), &device);
    let features = model.features(given, Mode::Evaluate).squeeze_dim::<2>(0);
    let n_asked = asked.len();
    let asked = Tensor::<1, Int>::from_data(TensorData::new(asked, [n_asked]), &device);
    let logits = rows(model.logits(features.select(0, asked)));
    let mut answers: Vec<Drawn> = logits.iter().map(|logits| sampler.draw(logits)).collect();

    let mut text = Text { number: 0, tokens: input.to_vec() };
    let mut reader = Reader::new(model, 0, device);
    for _ in n_given..seq_len {
        text.tokens.extend(answers.last().map(|answer| answer.token));
        let (_, logits) = reader.next_logits(std::slice::from_ref(&text));
        answers.push(sampler.draw(&rows(logits)[0]));
    }
    Ok(answers)
}
