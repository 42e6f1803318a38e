//! What a model can be put together from by name: the scores and the position schemes, built-in ones and yours.

mod bridge;
mod choice;
mod erased;

pub use bridge::{Mapper, Visitor};
pub use choice::{Choice, NoSettings, Settings, plain_words};
pub use erased::{Conversion, Erased, ErasedModule, Holds};

use std::collections::BTreeMap;
use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use crate::attention::{Additive, AnyScore, Dot, HeadShape, ScaledDot, Score};
use crate::error::ModelError;
use crate::init::Init;
use crate::positions::{
    Alibi, AnyPositions, LearnedPositions, NoPositions, Place, Positions, Rope, SinusoidalPositions,
};

type Build<A, T> = Arc<dyn Fn(&Choice, &Init, A) -> Result<T, ModelError> + Send + Sync>;
type Complete = Arc<dyn Fn(&Choice) -> Result<Choice, ModelError> + Send + Sync>;

#[derive(Clone)]
struct Part<A, T> {
    build: Build<A, T>,
    complete: Complete,
}

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
/// A part of your own takes the same way in as these do:
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
/// let catalog = Catalog::default().score("distance", |_: &NoSettings, _, _| Ok(Distance {}))?;
/// let mut config = SelfAttentionConfig::new(3, 2);
/// config.score = Choice::new("distance");
/// let attention = config.init_with(&Init::new(&Device::flex(), 1), &catalog)?;
/// assert!(attention.score.downcast_ref::<Distance>().is_some());
/// # Ok::<(), ModelError>(())
/// ```
#[derive(Clone)]
pub struct Catalog {
    scores: BTreeMap<String, Part<HeadShape, AnyScore>>,
    positions: BTreeMap<String, Part<Place, Option<AnyPositions>>>,
}

impl Default for Catalog {
    fn default() -> Self {
        let empty = Self { scores: BTreeMap::new(), positions: BTreeMap::new() };
        empty
            .score("dot", Dot::build)
            .and_then(|catalog| catalog.score("scaled-dot", ScaledDot::build))
            .and_then(|catalog| catalog.score("additive", Additive::build))
            .and_then(|catalog| catalog.positions("none", NoPositions::build))
            .and_then(|catalog| catalog.positions("learned", LearnedPositions::build))
            .and_then(|catalog| catalog.positions("sinusoidal", SinusoidalPositions::build))
            .and_then(|catalog| catalog.positions("rope", Rope::build))
            .and_then(|catalog| catalog.positions("alibi", Alibi::build))
            .expect("the built-in names differ")
    }
}

impl Catalog {
    /// Adds a score. `build` makes it for the heads of one attention layer, from its settings; the [`Init`] stands at
    /// the score's own place in the module tree.
    ///
    /// # Errors
    /// If the name is taken.
    pub fn score<C: Settings, S: Score>(
        mut self,
        name: &str,
        build: impl Fn(&C, &Init, HeadShape) -> Result<S, ModelError> + Send + Sync + 'static,
    ) -> Result<Self, ModelError> {
        let part = Part {
            build: Arc::new(move |choice: &Choice, init: &Init, heads| {
                Ok(AnyScore::new(build(&choice.read(SCORE)?, init, heads)?))
            }),
            complete: completion::<C>(SCORE),
        };
        insert(&mut self.scores, SCORE, name, part)?;
        Ok(self)
    }

    /// Adds a position scheme. `build` is asked once for the model's input and once for each attention layer, and
    /// returns `None` where the scheme does nothing.
    ///
    /// # Errors
    /// If the name is taken.
    pub fn positions<C: Settings, P: Positions>(
        mut self,
        name: &str,
        build: impl Fn(&C, &Init, Place) -> Result<Option<P>, ModelError> + Send + Sync + 'static,
    ) -> Result<Self, ModelError> {
        let part = Part {
            build: Arc::new(move |choice: &Choice, init: &Init, place| {
                Ok(build(&choice.read(POSITIONS)?, init, place)?.map(AnyPositions::new))
            }),
            complete: completion::<C>(POSITIONS),
        };
        insert(&mut self.positions, POSITIONS, name, part)?;
        Ok(self)
    }

    /// Builds the score that `choice` names.
    ///
    /// # Errors
    /// If there is none of this name, its settings are wrong, or it does not fit the heads.
    pub fn build_score(
        &self,
        choice: &Choice,
        init: &Init,
        heads: HeadShape,
    ) -> Result<AnyScore, ModelError> {
        (find(&self.scores, SCORE, choice)?.build)(choice, init, heads)
    }

    /// Builds what the position scheme that `choice` names does at `place`.
    ///
    /// # Errors
    /// If there is none of this name, its settings are wrong, or it does not fit the place.
    pub fn build_positions(
        &self,
        choice: &Choice,
        init: &Init,
        place: Place,
    ) -> Result<Option<AnyPositions>, ModelError> {
        (find(&self.positions, POSITIONS, choice)?.build)(choice, init, place)
    }

    /// The same choice of a score with every setting filled in.
    ///
    /// # Errors
    /// If there is none of this name or its settings are wrong.
    pub fn score_with_defaults(&self, choice: &Choice) -> Result<Choice, ModelError> {
        (find(&self.scores, SCORE, choice)?.complete)(choice)
    }

    /// The same choice of a position scheme with every setting filled in.
    ///
    /// # Errors
    /// If there is none of this name or its settings are wrong.
    pub fn positions_with_defaults(&self, choice: &Choice) -> Result<Choice, ModelError> {
        (find(&self.positions, POSITIONS, choice)?.complete)(choice)
    }
}

/// The words for the two kinds in errors, and their keys in a config file.
const SCORE: &str = "score";
const POSITIONS: &str = "positions";

fn completion<C: Settings>(kind: &'static str) -> Complete {
    Arc::new(move |choice| Ok(choice.with_settings(&choice.read::<C>(kind)?)))
}

fn insert<P>(
    catalog: &mut BTreeMap<String, P>,
    kind: &'static str,
    name: &str,
    part: P,
) -> Result<(), ModelError> {
    if catalog.contains_key(name) {
        return Err(ModelError::NameTaken { kind, name: name.to_owned() });
    }
    catalog.insert(name.to_owned(), part);
    Ok(())
}

fn find<'a, P>(
    catalog: &'a BTreeMap<String, P>,
    kind: &'static str,
    choice: &Choice,
) -> Result<&'a P, ModelError> {
    catalog.get(&choice.name).ok_or_else(|| ModelError::Unknown {
        kind,
        name: choice.name.clone(),
        known: catalog.keys().cloned().collect(),
    })
}

impl Debug for Catalog {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalog")
            .field("scores", &self.scores.keys())
            .field("positions", &self.positions.keys())
            .finish()
    }
}
