//! A run on disk: its config, its metrics, its checkpoints and what was learned.

use std::fs;
use std::path::{Path, PathBuf};

use crate::config::{Config, ConfigSource};
use crate::error::TrainError;

/// A folder that belongs to one run.
///
/// ```text
/// config.toml                               everything that repeats the run
/// metrics.jsonl                             one event a line
/// checkpoints/step-00000500/                model.safetensors, config.json
/// snapshots/step-00000500.safetensors       attention maps of one example
/// ```
#[derive(Debug, Clone)]
pub struct RunFolder {
    path: PathBuf,
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
const METRICS: &str = "metrics.jsonl";
const CHECKPOINTS: &str = "checkpoints";
const SNAPSHOTS: &str = "snapshots";

impl RunFolder {
    /// Creates the folder and writes the config.
    ///
    /// # Errors
    /// If there is a run already and it is to be kept, or something that is no run, or the folder cannot be written.
    pub fn create(path: &Path, config: &Config, existing: Existing) -> Result<Self, TrainError> {
        if holds_a_run(path) {
            match existing {
                Existing::Keep => {
                    return Err(TrainError::RunExists { path: path.to_owned() });
                }
                Existing::Overwrite => remove_run(path)?,
            }
        } else if path.exists() && fs::read_dir(path).map_err(TrainError::io("read", path))?.next().is_some()
        {
            return Err(TrainError::NotARunFolder { path: path.to_owned() });
        }
        fs::create_dir_all(path).map_err(TrainError::io("create", path))?;
        let file = path.join(CONFIG);
        fs::write(&file, config.to_toml()).map_err(TrainError::io("write", &file))?;
        Ok(Self { path: path.to_owned() })
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

    /// Opens a run that is already there.
    ///
    /// # Errors
    /// If the folder is no run.
    pub fn open(path: &Path) -> Result<Self, TrainError> {
        fs::metadata(path).map_err(TrainError::io("read", path))?;
        if !path.join(CONFIG).is_file() {
            return Err(TrainError::NotARun { path: path.to_owned(), missing: CONFIG });
        }
        Ok(Self { path: path.to_owned() })
    }

    /// The run's config.
    ///
    /// # Errors
    /// If the file is damaged.
    pub fn config(&self) -> Result<Config, TrainError> {
        let file = self.path.join(CONFIG);
        let text = fs::read_to_string(&file).map_err(TrainError::io("read", &file))?;
        ConfigSource::Toml(&text).read(&[] as &[&str])
    }

    /// The latest checkpoint: its step and its weights.
    ///
    /// # Errors
    /// If there is none.
    pub fn latest_weights(&self) -> Result<(u64, PathBuf), TrainError> {
        let folder = self.path.join(CHECKPOINTS);
        let missing = || TrainError::NotARun { path: self.path.clone(), missing: "checkpoint" };
        let entries = fs::read_dir(&folder).map_err(|_| missing())?;
        let weights = entries.filter_map(|entry| {
            let path = entry.ok()?.path();
            let step: u64 = path.file_name()?.to_str()?.strip_prefix("step-")?.parse().ok()?;
            let weights = path.join("model.safetensors");
            weights.is_file().then_some((step, weights))
        });
        weights.max().ok_or_else(missing)
    }

    /// Where the checkpoint of a step belongs.
    pub fn checkpoint(&self, step: u64) -> PathBuf {
        self.path.join(CHECKPOINTS).join(format!("step-{step:08}"))
    }

    /// Where the attention maps of a step belong.
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

    /// Where the run is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// A config that reads as one of ours, beside something that a run writes: other programs have a `config.toml` too.
fn holds_a_run(path: &Path) -> bool {
    let text = fs::read_to_string(path.join(CONFIG)).unwrap_or_default();
    let is_ours = ConfigSource::Toml(&text).read(&[] as &[&str]).is_ok();
    is_ours && (path.join(METRICS).is_file() || path.join(CHECKPOINTS).is_dir())
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
    let metrics = path.join(METRICS);
    if metrics.exists() {
        fs::remove_file(&metrics).map_err(TrainError::io("write", &metrics))?;
    }
    Ok(())
}
