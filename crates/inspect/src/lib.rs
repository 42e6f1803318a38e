//! What a run learned, read from its files alone: W_Q, W_K, W_V and W_O head by head, and the attention map.
//!
//! No model is constructed and no tensor library is used, so a model that somebody defined for themselves is shown
//! like our own, as long as its matrices are called `w_q`, `w_k`, `w_v` and `w_o`. This crate writes no file, prints
//! nothing and picks no device: text and pictures come back as strings. Start at [`Source`]; the axes are called as in
//! `qkv-model` (`d_in`, `d_k`, `d_v`, `d_out`, `n_heads`), and matrices are `[in, out]` because `q = x W_Q`.
//!
//! ```
//! use qkv_inspect::{HeatMap, Matrix, Palette, TextStyle};
//!
//! let w_q = Matrix::new(2, 2, vec![3.0, 0.0, 0.0, -2.0])?.with_axes("d_in", "d_k");
//! assert_eq!(w_q.spectrum()?.top(2), [3.0, 2.0]);
//!
//! let text = HeatMap::new(&w_q, Palette::Diverging).text(TextStyle::Plain);
//! assert!(text.contains("+9 ."));
//! # Ok::<(), qkv_inspect::InspectError>(())
//! ```

mod config;
mod decode;
mod error;
mod header;
mod heat_map;
mod label;
mod layers;
mod layout;
mod matrix;
mod movement;
mod palette;
mod reduce;
mod run;
#[cfg(test)]
mod samples;
mod scale;
mod snapshot;
mod source;
mod spectrum;
mod summary;
mod svg;
mod text;
mod weights;

pub use config::{checkpoint_heads, heads_in};
pub use error::InspectError;
pub use heat_map::HeatMap;
pub use layers::{HeadWeights, LayerWeights, layers};
pub use matrix::Matrix;
pub use movement::Movement;
pub use palette::Palette;
pub use run::{Checkpoint, Run};
pub use scale::Scale;
pub use snapshot::{AttentionMap, Snapshot};
pub use source::Source;
pub use spectrum::Spectrum;
pub use summary::{Summary, summarize};
pub use text::TextStyle;
pub use weights::{Tensor, Weights};
