//! Which positions of a model's sequences see which, by a name in a config.

use std::fmt::Debug;

use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

use crate::attention::{CausalAlign, Mask};
use crate::error::ModelError;
use crate::parts::{Choice, NoSettings};

/// The mask of every block, made of the tokens at hand: [`MaskConfig`], or yours under a name of its own
/// ([`Catalog::mask`](crate::Catalog::mask), `model.mask` in a config).
///
/// ```
/// use burn::tensor::{Bool, Device, Int, Tensor};
/// use qkv_model::{
///     Catalog, CausalAlign, Choice, Init, Mask, MaskRule, Mode, ModelError, NoSettings, TransformerConfig,
/// };
///
/// /// A position sees itself and the one before it.
/// #[derive(Debug)]
/// struct Neighbours;
///
/// impl MaskRule for Neighbours {
///     fn mask(&self, tokens: &Tensor<3, Int>) -> Mask {
///         let [_, seq_len, _] = tokens.dims();
///         // True below the diagonal under the main one: what lies two or more positions back.
///         let far = Tensor::<2, Bool>::triu_mask([seq_len, seq_len], -1, &tokens.device());
///         Mask::causal(CausalAlign::TopLeft).and(Mask::hidden(far.unsqueeze()))
///     }
///
///     fn is_causal(&self) -> bool {
///         true
///     }
/// }
///
/// let catalog = Catalog::default().mask("neighbours", |_: &NoSettings| Ok(Neighbours));
/// let mut config = TransformerConfig::new(10, 4, 8);
/// config.mask = Choice::new("neighbours");
/// let device = Device::flex();
/// let model = config.init_with(&Init::new(&device, 1), &catalog)?;
/// let maps = model.attention_weights(Tensor::<3, Int>::zeros([1, 4, 1], &device));
/// let seen = maps[0].clone().greater_elem(0.0).int().sum_dim(3).into_data();
/// assert_eq!(seen.iter::<u32>().collect::<Vec<u32>>(), [1, 2, 2, 2]);
/// # Ok::<(), ModelError>(())
/// ```
pub trait MaskRule: Debug + Send + Sync + 'static {
    /// The mask for `tokens`, `[batch, seq_len, stack]`; the scores that it is for are
    /// `[batch, heads, seq_len, seq_len]`.
    fn mask(&self, tokens: &Tensor<3, Int>) -> Mask;

    /// Whether no position ever sees a later one, which tasks ask for whose inputs hold their answers, and what a position
    /// sees depends on no later token, so that a model that writes computes each position once; `false` unless overridden.
    fn is_causal(&self) -> bool {
        false
    }
}

/// Whether a position may see those after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MaskConfig {
    /// Every position sees every other.
    None,
    /// A position sees itself and what came before.
    Causal,
}

impl MaskConfig {
    pub(crate) fn build_none(_: &NoSettings) -> Result<Self, ModelError> {
        Ok(Self::None)
    }

    pub(crate) fn build_causal(_: &NoSettings) -> Result<Self, ModelError> {
        Ok(Self::Causal)
    }
}

impl From<MaskConfig> for Choice {
    fn from(mask: MaskConfig) -> Self {
        Self::new(match mask {
            MaskConfig::None => "none",
            MaskConfig::Causal => "causal",
        })
    }
}

impl MaskRule for MaskConfig {
    fn mask(&self, _: &Tensor<3, Int>) -> Mask {
        match self {
            Self::None => Mask::none(),
            Self::Causal => Mask::causal(CausalAlign::TopLeft),
        }
    }

    fn is_causal(&self) -> bool {
        *self == Self::Causal
    }
}
