//! One saved step of a run.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::RunError;
use crate::folder::RunFolder;

const WEIGHTS: &str = "model.safetensors";
const OPTIMIZER: &str = "optimizer.safetensors";
const CONFIG: &str = "config.json";

/// A folder `step-00000120` of saved weights.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Checkpoint {
    /// Updates made before it was saved.
    pub step: u64,
    /// Where its files are.
    pub folder: PathBuf,
}

impl Checkpoint {
    /// The keys that `config.json` has beside those of `config.toml`: what wrote it, when, and the label of each token.
    pub const OWN_KEYS: [&str; 3] = ["format", "step", "vocabulary"];

    /// That of `step` among others in the folder `checkpoints`.
    pub(crate) fn new(checkpoints: &Path, step: u64) -> Self {
        Self { step, folder: checkpoints.join(step_name(step)) }
    }

    /// The checkpoint in `folder`, if its name is that of one.
    ///
    /// ```
    /// use qkv_run::Checkpoint;
    ///
    /// let checkpoint = Checkpoint::named("run/checkpoints/step-00000120");
    /// assert_eq!(checkpoint.map(|checkpoint| checkpoint.step), Some(120));
    /// for other in ["step-", "step-+1", "step-1x", "step-00000120.tmp", "final"] {
    ///     assert_eq!(Checkpoint::named(other), None);
    /// }
    /// ```
    pub fn named(folder: impl Into<PathBuf>) -> Option<Self> {
        let folder = folder.into();
        Some(Self { step: step_in(folder.file_name()?.to_str()?, "")?, folder })
    }

    /// The start of the same run, if it was kept.
    pub fn start(&self) -> Option<Self> {
        Some(Self::new(self.folder.parent()?, 0)).filter(Self::is_complete)
    }

    /// The run that it lies in, if it lies in one.
    pub fn run(&self) -> Option<RunFolder> {
        RunFolder::open(self.folder.parent()?.parent()?).ok()
    }

    /// Whether it can be used: `model.safetensors` and `config.json` are there. Without `optimizer.safetensors` the
    /// weights can still be looked at; only going on from them cannot.
    pub fn is_complete(&self) -> bool {
        self.weights().is_file() && self.config().is_file()
    }

    /// The model's parameters by module path, safetensors.
    pub fn weights(&self) -> PathBuf {
        self.folder.join(WEIGHTS)
    }

    /// The weights in any folder that has the files of a checkpoint, whatever its name.
    pub fn weights_in(folder: &Path) -> PathBuf {
        folder.join(WEIGHTS)
    }

    /// The optimizer's moments, safetensors.
    pub fn optimizer(&self) -> PathBuf {
        self.folder.join(OPTIMIZER)
    }

    /// The config, JSON.
    pub fn config(&self) -> PathBuf {
        Self::config_in(&self.folder)
    }

    /// The config in any folder that has the files of a checkpoint, whatever its name.
    pub fn config_in(folder: &Path) -> PathBuf {
        folder.join(CONFIG)
    }

    /// Writes `config.json`: the run's config, an object, and [`OWN_KEYS`](Self::OWN_KEYS).
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_config(&self, mut config: Value, vocabulary: &[String]) -> Result<(), RunError> {
        config["format"] = "qkv-checkpoint-1".into();
        config["step"] = self.step.into();
        config["vocabulary"] = vocabulary.into();
        let path = self.config();
        fs::write(&path, format!("{config:#}\n")).map_err(RunError::io("write", &path))
    }
}

/// What the files and folders of a step are called.
pub(crate) fn step_name(step: u64) -> String {
    format!("step-{step:08}")
}

/// The step in `step-00000120`, before `extension`.
pub(crate) fn step_in(name: &str, extension: &str) -> Option<u64> {
    let digits = name.strip_prefix("step-")?.strip_suffix(extension)?;
    // `parse` alone would take a sign.
    let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| digits.parse().ok())?
}
