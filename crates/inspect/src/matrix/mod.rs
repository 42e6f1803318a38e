//! One matrix: its values, norm, singular values and eigenvalues, and how far it moved from another one.
//!
//! Linear algebra alone belongs here: nothing about files, heads or colours.

pub(crate) mod dense;
pub(crate) mod eigenvalues;
pub(crate) mod movement;
pub(crate) mod singular_vectors;
pub(crate) mod spectrum;
