//! Table of contents of the tests that need more than one crate or published numbers.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

// What the tests stand on.

/// The devices and precisions that every test loops over.
mod backends;
/// Central differences, the oracle of every backward.
mod differences;
/// Random cases on every place.
mod drawn_cases;
/// Attention layers with a prime for every axis.
mod layers;
/// Gradients by the path of their parameter.
mod module_gradients;
/// Host numbers into tensors and back.
mod numbers;
/// ONNX's conformance cases.
mod onnx_cases;
/// ONNX's operator as nested loops.
mod onnx_reference;
/// A transformer made of Burn's own operations.
mod plain_transformer;
/// Attention as nested loops.
mod reference;
/// A whole attention layer as nested loops.
mod reference_layer;
/// Files and folders that go when the test ends.
mod scratch;
/// Whole models in which every parameter is random.
mod transformers;
/// The published numbers in `tests/truth/`.
mod truth;
/// Every variant by its settings.
mod variants;

// Numbers published by others.

/// PyTorch's answers at the edges of the definition.
mod edges;
/// ONNX's conformance cases of the operator Attention, and the operator as nested loops.
mod onnx;
/// ONNX's conformance cases through our mechanism.
mod onnx_attend;
/// The lecture's worked example, rung by rung.
mod raschka;
/// UvA deep learning tutorial 6.
mod uva;

// What attention must obey.

/// The mechanism of any shape, with any steps and masks, against nested loops.
mod any_attention;
/// A layer of any config against nested loops.
mod any_layer;
/// A query that may see nothing.
mod hidden_rows;
/// Rows sum to one, causality, permutations, gauge.
mod identities;
/// What each mask means, and that all apply.
mod masks;
/// The walk through one query.
mod one_query;

// What each variant does, by hand.

/// Linear biases.
mod alibi;
/// Heads that share keys and values.
mod groups;
/// GELU, ReLU and SwiGLU.
mod mlps;
/// Layer norm and RMS norm.
mod norms;
/// Queries and keys of one length.
mod qk_norm;
/// The softmax with a sink.
mod quiet_softmax;
/// Rotary positions.
mod rope;
/// The cap of the scores.
mod softcap;

// What is learned.

/// Fused forms against readable ones.
mod fused;
/// Every scalar of an attention layer against differences.
mod gradients;
/// Learned, frozen and absent projections.
mod learning;
/// Whole transformers against differences.
mod transformer_gradients;
/// Every variant of a layer against differences.
mod variant_gradients;

// What each part is good for.

/// Heads and projections taken away.
mod ablation;
/// Logits as sums over heads and the rest.
mod attribution;
/// Activations of one run in another.
mod patching;

// What is drawn, what is refused, and what is boxed.

/// Dropout as a function of seed, step and layer.
mod dropout;
/// Boxed modules beside unboxed ones.
mod erased;
/// Messages for what cannot be built.
mod errors;
/// Initial weights as a function of seed and path.
mod initial_weights;
/// A user's position scheme and model.
mod user_kinds;

/// Pages and examples that lead to every public item.
mod public_items;

// How it is trained.

/// Our optimizer, one scalar at a time.
mod adamw;
/// The language model of a text, and what it goes on with.
mod chars;
/// Defaults, settings and messages of configs.
mod configs;
/// Which examples count where a model is measured.
mod evaluating;
/// Every variant trains, saves and loads.
mod every_variant;
/// Clipping and weight decay.
mod optimizing;
/// Checkpoints and what comes after them.
mod resuming;
/// What each task asks for, and its splits.
mod tasks;
/// The trainer on the real tasks.
mod training;
/// Names, layout and damage of weight files.
mod weight_files;
