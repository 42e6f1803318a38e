//! A matrix as something to look at: in a terminal, as SVG or as PNG.
//!
//! Palettes, scales, labels and cells belong here. What the picture is about is for its caller to choose.

pub(crate) mod cell;
pub(crate) mod drawing;
pub(crate) mod heat_map;
pub(crate) mod label;
pub(crate) mod layout;
pub(crate) mod palette;
pub(crate) mod raster;
pub(crate) mod reduce;
pub(crate) mod scale;
pub(crate) mod svg;
pub(crate) mod text;
