//! Normalisation of the residual stream: Burn's layers, with weights and arithmetic in the model's precision.

use burn::module::{Module, Param};
use burn::nn::{LayerNorm, LayerNormConfig, RmsNorm, RmsNormConfig};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::erase;
use crate::error::ModelError;
use crate::fused::{self, HostBackend, NormWeights};
use crate::init::Init;
use crate::parts::{Choice, Erased, ErasedModule, NoSettings};

/// Added to the variance or the mean square; what PyTorch and Burn add.
const EPSILON: f64 = 1e-5;

/// Where a block normalises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NormConfig {
    /// Before each sub-layer, `x + f(norm(x))`, and once after the last block; trains without warm-up.
    Pre,
    /// After each sub-layer, `norm(x + f(x))`, as in the 2017 paper.
    Post,
    /// Nowhere.
    None,
}

/// What normalising means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NormKind {
    /// Mean zero and variance one: [`LayerNorm`].
    #[default]
    Layer,
    /// Mean square one, the mean left alone: [`RmsNorm`].
    Rms,
}

impl From<NormKind> for Choice {
    fn from(kind: NormKind) -> Self {
        Self::new(match kind {
            NormKind::Layer => "layer",
            NormKind::Rms => "rms",
        })
    }
}

/// The norm of a block or before the unembedding: [`Norm`], or yours under a name of its own
/// ([`Catalog::norm`](crate::Catalog::norm), `model.norm_kind` in a config).
///
/// ```
/// use burn::module::{Module, Param};
/// use burn::tensor::{Device, Int, Tensor};
/// use qkv_model::{Catalog, Choice, Init, Mode, ModelError, NoSettings, Normalize, TransformerConfig};
///
/// /// `y = tanh(α x) γ`, a norm without statistics ([Zhu et al. 2025](https://arxiv.org/abs/2503.10622)).
/// #[derive(Module, Debug)]
/// struct DynamicTanh {
///     alpha: Param<Tensor<1>>,
///     gamma: Param<Tensor<1>>,
/// }
///
/// impl Normalize for DynamicTanh {
///     fn forward(&self, x: Tensor<3>) -> Tensor<3> {
///         (x * self.alpha.val().unsqueeze()).tanh() * self.gamma.val().unsqueeze()
///     }
/// }
///
/// let catalog = Catalog::default().norm("dyt", |_: &NoSettings, init: &Init, d_model| {
///     Ok(DynamicTanh { alpha: init.constant([1], 0.5), gamma: init.constant([d_model], 1.0) })
/// });
/// let mut config = TransformerConfig::new(10, 5, 8);
/// config.norm_kind = Choice::new("dyt");
/// let device = Device::flex();
/// let model = config.init_with(&Init::new(&device, 1), &catalog)?;
/// let features = model.features(Tensor::<3, Int>::zeros([2, 5, 1], &device), Mode::Evaluate);
/// assert!(features.abs().max().into_scalar::<f32>() <= 1.0);
/// # Ok::<(), ModelError>(())
/// ```
pub trait Normalize: ErasedModule {
    /// `x` normalised, each position by itself: a model that writes gives new positions alone.
    ///
    /// # Shapes
    /// - `x`: `[batch, seq_len, d_model]`
    /// - returns the same
    fn forward(&self, x: Tensor<3>) -> Tensor<3>;

    /// What the norm makes of a part of `x`, with the scale that the whole of `x` has: linear, so that over parts that
    /// add up to `x` it adds up to `forward(x) - beta`. `None` unless overridden; attribution needs it.
    fn of_part(&self, part: Tensor<3>, x: &Tensor<3>) -> Option<Tensor<3>> {
        let _ = (part, x);
        None
    }

    /// What is added at the end, `[d_model]`; nothing unless overridden.
    fn beta(&self) -> Option<Tensor<1>> {
        None
    }
}

/// Any norm, as [`Catalog`](crate::Catalog) hands it out. [`Erased::downcast_ref`] gets at the type inside.
pub type AnyNorm = Erased<dyn Normalize>;

erase!(Normalize {
    fn forward(&self, x: Tensor<3>) -> Tensor<3>;
    fn of_part(&self, part: Tensor<3>, x: &Tensor<3>) -> Option<Tensor<3>>;
    fn beta(&self) -> Option<Tensor<1>>;
});

/// The built-in normalisations, over the last axis.
///
/// ```text
/// layer    y = (x - mean) / √(variance + 1e-5) · gamma + beta      Ba et al. 2016
/// rms      y = x / √(mean(x²) + 1e-5) · gamma                      Zhang and Sennrich 2019
/// ```
///
/// See [arXiv:1607.06450](https://arxiv.org/abs/1607.06450) and [arXiv:1910.07467](https://arxiv.org/abs/1910.07467).
/// `gamma` starts at one, `beta` at zero.
#[derive(Module, Debug)]
pub enum Norm {
    /// See [`NormKind::Layer`].
    Layer(LayerNorm),
    /// See [`NormKind::Rms`].
    Rms(RmsNorm),
}

impl Norm {
    /// Of vectors of width `d_model`, with `gamma` at one and `beta` at zero.
    pub fn new(kind: NormKind, init: &Init, d_model: usize) -> Self {
        match kind {
            NormKind::Layer => {
                let mut norm = LayerNormConfig::new(d_model).with_epsilon(EPSILON).init(init.device());
                norm.gamma = init.constant([d_model], 1.0);
                norm.beta = Some(init.constant([d_model], 0.0));
                Self::Layer(norm)
            }
            NormKind::Rms => {
                let mut norm = RmsNormConfig::new(d_model).with_epsilon(EPSILON).init(init.device());
                norm.gamma = init.constant([d_model], 1.0);
                Self::Rms(norm)
            }
        }
    }

    pub(crate) fn build_layer(_: &NoSettings, init: &Init, d_model: usize) -> Result<Self, ModelError> {
        Ok(Self::new(NormKind::Layer, init, d_model))
    }

    pub(crate) fn build_rms(_: &NoSettings, init: &Init, d_model: usize) -> Result<Self, ModelError> {
        Ok(Self::new(NormKind::Rms, init, d_model))
    }

    /// `x` normalised, of any shape whose last axis is `d_model`.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        match (self, HostBackend::of(&x)) {
            (Self::Layer(LayerNorm { gamma, beta: Some(beta), .. }), Some(backend)) => {
                let (gamma, beta) = (gamma.val(), Some(beta.val()));
                fused::norm(backend, x, NormWeights { gamma, beta, epsilon: EPSILON })
            }
            (Self::Rms(norm), Some(backend)) => {
                let gamma = norm.gamma.val();
                fused::norm(backend, x, NormWeights { gamma, beta: None, epsilon: EPSILON })
            }
            (Self::Layer(norm), _) => norm.forward(x),
            (Self::Rms(norm), None) => rms_norm(x, EPSILON) * norm.gamma.val().unsqueeze(),
        }
    }
}

impl Normalize for Norm {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        Norm::forward(self, x)
    }

    /// ```text
    /// layer    (part - mean(part)) / √(variance(x) + 1e-5) · gamma
    /// rms      part / √(mean(x²) + 1e-5) · gamma
    /// ```
    fn of_part(&self, part: Tensor<3>, x: &Tensor<3>) -> Option<Tensor<3>> {
        let centred = |x: Tensor<3>| x.clone() - x.mean_dim(2);
        let (part, whole, gamma) = match self {
            Self::Layer(norm) => (centred(part), centred(x.clone()), norm.gamma.val()),
            Self::Rms(norm) => (part, x.clone(), norm.gamma.val()),
        };
        let scale = whole.powi_scalar(2).mean_dim(2).add_scalar(EPSILON).sqrt();
        Some(part / scale * gamma.unsqueeze())
    }

    fn beta(&self) -> Option<Tensor<1>> {
        match self {
            Self::Layer(norm) => norm.beta.as_ref().map(Param::val),
            Self::Rms(_) => None,
        }
    }
}

/// `x / √(mean(x²) + epsilon)` over the last axis.
///
/// In tensor operations, because Burn's layer takes the mean in single precision whatever it is given, 4e-9 off in
/// `f64`.
pub(crate) fn rms_norm<const D: usize>(x: Tensor<D>, epsilon: f64) -> Tensor<D> {
    let rms = x.clone().powi_scalar(2).mean_dim(D - 1).add_scalar(epsilon).sqrt();
    x / rms
}
