//! One saved step of a run: its files, what they promise, and how they are written and read.
//!
//! Here belongs what concerns one checkpoint, and which of several are kept. The run around them does not.

mod alone;
mod description;
mod listed;
mod manifest;
mod own_keys;
mod prune;
mod read;
mod save;

pub use description::Description;
pub(crate) use description::{first_step, toml_of_json};
pub use manifest::{Manifest, ManifestFile, NoManifest};
pub use prune::Pruned;
pub(crate) use read::of_another_run;
pub use read::read_description;
pub(crate) use save::REPLACED;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::RunError;
use crate::folder::RunFolder;
use crate::storage::{Disk, Storage, exists};

pub(crate) const WEIGHTS: &str = "model.safetensors";
pub(crate) const OPTIMIZER: &str = "optimizer.safetensors";
pub(crate) const CONFIG: &str = "config.json";
pub(crate) const MANIFEST: &str = "MANIFEST.json";

/// All files of a checkpoint.
pub(crate) const FILES: [&str; 4] = [MANIFEST, CONFIG, WEIGHTS, OPTIMIZER];

/// A folder `step-00000120` of saved weights.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// Updates made before it was saved.
    pub step: u64,
    /// Where its files are.
    pub folder: PathBuf,
    pub(crate) storage: Arc<dyn Storage>,
    /// Bytes of the model's parameters, if it is known.
    pub(crate) of_model: Option<[u64; 2]>,
}

/// What a checkpoint holds. The bytes that are read are those that were written.
#[derive(Debug, Clone, PartialEq)]
pub struct Contents {
    /// The model's parameters by module path, safetensors.
    pub weights: Vec<u8>,
    /// What the optimizer remembers, safetensors.
    pub optimizer: Vec<u8>,
    /// What made it.
    pub description: Description,
}

impl PartialEq for Checkpoint {
    fn eq(&self, other: &Self) -> bool {
        (self.step, &self.folder) == (other.step, &other.folder)
    }
}

impl Eq for Checkpoint {}

impl Checkpoint {
    /// The keys that `config.json` has beside those of `config.toml`: what wrote it, when, the label of each token, and
    /// how good the model was.
    pub const OWN_KEYS: [&str; 6] = ["format", "version", "commit", "step", "vocabulary", "evaluation"];

    /// That of `step` among others in the folder `checkpoints`.
    pub(crate) fn new(storage: &Arc<dyn Storage>, checkpoints: &Path, step: u64) -> Self {
        Self::at(storage, checkpoints.join(step_name(step)), step)
    }

    /// That of `step` in `folder`.
    pub(crate) fn at(storage: &Arc<dyn Storage>, folder: PathBuf, step: u64) -> Self {
        Self { step, folder, storage: Arc::clone(storage), of_model: None }
    }

    /// The checkpoint in `folder` on this machine's disk, if its name is that of one.
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
        let step = step_in(folder.file_name()?.to_str()?, "")?;
        Some(Self { step, folder, storage: Arc::new(Disk), of_model: None })
    }

    /// The same checkpoint for a model whose parameters have so many bytes, and an optimizer that remembers so many: no
    /// file is read that is longer than these and a header.
    pub fn of_a_model(&self, parameters: u64, state: u64) -> Self {
        Self { of_model: Some([parameters, state]), ..self.clone() }
    }

    /// That with which the same run began, if it was kept: of step 0, or of the state that it took over from another.
    pub fn start(&self) -> Option<Self> {
        let step = self.description().map_or(0, |description| description.first_step());
        let start = Self::new(&self.storage, self.folder.parent()?, step);
        start.is_complete().ok()?.then_some(start)
    }

    /// Whether nothing is at its place any more: a training that goes on prunes older ones while they are looked at.
    pub fn is_gone(&self) -> bool {
        matches!(self.storage.entry(&self.folder), Ok(None))
    }

    /// The run that it lies in, if it lies in one.
    pub fn run(&self) -> Option<RunFolder> {
        RunFolder::open_on(Arc::clone(&self.storage), self.folder.parent()?.parent()?).ok()
    }

    /// Whether every file has its name: a manifest, the weights and the config. Whether they are what was saved is
    /// checked where they are read. A checkpoint of the format before manifests is complete with the last two.
    ///
    /// # Errors
    /// If the system does not answer, or a config that would tell cannot be read now.
    pub fn is_complete(&self) -> Result<bool, RunError> {
        for file in [self.weights(), self.config()] {
            if !exists(&*self.storage, &file)? {
                return Ok(false);
            }
        }
        Ok(exists(&*self.storage, &self.manifest())? || self.is_of_the_format_before_manifests()?)
    }

    /// The model's parameters by module path, safetensors.
    pub fn weights(&self) -> PathBuf {
        self.folder.join(WEIGHTS)
    }

    /// The weights in any folder that has the files of a checkpoint, whatever its name.
    pub fn weights_in(folder: &Path) -> PathBuf {
        folder.join(WEIGHTS)
    }

    /// The files of tensors in a folder, the weights and what the optimizer remembers.
    pub fn tensor_files(folder: &Path) -> [PathBuf; 2] {
        [WEIGHTS, OPTIMIZER].map(|name| folder.join(name))
    }

    /// What the optimizer remembers, safetensors.
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

    /// The list of the other files, JSON.
    pub fn manifest(&self) -> PathBuf {
        self.folder.join(MANIFEST)
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

#[cfg(test)]
mod tests {
    use crate::error::RunError;
    use crate::fixtures::{Outcome, run, steps_of};
    use std::fs;

    #[test]
    fn a_config_that_cannot_be_read_now_is_no_reason_to_take_an_older_checkpoint() -> Outcome {
        let (_folder, run) = run(&[0, 5])?;
        let newest = run.at(5)?;
        fs::remove_file(newest.manifest())?;
        let config = fs::read(newest.config())?;
        fs::remove_file(newest.config())?;
        fs::create_dir(newest.config())?;
        for result in [run.latest(), run.at(5)] {
            assert!(
                matches!(&result, Err(RunError::Io { path, .. }) if *path == newest.config()),
                "{result:?}"
            );
        }
        // One that is asked for by its step is found, whatever became of the others.
        assert_eq!((run.at(0)?.step, steps_of(&run)?), (0, vec![0, 5]));
        assert!(run.at(3).expect_err("no such step").to_string().ends_with("it has those of 0, 5"));
        fs::remove_dir(newest.config())?;
        // A damaged or missing one is: without its manifest this checkpoint is not whole.
        fs::write(newest.config(), config)?;
        assert_eq!(steps_of(&run)?, [0]);
        fs::remove_file(newest.config())?;
        assert_eq!(run.latest()?.step, 0);
        Ok(())
    }
}
