//! What an optimizer gets of a parameter beside its values.

use burn::module::ParamId;
use qkv_model::fused::Decay;

use crate::model::Model;

/// One parameter of a model, without its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterInfo {
    /// Its place in the module tree and its name in files, such as `blocks.0.attention.w_q`.
    pub path: String,
    /// Its axes' lengths; a matrix that maps is `[d_in, d_out]`.
    pub shape: Vec<usize>,
    /// What it does.
    pub kind: ParameterKind,
}

/// What a parameter does in its model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterKind {
    /// A matrix, or several, that map features to features.
    Map,
    /// A matrix that maps features to logits.
    Output,
    /// A table of vectors, such as an embedding.
    Table,
    /// A bias, or the scale of a norm.
    Vector,
}

impl ParameterInfo {
    /// Number of its values.
    pub fn n(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether a weight decay of this size pulls it: it is a linear map, and the size is not 0. The pull itself is the
    /// optimizer's.
    pub fn decay(&self, weight_decay: f64) -> Decay {
        let is_linear = matches!(self.kind, ParameterKind::Map | ParameterKind::Output);
        if is_linear && weight_decay > 0.0 { Decay::On } else { Decay::Off }
    }
}

/// The parameters of a model that are no maps from features to features, though they have the rank of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roles {
    /// See [`Model::tables`].
    pub tables: Vec<ParamId>,
    /// See [`Model::outputs`].
    pub outputs: Vec<ParamId>,
}

impl Roles {
    /// Those of `model`.
    pub fn of(model: &impl Model) -> Self {
        Self { tables: model.tables(), outputs: model.outputs() }
    }

    pub(crate) fn kind(&self, id: ParamId, rank: usize) -> ParameterKind {
        match rank {
            0 | 1 => ParameterKind::Vector,
            _ if self.tables.contains(&id) => ParameterKind::Table,
            _ if self.outputs.contains(&id) => ParameterKind::Output,
            _ => ParameterKind::Map,
        }
    }
}
