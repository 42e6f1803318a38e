//! From a choice to what it names, built.

use std::sync::Arc;

use super::Catalog;
use crate::activation::AnyActivation;
use crate::attention::{AnyAttention, AnyScore, SelfAttentionConfig};
use crate::error::ModelError;
use crate::head_shape::HeadShape;
use crate::init::Init;
use crate::mask_rule::MaskRule;
use crate::norm::AnyNorm;
use crate::parts::Choice;
use crate::positions::{AnyPositions, Place};

impl Catalog {
    /// Builds the attention layer that `choice` names, in the place of the one that `config` describes.
    ///
    /// # Errors
    /// If there is no layer of this name, or its settings or `config` are wrong.
    pub fn build_attention(
        &self,
        choice: &Choice,
        init: &Init,
        config: &SelfAttentionConfig,
    ) -> Result<AnyAttention, ModelError> {
        (self.attentions.read(choice)?.build)(init, config, self)
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

    /// Builds the mask that `choice` names.
    ///
    /// # Errors
    /// If there is no mask of this name, or its settings are wrong.
    pub fn build_mask(&self, choice: &Choice) -> Result<Arc<dyn MaskRule>, ModelError> {
        (self.masks.read(choice)?.build)()
    }

    /// Builds the norm that `choice` names, for vectors of width `d_model`.
    ///
    /// # Errors
    /// If there is no norm of this name, its settings are wrong, or it does not fit the width.
    pub fn build_norm(&self, choice: &Choice, init: &Init, d_model: usize) -> Result<AnyNorm, ModelError> {
        (self.norms.read(choice)?.build)(init, d_model)
    }

    /// Builds the activation that `choice` names, for a hidden layer of width `d_mlp`.
    ///
    /// # Errors
    /// If there is no activation of this name, its settings are wrong, or it does not fit the width.
    pub fn build_activation(
        &self,
        choice: &Choice,
        init: &Init,
        d_mlp: usize,
    ) -> Result<AnyActivation, ModelError> {
        (self.activations.read(choice)?.build)(init, d_mlp)
    }
}
