//! What a layer computes between its input and its output, for hooks and traces.
//!
//! Here belongs what reads or changes an intermediate; what computes them belongs above.

mod hook;
mod trace;

pub(crate) use hook::call_hook;
pub use hook::{Hook, Intermediate, Stage};
pub(super) use hook::{Tap, TraceStep, tap_stage};
pub use trace::{Query, Trace};
