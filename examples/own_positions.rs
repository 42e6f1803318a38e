//! The whole command line with a position scheme of your own in it: each head learns how fast it forgets what is far.
//!
//! ```text
//! cargo run --release --example own_positions -- train copy --set model.positions=fading --stop-after 200 --out runs/p
//! cargo run --release --example own_positions -- train runs/p --resume
//! cargo run --release --example own_positions -- inspect runs/p
//! ```
//!
//! `--set model.positions.slope=0.5` sets what the scheme has to set.

use std::process::ExitCode;

use burn::module::{Module, Param};
use burn::tensor::{Tensor, TensorData};
use qkv::Registry;
use qkv::model::{Init, ModelError, Place, Positions};
use serde::{Deserialize, Serialize};

fn main() -> ExitCode {
    qkv::run(Registry::new().positions("fading", Fading::build))
}

/// `s_ij = s_ij + behind_h · (j - i)` for keys behind the query, `ahead_h · (i - j)` for those ahead of it.
#[derive(Module, Debug)]
struct Fading {
    /// `[heads]`.
    behind: Param<Tensor<1>>,
    /// `[heads]`.
    ahead: Param<Tensor<1>>,
}

/// Where the slopes begin.
#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    slope: f32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { slope: 0.25 }
    }
}

impl Fading {
    /// Nothing is added to the input, and each layer has slopes of its own.
    fn build(settings: &Settings, init: &Init, place: Place) -> Result<Option<Self>, ModelError> {
        ModelError::check_number("slope", settings.slope, "at least 0", settings.slope >= 0.0)?;
        let Place::Attention(heads) = place else { return Ok(None) };
        let slopes = || init.constant([heads.n_heads], settings.slope.into());
        Ok(Some(Self { behind: slopes(), ahead: slopes() }))
    }
}

impl Positions for Fading {
    fn bias(&self, q_len: usize, k_len: usize) -> Option<Tensor<4>> {
        let of_slope = |slope: &Param<Tensor<1>>, distance: fn(f64) -> f64| {
            // Queries stand at the end of the keys.
            let ahead = |at: usize| (at / k_len + k_len) as f64 - (at % k_len + q_len) as f64;
            let distances = (0..q_len * k_len).map(|at| distance(ahead(at)));
            let distances = TensorData::new(distances.collect::<Vec<_>>(), [1, 1, q_len, k_len]);
            let slope = slope.val().reshape([1, -1, 1, 1]);
            let place = (&slope.device(), slope.dtype());
            slope.clone() * Tensor::from_data(distances.convert_dtype(place.1), place)
        };
        Some(of_slope(&self.behind, |d| (-d).min(0.0)) + of_slope(&self.ahead, |d| d.min(0.0)))
    }
}
