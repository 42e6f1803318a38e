//! A run on disk: its config, its metrics, its checkpoints and what was learned.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::run_lock::{LOCK, lock};
use crate::config::{Config, difference};
use crate::error::TrainError;
use crate::registry::{ConfigSource, Registry};

/// A folder that belongs to one run.
///
/// ```text
/// config.toml                               everything that repeats the run
/// run.lock                                  held by the process that trains
/// metrics.jsonl                             one event a line
/// checkpoints/step-00000500/                model.safetensors, optimizer.safetensors, config.json
/// snapshots/step-00000500.safetensors       a frame of the film: matrices, attention maps, gradient norms
/// ```
#[derive(Debug, Clone)]
pub struct RunFolder {
    path: PathBuf,
    /// Held while any clone of this value lives; `None` for a run that is only looked at.
    _lock: Option<Arc<File>>,
}

/// What to do with a run that is already there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Refuse.
    Keep,
    /// Remove it first.
    Overwrite,
}

const CONFIG: &str = "config.toml";
/// Where `qkv report` puts its page.
const REPORT: &str = "report.html";
const METRICS: &str = "metrics.jsonl";
const CHECKPOINTS: &str = "checkpoints";
const SNAPSHOTS: &str = "snapshots";

impl RunFolder {
    /// Creates the folder and writes the config.
    ///
    /// # Errors
    /// If there is a run already and it is to be kept, or something that is no run, or the folder is in use or cannot be
    /// written.
    pub fn create(path: &Path, config: &Config, existing: Existing) -> Result<Self, TrainError> {
        let is_empty = |path: &Path| fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
        if path.exists() && !holds_a_run(path) && !is_empty(path) && !path.join(LOCK).is_file() {
            return Err(TrainError::NotARunFolder { path: path.to_owned() });
        }
        if existing == Existing::Keep && holds_a_run(path) {
            return Err(TrainError::RunExists { path: path.to_owned() });
        }
        fs::create_dir_all(path).map_err(TrainError::io("create", path))?;
        let run = Self { path: path.to_owned(), _lock: Some(lock(path)?) };
        // Somebody else may have been here before the lock was ours.
        match (existing, holds_a_run(path)) {
            (Existing::Keep, true) => return Err(TrainError::RunExists { path: path.to_owned() }),
            (Existing::Overwrite, true) => remove_run(path)?,
            (_, false) => {}
        }
        let file = path.join(CONFIG);
        fs::write(&file, config.to_toml()).map_err(TrainError::io("write", &file))?;
        Ok(run)
    }

    /// Creates `TASK-1`, `TASK-2`, … under `parent`, the first that is free.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn create_next(parent: &Path, task: &str, config: &Config) -> Result<Self, TrainError> {
        fs::create_dir_all(parent).map_err(TrainError::io("create", parent))?;
        let mut number = 1_u64;
        loop {
            let path = parent.join(format!("{task}-{number}"));
            // `create_dir` fails where the folder exists, so two processes never share one.
            match fs::create_dir(&path) {
                Ok(()) => return Self::create(&path, config, Existing::Keep),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(TrainError::io("create", &path)(error)),
            }
        }
    }

    /// Opens a run that is already there, to look at it.
    ///
    /// # Errors
    /// If the folder is no run.
    pub fn open(path: &Path) -> Result<Self, TrainError> {
        fs::metadata(path).map_err(TrainError::io("read", path))?;
        if !path.join(CONFIG).is_file() {
            return Err(TrainError::NotARun { path: path.to_owned(), missing: CONFIG });
        }
        Ok(Self { path: path.to_owned(), _lock: None })
    }

    /// Opens a run that is already there, to go on with it as `config` says.
    ///
    /// # Errors
    /// If the folder is no run, was started with another config, or is in use by another process.
    pub fn open_to_resume(path: &Path, config: &Config) -> Result<Self, TrainError> {
        let run = Self { _lock: Some(lock(path)?), ..Self::open(path)? };
        if let Some(difference) = difference(&run.config_text()?, &config.to_toml()) {
            return Err(TrainError::NotTheSameRun { path: path.to_owned(), difference });
        }
        Ok(run)
    }

    /// Whether the folder holds a run.
    pub fn holds_a_run(path: &Path) -> bool {
        holds_a_run(path)
    }

    /// The run's config.
    ///
    /// # Errors
    /// If the file is damaged, or `registry` lacks something that it names.
    pub fn config(&self, registry: &Registry) -> Result<Config, TrainError> {
        ConfigSource::Toml(&self.config_text()?).read(registry, &[] as &[&str])
    }

    fn config_text(&self) -> Result<String, TrainError> {
        let file = self.path.join(CONFIG);
        fs::read_to_string(&file).map_err(TrainError::io("read", &file))
    }

    /// The latest checkpoint: its step and its weights.
    ///
    /// # Errors
    /// If there is none.
    pub fn latest_weights(&self) -> Result<(u64, PathBuf), TrainError> {
        let missing = || TrainError::NotARun { path: self.path.clone(), missing: "a checkpoint" };
        let step = self.checkpoints().into_iter().max().ok_or_else(missing)?;
        Ok((step, self.checkpoint(step).join("model.safetensors")))
    }

    /// The steps of all checkpoints that have weights, in ascending order.
    pub fn checkpoints(&self) -> Vec<u64> {
        let has_weights = |step: &u64| self.checkpoint(*step).join("model.safetensors").is_file();
        steps(&self.path.join(CHECKPOINTS), "").into_iter().filter(has_weights).collect()
    }

    /// The steps of all frames of the film, in ascending order.
    pub fn snapshots(&self) -> Vec<u64> {
        steps(&self.path.join(SNAPSHOTS), ".safetensors")
    }

    /// The checkpoints to go on from, the best first: that of `step` alone, or all from the latest to the earliest.
    ///
    /// # Errors
    /// If that of `step` is not there.
    pub fn checkpoints_to_resume(&self, step: Option<u64>) -> Result<Vec<u64>, TrainError> {
        let known = self.checkpoints();
        match step {
            None => Ok(known.into_iter().rev().collect()),
            Some(step) if known.contains(&step) => Ok(vec![step]),
            Some(step) => Err(TrainError::NoCheckpoint { path: self.path.clone(), step, known }),
        }
    }

    /// Where the checkpoint of a step belongs.
    pub fn checkpoint(&self, step: u64) -> PathBuf {
        self.path.join(CHECKPOINTS).join(format!("step-{step:08}"))
    }

    /// Where the frame of a step belongs.
    pub fn snapshot(&self, step: u64) -> PathBuf {
        self.path.join(SNAPSHOTS).join(format!("step-{step:08}.safetensors"))
    }

    /// Opens `metrics.jsonl` for writing.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn create_metrics(&self) -> Result<fs::File, TrainError> {
        let path = self.path.join(METRICS);
        fs::File::create(&path).map_err(TrainError::io("create", &path))
    }

    /// Goes back to `step` and opens `metrics.jsonl` to go on after it: what was logged and saved later is removed,
    /// because it will happen again.
    ///
    /// # Errors
    /// If something cannot be read, removed or written.
    pub fn rewind(&self, step: u64) -> Result<fs::File, TrainError> {
        for later in self.checkpoints().into_iter().filter(|&at| at > step) {
            let folder = self.checkpoint(later);
            fs::remove_dir_all(&folder).map_err(TrainError::io("write", &folder))?;
        }
        for later in self.snapshots().into_iter().filter(|&at| at > step) {
            let file = self.snapshot(later);
            fs::remove_file(&file).map_err(TrainError::io("write", &file))?;
        }
        let path = self.path.join(METRICS);
        let text = self.metrics()?;
        let before = |line: &&str| {
            let event: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
            let is_last = event["event"] == "done";
            let at = event["step"].as_u64();
            event.is_object() && !is_last && at.is_none_or(|at| at <= step)
        };
        let kept: String = text.lines().filter(before).map(|line| line.to_owned() + "\n").collect();
        let unfinished = path.with_extension("tmp");
        fs::write(&unfinished, kept).map_err(TrainError::io("write", &unfinished))?;
        fs::rename(&unfinished, &path).map_err(TrainError::io("write", &path))?;
        fs::OpenOptions::new().append(true).open(&path).map_err(TrainError::io("write", &path))
    }

    /// Whether the run came to its end: the last line of `metrics.jsonl` says so.
    pub fn is_done(&self) -> bool {
        self.last_event().is_ok_and(|event| event["event"] == "done")
    }

    /// The last line of `metrics.jsonl`; null where there is none.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn last_event(&self) -> Result<serde_json::Value, TrainError> {
        Ok(self
            .metrics()?
            .lines()
            .last()
            .and_then(|line| serde_json::from_str(line).ok())
            .unwrap_or_default())
    }

    /// What was logged so far; a crash may have torn the last line, even within a character.
    fn metrics(&self) -> Result<String, TrainError> {
        let path = self.path.join(METRICS);
        match fs::read(&path) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            // A run that was stopped before its first event has no such file yet.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(TrainError::io("read", &path)(error)),
        }
    }

    /// Where the checkpoints are.
    pub(crate) fn checkpoints_folder(&self) -> PathBuf {
        self.path.join(CHECKPOINTS)
    }

    /// Where the run is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// A config with the tables that ours have, beside something that a run writes: other programs have a `config.toml`
/// too. Nothing in it has to be known here, so that a run of a user's own types is recognised by any binary.
fn holds_a_run(path: &Path) -> bool {
    let text = fs::read_to_string(path.join(CONFIG)).unwrap_or_default();
    let config: toml::Table = text.parse().unwrap_or_default();
    let is_ours =
        ["task", "model", "optimizer", "schedule", "train"].iter().all(|table| config.contains_key(*table));
    is_ours && (path.join(LOCK).is_file() || path.join(METRICS).is_file() || path.join(CHECKPOINTS).is_dir())
}

/// The numbers in the names `step-NUMBER` with this ending, in ascending order.
fn steps(folder: &Path, ending: &str) -> Vec<u64> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let number = |entry: fs::DirEntry| {
        entry.file_name().to_str()?.strip_prefix("step-")?.strip_suffix(ending)?.parse().ok()
    };
    let mut steps: Vec<u64> = entries.filter_map(number).collect();
    steps.sort_unstable();
    steps
}

/// Removes what a run is made of, and nothing else that somebody may have put beside it.
fn remove_run(path: &Path) -> Result<(), TrainError> {
    for folder in [CHECKPOINTS, SNAPSHOTS] {
        let folder = path.join(folder);
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.filter_map(Result::ok) {
            let ours = entry.file_name().to_string_lossy().starts_with("step-");
            let entry = entry.path();
            let removed = match (ours, entry.is_dir()) {
                (true, true) => fs::remove_dir_all(&entry),
                (true, false) => fs::remove_file(&entry),
                (false, _) => Ok(()),
            };
            removed.map_err(TrainError::io("write", &entry))?;
        }
    }
    for file in [METRICS, REPORT] {
        let file = path.join(file);
        if file.exists() {
            fs::remove_file(&file).map_err(TrainError::io("write", &file))?;
        }
    }
    Ok(())
}
