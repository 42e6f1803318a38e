//! Table of contents of the tests that need more than one crate or published numbers.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

// What the tests stand on.

/// The devices and precisions that every test loops over.
mod backends;
/// Central differences, the oracle of every backward.
mod differences;
/// Attention layers with a prime for every axis.
mod layers;
/// Gradients by the path of their parameter.
mod module_gradients;
/// Host numbers into tensors and back.
mod numbers;
/// Attention as nested loops.
mod reference;
/// The published numbers in `tests/truth/`.
mod truth;

// Numbers published by others.

/// PyTorch's answers at the edges of the definition.
mod edges;
/// The lecture's worked example, rung by rung.
mod raschka;
/// UvA deep learning tutorial 6.
mod uva;

// What attention must obey.

/// Any shape, score and masks against nested loops.
mod any_attention;
/// A query that may see nothing.
mod hidden_rows;
/// Rows sum to one, causality, permutations, gauge.
mod identities;
/// What each mask means, and that all apply.
mod masks;
/// The walk through one query.
mod one_query;

// What is learned.

/// Every scalar of an attention layer against differences.
mod gradients;
/// Learned, frozen and absent projections.
mod learning;
/// Whole transformers against differences.
mod transformer_gradients;

// What is drawn, and what is refused.

/// Dropout as a function of seed, step and layer.
mod dropout;
/// Messages for what cannot be built.
mod errors;
/// Initial weights as a function of seed and path.
mod initial_weights;

// How it is trained.

/// Defaults, settings and messages of configs.
mod configs;
/// Clipping and weight decay.
mod optimizing;
/// What each task asks for, and its splits.
mod tasks;
/// The trainer on the real tasks.
mod training;
/// Names, layout and damage of weight files.
mod weight_files;
