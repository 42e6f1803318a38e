//! What the tests stand on: a device in two precisions, oracles, cases, published numbers. Nothing here is a test.

/// Number names and their digits, learned and aligned.
pub mod alignment;
/// The device, its precisions, and tolerances.
pub mod backends;
/// Central differences, the oracle of every backward.
pub mod differences;
/// Random cases on every place.
pub mod drawn_cases;
/// A task over data that it was given.
pub mod given;
/// Attention layers with a prime for every axis.
pub mod layers;
/// Gradients by the path of their parameter.
pub mod module_gradients;
/// Every variant by its settings.
pub mod named_variants;
/// A short training on the names of numbers.
pub mod number_names;
/// Host numbers into tensors and back.
pub mod numbers;
/// ONNX's conformance cases.
pub mod onnx_cases;
/// ONNX's operator as nested loops.
pub mod onnx_reference;
/// The inputs of `reverse` with other targets.
pub mod other_targets;
/// Messages of panics.
pub mod panics;
/// Parameters by path.
pub mod parameters;
/// A transformer made of Burn's own operations.
pub mod plain_transformer;
/// Attention as nested loops.
pub mod reference;
/// A whole attention layer as nested loops.
pub mod reference_layer;
/// Processes of a run that are threads.
pub mod thread_processes;
/// Whole models in which every parameter is random.
pub mod transformers;
/// The published numbers in `tests/truth/`.
pub mod truth;
/// What visitors and mappers of a module meet.
pub mod visits;
