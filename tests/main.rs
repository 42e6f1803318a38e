//! Table of contents of the tests that need more than one crate or published numbers.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

/// What the tests stand on: a device in two precisions, oracles, cases, published numbers. Nothing here is a test.
mod support;

/// What is drawn, what is refused, and what is boxed when a model is built.
mod building;
/// What each part of a model is good for: ablation, patching, attribution.
mod causal;
/// What back-propagation gives: fused kernels against tensor operations, every gradient against differences.
mod gradients;
/// What attention must obey, whatever its settings: definitions as nested loops, identities, masks.
mod mechanism;
/// Numbers published by others: the lecture, PyTorch, ONNX, the UvA tutorial.
mod published;
/// How models are trained: configs, tasks, optimizer, checkpoints.
mod training;
/// What each variant does, worked out by hand.
mod variants;

/// What the core does without, because a web page lacks it.
mod portable_sources;
/// Pages and examples that lead to every public item.
mod public_items;
/// The page for researchers and the files that it links.
mod research_page;
