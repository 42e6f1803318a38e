//! The folder of a run: what lies in it, under which names, and what makes it whole.
//!
//! ```text
//! file                                 format                          written by          read by
//! config.toml                          TOML, every value filled in,  training, at first  resuming, evaluating
//!                                      with its format
//! run.lock                             the owner's process id; held    RunFolder           RunFolder
//!                                      while training
//! metrics.jsonl                        one Event a line                training            film, sweep
//! checkpoints/step-00000500/           appears complete or not at all
//!     model.safetensors                parameters by module path       training            everything
//!     optimizer.safetensors            PATH.NAME for each tensor that  training            resuming
//!                                      the optimizer keeps, flattened
//!     config.json                      a Description: the config, and  training            resuming, inspection
//!                                      how good the model was
//!     MANIFEST.json                    a Manifest: name, size and      RunFolder           RunFolder
//!                                      SHA-256 of the three
//! checkpoints/step-00000500.damaged/   one that was not accepted       resuming            nothing
//! checkpoints/step-00000500.set-aside/ one after the step from which   resuming            nothing
//!                                      the run went on
//! snapshots/step-00000500.safetensors  a frame of the film             training            film
//! report.html                          a page                          the report
//! metrics.jsonl.set-aside              lines and frames after the      resuming            nothing
//! snapshots/….safetensors.set-aside    step from which the run went on
//! ```
//!
//! What ends in `.tmp` or `.replaced` is not finished, and goes when the run is next locked. While a run is removed for
//! another in its place, its `config.toml` has a format of its own: from that moment on the folder holds no run. A frame
//! holds, under the names of [`tensor_names`]:
//!
//! ```text
//! blocks.0.attention.weights           [probes, heads, q_len, k_len]   attention weights of the probe examples
//! blocks.0.attention.w_q               as in a checkpoint; also w_k, w_v, w_o, biases, embedding, unembedding
//! blocks.0.attention.w_q.gradient      [rows, columns]   d(loss)/dW_Q of this step's batch, before clipping; also of
//!                                      w_k, w_v and w_o. Where they are large, and in early runs: [columns],
//!                                      ‖column of d(loss)/dW_Q‖, without w_o
//! blocks.0.attention.w_q.update        [columns]     ‖column of W_Q(step) - W_Q(step - 1)‖
//! blocks.0.attention.trace.x           [traced, seq_len, d_model]        of the first of the probe examples: the input
//! blocks.0.attention.trace.q           [traced, heads, q_len, d_k]       of W_Q, W_K and W_V, and what is made of it;
//! blocks.0.attention.trace.k           [traced, kv_heads, k_len, d_k]    queries and keys as they are compared, scores
//! blocks.0.attention.trace.v           [traced, kv_heads, k_len, d_v]    before and after scaling, bias and mask
//! blocks.0.attention.trace.scores      [traced, heads, q_len, k_len]
//! blocks.0.attention.trace.scaled      [traced, heads, q_len, k_len]
//! blocks.0.attention.trace.context     [traced, heads, q_len, d_v]
//! decoder.0.cross.attention.trace.source
//!                                      [traced, k_len, d_source]         the input of W_K and W_V, where it is not x
//! answers                              [traced, seq_len, vocab_size]     probabilities, NaN where nothing is asked for
//! sha256                               [32]          of all bytes of the file before it, which are the last
//! metadata probes                      the ProbeLabels of every example, as JSON, with the MapPositions of each layer
//!                                      whose rows and columns are not all positions
//! ```
//!
//! Beside the runs of a study, `.claims/` has which worker trains which of them.
//!
//! The crate trains nothing and decodes no tensor. It has no clock, and the only files that it touches are those above,
//! through one [`Storage`], which is the [`Disk`] ([`Entry`], [`EntryKind`], [`Lock`]; [`replace_file`],
//! [`replace_shared_file`] and [`create_shared_file`] are for other files that are to be as durable). It reads no file
//! with tensors whose header [`check_tensor_header`] refuses ([`read_tensors`], [`hash_tensors`]).
//!
//! Start at [`RunFolder`]; [`Existing`] decides what a new run does to an old one, and a [`Repair`] is what taking the
//! lock put in order. A [`Checkpoint`] is one of its steps: [`Contents`] with a [`Description`], under a [`Manifest`]
//! of [`ManifestFile`]s, each with its [`sha256`], or [`NoManifest`]; [`Pruned`] lists those that went. An [`Event`] is
//! one line of its [`Log`], of a [`StepReport`], a [`CustomReport`] or an [`Evaluation`] on one [`EvaluatedOn`] beside
//! [`Baseline`]s and its [`Generalization`], of which each [`Figure`] is [`Better`] one way round, in an [`Environment`]; a run goes on after an
//! earlier step as [`Rewound`], with what is [`SetAside`], if its config ([`flatten`]ed values, [`differences`]) has no
//! [`changes_of_meaning`], each of them a [`Difference`]; under [`PROJECTIONS_KEY`] it may have one word or one for each
//! matrix ([`has_each_projection`], [`split_projections`]). An [`Overview`] with a [`RunState`] is what a list shows of a
//! run. The workers of a study agree by [`Claims`]: a [`Queue`] has what is [`Next`] by the [`ClaimState`] of each run
//! and the [`ClaimHistory`] of its attempts, a [`Claim`] under the name of a [`ClaimEntry`], which a process of the
//! worker asks as [`HeldBy`] through the storage that it is [`Guarded`] with. [`RunError`] is what can be wrong, also
//! with a path that [`is_unreadable`], and a [`Finding`] what [`RunFolder::verify`] sees of it; the files [`Verified`]
//! as good were [`CheckedFor`] a hash, or for less. A frame has its hash in itself ([`seal_frame`]); the
//! [`ProbeLabels`] of a model of two sequences have [`MapPositions`]. Each kind of file
//! has bounds ([`RunError::NotReadable`]), `config.json` of any origin by [`read_description`].

mod bounds;
mod checkpoint;
mod claim;
mod config;
mod error;
mod film;
#[cfg(test)]
mod fixtures;
mod folder;
mod hash;
mod json_values;
mod log;
mod storage;
mod tensor_file;
pub mod tensor_names;
mod verify;

pub use checkpoint::{
    Checkpoint, Contents, Description, Manifest, ManifestFile, NoManifest, Pruned, read_description,
};
pub use claim::{
    Claim, Claims, Entry as ClaimEntry, HeldBy, History as ClaimHistory, Next, Queue, State as ClaimState,
};
pub use config::{
    Difference, PROJECTIONS_KEY, changes_of_meaning, differences, flatten, has_each_projection,
    split_projections,
};
pub use error::{RunError, is_unreadable};
pub use film::{MapPositions, ProbeLabels, seal_frame};
pub use folder::{Existing, Overview, Repair, RunFolder, RunState};
pub use hash::sha256;
pub use log::{
    Baseline, Better, CustomReport, Environment, EvaluatedOn, Evaluation, Event, Figure, Generalization, Log,
    Rewound, SetAside, StepReport,
};
pub use storage::{
    Disk, Entry, EntryKind, Guarded, Lock, Storage, create_shared_file, replace_file, replace_shared_file,
};
pub use tensor_file::{check_tensor_header, hash_tensors, read_tensors};
pub use verify::{CheckedFor, Finding, Verified};
