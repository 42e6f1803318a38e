//! What a model does with examples, as it is: its loss and accuracy, its maps, and the text that it writes.
//!
//! What changes activations inside a model to see what follows lies in `causal/`.

mod evaluate;
mod generate;
mod probe;

pub(crate) use evaluate::{Sums, held_out};
pub use evaluate::{evaluate, evaluate_exactly};
pub use generate::{Sampling, generate};
pub use probe::Probe;
