//! The trainer in a page, as its page asks for it.

/// What a reader changes in the matrices.
mod edits;
/// Matrices that a reader freezes.
mod freezing;
/// Tasks of pairs: an encoder and a decoder.
mod pairs;
/// A session against the trainer itself, and what a reader does with it.
mod session;
/// What the tests share.
mod support;
/// A map that a reader draws.
mod wanted_map;
/// Weights out of a session and into one.
mod weights;
