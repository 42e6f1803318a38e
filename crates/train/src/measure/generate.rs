//! How a text goes on: one token after another behind a prompt.

use burn::tensor::Device;

use super::next::{Reader, Text, rows};
use super::sampling::{Drawn, Sampler, Sampling};
use crate::error::TrainError;
use crate::model::Model;
use crate::task::Task;

/// The tokens with which `model`, a validation copy, goes on after `prompt`, without an end: each is computed when it is
/// asked for.
///
/// It sees the last `seq_len - 1` tokens: the last position of a training example has no next token, so a model has
/// never answered there. Until there are so many, each token is computed once ([`Model::decoding`]); from then on every
/// token moves to another position, so all of them are computed again.
///
/// ```
/// use burn::tensor::Device;
/// use qkv_model::{Init, MaskConfig, TransformerConfig};
/// use qkv_train::{Reverse, Sampling, Task, generate};
///
/// let device = Device::flex();
/// let task = Reverse { seq_len: 8, n_symbols: 5 };
/// let mut config = TransformerConfig::new(task.vocabulary().len(), task.seq_len(), 16);
/// config.mask = MaskConfig::Causal.into();
/// let model = config.init(&Init::new(&device, 0))?;
/// let sampling = Sampling { top_k: Some(3), seed: 1, ..Sampling::default() };
/// let text = generate(&model, &task, &[4], &sampling, &device)?.take(20);
/// assert!(text.map(|drawn| drawn.token).all(|token| token < 5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the temperature is below 0 or not finite, or `top_k` is 0.
///
/// # Panics
/// If the prompt is empty or has tokens outside the vocabulary, or several tokens share a position.
pub fn generate<'a, M: Model>(
    model: &'a M,
    task: &'a dyn Task,
    prompt: &[u32],
    sampling: &Sampling,
    device: &Device,
) -> Result<impl Iterator<Item = Drawn> + use<'a, M>, TrainError> {
    let mut sampler = Sampler::new(sampling)?;
    let vocab_size = task.vocabulary().len();
    assert_eq!(task.stack(), 1, "tokens that share a position cannot follow each other");
    assert!(!prompt.is_empty(), "a sample starts from at least one token");
    assert!(prompt.iter().all(|&token| (token as usize) < vocab_size), "a token outside the vocabulary");

    let mut reader = Reader::new(model, 0, device.clone().without_autodiff());
    let mut tokens = prompt.to_vec();
    Ok(std::iter::repeat_with(move || {
        let context = &tokens[tokens.len().saturating_sub((task.seq_len() - 1).max(1))..];
        let (_, logits) = reader.next_logits(&[Text { number: 0, tokens: context.to_vec() }]);
        let next = sampler.draw(&rows(logits)[0]);
        tokens.push(next.token);
        next
    }))
}
