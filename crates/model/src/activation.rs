//! What stands between an MLP's two maps, by a name in a config.

use burn::module::Module;
use burn::tensor::{Tensor, activation};
use serde::{Deserialize, Serialize};

use crate::erase;
use crate::error::ModelError;
use crate::fused::{self, HostBackend};
use crate::init::Init;
use crate::parts::{Choice, Erased, ErasedModule, NoSettings};

/// The nonlinearity of an [`Mlp`](crate::Mlp): [`Gelu`], [`Relu`], [`Swiglu`], or yours under a name of its own
/// ([`Catalog::activation`](crate::Catalog::activation), `model.activation` in a config). It may have parameters.
///
/// ```
/// use burn::module::Module;
/// use burn::tensor::{Device, Tensor};
/// use qkv_model::{Activate, AnyActivation, Init, Mlp};
///
/// /// The square of what is positive ([So et al. 2021](https://arxiv.org/abs/2109.08668)).
/// #[derive(Module, Debug)]
/// struct SquaredRelu {}
///
/// impl Activate for SquaredRelu {
///     fn forward(&self, x: Tensor<3>) -> Tensor<3> {
///         x.clamp_min(0.0).powi_scalar(2)
///     }
/// }
///
/// let device = Device::flex();
/// let mlp = Mlp::new(AnyActivation::new(SquaredRelu {}), &Init::new(&device, 1), 3, 7);
/// assert_eq!(mlp.forward(Tensor::ones([2, 5, 3], &device)).dims(), [2, 5, 3]);
/// ```
pub trait Activate: ErasedModule {
    /// `x`, what the first map gives, to the same shape, each position by itself.
    ///
    /// # Shapes
    /// - `x`: `[batch, seq_len, d_mlp]`
    fn forward(&self, x: Tensor<3>) -> Tensor<3>;

    /// Whether the result gates a second map, `f(x W_in) ⊙ (x W_gate)`; the MLP then has no biases. `false` unless
    /// overridden.
    fn is_gated(&self) -> bool {
        false
    }
}

/// Any activation, as [`Catalog`](crate::Catalog) hands it out. [`Erased::downcast_ref`] gets at the type inside.
pub type AnyActivation = Erased<dyn Activate>;

erase!(Activate {
    fn forward(&self, x: Tensor<3>) -> Tensor<3>;
    fn is_gated(&self) -> bool;
});

/// The built-in activations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// See [`Gelu`].
    #[default]
    Gelu,
    /// See [`Relu`].
    Relu,
    /// See [`Swiglu`].
    Swiglu,
}

impl From<Activation> for Choice {
    fn from(activation: Activation) -> Self {
        Self::new(match activation {
            Activation::Gelu => "gelu",
            Activation::Relu => "relu",
            Activation::Swiglu => "swiglu",
        })
    }
}

/// `x Φ(x)`, exact ([Hendrycks and Gimpel 2016](https://arxiv.org/abs/1606.08415)).
#[derive(Module, Debug)]
pub struct Gelu {}

/// `max(x, 0)`.
#[derive(Module, Debug)]
pub struct Relu {}

/// A second map, gated by the first through `silu(x) = x σ(x)`; no biases
/// ([Shazeer 2020, equation 6](https://arxiv.org/abs/2002.05202)).
#[derive(Module, Debug)]
pub struct Swiglu {}

impl Gelu {
    pub(crate) fn build(_: &NoSettings, _: &Init, _: usize) -> Result<Self, ModelError> {
        Ok(Self {})
    }
}

impl Relu {
    pub(crate) fn build(_: &NoSettings, _: &Init, _: usize) -> Result<Self, ModelError> {
        Ok(Self {})
    }
}

impl Swiglu {
    pub(crate) fn build(_: &NoSettings, _: &Init, _: usize) -> Result<Self, ModelError> {
        Ok(Self {})
    }
}

impl Activate for Gelu {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        gelu(x, None)
    }
}

impl Activate for Relu {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        activation::relu(x)
    }
}

impl Activate for Swiglu {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        silu(x)
    }

    fn is_gated(&self) -> bool {
        true
    }
}

/// `gelu(x) = x Φ(x) = x/2 (1 + erf(x/√2))`, exact, of `x + bias`
/// ([Hendrycks and Gimpel 2016](https://arxiv.org/abs/1606.08415)).
///
/// In tensor operations, because Burn's own has the gradient of its tanh approximation on the ndarray backend, 1e-5
/// off.
pub(crate) fn gelu(x: Tensor<3>, bias: Option<Tensor<1>>) -> Tensor<3> {
    if let (Some(backend), Some(bias)) = (HostBackend::of(&x), &bias) {
        return fused::gelu(backend, x, bias.clone());
    }
    let x = plus(x, bias);
    let phi = x.clone().mul_scalar(std::f64::consts::FRAC_1_SQRT_2).erf().add_scalar(1.0).mul_scalar(0.5);
    x * phi
}

/// `x + bias`, where there is one.
pub(crate) fn plus(x: Tensor<3>, bias: Option<Tensor<1>>) -> Tensor<3> {
    match bias {
        Some(bias) => x + bias.unsqueeze(),
        None => x,
    }
}

/// `silu(x) = x σ(x) = x/2 (1 + tanh(x/2))`
/// ([Elfwing et al. 2018](https://arxiv.org/abs/1702.03118)).
///
/// In tensor operations, because Burn's own computes its sigmoid in single precision on the ndarray backend.
fn silu(x: Tensor<3>) -> Tensor<3> {
    let sigmoid = x.clone().mul_scalar(0.5).tanh().add_scalar(1.0).mul_scalar(0.5);
    x * sigmoid
}
