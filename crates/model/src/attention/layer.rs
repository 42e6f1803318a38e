//! What a block asks of its attention layer, which may be one of yours.

use burn::module::{ParamId, list_param_ids};
use burn::tensor::Tensor;

use super::SelfAttention;
use super::config::SelfAttentionConfig;
use super::inputs::Inputs;
use super::intermediates::{Hook, Query, Trace};
use super::mask::Mask;
use crate::catalog::Catalog;
use crate::erase;
use crate::error::ModelError;
use crate::init::Init;
use crate::mode::Mode;
use crate::parts::{Erased, ErasedModule, NoSettings};

/// The attention layer of a [`Block`](crate::Block): [`SelfAttention`], or yours under a name of its own
/// ([`Catalog::attention`], `model.layer` in a config).
///
/// Most layers wrap a [`SelfAttention`]: what they add to its queries, keys, values, scores, weights or contexts they
/// add in a [`Hook`]. [`SelfAttention::context`] and [`SelfAttention::project_out`] are its two halves where the kernels
/// should go on computing the first. The example `own_layer` gates the heads of one.
///
/// ```
/// use burn::module::{Module, Param};
/// use burn::tensor::{Device, Tensor};
/// use qkv_model::{
///     AttentionLayer, Catalog, Choice, Hook, Init, LayerDescription, Mask, Mode, ModelError, NoSettings,
///     SelfAttention, SelfAttentionConfig, TransformerConfig,
/// };
///
/// /// `output = α attention(x)`, which adds nothing at the start
/// /// ([Bachlechner et al. 2020](https://arxiv.org/abs/2003.04887)).
/// #[derive(Module, Debug)]
/// struct ReZero {
///     attention: SelfAttention,
///     /// `[1]`.
///     alpha: Param<Tensor<1>>,
/// }
///
/// impl AttentionLayer for ReZero {
///     fn forward(&self, x: Tensor<3>, mask: &Mask, mode: Mode) -> Tensor<3> {
///         self.attention.forward(x, mask, mode) * self.alpha.val().unsqueeze()
///     }
///
///     fn forward_with_hook(
///         &self,
///         x: Tensor<3>,
///         mask: &Mask,
///         mode: Mode,
///         layer: usize,
///         hook: &mut dyn Hook,
///     ) -> Tensor<3> {
///         self.attention.forward_with_hook(x, mask, mode, layer, hook) * self.alpha.val().unsqueeze()
///     }
///
///     fn describe(&self) -> LayerDescription {
///         LayerDescription { field: Some("attention"), ..self.attention.describe() }
///     }
/// }
///
/// type Config = SelfAttentionConfig;
/// let catalog = Catalog::default().attention("re-zero", |_: &NoSettings, init: &Init, config: &Config, catalog| {
///     let attention = config.init_with(&init.enter("attention"), catalog)?;
///     Ok(ReZero { attention, alpha: init.constant([1], 0.0) })
/// });
/// let mut config = TransformerConfig::new(10, 5, 8);
/// config.layer = Choice::new("re-zero");
/// let device = Device::flex();
/// let model = config.init_with(&Init::new(&device, 1), &catalog)?;
/// let layer: &ReZero = model.blocks[0].attention.downcast_ref().expect("it keeps its type");
/// assert_eq!(layer.attention.n_heads(), 1);
/// let added = layer.forward(Tensor::ones([2, 5, 8], &device), &Mask::none(), Mode::Evaluate);
/// assert_eq!(added.abs().sum().into_scalar::<f32>(), 0.0);
/// # Ok::<(), ModelError>(())
/// ```
pub trait AttentionLayer: ErasedModule {
    /// The output of the layer.
    ///
    /// # Shapes
    /// - `x`: `[batch, seq_len, d_model]`
    /// - returns the same
    fn forward(&self, x: Tensor<3>, mask: &Mask, mode: Mode) -> Tensor<3>;

    /// The same with every [`Stage`](crate::Stage) but the residual stream shown to `hook` as that of `layer`, once
    /// each; [`Stage::Weights`](crate::Stage::Weights) at least, which is what commands show of a layer.
    fn forward_with_hook(
        &self,
        x: Tensor<3>,
        mask: &Mask,
        mode: Mode,
        layer: usize,
        hook: &mut dyn Hook,
    ) -> Tensor<3>;

    /// What commands write about the layer.
    fn describe(&self) -> LayerDescription;

    /// `residual + forward(x)`; `residual` has the shape of the output.
    fn forward_onto(&self, residual: Tensor<3>, x: Tensor<3>, mask: &Mask, mode: Mode) -> Tensor<3> {
        residual + self.forward(x, mask, mode)
    }

    /// The learned matrices that are tables of vectors and not maps, which weight decay leaves alone; none unless
    /// overridden.
    fn tables(&self) -> Vec<ParamId> {
        Vec::new()
    }

    /// Every intermediate of one query of `x`, `[seq_len, d_model]`, with every stage shown to `hook`; `None` unless
    /// overridden.
    fn trace(&self, x: Tensor<2>, mask: &Mask, place: Query, hook: &mut dyn Hook) -> Option<Trace> {
        let _ = (x, mask, place, hook);
        None
    }

    /// The output as a sum over the heads; `None` unless overridden.
    fn contributions(&self, x: Tensor<3>, mask: &Mask) -> Option<HeadContributions> {
        let _ = (x, mask);
        None
    }
}

/// What commands write about an attention layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerDescription {
    /// The layer's field with W_Q, W_K and W_V; `None` where they are the layer's own.
    pub field: Option<&'static str>,
    /// Number of heads.
    pub n_heads: usize,
    /// Number of heads of keys and values; fewer where groups of heads share them.
    pub n_kv_heads: usize,
    /// Why it takes the reference implementation of attention; `None` where it takes the fused kernels.
    pub reference_reason: Option<&'static str>,
}

/// The output of an attention layer, taken apart.
#[derive(Debug, Clone)]
pub struct HeadContributions {
    /// What each head adds, `[batch, seq_len, d_model]`.
    pub heads: Vec<Tensor<3>>,
    /// What is added once, `[d_model]`.
    pub bias: Option<Tensor<1>>,
}

/// The name of [`SelfAttention`] in a config.
pub(crate) const SELF_ATTENTION: &str = "self-attention";

impl SelfAttention {
    pub(crate) fn build(
        _: &NoSettings,
        init: &Init,
        config: &SelfAttentionConfig,
        catalog: &Catalog,
    ) -> Result<Self, ModelError> {
        config.init_with(init, catalog)
    }

    /// The output as a sum over the heads.
    pub(super) fn contributions_of(&self, inputs: Inputs, mask: &Mask) -> HeadContributions {
        let bias = self.b_o.as_ref().map(|b_o| b_o.val());
        HeadContributions { heads: self.head_outputs_of(inputs, mask), bias }
    }
}

impl AttentionLayer for SelfAttention {
    fn forward(&self, x: Tensor<3>, mask: &Mask, mode: Mode) -> Tensor<3> {
        self.forward(x, mask, mode)
    }

    fn forward_with_hook(
        &self,
        x: Tensor<3>,
        mask: &Mask,
        mode: Mode,
        layer: usize,
        hook: &mut dyn Hook,
    ) -> Tensor<3> {
        self.forward_with_hook(x, mask, mode, layer, hook)
    }

    fn describe(&self) -> LayerDescription {
        LayerDescription {
            field: None,
            n_heads: self.n_heads(),
            n_kv_heads: self.n_kv_heads(),
            reference_reason: self.reference_reason(),
        }
    }

    fn forward_onto(&self, residual: Tensor<3>, x: Tensor<3>, mask: &Mask, mode: Mode) -> Tensor<3> {
        self.forward_onto(residual, x, mask, mode)
    }

    /// What the position scheme learns.
    fn tables(&self) -> Vec<ParamId> {
        list_param_ids(&self.positions)
    }

    fn trace(&self, x: Tensor<2>, mask: &Mask, place: Query, hook: &mut dyn Hook) -> Option<Trace> {
        Some(self.trace_with_hook(x, mask, place, hook))
    }

    fn contributions(&self, x: Tensor<3>, mask: &Mask) -> Option<HeadContributions> {
        Some(self.contributions_of(x.into(), mask))
    }
}

/// Any attention layer, as [`Catalog`] hands it out. [`Erased::downcast_ref`] gets at the type inside.
pub type AnyAttention = Erased<dyn AttentionLayer>;

erase!(AttentionLayer {
    fn forward(&self, x: Tensor<3>, mask: &Mask, mode: Mode) -> Tensor<3>;
    fn forward_with_hook(
        &self,
        x: Tensor<3>,
        mask: &Mask,
        mode: Mode,
        layer: usize,
        hook: &mut dyn Hook
    ) -> Tensor<3>;
    fn describe(&self) -> LayerDescription;
    fn forward_onto(&self, residual: Tensor<3>, x: Tensor<3>, mask: &Mask, mode: Mode) -> Tensor<3>;
    fn tables(&self) -> Vec<ParamId>;
    fn trace(&self, x: Tensor<2>, mask: &Mask, place: Query, hook: &mut dyn Hook) -> Option<Trace>;
    fn contributions(&self, x: Tensor<3>, mask: &Mask) -> Option<HeadContributions>;
});
