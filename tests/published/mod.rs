//! Numbers published by others: the lecture, PyTorch, ONNX, the UvA tutorial.

/// PyTorch's answers at the edges of the definition.
mod edges;
/// Losses, by PyTorch and by hand.
mod losses;
/// ONNX's conformance cases of the operator Attention, and the operator as nested loops.
mod onnx;
/// ONNX's conformance cases through our mechanism.
mod onnx_attend;
/// Optimizers, by PyTorch.
mod optimizers;
/// The lecture's worked example, step by step.
mod raschka;
/// Weights of PyTorch's layer in ours.
mod torch_layer;
/// UvA deep learning tutorial 6.
mod uva;
