//! What to learn and how: toy sequence tasks, and the loop that fits a model to them by back-propagation.
//!
//! Start at [`Trainer`]; its loop reads from top to bottom. A [`Task`] or [`Model`] of your own takes the place of a
//! built-in one everywhere. This crate prints nothing and picks no device.
//!
//! # What is where
//!
//! - How does training go? [`Trainer`], [`Recipe`] of [`OptimizerConfig`], [`ScheduleConfig`] and [`TrainConfig`].
//! - What comes out? [`Trained`], [`Ended`], [`State`]; example `learn_to_reverse`.
//! - What is there to learn? [`Task`]: [`Reverse`], [`struct@Copy`], [`Sort`], [`SortedList`], [`Recall`]
//!   ([`Layout`]), [`Induction`] ([`InductionForm`]), [`ModularAddition`], [`Max`], [`Chars`] ([`CharsConfig`]),
//!   [`Dates`], [`Translate`] ([`TranslateConfig`], [`Language`], [`Level`]) or yours, with numbered [`Inputs`], [`HeldOutLists`] or a [`Corpus`], as a [`Translation`] ([`UnknownSymbol`]); [`Example`], [`Examples`], [`Split`],
//!   [`draw`]; answers of any [`TargetKind`], and which tokens they are by
//!   [`answer_tokens`]; example `custom_task`.
//! - What learns? Any [`Model`]: its [`Layer`]s (between a [`Side`] and another) and [`Query`] are for looking at it; example `custom_model`.
//! - What if it is a transformer with something of yours between its stages? [`Hooked`]; example `talking_heads`.
//! - What can a config name? [`Registry`]; [`ModelConfig`] for a model of yours, kept as [`AnyModel`]; a
//!   [`ConfigSource`] becomes an [`Experiment`] with its [`Config`] and [`SettingsLeftOut`], several by a [`Reader`];
//!   example `own_command_line`. A run that is there has its own: [`Registry::read_run`], [`Registry::read_branch`], every
//!   [`Difference`] ([`SameRun`]), and a [`Parent`] of which it has [`Taken`] something.
//! - How much memory does it need? [`MemoryEstimate`], from the [`ModelSizes`] of a model ([`Passes`], [`PassSizes`]).
//! - What happens in a step? [`Batch`]; [`State::step`] with its [`StepOutcome`], halved by a [`Backward`];
//!   [`global_norm`], [`clip_factor`]; example `gradients_reach_qkv`.
//! - What updates the weights? An [`Optimizer`]: [`AdamW`], [`Adam`], [`Sgd`], [`Lion`], [`Muon`] ([`AdjustLr`]) or
//!   yours, of which each [`Update`] of a parameter ([`ParameterInfo`], [`ParameterKind`], [`Roles`]) by its
//!   [`Gradient`] is [`Updated`] weights, and which remembers [`StateTensors`] ([`StateTensor`]) in an
//!   [`OptimizerState`]; [`ModuleUpdate`] is one update of any module.
//! - What is minimised? A [`Loss`] of a [`Prediction`] and what else it reads ([`LossInputs`]), with its terms a
//!   [`LossValue`]: [`CrossEntropy`], [`LabelSmoothing`], [`MeanSquaredError`] or yours; [`State::backward_from`] takes
//!   any.
//! - What changes the rate? A [`Schedule`]: [`Constant`], [`Linear`], [`Cosine`], [`InverseSquareRoot`],
//!   [`WarmupStableDecay`] or yours.
//! - What else can be yours? What a [`Recipe`] names becomes [`Parts`] by a [`PartsCatalog`].
//! - How good is it? [`evaluate`], [`evaluate_exactly`], [`Evaluation`]; [`HeldOut`] and [`AllInputs`] where it must be
//!   possible to stop, by what they [`Ask`] ([`Asked`], [`EvaluationProgress`]), and with the loss of a training
//!   ([`Measures`]); a [`Baseline`] to compare with; example `custom_score`.
//! - What is measured beside the loss? A [`Metric`]: [`Accuracy`], [`SequenceAccuracy`], [`SliceLoss`], [`Bleu`] ([`BleuSums`])
//!   or yours, which adds each [`Measured`] batch to its [`MetricSums`]; of every [`Figure`] one value is [`Better`]; example
//!   `own_metric`.
//! - What is a head good for? [`Ablation`] of a [`Site`] ([`Replacement`], [`Effect`]); [`Patching`] of a [`Patch`]
//!   between the examples of a [`Pair`] ([`Patched`]); [`attribute`] ([`Attribution`], [`Attributed`]); example
//!   `find_the_induction_head`. What if it attended otherwise? A [`WantedMap`], by [`Forcing`] ([`WithMap`]).
//! - What does it write by itself? A text that goes on by [`generate`], answers by [`write_answers`], [`write_pair`] and
//!   [`draw_answers`], those to the inputs of any other task by [`answer_input`] ([`n_given`]); [`Sampling`] chooses each
//!   token that is [`Drawn`].
//! - Who watches? [`Observer`]: [`Next`], [`StepReport`], and a [`CustomReport`] of its own; [`RunObservers`] of an
//!   [`ObservedRun`] by the registry, example `own_observer`: [`BuiltObservers`], each an [`AnyObserver`], with their
//!   [`Costs`] and [`Notice`]s; [`EventLog`] ([`RunInfo`], [`Environment`]), [`Checkpoints`] and [`Snapshots`]
//!   ([`FilmEnd`]) of a [`FrameMaker`] are the built-in ones.
//! - What lies on disk? The [run folder](qkv_run); [`check_readable`], [`save_weights`], [`load_weights`],
//!   in memory [`weights_to_bytes`], [`weights_from_bytes`]; [`load_checkpoint`], [`load_checkpoint_weights`]; [`Probe`] with
//!   its [`ProbeLabels`] and a [`LayerTrace`] of each layer; example `read_the_weights`.
//! - What if several processes train one run? [`Processes`], which see [`Trainer::across`]; [`Alone`] is one of
//!   them; [`share_state`] gives all of them the state of the first.
//! - What can be wrong? [`TrainError`], with a text [`TextFault`], with pairs [`PairsFault`], in a training a [`Quantity`]; a
//!   part of yours, by a [`PartFault`].

mod causal;
mod config;
mod error;
mod hooked;
mod measure;
mod memory;
mod model;
mod processes;
mod registry;
mod saving;
mod stopwatch;
mod task;
mod training;

pub use causal::{
    Ablation, Attributed, Attribution, Effect, Forcing, Pair, Patch, Patched, Patching, Replacement, Site,
    WantedMap, WithMap, attribute,
};
pub use config::{Config, OptimizerConfig, Parent, Recipe, ScheduleConfig, Taken, TrainConfig};
pub use error::{PairsFault, PartFault, Quantity, SettingFault, TextFault, TrainError};
pub use hooked::Hooked;
pub use measure::{
    Accuracy, AllInputs, Ask, Asked, Bleu, BleuSums, Drawn, EvaluationProgress, HeldOut, LayerTrace,
    Measured, Measures, Metric, MetricSums, Probe, Sampling, SequenceAccuracy, SliceLoss, answer_input,
    draw_answers, evaluate, evaluate_exactly, generate, write_answers, write_pair,
};
pub use memory::{MemoryEstimate, ModelSizes, PassSizes, Passes};
pub use model::{AnyModel, Layer, Model, Side};
pub use processes::{Alone, Processes, check_equal};
pub use qkv_model::Query;
pub use qkv_run::{
    Baseline, Better, CustomReport, Difference, Environment, Evaluation, Figure, ProbeLabels, StepReport,
};
pub use registry::{
    AnyObserver, BuiltObservers, ConfigSource, Experiment, ModelConfig, Notice, ObservedRun, Reader,
    Registry, RunObservers, SameRun, SettingsLeftOut,
};
pub use saving::{
    Checkpoints, EventLog, FilmEnd, FrameMaker, RunInfo, Snapshots, check_readable, load_checkpoint,
    load_checkpoint_weights, load_weights, save_weights, share_state, weights_from_bytes, weights_to_bytes,
};
pub use task::{
    Chars, CharsConfig, Copy, Corpus, Dates, Example, Examples, HeldOutLists, Induction, InductionForm,
    Inputs, Language, Layout, Level, Max, ModularAddition, Recall, Reverse, Sort, SortedList, Split,
    TargetKind, Task, Translate, TranslateConfig, Translation, UnknownSymbol, answer_tokens, draw, n_given,
};
pub use training::{
    Adam, AdamW, AdjustLr, Backward, Batch, Constant, Cosine, Costs, CrossEntropy, Ended, Gradient,
    InverseSquareRoot, LabelSmoothing, Linear, Lion, Loss, LossInputs, LossValue, MeanSquaredError,
    ModuleUpdate, Muon, Next, Observer, Optimizer, OptimizerState, ParameterInfo, ParameterKind, Parts,
    PartsCatalog, Prediction, Roles, Schedule, Sgd, State, StateTensor, StateTensors, StepOutcome, Trained,
    Trainer, Update, Updated, WarmupStableDecay, clip_factor, global_norm,
};

/// The README's code is tested with the documentation.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
