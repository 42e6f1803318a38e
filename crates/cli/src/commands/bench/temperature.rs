//! A score in its two forms: by the fused kernels, and plain.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use qkv_model::{Catalog, Comparison, HeadShape, Init, ModelError, NoSettings, Score};

/// The name of the form whose product the kernels compute.
pub const PREPARED: &str = "prepared";
/// The name of the form whose map is computed by tensor operations.
pub const PLAIN: &str = "plain";

/// A learned temperature for each head, `s_ij = t_h q_i · k_j / √d_k`.
#[derive(Module, Debug)]
struct Temperature {
    /// `[heads]`.
    t: Param<Tensor<1>>,
    #[module(skip)]
    comparison: Comparison,
}

impl Score for Temperature {
    fn comparison(&self) -> Comparison {
        self.comparison
    }

    fn prepare(&self, q: Tensor<4>, k: Tensor<4>) -> [Tensor<4>; 2] {
        [q * self.t.val().reshape([1, -1, 1, 1]), k]
    }

    fn scale(&self, d_k: usize) -> f64 {
        1.0 / (d_k as f64).sqrt()
    }
}

/// The built-in scores and both forms.
pub fn catalog() -> Catalog {
    let build = |comparison| {
        move |_: &NoSettings, init: &Init, heads: HeadShape| -> Result<Temperature, ModelError> {
            Ok(Temperature { t: init.constant([heads.n_heads], 1.0), comparison })
        }
    };
    Catalog::default().score(PREPARED, build(Comparison::PreparedDot)).score(PLAIN, build(Comparison::Own))
}
