//! What a model does with examples, as it is: its loss and metrics, its maps, and the text that it writes.
//!
//! What changes activations inside a model to see what follows lies in `causal/`.

mod evaluate;
mod fill;
mod generate;
mod measures;
mod metric;
mod next;
mod probe;
mod sampling;
mod tally;
mod trace;
mod write;

pub use evaluate::{AllInputs, Ask, Asked, EvaluationProgress, HeldOut, evaluate, evaluate_exactly};
pub(crate) use evaluate::{examples_at_once, go_on, whole};
pub use fill::answer_input;
pub use generate::generate;
pub use measures::Measures;
pub use metric::{Accuracy, Bleu, BleuSums, Measured, Metric, MetricSums, SequenceAccuracy, SliceLoss};
pub use probe::Probe;
pub(crate) use probe::answer_labels;
pub use sampling::{Drawn, Sampling};
pub(crate) use tally::Tally;
pub use trace::LayerTrace;
pub use write::{draw_answers, write_answers, write_pair};
