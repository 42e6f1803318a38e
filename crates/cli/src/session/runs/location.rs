//! Where a user points: the folder of a run, or that of one of its checkpoints.

use std::path::Path;

use anyhow::Result;
use qkv_run::{Checkpoint, RunError, RunFolder};

use crate::exit::usage;

/// A run, and the step of it that was asked for.
pub struct Location {
    pub run: RunFolder,
    /// `None` for the latest checkpoint.
    pub step: Option<u64>,
}

impl Location {
    /// The run in `path`, or the run whose checkpoint lies there; at `step`, if `option` gave one.
    pub fn find(path: &Path, option: &str, step: Option<u64>) -> Result<Self> {
        let Some((run, named)) = of_checkpoint(path) else {
            return match RunFolder::open(path) {
                Ok(run) => Ok(Self { run, step }),
                Err(error @ RunError::NotARun { .. }) => {
                    Err(in_place_of_a_run(path)?.unwrap_or(error.into()))
                }
                Err(error) => Err(error.into()),
            };
        };
        match step {
            Some(step) if step != named => Err(usage(format!(
                "{} is the checkpoint of step {named}, and {option} asks for {step}; leave out {option}, or name the run, {}",
                path.display(),
                run.path().display()
            ))),
            _ => Ok(Self { run, step: Some(named) }),
        }
    }

    /// The checkpoint in `path`, if it is one that was copied out of its run; `option` may only have given its step.
    pub fn alone(path: &Path, option: &str, step: Option<u64>) -> Result<Option<Checkpoint>> {
        let is_no_run = || matches!(RunFolder::open(path), Err(RunError::NotARun { .. }));
        if of_checkpoint(path).is_some() || !is_no_run() {
            return Ok(None);
        }
        match (Checkpoint::alone(path)?, step) {
            (Some(checkpoint), Some(step)) if step != checkpoint.step => Err(usage(format!(
                "{} is a checkpoint of step {} that lies in no run, and {option} asks for {step}; leave out {option}",
                path.display(),
                checkpoint.step
            ))),
            (checkpoint, _) => Ok(checkpoint),
        }
    }

    /// The run and the step of `path`, if it is the folder of a checkpoint in a run.
    pub fn of_checkpoint(path: &Path) -> Option<(RunFolder, u64)> {
        of_checkpoint(path).filter(|_| path.is_dir())
    }

    /// The same, or `None` where the path leads to neither.
    pub fn find_if_any(path: &Path, option: &str, step: Option<u64>) -> Result<Option<Self>> {
        if of_checkpoint(path).is_some() || RunFolder::holds_a_run(path)? {
            return Self::find(path, option, step).map(Some);
        }
        Ok(None)
    }

    /// What `read` makes of the checkpoint that was asked for. Where a training has pruned the latest meanwhile, it is read
    /// what is the latest then.
    pub fn read<T>(&self, mut read: impl FnMut(&Checkpoint) -> Result<T>) -> Result<T> {
        loop {
            let checkpoint = self.checkpoint()?;
            match read(&checkpoint) {
                Err(_) if checkpoint.is_gone() => {}
                result => return result,
            }
        }
    }

    /// The checkpoint that was asked for.
    pub fn checkpoint(&self) -> Result<Checkpoint, RunError> {
        match self.step {
            Some(step) => self.run.at(step),
            None => self.run.latest(),
        }
    }
}

/// The refusal of what is near a run: a file in it, or a checkpoint without it.
fn in_place_of_a_run(path: &Path) -> Result<Option<anyhow::Error>> {
    if path.is_file() {
        let named = folder_of(path).map(|folder| {
            usage(format!("{} is a file; name the folder {}", path.display(), folder.display()))
        });
        return Ok(named);
    }
    let alone = Checkpoint::alone(path)?.map(|Checkpoint { step, .. }| {
        usage(format!(
            "{} is a checkpoint of step {step} that lies in no run; eval, sample, explain, ablate, inspect and verify \
             read it, and train with --init-from begins with its weights, anything else needs the run",
            path.display()
        ))
    });
    Ok(alone)
}

/// The nearest folder above a file that may be named in its place: that of a run, or of a checkpoint.
fn folder_of(file: &Path) -> Option<&Path> {
    let is_named = |folder: &&Path| {
        of_checkpoint(folder).is_some()
            || RunFolder::holds_a_run(folder).unwrap_or(false)
            || matches!(Checkpoint::alone(folder), Ok(Some(_)))
    };
    // A frame lies in a folder of the run.
    let above = file.ancestors().skip(1).take(2);
    above.map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder }).find(is_named)
}

/// The run and the step of a path that is the place of a checkpoint in a run, whether or not one is there.
fn of_checkpoint(path: &Path) -> Option<(RunFolder, u64)> {
    let in_run = |checkpoint: Checkpoint| {
        let run = checkpoint.run()?;
        let is_its_place = run.checkpoint(checkpoint.step).folder.parent() == checkpoint.folder.parent();
        is_its_place.then_some((run, checkpoint.step))
    };
    // As it was typed, so that messages name the run as the user does; where a name is missing, as in `.`, resolved.
    Checkpoint::named(path)
        .and_then(in_run)
        .or_else(|| Checkpoint::named(path.canonicalize().ok()?).and_then(in_run))
}

#[cfg(test)]
mod tests {
    use super::*;
    use qkv_run::{Contents, Description, Existing};
    use std::fs;

    #[test]
    fn a_checkpoint_leads_to_its_run_and_its_step() -> Result<()> {
        let folder = tempfile::tempdir()?;
        // The name of a checkpoint does not make one of a run.
        let path = folder.path().join("step-00000007");
        let run = RunFolder::create(&path, "", Existing::Keep)?;
        for step in [0, 20] {
            let description = Description::new(toml::Table::new(), Vec::new());
            run.write_checkpoint(
                step,
                &Contents { weights: Vec::new(), optimizer: Vec::new(), description },
            )?;
        }
        let found = |path: &Path, step| -> Result<(bool, u64)> {
            let found = Location::find(path, "--step", step)?;
            Ok((found.run.path() == run.path(), found.checkpoint()?.step))
        };
        assert_eq!(found(&path, None)?, (true, 20));
        assert_eq!(found(&path, Some(0))?, (true, 0));
        let first = run.at(0)?.folder;
        assert_eq!(found(&first, None)?, (true, 0));
        assert_eq!(found(&first, Some(0))?, (true, 0));
        assert_eq!(found(&first.join("../step-00000020/."), None)?.1, 20);
        let message = |path: &Path, step| found(path, step).expect_err("another step").to_string();
        let both = message(&first, Some(20));
        assert!(both.contains("checkpoint of step 0") && both.contains("--step asks for 20"), "{both}");
        for (path, step) in [(path.as_path(), Some(3)), (&run.checkpoint(3).folder, None)] {
            let missing = message(path, step);
            assert!(missing.ends_with("no checkpoint of step 3; it has those of 0, 20"), "{missing}");
        }
        for (file, of) in [(path.join("config.toml"), &path), (first.join("config.json"), &first)] {
            let message = message(&file, None);
            assert!(message.ends_with(&format!("is a file; name the folder {}", of.display())), "{message}");
        }
        // One that is pruned while it is read is no damage: the latest is read, and a step that was asked for is missed.
        for (step, expected) in [(None, Ok(20)), (Some(30), Err("no checkpoint of step 30"))] {
            let description = Description::new(toml::Table::new(), Vec::new());
            run.write_checkpoint(30, &Contents { weights: Vec::new(), optimizer: Vec::new(), description })?;
            let read = Location::find(&path, "--step", step)?.read(|checkpoint| {
                if checkpoint.step == 30 {
                    fs::remove_dir_all(&checkpoint.folder)?;
                }
                checkpoint.read()?;
                Ok(checkpoint.step)
            });
            match (read, expected) {
                (Ok(read), expected) => assert_eq!(Ok(read), expected),
                (Err(error), expected) => {
                    let expected = expected.expect_err("a step");
                    assert!(error.to_string().contains(expected), "{error}");
                }
            }
        }
        // One that was copied out of its run is no part of any.
        let copy = folder.path().join("step-00000020");
        fs::create_dir(&copy)?;
        assert!(message(&copy, None).contains("is not a run folder"));
        for name in ["MANIFEST.json", "config.json", "model.safetensors", "optimizer.safetensors"] {
            fs::copy(first.join(name), copy.join(name))?;
        }
        assert!(message(&copy, None).contains("is a checkpoint of step 0 that lies in no run"));
        let alone = |step| Location::alone(&copy, "--step", step);
        assert_eq!(alone(None)?.map(|checkpoint| checkpoint.step), Some(0));
        let other = alone(Some(7)).expect_err("another step").to_string();
        assert!(other.contains("of step 0") && other.contains("--step asks for 7"), "{other}");
        assert_eq!(Location::alone(&first, "--step", None)?, None);
        Ok(())
    }
}
