//! What a config can name in a model: scores and position schemes, built-in ones and yours. Names of tasks and models
//! belong to `train`.

use std::sync::Arc;

use crate::attention::{Additive, AnyScore, Dot, ScaledDot, Score};
use crate::error::ModelError;
use crate::head_shape::HeadShape;
use crate::init::Init;
use crate::parts::{Choice, Named, Settings};
use crate::positions::{
    Alibi, AnyPositions, LearnedPositions, NoPositions, Place, Positions, Rope, SinusoidalPositions,
};

/// The named scores and position schemes. [`Catalog::default`] has the built-in ones.
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
    scores: Named<BuildScore>,
    positions: Named<BuildPositions>,
}

type BuildScore = dyn Fn(&Init, HeadShape) -> Result<AnyScore, ModelError>;
type BuildPositions = dyn Fn(&Init, Place) -> Result<Option<AnyPositions>, ModelError>;

impl Default for Catalog {
    fn default() -> Self {
        Self { scores: Named::new("score"), positions: Named::new("positions") }
            .score("dot", Dot::build)
            .score("scaled-dot", ScaledDot::build)
            .score("additive", Additive::build)
            .positions("none", NoPositions::build)
            .positions("learned", LearnedPositions::build)
            .positions("sinusoidal", SinusoidalPositions::build)
            .positions("rope", Rope::build)
            .positions("alibi", Alibi::build)
    }
}

impl Catalog {
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

    /// Builds the score that `choice` names.
    ///
    /// # Errors
    /// If there is no score of this name, its settings are wrong, or it does not fit the heads.
    pub fn build_score(
        &self,
        choice: &Choice,
        init: &Init,
        heads: HeadShape,
    ) -> Result<AnyScore, ModelError> {
        (self.scores.read(choice)?.build)(init, heads)
    }

    /// Builds what the position scheme that `choice` names does at `place`.
    ///
    /// # Errors
    /// If there is no scheme of this name, its settings are wrong, or it does not fit the place.
    pub fn build_positions(
        &self,
        choice: &Choice,
        init: &Init,
        place: Place,
    ) -> Result<Option<AnyPositions>, ModelError> {
        (self.positions.read(choice)?.build)(init, place)
    }

    /// `choice`, a score, with every setting filled in.
    pub(crate) fn score_with_defaults(&self, choice: &Choice) -> Result<Choice, ModelError> {
        Ok(self.scores.read(choice)?.choice)
    }

    /// `choice`, a position scheme, with every setting filled in.
    pub(crate) fn positions_with_defaults(&self, choice: &Choice) -> Result<Choice, ModelError> {
        Ok(self.positions.read(choice)?.choice)
    }

    /// Whether every name was taken only once; the methods above report it, too.
    ///
    /// # Errors
    /// If one was not.
    pub fn check(&self) -> Result<(), ModelError> {
        self.scores.check()?;
        self.positions.check()
    }
}
