//! What a run learned, read from its files alone: W_Q, W_K, W_V and W_O head by head, and the attention map.
//!
//! No model is constructed and no tensor library is used, so a model of any origin is shown
//! like our own, as long as its matrices are called `w_q`, `w_k`, `w_v` and `w_o`. This crate writes no file, prints
//! nothing and picks no device: text and pictures come back as strings. The axes are called as in `qkv-model` (`d_in`,
//! `d_k`, `d_v`, `d_out`, `n_heads`), and matrices are `[in, out]` because `q = x W_Q`.
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
//! - What is in a file or folder? [`Source`], [`Weights`] of [`Tensor`]s, a [`RunFolder`](qkv_run::RunFolder) with its
//!   checkpoints, [`CheckpointConfig`]; example `read_the_weights`.
//! - What are the matrices of a head? [`layers`] and [`split_heads`], [`LayerWeights`] of a [`LayerKind`],
//!   [`HeadWeights`], as a
//!   [`Matrix`] with its [`Spectrum`]; example `read_the_weights`.
//! - How far did training move them? [`summarize`], [`Summary`], [`Movement`]; `qkv inspect RUN`.
//! - What does a head compute? [`Circuit`]s QK and OV, also through the [`Embeddings`] by what is [`StreamInput`];
//!   [`Eigenvalues`] of an OV, each an [`Eigenvalue`].
//! - What is each head, in one line? [`profiles`]: a [`HeadProfile`] for each; [`n_pairs`] of heads compose where the
//!   model [`has_compositions`]; `qkv inspect RUN`.
//! - Which of many equal W_Q and W_K is shown? [`HeadWeights::balanced`], and [`NoGauge`] where none is.
//! - Which head reads which? [`compositions`]: a [`Composition`] [`CompositionKind`] queries, keys or values, beside a
//!   [`Baseline`].
//! - What did a head look at? [`Snapshot`], [`AttentionMap`], what was computed on the way in a [`LayerTrace`] of a
//!   [`HeadTrace`] each; [`Heads`], [`HeadScores`], [`Entropy`], [`OffsetMean`].
//! - How did it come about? [`Film`] of [`Frame`]s with [`Metrics`] and [`GradientFlow`]s, [`AboutTask`] beside
//!   it; `qkv report RUN`.
//! - Which of many runs is how good? [`Comparison`] of a [`RunRecord`] each, or why it is [`LeftOut`]: what differs is a
//!   [`Key`] with its [`KeyValue`]s, what differs in seeds alone a [`Setting`] with a [`Spread`] of every figure, on a page
//!   with its [`Surroundings`]; `qkv compare RUN…`.
//! - How does a reader train one in a page? [`playground_page`], and with a [`PlaygroundRun`] in it
//!   [`playground_of_run`]; `qkv playground`.
//! - How does it look? [`HeatMap`], [`Palette`], [`Scale`], [`TextStyle`] with [`of_256`] colours and
//!   [`identities_on_any_ground`], a [`Grid`] of
//!   [`Cell`]s, labels made safe by [`clean_label`], figures by [`significant`], [`share()`], [`grouped`] and
//!   [`counted`]; a [`FilmStrip`] for papers and slides; `qkv report RUN --png DIR`.
//! - What can be wrong? [`InspectError`].

mod embedded_json;
mod error;
mod files;
mod film;
#[cfg(test)]
mod fixtures;
mod heads;
mod matrix;
mod natural_order;
mod number;
mod picture;
mod playground;
mod runs;
mod texts;

pub use error::{InspectError, NoGauge};
pub use files::config::CheckpointConfig;
pub use files::config::Heads;
pub use files::frames::snapshot::{AttentionMap, Snapshot};
pub use files::frames::trace::{HeadTrace, LayerTrace};
pub use files::layer_kind::LayerKind;
pub use files::layers::{HeadWeights, LayerWeights, layers, split_heads};
pub use files::metrics::Metrics;
pub use files::source::Source;
pub use files::weights::{Tensor, Weights};
pub use film::about_task::AboutTask;
pub use film::film_strip::FilmStrip;
pub use film::frame::Frame;
pub use film::frames::Film;
pub use heads::attention_stats::{Entropy, OffsetMean};
pub use heads::circuit::Circuit;
pub use heads::composition::{Baseline, Composition, CompositionKind, compositions};
pub use heads::embeddings::{Embeddings, StreamInput};
pub use heads::gradients::GradientFlow;
pub use heads::head_scores::HeadScores;
pub use heads::profile::{HeadProfile, has_compositions, n_pairs, profiles};
pub use heads::summary::{Summary, summarize};
pub use matrix::dense::Matrix;
pub use matrix::eigenvalues::{Eigenvalue, Eigenvalues};
pub use matrix::movement::Movement;
pub use matrix::spectrum::Spectrum;
pub use number::{counted, grouped, share, significant};
pub use picture::cell::{Cell, Grid};
pub use picture::heat_map::HeatMap;
pub use picture::label::clean_label;
pub use picture::palette::{Palette, identities_on_any_ground, of_256};
pub use picture::scale::Scale;
pub use picture::text::TextStyle;
pub use playground::{PlaygroundRun, playground_of_run, playground_page};
pub use runs::comparison::Comparison;
pub use runs::figure::Figure;
pub use runs::key::Key;
pub use runs::key_value::KeyValue;
pub use runs::left_out::LeftOut;
pub use runs::page::html::Surroundings;
pub use runs::record::RunRecord;
pub use runs::setting::Setting;
pub use runs::spread::Spread;
