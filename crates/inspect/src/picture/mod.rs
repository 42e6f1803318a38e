//! A matrix as something to look at: in a terminal, as SVG or as PNG.
//!
//! A new picture is a file here with a `mod` line below and a `pub use` in `lib.rs`; `qkv report` and `qkv inspect`
//! list theirs in `cli/src/commands/report.rs` and `inspect.rs`. What moves with the steps of a run lies in `film/`.
//! Palettes, scales, labels and cells belong here. What the picture is about is for its caller to choose.

pub(crate) mod cell;
#[cfg(test)]
mod colour_vision;

pub(crate) mod heat_map;
pub(crate) mod heat_map_drawing;
pub(crate) mod label;
pub(crate) mod layout;
pub(crate) mod palette;
pub(crate) mod raster;
pub(crate) mod reduce;
pub(crate) mod scale;
pub(crate) mod svg;
pub(crate) mod text;
pub(crate) mod ticks;
