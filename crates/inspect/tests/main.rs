//! Table of contents of the tests that draw their cases at random, and of reviewed pictures.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

// What the tests stand on.

/// Files, matrices and tolerances.
mod draw;
/// Matrices as nested loops.
#[allow(clippy::needless_range_loop, reason = "indices are how the definitions are written")]
mod loops;

// What must hold.

/// Products, norms, singular values and eigenvalues of circuits.
mod circuits;
/// Composition scores.
mod compositions;
/// Scores before and after a change of basis.
mod gauges;
/// Heat maps as text and as SVG.
mod golden;
/// Figures of attention maps.
#[allow(clippy::needless_range_loop, reason = "indices are how the definitions are written")]
mod maps;
/// Texts of the pages, and the table in which they stand.
mod texts;
