//! The folder of a run, as far as its weights go.

use std::path::{Path, PathBuf};

use crate::error::InspectError;
use crate::files::config::ModelTable;
use crate::files::snapshot::Snapshot;
use crate::files::weights::Weights;

/// The name of the weights in every checkpoint folder.
pub(crate) const WEIGHTS: &str = "model.safetensors";

/// A folder that training wrote.
///
/// ```text
/// config.toml
/// checkpoints/step-00000120/{model.safetensors, config.json, …}     step 0 is always kept
/// snapshots/step-00000500.safetensors
/// ```
#[derive(Debug, Clone)]
pub struct Run {
    path: PathBuf,
    checkpoints: Vec<Checkpoint>,
}

/// One folder of saved weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Updates made before it was saved.
    pub step: u64,
    /// Where its files are.
    pub folder: PathBuf,
}

impl Run {
    /// Finds the complete checkpoints: those that hold both `model.safetensors` and `config.json`.
    ///
    /// # Errors
    /// If there is no such folder, it is no run, or it holds no complete checkpoint.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, InspectError> {
        let path = path.as_ref().to_owned();
        if !path.exists() {
            return Err(InspectError::NotFound { path });
        }
        let folder = path.join("checkpoints");
        let missing = match (path.join("config.toml").is_file(), folder.is_dir()) {
            (true, true) => None,
            (false, _) => Some("config.toml"),
            (true, false) => Some("the folder checkpoints"),
        };
        if let Some(missing) = missing {
            return Err(InspectError::NotARun { path, missing });
        }
        let (checkpoints, incomplete): (Vec<_>, Vec<_>) = steps(&folder, "")?
            .into_iter()
            .map(|(step, folder)| Checkpoint { step, folder })
            .partition(Checkpoint::is_complete);
        if checkpoints.is_empty() {
            let incomplete = incomplete.len();
            return Err(InspectError::NoCheckpoint { path, incomplete });
        }
        Ok(Self { path, checkpoints })
    }

    /// The run folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The complete checkpoints by step; at least one.
    pub fn checkpoints(&self) -> &[Checkpoint] {
        &self.checkpoints
    }

    /// The first checkpoint, which is step 0 in a folder that nobody touched.
    pub fn first(&self) -> &Checkpoint {
        &self.checkpoints[0]
    }

    /// The last checkpoint.
    pub fn latest(&self) -> &Checkpoint {
        &self.checkpoints[self.checkpoints.len() - 1]
    }

    /// The checkpoint at exactly this step.
    ///
    /// # Errors
    /// If there is none; the message lists those that there are.
    pub fn at(&self, step: u64) -> Result<&Checkpoint, InspectError> {
        self.checkpoints.iter().find(|checkpoint| checkpoint.step == step).ok_or_else(|| {
            InspectError::NoSuchStep { path: self.path.clone(), step, known: self.known_steps() }
        })
    }

    /// The last attention snapshot at or before `step`, if one was taken.
    ///
    /// # Errors
    /// If it is there and cannot be read.
    pub fn snapshot(&self, step: u64) -> Result<Option<Snapshot>, InspectError> {
        snapshot_before(&self.path, step)
    }

    /// The frames of the film that training kept, by step: files with matrices, attention maps and gradient norms.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub(crate) fn snapshot_files(&self) -> Result<Vec<(u64, PathBuf)>, InspectError> {
        let folder = self.path.join("snapshots");
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        steps(&folder, ".safetensors")
    }

    fn known_steps(&self) -> String {
        const SHOWN: usize = 12;
        let steps: Vec<String> = self.checkpoints.iter().map(|c| c.step.to_string()).collect();
        if steps.len() <= SHOWN {
            return steps.join(", ");
        }
        let (early, late) = (&steps[..SHOWN / 2], &steps[steps.len() - SHOWN / 2..]);
        format!("{}, …, {}", early.join(", "), late.join(", "))
    }
}

impl Checkpoint {
    /// The weights.
    ///
    /// # Errors
    /// As [`Weights::open`].
    pub fn weights(&self) -> Result<Weights, InspectError> {
        Weights::open(self.folder.join(WEIGHTS))
    }

    /// What its `config.json` says about the model.
    ///
    /// # Errors
    /// As [`ModelTable::of_checkpoint`].
    pub fn model(&self) -> Result<ModelTable, InspectError> {
        Ok(ModelTable::of_checkpoint(&self.folder)?.unwrap_or_default())
    }

    /// Its step where `folder` is called like a checkpoint, `step-00000120`.
    pub(crate) fn named(folder: &Path) -> Option<Self> {
        let step = step(folder.file_name()?.to_str()?, "")?;
        Some(Self { step, folder: folder.to_owned() })
    }

    pub(crate) fn is_complete(&self) -> bool {
        [WEIGHTS, "config.json"].iter().all(|name| self.folder.join(name).is_file())
    }
}

/// The last snapshot of the run `path` at or before `limit`.
pub(crate) fn snapshot_before(path: &Path, limit: u64) -> Result<Option<Snapshot>, InspectError> {
    let folder = path.join("snapshots");
    if !folder.is_dir() {
        return Ok(None);
    }
    let last = steps(&folder, ".safetensors")?.into_iter().rfind(|&(step, _)| step <= limit);
    match last {
        None => Ok(None),
        Some((step, path)) => Ok(Some(Snapshot { step: Some(step), ..Snapshot::open(path)? })),
    }
}

/// What is called `step-N` and `extension` in `folder`, by N.
fn steps(folder: &Path, extension: &str) -> Result<Vec<(u64, PathBuf)>, InspectError> {
    let failed = |source| InspectError::Read { path: folder.to_owned(), source };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if let Some(step) = entry.file_name().to_str().and_then(|name| step(name, extension)) {
            found.push((step, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

fn step(name: &str, extension: &str) -> Option<u64> {
    let digits = name.strip_prefix("step-")?.strip_suffix(extension)?;
    let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    // `parse` alone would take a sign.
    all_digits.then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::run_folder;
    use std::fs;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn checkpoints_come_by_step() -> Outcome {
        let folder = run_folder(&[120, 0, 123_456_789, 20])?;
        fs::create_dir(folder.path().join("checkpoints/step-00000500"))?;
        fs::create_dir(folder.path().join("checkpoints/step-00000600.partial"))?;
        let run = Run::open(folder.path())?;
        let steps: Vec<u64> = run.checkpoints().iter().map(|c| c.step).collect();
        assert_eq!(steps, [0, 20, 120, 123_456_789]);
        assert_eq!((run.first().step, run.latest().step), (0, 123_456_789));
        assert_eq!(run.at(20)?.weights()?.tensor("a.w_q")?.values[0], 21.0);
        assert_eq!(run.latest().model()?.n_heads, Some(3));
        let message = run.at(500).expect_err("incomplete").to_string();
        assert!(
            message.ends_with("has no checkpoint at step 500; it has 0, 20, 120, 123456789"),
            "{message}"
        );
        Ok(())
    }

    #[test]
    fn what_is_no_run_says_what_is_missing() -> Outcome {
        let folder = tempfile::tempdir()?;
        let message = |folder: &Path| Run::open(folder).expect_err("no run").to_string();
        assert!(message(folder.path()).contains("config.toml is missing"));
        fs::write(folder.path().join("config.toml"), "")?;
        assert!(message(folder.path()).contains("the folder checkpoints is missing"));
        fs::create_dir_all(folder.path().join("checkpoints/step-00000000"))?;
        assert!(message(folder.path()).contains("found 1 without both"));
        assert!(message(&folder.path().join("no")).contains("does not exist"));
        Ok(())
    }

    #[test]
    fn a_step_is_written_in_digits() {
        assert_eq!(step("step-00000120", ""), Some(120));
        assert_eq!(step("step-7.safetensors", ".safetensors"), Some(7));
        for name in ["step-", "step-+1", "step--1", "step-1x", "step-99999999999999999999"] {
            assert_eq!(step(name, ""), None, "{name}");
        }
    }
}
