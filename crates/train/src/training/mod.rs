//! The loop that fits a model to a task, and everything that happens in one of its steps.
//!
//! Here belongs what a step needs: batches, the loss, clipping, the schedule, the optimizer, and the hooks into the loop. What only
//! looks at a model lies in `measure/`, what writes files in `saving/`.

mod batch;
mod clip;
mod fingerprint;
mod finite;
mod gradient_sum;
mod loss;
mod observer;
mod observers;
mod optimizer;
mod parts;
mod schedule;
mod shards;
mod step;
mod stop_figure;
mod trainer;
mod validation;

pub use batch::Batch;
pub use clip::{clip_factor, global_norm};
pub(crate) use finite::NotFinite;
pub use loss::{CrossEntropy, LabelSmoothing, Loss, LossInputs, LossValue, MeanSquaredError, Prediction};
pub(crate) use loss::{logits, logits_of};
pub use observer::{Costs, Next, Observer, State};
pub use optimizer::{
    Adam, AdamW, AdjustLr, Gradient, Lion, ModuleUpdate, Muon, Optimizer, OptimizerState, ParameterInfo,
    ParameterKind, Roles, Sgd, StateTensor, StateTensors, Update, Updated,
};
pub use parts::{Parts, PartsCatalog};
pub use schedule::{Constant, Cosine, InverseSquareRoot, Linear, Schedule, WarmupStableDecay};
pub use step::{Backward, StepOutcome};
pub use trainer::{Ended, Trained, Trainer};
