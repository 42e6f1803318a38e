//! What a model expects after texts that grow by a token at a time.

use burn::tensor::{Device, Int, Tensor, TensorData};
use qkv_model::{Decoding, Mode};

use crate::model::Model;

/// A text, with the number that tells it from others.
pub(super) struct Text {
    pub number: usize,
    pub tokens: Vec<u32>,
}

/// Reads texts from their beginnings on: each position is computed once, where the model [can](Model::decoding).
pub(super) struct Reader<'a, M> {
    model: &'a M,
    device: Device,
    /// Stands behind texts that are shorter than others.
    padding: u32,
    /// What has read `read`; `None` where whole texts are computed.
    decoding: Option<Box<dyn Decoding + 'a>>,
    /// Texts of one length.
    read: Vec<Text>,
}

impl<'a, M: Model> Reader<'a, M> {
    pub fn new(model: &'a M, padding: u32, device: Device) -> Self {
        Self { model, device, padding, decoding: model.decoding(), read: Vec::new() }
    }

    /// Logits of the token that comes next after some of `texts`, those that are shortest at least: their numbers, and
    /// `[n, vocab_size]`.
    ///
    /// Texts may be left out from one call to the next. Once one of them does not go on from what was read, as where a
    /// window slides over it, all are computed as a whole.
    pub fn next_logits(&mut self, texts: &[Text]) -> (Vec<usize>, Tensor<2>) {
        let lengths = || texts.iter().map(|text| text.tokens.len());
        let shortest = lengths().min().expect("there is a text");
        let n_read = self.read.first().map_or(0, |text| text.tokens.len());
        let entries = self.entries(texts).filter(|_| n_read < shortest);
        let (Some(decoding), Some(entries)) = (&mut self.decoding, entries) else {
            self.decoding = None;
            let whole: Vec<&[u32]> = texts.iter().map(|text| &text.tokens[..]).collect();
            let logits = next_logits(self.model, &whole, self.padding, &self.device);
            return (texts.iter().map(|text| text.number).collect(), logits);
        };
        if entries.len() < self.read.len() {
            decoding.select(&indices(entries, &self.device));
        }
        let (n_texts, n_new) = (texts.len(), shortest - n_read);
        let new = texts.iter().flat_map(|text| &text.tokens[n_read..shortest]);
        let new: Vec<i64> = new.copied().map(i64::from).collect();
        let features =
            decoding.feed(Tensor::from_data(TensorData::new(new, [n_texts, n_new, 1]), &self.device));
        self.read = texts.iter().map(|text| text.up_to(shortest)).collect();
        let of_shortest = lengths().enumerate().filter(|&(_, len)| len == shortest).map(|(at, _)| at);
        let of_shortest: Vec<usize> = of_shortest.collect();
        let last = features.narrow(1, n_new - 1, 1).squeeze_dim::<2>(1);
        let rows = of_shortest.iter().map(|&at| at as i64).collect();
        let logits = self.model.logits(last.select(0, indices(rows, &self.device)));
        (of_shortest.into_iter().map(|at| texts[at].number).collect(), logits)
    }

    /// Where the texts stand among those that were read; `None` if one of them does not go on from there.
    fn entries(&self, texts: &[Text]) -> Option<Vec<i64>> {
        let entry = |text: &Text| {
            let at = self.read.iter().position(|read| read.number == text.number)?;
            text.tokens.starts_with(&self.read[at].tokens).then_some(at as i64)
        };
        match self.read.is_empty() {
            true => Some((0..texts.len() as i64).collect()),
            false => texts.iter().map(entry).collect(),
        }
    }
}

impl Text {
    fn up_to(&self, len: usize) -> Self {
        Self { number: self.number, tokens: self.tokens[..len].to_vec() }
    }
}

fn indices(rows: Vec<i64>, device: &Device) -> Tensor<1, Int> {
    let n_rows = rows.len();
    Tensor::from_data(TensorData::new(rows, [n_rows]), device)
}

/// Logits of the token that comes next after each of `texts`, `[n_texts, vocab_size]`.
///
/// Shorter texts are filled up with `padding` behind their ends, where no causal model sees it.
fn next_logits<M: Model>(model: &M, texts: &[&[u32]], padding: u32, device: &Device) -> Tensor<2> {
    let (n_texts, longest) = (texts.len(), texts.iter().map(|text| text.len()).max().unwrap_or(0));
    let filled = |text: &[u32]| {
        let rest = std::iter::repeat_n(padding, longest - text.len());
        text.iter().copied().chain(rest).map(i64::from).collect::<Vec<_>>()
    };
    let tokens: Vec<i64> = texts.iter().flat_map(|text| filled(text)).collect();
    let tokens = Tensor::from_data(TensorData::new(tokens, [n_texts, longest, 1]), device);
    let features = model.features(tokens, Mode::Evaluate);
    let d_model = features.dims()[2];
    let last = texts.iter().enumerate().map(|(row, text)| (row * longest + text.len() - 1) as i64);
    let last = indices(last.collect(), device);
    model.logits(features.reshape([n_texts * longest, d_model]).select(0, last))
}

/// The rows of logits as numbers.
pub(super) fn rows(logits: Tensor<2>) -> Vec<Vec<f64>> {
    let [_, vocab_size] = logits.dims();
    let all: Vec<f64> = logits.into_data().iter::<f64>().collect();
    all.chunks(vocab_size).map(<[f64]>::to_vec).collect()
}
