//! How models are trained: configs, tasks, optimizer, checkpoints.

/// Our optimizer, one scalar at a time.
mod adamw;
/// Where cross-attention looks while a number is written.
mod alignment;
/// What models write, compared with right answers.
mod bleu;
/// The language model of a text.
mod chars;
/// What a config means.
mod config;
/// Defaults, settings and messages of configs.
mod configs;
/// Dates in many spellings.
mod dates;
/// Numbers that are no longer finite.
mod diverging;
/// Which examples count where a model is measured.
mod evaluating;
/// Every variant trains, saves and loads.
mod every_variant;
/// Frames of the film: what they hold, and that a page needs no folder for them.
mod frames;
/// Checkpoints that do not fit, tensor by tensor.
mod loading;
/// Losses by name, through a model, and in reports.
mod losses;
/// The estimate of the memory that a run needs.
mod memory;
/// Metrics by name, in reports, and at the end of a run.
mod metrics;
/// Numbers in words.
mod number_names;
/// Observers that fail or stop a run.
mod observing;
/// Clipping and weight decay.
mod optimizing;
/// A user's optimizer, and its mistakes.
mod own_optimizer;
/// Pairs of the lines of a file.
mod pairs_of_lines;
/// Optimizers and schedules by name, and their settings.
mod part_names;
/// Processes of one run that fail.
mod process_failures;
/// Several processes that train one run.
mod processes;
/// What a model writes where it keeps what it has read.
mod reading;
/// What observers report of their own.
mod reporting;
/// Checkpoints and what comes after them.
mod resuming;
/// How a text goes on.
mod sampling;
/// Batches in shards.
mod shards;
/// The loss of parts of the targets.
mod slices;
/// Answers that are distributions or real numbers.
mod targets;
/// What each task asks for, and its splits.
mod tasks;
/// The trainer on the real tasks.
mod trainer;
/// Tasks and models that do not fit each other.
mod unfit;
/// Names, layout and damage of weight files.
mod weight_files;
