//! Hooks, which read and change what a model computes on its way, and the passes that call them.

use burn::tensor::{Tensor, assert_shape};

use crate::attention::SelfAttention;
use crate::attention::inputs::Inputs;
use crate::attention::mask::Mask;
use crate::linear::linear;
use crate::mode::Mode;

/// What a [`Hook`] receives of a layer, in the order of computation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The residual stream on its way into the block, before the norms of the block, `[batch, 1, seq_len, d_model]`.
    Residual,
    /// What W_Q makes, before QK-norm and rotation, `[batch, heads, q_len, d_k]`.
    Queries,
    /// What W_K makes, before QK-norm and rotation, `[batch, kv_heads, k_len, d_k]`.
    Keys,
    /// What W_V makes, `[batch, kv_heads, k_len, d_v]`.
    Values,
    /// Scaled scores, capped where the layer has a cap, before biases, mask and softmax,
    /// `[batch, heads, q_len, k_len]`.
    Scores,
    /// Attention weights, after the softmax and before dropout, `[batch, heads, q_len, k_len]`.
    Weights,
    /// What the heads give, before W_O, `[batch, heads, q_len, d_v]`.
    Context,
}

impl Stage {
    /// All of them, in that order.
    pub const ALL: [Self; 7] =
        [Self::Residual, Self::Queries, Self::Keys, Self::Values, Self::Scores, Self::Weights, Self::Context];

    /// Its name in tables and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Residual => "residual stream",
            Self::Queries => "queries",
            Self::Keys => "keys",
            Self::Values => "values",
            Self::Scores => "scores",
            Self::Weights => "weights",
            Self::Context => "context",
        }
    }
}

/// What a [`Hook`] sees of a layer between the stages, in the order of computation. It cannot change it: nothing continues
/// with what it makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Intermediate {
    /// The input of W_Q, W_K and W_V, `[batch, 1, seq_len, d_in]`: after the norm, where one stands before the layer.
    Input,
    /// In a [`CrossAttention`](crate::CrossAttention) the input of W_K and W_V, `[batch, 1, source_len, d_source]`;
    /// [`Input`](Self::Input) is that of W_Q alone.
    Source,
    /// Queries as they are compared, after QK-norm, rotation and [`Score::prepare`](crate::Score::prepare),
    /// `[batch, heads, seq_len, d_k]`.
    ComparedQueries,
    /// Keys after the same, `[batch, kv_heads, seq_len, d_k]`.
    ComparedKeys,
    /// Scores before scaling, `[batch, heads, q_len, k_len]`.
    Scores,
    /// Scaled scores plus biases, minus infinity at hidden keys, `[batch, heads, q_len, k_len]`.
    Masked,
}

/// Receives the tensor of every stage of every layer, and returns the one with which the model continues.
///
/// A closure is one. [`Transformer::features_with`](crate::Transformer::features_with) calls it, in evaluation and in
/// training: gradients flow through what a hook returns, so a module with parameters can stand between any two stages
/// and is trained with the rest. The example `talking_heads` mixes the heads so, before and after the softmax.
///
/// What a hook makes of [`Stage::Scores`] is hidden by the mask afterwards, so a causal model stays causal.
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use qkv_model::{Init, Mode, Stage, TransformerConfig};
///
/// let device = Device::flex();
/// let model = TransformerConfig::new(10, 5, 8).init(&Init::new(&device, 1))?;
/// let mut stages = Vec::new();
/// let mut hook = |layer, stage: Stage, x: Tensor<4>| {
///     stages.push((layer, stage.name(), x.dims()));
///     if stage == Stage::Context { x.zeros_like() } else { x } // switches the attention off
/// };
/// let tokens = Tensor::<3, Int>::zeros([2, 5, 1], &device);
/// let without = model.features_with(tokens, Mode::Evaluate, &mut hook);
/// assert_eq!(stages[5], (0, "weights", [2, 1, 5, 5]));
/// assert_eq!(without.dims(), [2, 5, 8]);
/// # Ok::<(), qkv_model::ModelError>(())
/// ```
pub trait Hook {
    /// Takes what layer `layer` has computed, and returns what the rest of the model is given instead, in the same
    /// shape.
    fn at(&mut self, layer: usize, stage: Stage, x: Tensor<4>) -> Tensor<4>;

    /// Is shown what layer `layer` has computed between two stages; ignores it unless overridden. An
    /// [`AttentionLayer`](crate::AttentionLayer) of your own may show none of it.
    fn see(&mut self, layer: usize, what: Intermediate, x: &Tensor<4>) {
        let _ = (layer, what, x);
    }
}

impl<F: FnMut(usize, Stage, Tensor<4>) -> Tensor<4>> Hook for F {
    fn at(&mut self, layer: usize, stage: Stage, x: Tensor<4>) -> Tensor<4> {
        self(layer, stage, x)
    }
}

/// Shows a stage of a layer to a hook, and checks what it returns.
pub(crate) fn call_hook(hook: &mut dyn Hook, layer: usize, stage: Stage, x: Tensor<4>) -> Tensor<4> {
    let shape = x.dims();
    let x = hook.at(layer, stage, x);
    assert_eq!(x.dims(), shape, "shape of the {} that a hook returns", stage.name());
    x
}

/// What a pass of the reference implementation computes: the stages of a hook, and what a trace has between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::attention) enum TraceStep {
    /// What is computed of a stage, before hooks.
    Computed(Stage),
    /// What the layer continues with.
    Stage(Stage),
    /// What lies between two stages.
    Between(Intermediate),
}

/// Receives the result of each step, and returns what the pass continues with.
pub(in crate::attention) type Tap<'a> = dyn FnMut(TraceStep, Tensor<4>) -> Tensor<4> + 'a;

/// Shows a stage to `tap`.
pub(in crate::attention) fn tap_stage(tap: &mut Tap<'_>, stage: Stage, x: Tensor<4>) -> Tensor<4> {
    let x = tap(TraceStep::Computed(stage), x);
    tap(TraceStep::Stage(stage), x)
}

impl SelfAttention {
    /// The output, with every [`Stage`] but the residual stream shown to `hook` as that of `layer`. `x` and the output
    /// are as for [`forward`](Self::forward).
    ///
    /// # Panics
    /// If the hook returns another shape than it was given, and as [`forward`](Self::forward).
    pub fn forward_with_hook(
        &self,
        x: Tensor<3>,
        mask: &Mask,
        mode: Mode,
        layer: usize,
        hook: &mut dyn Hook,
    ) -> Tensor<3> {
        self.hooked(x.into(), mask, mode, (layer, hook))
    }

    pub(in crate::attention) fn hooked(
        &self,
        inputs: Inputs,
        mask: &Mask,
        mode: Mode,
        (layer, hook): (usize, &mut dyn Hook),
    ) -> Tensor<3> {
        self.reference(inputs, mask, mode, &mut |step, x| match step {
            TraceStep::Stage(stage) => call_hook(hook, layer, stage, x),
            TraceStep::Between(what) => {
                hook.see(layer, what, &x);
                x
            }
            TraceStep::Computed(_) => x,
        })
    }

    /// What each head adds to the output, `[batch, seq_len, d_out]`: all but the bias of W_O, which belongs to no head.
    /// `x`: `[batch, seq_len, d_in]`.
    pub fn head_outputs(&self, x: Tensor<3>, mask: &Mask) -> Vec<Tensor<3>> {
        self.head_outputs_of(x.into(), mask)
    }

    pub(in crate::attention) fn head_outputs_of(&self, inputs: Inputs, mask: &Mask) -> Vec<Tensor<3>> {
        let [batch, seq_len, _] = inputs.x.dims();
        let context = self.context_of(inputs, mask, Mode::Evaluate);
        assert_shape!(context, [batch, self.n_heads, seq_len, self.d_v]);
        let output = |head: usize| {
            let context = context.clone().narrow(1, head, 1).squeeze_dim::<3>(1);
            match self.w_o(head) {
                Some(w_o) => linear(context, w_o, None),
                None => {
                    // The heads lie side by side, so each has columns of its own.
                    let columns = head * self.d_v..(head + 1) * self.d_v;
                    let nothing =
                        Tensor::zeros([batch, seq_len, self.d_out], (&context.device(), context.dtype()));
                    nothing.slice_assign([0..batch, 0..seq_len, columns], context)
                }
            }
        };
        (0..self.n_heads).map(output).collect()
    }
}
