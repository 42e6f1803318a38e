//! What a run learned, read from its files alone: W_Q, W_K, W_V and W_O head by head, and the attention map.
//!
//! No model is constructed and no tensor library is used, so a model that somebody defined for themselves is shown
//! like our own, as long as its matrices are called `w_q`, `w_k`, `w_v` and `w_o`. This crate writes no file, prints
//! nothing and picks no device: text and pictures come back as strings. Start at [`Source`] for one checkpoint, at
//! [`LayerWeights::qk`] and [`LayerWeights::ov`] for what the matrices do together, at [`AttentionMap::scores`] for what a
//! head looks at, and at [`Film`] for a whole run; the axes are called as in `qkv-model` (`d_in`, `d_k`, `d_v`, `d_out`,
//! `n_heads`), and matrices are `[in, out]` because `q = x W_Q`.
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
//!
//! # What is where
//!
//! | question | look at | runnable |
//! |---|---|---|
//! | What is in a file or folder? | [`Source`], [`Weights`] of [`Tensor`]s, [`Run`] with its [`Checkpoint`]s, [`ModelTable`] | example `read_the_weights` |
//! | What are the matrices of a head? | [`layers`], [`LayerWeights`], [`HeadWeights`], as a [`Matrix`] with its [`Spectrum`] | example `read_the_weights` |
//! | How far did training move them? | [`summarize`], [`Summary`], [`Movement`] | `qkv inspect RUN` |
//! | What does a head compute? | [`Circuit`]s QK and OV, also through the [`Embeddings`] by what is [`Seen`]; [`Eigenvalues`] of an OV, each an [`Eigenvalue`] | their pages |
//! | Which of many equal W_Q and W_K is shown? | [`HeadWeights::balanced`], and [`NoGauge`] where none is | its page |
//! | Which head reads which? | [`compositions`]: a [`Composition`] [`Through`] queries, keys or values, beside a [`Baseline`] | their pages |
//! | What did a head look at? | [`Snapshot`], [`AttentionMap`], [`Heads`], [`HeadScores`], [`Entropy`], [`OffsetMean`] | their pages |
//! | How did it come about? | [`Film`] of [`Frame`]s with [`Metrics`] ([`Evaluation`]), [`GradientFlow`]s, [`Habit`]s, [`Shapes`] and the [`Setup`] | `qkv report RUN` |
//! | How does it look? | [`HeatMap`], [`Palette`], [`Scale`], [`TextStyle`], a [`Grid`] of [`Cell`]s, labels made safe by [`clean_label`]; a [`FilmStrip`] for papers and slides | above, `qkv report RUN --png DIR` |
//! | What can be wrong? | [`InspectError`] | the page of [`Source::open`] |

mod cell;
mod circuit;
mod composition;
mod config;
mod decode;
mod drawing;
mod eigenvalues;
mod embeddings;
mod error;
mod figures;
mod film;
mod gauge;
mod gradients;
mod head_scores;
mod header;
mod heads;
mod heat_map;
mod jacobi;
mod label;
mod layers;
mod layout;
mod map_data;
mod matrix;
mod matrix_data;
mod metrics;
mod movement;
mod natural;
mod page;
mod page_data;
mod palette;
mod plot;
mod quantized;
mod raster;
mod reduce;
mod run;
#[cfg(test)]
mod samples;
mod scale;
mod setup;
mod slide;
mod snapshot;
mod source;
mod spectrum;
mod story;
mod strip;
mod summary;
mod svg;
mod text;
mod weights;

pub use cell::{Cell, Grid};
pub use circuit::Circuit;
pub use composition::{Baseline, Composition, Through, compositions};
pub use config::ModelTable;
pub use eigenvalues::{Eigenvalue, Eigenvalues};
pub use embeddings::{Embeddings, Seen};
pub use error::InspectError;
pub use figures::{Entropy, OffsetMean};
pub use film::{Film, Frame, Habit};
pub use gauge::NoGauge;
pub use gradients::GradientFlow;
pub use head_scores::HeadScores;
pub use heads::Heads;
pub use heat_map::HeatMap;
pub use label::clean_label;
pub use layers::{HeadWeights, LayerWeights, layers};
pub use matrix::Matrix;
pub use metrics::{Evaluation, Metrics};
pub use movement::Movement;
pub use palette::Palette;
pub use run::{Checkpoint, Run};
pub use scale::Scale;
pub use setup::Setup;
pub use slide::Shapes;
pub use snapshot::{AttentionMap, Snapshot};
pub use source::Source;
pub use spectrum::Spectrum;
pub use strip::FilmStrip;
pub use summary::{Summary, summarize};
pub use text::TextStyle;
pub use weights::{Tensor, Weights};
