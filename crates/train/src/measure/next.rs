//! What a model expects after a text: one forward pass over the text.

use burn::tensor::{Device, Int, Tensor, TensorData};
use qkv_model::Mode;

use crate::model::Model;

/// Logits of the token that comes next after each of `texts`, `[n_texts, vocab_size]`.
///
/// Shorter texts are filled up with `padding` behind their ends, where no causal model sees it.
pub(super) fn next_logits<M: Model>(
    model: &M,
    texts: &[impl AsRef<[u32]>],
    padding: u32,
    device: &Device,
) -> Tensor<2> {
    let texts = || texts.iter().map(AsRef::as_ref);
    let (n_texts, longest) = (texts().len(), texts().map(<[u32]>::len).max().unwrap_or(0));
    let filled = |text: &[u32]| {
        let rest = std::iter::repeat_n(padding, longest - text.len());
        text.iter().copied().chain(rest).map(i64::from).collect::<Vec<_>>()
    };
    let tokens: Vec<i64> = texts().flat_map(filled).collect();
    let tokens = Tensor::from_data(TensorData::new(tokens, [n_texts, longest, 1]), device);
    let features = model.features(tokens, Mode::Evaluate);
    let d_model = features.dims()[2];
    let last = texts().enumerate().map(|(row, text)| (row * longest + text.len() - 1) as i64);
    let last: Vec<i64> = last.collect();
    let last = Tensor::<1, Int>::from_data(TensorData::new(last, [n_texts]), device);
    model.logits(features.reshape([n_texts * longest, d_model]).select(0, last))
}

/// The rows of logits as numbers.
pub(super) fn rows(logits: Tensor<2>) -> Vec<Vec<f64>> {
    let [_, vocab_size] = logits.dims();
    let all: Vec<f64> = logits.into_data().iter::<f64>().collect();
    all.chunks(vocab_size).map(<[f64]>::to_vec).collect()
}
