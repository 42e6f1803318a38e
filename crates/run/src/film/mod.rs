//! The film: frames of a training, and what their attention maps are about.
//!
//! Here belongs where a frame lies and what is written in it beside tensors. What a frame shows does not.

mod frames;
mod labels;

pub use labels::ProbeLabels;
