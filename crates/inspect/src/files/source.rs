//! What a user points at: a run, one of its checkpoints, or a plain file.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use qkv_run::{Checkpoint, RunFolder};

use crate::error::InspectError;
use crate::files::config::CheckpointConfig;
use crate::files::frames::snapshot::Snapshot;
use crate::files::layers::{LayerWeights, layers};
use crate::files::weights::{Weights, refused};

/// Weights and what belongs to them, wherever they were found.
///
/// | path | weights | start | snapshot |
/// |---|---|---|---|
/// | run folder | latest or chosen checkpoint | its first step | the last one at or before that step |
/// | checkpoint folder, or a file in one | that one | the first step beside it | as above, if it lies in a run |
/// | any other folder with `model.safetensors`, or file | that one | none | none |
#[derive(Debug, Clone)]
pub struct Source {
    /// The weights to look at.
    pub weights: Weights,
    /// The weights before the first update of the run.
    pub start: Option<Weights>,
    /// The updates before those: 0, or the step at which the run branched from another.
    pub start_step: Option<u64>,
    /// Updates made before they were saved.
    pub step: Option<u64>,
    /// The run's config; empty without a `config.json`.
    pub config: CheckpointConfig,
    /// The attention map to show with them; mind its own `step`.
    pub snapshot: Option<Snapshot>,
}

impl Source {
    /// Reads a run (its latest checkpoint), a checkpoint folder, or a safetensors file.
    ///
    /// # Errors
    /// If `path` does not exist, is not one of these, or has a damaged file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, InspectError> {
        let path = path.as_ref();
        match weight_file(path)? {
            Some(file) => Self::of_file(&file),
            None => Self::of_checkpoint(RunFolder::open(path)?.latest()?),
        }
    }

    /// Reads the checkpoint of a run at exactly `step`.
    ///
    /// # Errors
    /// As [`open`](Self::open), or if `path` is not a run or has no checkpoint at this step.
    pub fn open_at(path: impl AsRef<Path>, step: u64) -> Result<Self, InspectError> {
        let path = path.as_ref();
        if weight_file(path)?.is_some() {
            return Err(InspectError::NoSteps { path: path.to_owned(), step });
        }
        Self::of_checkpoint(RunFolder::open(path)?.at(step)?)
    }

    /// Splits the matrices into `n_heads` query heads, and into `n_kv_heads` heads of keys and values; without, the
    /// config or the widths decide, as in [`CheckpointConfig::heads_of`].
    ///
    /// # Errors
    /// As [`CheckpointConfig::heads_of`].
    pub fn with_heads(self, n_heads: usize, n_kv_heads: Option<usize>) -> Result<Self, InspectError> {
        let heads = self.config.heads_of(&self.weights, n_heads, n_kv_heads)?;
        let (n_heads, n_kv_heads) = (Some(heads.n_heads), Some(heads.n_kv_heads));
        Ok(Self { config: CheckpointConfig { n_heads, n_kv_heads, ..self.config }, ..self })
    }

    /// The attention layers, split into the heads that are known; into one where nothing is.
    ///
    /// # Errors
    /// As [`layers`].
    pub fn layers(&self) -> Result<Vec<LayerWeights>, InspectError> {
        layers(&self.weights, self.config.heads())
    }

    /// The same layers before the first update.
    ///
    /// # Errors
    /// As [`layers`].
    pub fn start_layers(&self) -> Result<Option<Vec<LayerWeights>>, InspectError> {
        self.start.as_ref().map(|start| layers(start, self.config.heads())).transpose()
    }

    fn of_file(file: &Path) -> Result<Self, InspectError> {
        // The folder is resolved, so that `model.safetensors` or `.` inside a checkpoint folder is found to be in a
        // run. The file is not: in a checkpoint no link is followed.
        let absolute = std::path::absolute(file).map_err(refused(file))?;
        let folder = absolute.parent().unwrap_or(&absolute).canonicalize().map_err(refused(file))?;
        let checkpoint = Checkpoint::named(&folder);
        match checkpoint {
            Some(checkpoint)
                if file.ends_with(Checkpoint::weights_in(Path::new(""))) && checkpoint.is_complete()? =>
            {
                Self::of_checkpoint(checkpoint)
            }
            checkpoint => {
                let config = CheckpointConfig::read(&folder)?;
                Self::with_context(Weights::open(file)?, config, checkpoint)
            }
        }
    }

    fn of_checkpoint(checkpoint: Checkpoint) -> Result<Self, InspectError> {
        let weights = Weights::of_checkpoint(&checkpoint)?;
        let config = CheckpointConfig::of_checkpoint(&checkpoint)?;
        Self::with_context(weights, config, Some(checkpoint))
    }

    /// `checkpoint` is that in which the weights lie.
    fn with_context(
        weights: Weights,
        config: CheckpointConfig,
        checkpoint: Option<Checkpoint>,
    ) -> Result<Self, InspectError> {
        let start = checkpoint.as_ref().and_then(Checkpoint::start);
        let start_step = start.as_ref().map(|start| start.step);
        let start = start.as_ref().map(Weights::of_checkpoint).transpose()?;
        let run = checkpoint.as_ref().and_then(|checkpoint| Some((checkpoint.run()?, checkpoint.step)));
        let snapshot = run.map(|(run, step)| Snapshot::before(&run, step)).transpose()?.flatten();
        Ok(Self {
            weights,
            start,
            start_step,
            step: checkpoint.map(|checkpoint| checkpoint.step),
            config,
            snapshot,
        })
    }
}

/// The file itself, or the weights of the checkpoint whose folder it is.
fn weight_file(path: &Path) -> Result<Option<PathBuf>, InspectError> {
    if path.metadata().map_err(refused(path))?.is_file() {
        return Ok(Some(path.to_owned()));
    }
    let file = Checkpoint::weights_in(path);
    match file.symlink_metadata() {
        Ok(_) => Ok(Some(file)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(refused(&file)(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{run_folder, tensors};
    use std::fs;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    /// Value of the weights now, at the start, and the snapshot's step.
    fn found(source: &Source) -> Result<(f64, Option<f64>, Option<u64>), InspectError> {
        let first = |weights: &Weights| Ok::<_, InspectError>(weights.tensor("a.w_q")?.values[0]);
        Ok((
            first(&source.weights)?,
            source.start.as_ref().map(first).transpose()?,
            source.snapshot.as_ref().and_then(|snapshot| snapshot.step),
        ))
    }

    #[test]
    fn a_run_a_checkpoint_and_a_file_lead_to_the_same_place() -> Outcome {
        let folder = run_folder(&[0, 20, 40])?;
        fs::create_dir(folder.path().join("snapshots"))?;
        let map = tensors(&[("a.weights", &[1, 2, 2], vec![1.0; 4])], &[]);
        for step in [10, 30] {
            fs::write(folder.path().join(format!("snapshots/step-{step:08}.safetensors")), &map)?;
        }
        assert_eq!(found(&Source::open(folder.path())?)?, (41.0, Some(1.0), Some(30)));
        assert_eq!(found(&Source::open_at(folder.path(), 20)?)?, (21.0, Some(1.0), Some(10)));
        assert_eq!(found(&Source::open_at(folder.path(), 0)?)?, (1.0, Some(1.0), None));
        let checkpoint = folder.path().join("checkpoints/step-00000020");
        for path in [checkpoint.join("model.safetensors"), checkpoint] {
            let source = Source::open(path)?;
            assert_eq!(found(&source)?, (21.0, Some(1.0), Some(10)));
            assert_eq!((source.config.n_heads, source.layers()?[0].heads.len()), (Some(3), 3));
        }
        Ok(())
    }

    #[test]
    fn a_bare_file_has_one_head_unless_told() -> Outcome {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("mine.safetensors");
        fs::write(&file, tensors(&[("a.w_q", &[1, 6], vec![1.0; 6])], &[]))?;
        let source = Source::open(&file)?;
        assert_eq!(found(&source)?, (1.0, None, None));
        assert_eq!(source.layers()?[0].heads.len(), 1);
        assert!(source.start_layers()?.is_none());
        assert_eq!(source.clone().with_heads(2, None)?.layers()?[0].heads.len(), 2);
        let message = source.with_heads(5, None)?.layers().expect_err("5 of 6").to_string();
        assert!(message.contains("n_heads = 5 does not divide"), "{message}");
        assert!(matches!(Source::open_at(&file, 3), Err(InspectError::NoSteps { step: 3, .. })));
        Ok(())
    }

    #[test]
    fn a_run_without_step_zero_has_no_start() -> Outcome {
        let folder = run_folder(&[20])?;
        assert_eq!(found(&Source::open(folder.path())?)?, (21.0, None, None));
        assert!(matches!(Source::open(folder.path().join("x")), Err(InspectError::NotFound { .. })));
        Ok(())
    }

    #[test]
    fn weights_that_are_not_those_of_the_manifest_are_refused_however_they_are_named() -> Outcome {
        let folder = run_folder(&[0, 20])?;
        let file = folder.path().join("checkpoints/step-00000020/model.safetensors");
        let mut bytes = fs::read(&file)?;
        *bytes.last_mut().ok_or("values")? ^= 1;
        fs::write(&file, bytes)?;
        let checkpoint = file.parent().ok_or("a folder")?;
        for path in [folder.path(), checkpoint, &file] {
            let message = Source::open(path).expect_err("a flipped bit").to_string();
            assert!(message.contains("model.safetensors is damaged: its SHA-256"), "{message}");
        }
        assert_eq!(found(&Source::open_at(folder.path(), 0)?)?.0, 1.0);
        Ok(())
    }

    #[test]
    #[cfg(unix)]
    fn a_link_is_followed_where_a_user_names_it_and_nowhere_in_a_run() -> Outcome {
        let (folder, other) = (run_folder(&[0, 20])?, tempfile::tempdir()?);
        let file = folder.path().join("checkpoints/step-00000020/model.safetensors");
        let moved = other.path().join("blob");
        fs::rename(&file, &moved)?;
        std::os::unix::fs::symlink(&moved, &file)?;
        let named = other.path().join("model.safetensors");
        std::os::unix::fs::symlink(&moved, &named)?;
        for path in [other.path(), &named] {
            assert_eq!(found(&Source::open(path)?)?, (21.0, None, None));
        }
        for path in [folder.path(), file.parent().ok_or("a folder")?, &file] {
            let message = Source::open(path).expect_err("a link").to_string();
            assert!(message.contains("model.safetensors is damaged: it is a symbolic link"), "{message}");
        }
        Ok(())
    }
}
