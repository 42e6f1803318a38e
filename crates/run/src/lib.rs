//! The folder of a run: what lies in it, under which names, and what makes it whole.
//!
//! ```text
//! file                                 format                          written by          read by
//! config.toml                          TOML, every value filled in     training, at first  resuming, evaluating
//! run.lock                             empty; held while training      RunFolder           RunFolder
//! metrics.jsonl                        one Event a line                training            film, sweep
//! checkpoints/step-00000500/           appears complete or not at all
//!     model.safetensors                parameters by module path       training            everything
//!     optimizer.safetensors            PATH.m and PATH.v, flattened    training            resuming
//!     config.json                      the config as JSON, with        training            inspection
//!                                      format, step and vocabulary
//! snapshots/step-00000500.safetensors  a frame of the film             training            film
//! report.html                          a page                          the report
//! ```
//!
//! Step 0 is always kept. A frame holds, under the names of [`tensor_names`]:
//!
//! ```text
//! blocks.0.attention.weights           [probes, heads, q_len, k_len]   attention weights of the probe examples
//! blocks.0.attention.w_q               as in a checkpoint; also w_k, w_v, w_o, biases, embedding, unembedding
//! blocks.0.attention.w_q.gradient      [columns]     ‖column of d(loss)/dW_Q‖ of this step's batch, before clipping
//! blocks.0.attention.w_q.update        [columns]     ‖column of W_Q(step) - W_Q(step - 1)‖
//! metadata probes                      the ProbeLabels of every example, as JSON
//! ```
//!
//! The crate trains nothing and decodes no tensor. It has no clock, and the only files that it touches are those above.
//! Start at [`RunFolder`]; a [`Checkpoint`] is one of its steps, an [`Event`] one line of its log, of a [`StepReport`]
//! or an [`Evaluation`] on one [`EvaluatedOn`] beside [`Baseline`]s, and [`RunError`] what can be wrong. [`Existing`]
//! decides what a new run does to an old one.

mod checkpoint;
mod create;
mod error;
mod event;
mod folder;
mod labels;
mod lock;
mod log;
pub mod tensor_names;
mod write;

pub use checkpoint::Checkpoint;
pub use create::Existing;
pub use error::RunError;
pub use event::{Baseline, EvaluatedOn, Evaluation, Event, StepReport};
pub use folder::RunFolder;
pub use labels::ProbeLabels;
