//! What a config can name in a model, built-in things and yours; [`Catalog`] has the list. Names of tasks and models
//! belong to `train`.

mod build;

use std::sync::Arc;

use crate::activation::{Activate, AnyActivation, Gelu, Relu, Swiglu};
use crate::attention::{
    Additive, AnyAttention, AnyScore, AttentionLayer, Dot, SELF_ATTENTION, ScaledDot, Score, SelfAttention,
    SelfAttentionConfig,
};
use crate::error::ModelError;
use crate::head_shape::HeadShape;
use crate::init::Init;
use crate::mask_rule::{MaskConfig, MaskRule};
use crate::norm::{AnyNorm, Norm, Normalize};
use crate::parts::{Choice, KnownNames, Named, Settings};
use crate::positions::{
    Alibi, AnyPositions, LearnedPositions, NoPositions, Place, Positions, Rope, SinusoidalPositions,
};

/// The named attention layers, scores, position schemes, masks, norms and activations. [`Catalog::default`] has the
/// built-in ones.
///
/// | layer | type | settings |
/// |---|---|---|
/// | `self-attention` | [`SelfAttention`] | |
///
/// | score | type | settings |
/// |---|---|---|
/// | `dot` | [`Dot`] | |
/// | `scaled-dot` | [`ScaledDot`] | `scale`: instead of `1/√d_k` |
/// | `additive` | [`Additive`] | `d_hidden`: hidden units per head |
///
/// | positions | type | settings |
/// |---|---|---|
/// | `none` | [`NoPositions`] | |
/// | `learned` | [`LearnedPositions`] | |
/// | `sinusoidal` | [`SinusoidalPositions`] | |
/// | `rope` | [`Rope`] | `base`: the larger, the slower the slowest pair turns |
/// | `alibi` | [`Alibi`] | `slopes`: one for each head, instead of the paper's |
///
/// | mask | type | settings |
/// |---|---|---|
/// | `none`, `causal` | [`MaskConfig`] | |
///
/// | norm_kind | type | settings |
/// |---|---|---|
/// | `layer`, `rms` | [`Norm`] | |
///
/// | activation | type | settings |
/// |---|---|---|
/// | `gelu` | [`Gelu`] | |
/// | `relu` | [`Relu`] | |
/// | `swiglu` | [`Swiglu`] | |
///
/// A name can be taken only once; the first that was taken twice is reported by the next use of the catalog. A score of
/// your own takes the same way in as these do:
///
/// ```
/// use burn::module::Module;
/// use burn::tensor::{Device, Tensor};
/// use qkv_model::{Choice, HeadShape, Init, NoSettings, Catalog, Score, SelfAttentionConfig, ModelError};
///
/// /// Minus the squared distance between query and key.
/// #[derive(Module, Debug)]
/// struct Distance {}
///
/// impl Score for Distance {
///     fn scores(&self, q: Tensor<4>, k: Tensor<4>) -> Tensor<4> {
///         let difference = q.unsqueeze_dim::<5>(3) - k.unsqueeze_dim::<5>(2);
///         difference.powi_scalar(2).sum_dim(4).squeeze_dim::<4>(4).neg()
///     }
/// }
///
/// let catalog = Catalog::default().score("distance", |_: &NoSettings, _, _| Ok(Distance {}));
/// let mut config = SelfAttentionConfig::new(3, 2);
/// config.score = Choice::new("distance");
/// let attention = config.init_with(&Init::new(&Device::flex(), 1), &catalog)?;
/// assert!(attention.score.downcast_ref::<Distance>().is_some());
/// # Ok::<(), ModelError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Catalog {
    pub(crate) attentions: Named<BuildAttention>,
    pub(crate) scores: Named<BuildScore>,
    pub(crate) positions: Named<BuildPositions>,
    pub(crate) masks: Named<BuildMask>,
    pub(crate) norms: Named<BuildNorm>,
    pub(crate) activations: Named<BuildActivation>,
}

type BuildAttention = dyn Fn(&Init, &SelfAttentionConfig, &Catalog) -> Result<AnyAttention, ModelError>;
type BuildScore = dyn Fn(&Init, HeadShape) -> Result<AnyScore, ModelError>;
type BuildPositions = dyn Fn(&Init, Place) -> Result<Option<AnyPositions>, ModelError>;
type BuildMask = dyn Fn() -> Result<Arc<dyn MaskRule>, ModelError>;
type BuildNorm = dyn Fn(&Init, usize) -> Result<AnyNorm, ModelError>;
type BuildActivation = dyn Fn(&Init, usize) -> Result<AnyActivation, ModelError>;

impl Default for Catalog {
    fn default() -> Self {
        let empty = Self {
            attentions: Named::new("layer"),
            scores: Named::new("score"),
            positions: Named::new("positions"),
            masks: Named::new("mask"),
            norms: Named::new("norm_kind"),
            activations: Named::new("activation"),
        };
        empty
            .attention(SELF_ATTENTION, SelfAttention::build)
            .score("dot", Dot::build)
            .score("scaled-dot", ScaledDot::build)
            .score("additive", Additive::build)
            .positions("none", NoPositions::build)
            .positions("learned", LearnedPositions::build)
            .positions("sinusoidal", SinusoidalPositions::build)
            .positions("rope", Rope::build)
            .positions("alibi", Alibi::build)
            .mask("none", MaskConfig::build_none)
            .mask("causal", MaskConfig::build_causal)
            .norm("layer", Norm::build_layer)
            .norm("rms", Norm::build_rms)
            .activation("gelu", Gelu::build)
            .activation("relu", Relu::build)
            .activation("swiglu", Swiglu::build)
    }
}

impl Catalog {
    /// Adds an attention layer; see [`AttentionLayer`]. `build` makes it from its settings, for a block that asks for
    /// the layer of a [`SelfAttentionConfig`]; the [`Init`] stands at the layer's place in the module tree, and the
    /// catalog is this one.
    pub fn attention<C: Settings, L: AttentionLayer>(
        mut self,
        name: &str,
        build: impl Fn(&C, &Init, &SelfAttentionConfig, &Self) -> Result<L, ModelError> + Send + Sync + 'static,
    ) -> Self {
        let build = Arc::new(build);
        self.attentions.add(name, move |settings: C| {
            let build = Arc::clone(&build);
            Box::new(move |init: &Init, config: &SelfAttentionConfig, catalog: &Self| {
                Ok(AnyAttention::new(build(&settings, init, config, catalog)?))
            })
        });
        self
    }

    /// Adds a score. `build` makes it for the heads of one attention layer, from its settings; the [`Init`] stands at
    /// the score's own place in the module tree.
    pub fn score<C: Settings, S: Score>(
        mut self,
        name: &str,
        build: impl Fn(&C, &Init, HeadShape) -> Result<S, ModelError> + Send + Sync + 'static,
    ) -> Self {
        let build = Arc::new(build);
        self.scores.add(name, move |settings: C| {
            let build = Arc::clone(&build);
            Box::new(move |init: &Init, heads| Ok(AnyScore::new(build(&settings, init, heads)?)))
        });
        self
    }

    /// Adds a position scheme. `build` is called once for the model's input and once for each attention layer, and
    /// returns `None` where the scheme does nothing.
    pub fn positions<C: Settings, P: Positions>(
        mut self,
        name: &str,
        build: impl Fn(&C, &Init, Place) -> Result<Option<P>, ModelError> + Send + Sync + 'static,
    ) -> Self {
        let build = Arc::new(build);
        self.positions.add(name, move |settings: C| {
            let build = Arc::clone(&build);
            Box::new(move |init: &Init, place| Ok(build(&settings, init, place)?.map(AnyPositions::new)))
        });
        self
    }

    /// Adds a mask; see [`MaskRule`].
    pub fn mask<C: Settings, M: MaskRule>(
        mut self,
        name: &str,
        build: impl Fn(&C) -> Result<M, ModelError> + Send + Sync + 'static,
    ) -> Self {
        let build = Arc::new(build);
        self.masks.add(name, move |settings: C| {
            let build = Arc::clone(&build);
            Box::new(move || Ok(Arc::new(build(&settings)?)))
        });
        self
    }

    /// Adds a norm; see [`Normalize`]. `build` makes it for vectors of a width, from its settings; the [`Init`] stands
    /// at the norm's own place in the module tree.
    pub fn norm<C: Settings, N: Normalize>(
        mut self,
        name: &str,
        build: impl Fn(&C, &Init, usize) -> Result<N, ModelError> + Send + Sync + 'static,
    ) -> Self {
        let build = Arc::new(build);
        self.norms.add(name, move |settings: C| {
            let build = Arc::clone(&build);
            Box::new(move |init: &Init, d_model| Ok(AnyNorm::new(build(&settings, init, d_model)?)))
        });
        self
    }

    /// Adds an activation; see [`Activate`]. `build` makes it for a hidden layer of a width, from its settings; the
    /// [`Init`] stands at the activation's own place in the module tree.
    pub fn activation<C: Settings, A: Activate>(
        mut self,
        name: &str,
        build: impl Fn(&C, &Init, usize) -> Result<A, ModelError> + Send + Sync + 'static,
    ) -> Self {
        let build = Arc::new(build);
        self.activations.add(name, move |settings: C| {
            let build = Arc::clone(&build);
            Box::new(move |init: &Init, d_mlp| Ok(AnyActivation::new(build(&settings, init, d_mlp)?)))
        });
        self
    }

    /// The keys of the settings that a choice of a kind, such as `score`, can have; `None` if there is no such kind.
    ///
    /// # Errors
    /// If there is no thing of the name, or its settings are wrong.
    pub fn keys(&self, kind: &str, choice: &Choice) -> Option<Result<Vec<String>, ModelError>> {
        fn keys<B: ?Sized + 'static>(named: &Named<B>, choice: &Choice) -> Result<Vec<String>, ModelError> {
            Ok(named.read(choice)?.keys)
        }
        Some(match kind {
            "layer" => keys(&self.attentions, choice),
            "score" => keys(&self.scores, choice),
            "positions" => keys(&self.positions, choice),
            "mask" => keys(&self.masks, choice),
            "norm_kind" => keys(&self.norms, choice),
            "activation" => keys(&self.activations, choice),
            _ => return None,
        })
    }

    /// Everything that it has, kind by kind.
    pub fn known(&self) -> Vec<KnownNames<'_>> {
        vec![
            self.attentions.known(),
            self.scores.known(),
            self.positions.known(),
            self.masks.known(),
            self.norms.known(),
            self.activations.known(),
        ]
    }

    /// Whether every name was taken only once; the methods above report it, too.
    ///
    /// # Errors
    /// If one was not.
    pub fn check(&self) -> Result<(), ModelError> {
        self.attentions.check()?;
        self.scores.check()?;
        self.positions.check()?;
        self.masks.check()?;
        self.norms.check()?;
        self.activations.check()
    }
}
