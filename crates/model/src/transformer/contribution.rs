//! The residual stream as a sum over its sources, as far as the unembedding.

use burn::tensor::{Int, Tensor};

use super::embedding::Embedding;
use crate::norm::{AnyNorm, Normalize};
use crate::positions::{AnyPositions, Positions};

/// A part of the model that adds to the residual stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The token vectors.
    Embedding,
    /// The position vectors at the model's input.
    Positions,
    /// One head, through its rows of W_O.
    Head {
        /// Index of the layer.
        layer: usize,
        /// Index of the head.
        head: usize,
    },
    /// The MLP of one block, with its biases.
    Mlp {
        /// Index of the last attention layer before it.
        layer: usize,
    },
    /// The biases of W_O and of all norms, the last included, which belong to no head.
    Biases,
}

/// What one source adds to the features
/// ([Elhage et al. 2021](https://transformer-circuits.pub/2021/framework/index.html), "the residual stream").
///
/// ```text
/// features = norm(Σ_c x_c) = Σ_c norm_c(x_c) + β        norm_c: linear, with the scale that the whole sum has
/// ```
///
/// β counts among the biases, which pass the norms that follow like all others. The scale of every norm that a
/// contribution passes is frozen at its value in this run, so the features, and with them the logits, are exactly the
/// sum of all contributions.
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use qkv_model::{Init, Mode, TransformerConfig};
///
/// let device = Device::flex();
/// let model = TransformerConfig::new(10, 5, 8).init(&Init::new(&device, 1))?;
/// let tokens = Tensor::<3, Int>::zeros([2, 5, 1], &device);
/// let parts = model.contributions(tokens.clone()).expect("built-in layers");
/// let parts = parts.into_iter().map(|contribution| contribution.features);
/// let sum = parts.reduce(|sum, part| sum + part).expect("there is an embedding");
/// let difference = (sum - model.features(tokens, Mode::Evaluate)).abs().max().into_scalar::<f32>();
/// assert!(difference < 1e-5);
/// # Ok::<(), qkv_model::ModelError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Contribution {
    /// The part of the model that wrote it.
    pub source: Source,
    /// `[batch, seq_len, d_model]`.
    pub features: Tensor<3>,
}

/// The residual stream on its way through the model, kept as contributions.
pub(crate) struct Ledger {
    total: Tensor<3>,
    contributions: Vec<Contribution>,
    biases: Option<Tensor<3>>,
}

impl Ledger {
    /// Begins with the vectors of tokens and positions, as the first block is given them.
    pub(crate) fn new(
        embedding: &Embedding,
        positions: Option<&AnyPositions>,
        tokens: Tensor<3, Int>,
    ) -> Self {
        let embedded = embedding.forward(tokens);
        let total = embedded.clone();
        let contributions = vec![Contribution { source: Source::Embedding, features: embedded.clone() }];
        let mut ledger = Self { total, contributions, biases: None };
        if let Some(positions) = positions {
            ledger.add(Source::Positions, positions.embed(embedded.clone(), 0) - embedded);
        }
        ledger
    }

    /// The residual stream.
    pub(crate) fn total(&self) -> Tensor<3> {
        self.total.clone()
    }

    pub(crate) fn add(&mut self, source: Source, features: Tensor<3>) {
        self.total = self.total() + features.clone();
        self.contributions.push(Contribution { source, features });
    }

    /// `bias`: `[d_model]`.
    pub(crate) fn add_bias(&mut self, bias: Tensor<1>) {
        self.total = self.total() + bias.clone().unsqueeze();
        self.keep_bias(bias);
    }

    fn keep_bias(&mut self, bias: Tensor<1>) {
        let biases = self.biases.take().unwrap_or_else(|| self.total.zeros_like());
        self.biases = Some(biases + bias.unsqueeze());
    }

    /// Takes the residual stream through a norm, where there is one; `None` where the norm cannot take it apart.
    pub(crate) fn norm(&mut self, norm: Option<&AnyNorm>) -> Option<()> {
        let Some(norm) = norm else { return Some(()) };
        for contribution in &mut self.contributions {
            contribution.features = norm.of_part(contribution.features.clone(), &self.total)?;
        }
        if let Some(biases) = self.biases.take() {
            self.biases = Some(norm.of_part(biases, &self.total)?);
        }
        self.total = norm.forward(self.total());
        if let Some(beta) = norm.beta() {
            self.keep_bias(beta);
        }
        Some(())
    }

    /// The contributions, the biases last.
    pub(crate) fn close(self) -> Vec<Contribution> {
        let biases = self.biases.map(|features| Contribution { source: Source::Biases, features });
        self.contributions.into_iter().chain(biases).collect()
    }
}
