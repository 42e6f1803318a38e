//! From the context of a head of the last layer to the answer: what the parts of the model add up to, logits and
//! probabilities.

use std::io;

use burn::tensor::activation::softmax;
use burn::tensor::{Int, Tensor};
use qkv_model::{Contribution, Mode, Query, Source};
use qkv_train::{AnyModel, Model, TargetKind, Task};

use super::walk::step;
use crate::output::ink::{Ink, Inked};
use crate::output::text::format::{named_vector, rows, shape, values, vector};

/// Tokens with a row of their own, the likeliest ones.
const MOST: usize = 8;

/// Columns of a token at least, and of the bar of a probability of 1.
const TOKEN: usize = 5;
const BAR: usize = 40;

/// What the model makes of one position after its last layer.
pub struct Answer {
    place: Query,
    /// What each part adds to the features, `[d_model]`; none where the model does not take them apart.
    parts: Vec<(String, Tensor<1>)>,
    /// `[d_model]`
    features: Tensor<1>,
    /// `[vocab_size]`
    logits: Tensor<1>,
    /// The unembedding, `[d_model, vocab_size]`, where the features are taken apart: logits are linear there.
    unembedding: Option<Tensor<2>>,
    /// What the logits stand for; numbers have no names.
    tokens: Vec<String>,
}

impl Answer {
    /// # Shapes
    /// - `tokens`: `[1, seq_len, stack]`
    pub fn of(model: &AnyModel, task: &dyn Task, tokens: Tensor<3, Int>, place: Query) -> Self {
        let at =
            |x: Tensor<3>| x.slice([0..1, place.position..place.position + 1]).squeeze_dims::<1>(&[0, 1]);
        let all = model.contributions(tokens.clone());
        let (is_taken_apart, parts) = (all.is_some(), all.map(|all| parts(all, place)).unwrap_or_default());
        let features = at(model.features(tokens, Mode::Evaluate));
        let unit_vectors = Tensor::<2>::eye(features.dims()[0], &features.device());
        Self {
            place,
            parts: parts.into_iter().map(|(name, features)| (name, at(features))).collect(),
            unembedding: is_taken_apart.then(|| model.logits(unit_vectors)),
            logits: model.logits(features.clone().unsqueeze()).squeeze_dim(0),
            features,
            tokens: match task.target_kind() {
                TargetKind::Numbers => Vec::new(),
                _ => task.vocabulary(),
            },
        }
    }

    /// The same with a position that is counted from another one of the input.
    pub fn counted_from(mut self, first: usize) -> Self {
        self.place.position -= first;
        self
    }

    /// The sum, and the tokens by their probability; the numbers of the unembedding where `is_small`.
    pub fn show(&self, out: &mut impl Inked, has_w_o: bool, is_small: bool) -> io::Result<()> {
        let Query { head, position: i, .. } = self.place;
        let [d_model] = self.features.dims();
        let [n_logits] = self.logits.dims();
        let sum = if self.parts.is_empty() { "" } else { " = sum of these parts" };
        step(out, Ink::Title, &format!("features_{i}{sum}"), &shape(&[1, d_model]), "")?;
        for (name, part) in &self.parts {
            writeln!(out, "{}", named_vector(name, part))?;
        }
        writeln!(out, "{}", named_vector("features", &self.features))?;
        if !self.parts.is_empty() {
            let w_o = if has_w_o { " W_O" } else { "" };
            writeln!(out, "    residual is the input of the layer, head {head} is context_{i}{w_o},")?;
            writeln!(out, "    each as the norms that follow leave it")?;
        }
        writeln!(out)?;
        if let Some(unembedding) = &self.unembedding {
            step(out, Ink::Plain, "U, the unembedding", &shape(&unembedding.dims()), "")?;
            if is_small {
                rows(out, unembedding)?;
            }
        }
        step(out, Ink::Title, &format!("logits_{i} = features_{i} U"), &shape(&[1, n_logits]), "")?;
        if self.tokens.len() != n_logits {
            return writeln!(out, "{}", vector(&self.logits));
        }
        step(out, Ink::Title, "probabilities = softmax of them", &shape(&[1, n_logits]), "")?;
        self.table(out)
    }

    fn table(&self, out: &mut impl Inked) -> io::Result<()> {
        let [logits, shares] = [self.logits.clone(), softmax(self.logits.clone(), 0)].map(|x| values(&x));
        let mut likeliest: Vec<usize> = (0..logits.len()).collect();
        likeliest.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
        likeliest.truncate(MOST);
        let label =
            likeliest.iter().map(|&token| self.tokens[token].chars().count()).max().unwrap_or(0).max(TOKEN);
        writeln!(out, "\n       {:<label$}      logit  probability", "token")?;
        for token in likeliest {
            write!(
                out,
                "       {:<label$} {:>10.4} {:>12.6}  ",
                self.tokens[token], logits[token], shares[token]
            )?;
            let longest = BAR.saturating_sub(label - TOKEN).max(1) as f64;
            out.ink(Ink::Good, &"#".repeat((shares[token] * longest).round() as usize))?;
            writeln!(out)?;
        }
        match logits.len().saturating_sub(MOST) {
            0 => Ok(()),
            n => writeln!(out, "       … and {n} less likely"),
        }
    }
}

/// The contributions by what they are to a head of the last layer, `[1, seq_len, d_model]` each.
fn parts(all: Vec<Contribution>, place: Query) -> Vec<(String, Tensor<3>)> {
    let mut parts: Vec<(String, Tensor<3>)> = Vec::new();
    for Contribution { source, features } in all {
        let name = match source {
            Source::Head { layer, head } if (layer, head) == (place.layer, place.head) => {
                format!("head {head}")
            }
            Source::Head { layer, .. } if layer == place.layer => "others".to_owned(),
            Source::Mlp { layer } if layer == place.layer => "MLP".to_owned(),
            Source::Biases => "biases".to_owned(),
            _ => "residual".to_owned(),
        };
        match parts.iter_mut().find(|(other, _)| *other == name) {
            Some((_, sum)) => *sum = sum.clone() + features,
            None => parts.push((name, features)),
        }
    }
    parts
}
