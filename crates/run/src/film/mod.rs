//! The film: frames of a training, and what their attention maps are about.
//!
//! Here belongs where a frame lies and what is written in it beside tensors. What a frame shows does not.

mod frames;
mod labels;
mod seal;

pub(crate) use frames::FRAME;
pub use labels::{MapPositions, ProbeLabels};
pub(crate) use seal::is_sealed_file;
pub use seal::seal_frame;
