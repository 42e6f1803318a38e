//! How many numbers an optimizer remembers, before there is a model.

use super::ModelSizes;
use crate::training::{Optimizer, ParameterInfo, ParameterKind};

/// The width of the matrices from which the numbers for each value of a parameter are found; only state that does not
/// grow with both axes, such as a number for each row, makes a difference.
const WIDTH: usize = 256;

/// The numbers that `optimizer` remembers of a model of these sizes.
pub(crate) fn optimizer_state(optimizer: &dyn Optimizer, sizes: &ModelSizes) -> f64 {
    let per_value = |kind| {
        let parameter = ParameterInfo { path: String::new(), shape: vec![WIDTH; 2], kind };
        let n: usize = optimizer.state(&parameter).iter().map(|tensor| tensor.n).sum();
        n as f64 / parameter.n() as f64
    };
    let ModelSizes { learned, learned_maps, .. } = sizes;
    per_value(ParameterKind::Map) * learned_maps + per_value(ParameterKind::Table) * (learned - learned_maps)
}
