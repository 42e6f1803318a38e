//! What the death of a process left unfinished, and checkpoints that are put aside.

use std::ffi::OsString;
use std::path::PathBuf;

use toml::Table;

use super::lock::LOCK;
use super::occupancy::is_of_a_step;
use super::{CHECKPOINTS, CONFIG, METRICS, REPORT, RunFolder, SNAPSHOTS};
use crate::checkpoint::{Checkpoint, Description, REPLACED};
use crate::error::RunError;
use crate::storage::{UNFINISHED, exists, free_name, list, remove_tree, rename, rename_folder, sync_folder};

/// What early versions used in place of [`REPLACED`], and what a user may call a copy: it is put back where the
/// original is missing, and never removed.
pub(super) const OLD: &str = ".old";

/// Behind the name of a checkpoint that was not accepted.
pub(super) const DAMAGED: &str = ".damaged";

/// Behind the name of what is after the step from which a run went on: a checkpoint, a frame, lines of the log.
pub(crate) const SET_ASIDE: &str = ".set-aside";

/// Something that was put in order when a run was locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repair {
    /// This was never finished, and is gone.
    Removed(PathBuf),
    /// This checkpoint was about to be replaced when its process died; it has its name again.
    PutBack(PathBuf),
    /// `config.toml` was missing, empty or no TOML. It was written again.
    ConfigRestored {
        /// From the config of this checkpoint.
        from: PathBuf,
        /// What was there before, if anything, is now called so.
        broken: Option<PathBuf>,
    },
}

impl RunFolder {
    /// Gives a checkpoint that was not accepted another name, so that it is neither used nor lost; returns its folder.
    ///
    /// # Errors
    /// If it cannot be renamed.
    pub fn mark_damaged(&self, checkpoint: &Checkpoint) -> Result<PathBuf, RunError> {
        let name = self.put_aside(checkpoint, DAMAGED)?;
        sync_folder(&*self.storage, &self.path.join(CHECKPOINTS))?;
        Ok(name)
    }

    /// Gives all checkpoints after `step` other names, the newest first, so that a death in between leaves the run as
    /// it was at some step; returns their folders.
    pub(crate) fn set_aside_after(&self, step: u64) -> Result<Vec<PathBuf>, RunError> {
        let later = self.step_folders()?.into_iter().rev().filter(|checkpoint| checkpoint.step > step);
        let names: Vec<PathBuf> =
            later.map(|checkpoint| self.put_aside(&checkpoint, SET_ASIDE)).collect::<Result<_, _>>()?;
        if !names.is_empty() {
            sync_folder(&*self.storage, &self.path.join(CHECKPOINTS))?;
        }
        Ok(names)
    }

    fn put_aside(&self, checkpoint: &Checkpoint, suffix: &str) -> Result<PathBuf, RunError> {
        let name = free_name(&*self.storage, &checkpoint.folder, suffix)?;
        rename_folder(&*self.storage, &checkpoint.folder, &name)?;
        Ok(name)
    }

    /// Puts a run in order; its lock is held.
    pub(crate) fn repair(&self) -> Result<Vec<Repair>, RunError> {
        let mut repairs = Vec::new();
        self.repair_checkpoints(&mut repairs)?;
        let mut left_over = Vec::new();
        for name in list(&*self.storage, &self.path.join(SNAPSHOTS))? {
            if name.to_str().is_some_and(|name| is_of_a_step(name, "") && name.ends_with(UNFINISHED)) {
                left_over.push(self.path.join(SNAPSHOTS).join(name));
            }
        }
        let is_ours = |name: &str| [CONFIG, METRICS, REPORT, LOCK].contains(&name) || is_of_a_log(name);
        for name in self.names()? {
            if name.to_str().and_then(|name| name.strip_suffix(UNFINISHED)).is_some_and(is_ours) {
                left_over.push(self.path.join(name));
            }
        }
        for path in left_over {
            remove_tree(&*self.storage, &path)?;
            repairs.push(Repair::Removed(path));
        }
        repairs.extend(self.repair_config()?);
        Ok(repairs)
    }

    /// The names in the folder, which may be reached through a link.
    pub(super) fn names(&self) -> Result<Vec<OsString>, RunError> {
        let mut names = self.storage.list(&self.path).map_err(RunError::io("read", &self.path))?;
        names.sort();
        Ok(names)
    }

    fn repair_checkpoints(&self, repairs: &mut Vec<Repair>) -> Result<(), RunError> {
        let (storage, checkpoints) = (&*self.storage, self.path.join(CHECKPOINTS));
        for name in list(storage, &checkpoints)? {
            let Some(name) = name.to_str().filter(|name| is_of_a_step(name, "")) else { continue };
            let path = checkpoints.join(name);
            let replaced = [REPLACED, OLD].iter().find_map(|suffix| name.strip_suffix(suffix));
            if let Some(target) = replaced.map(|name| checkpoints.join(name))
                && !exists(storage, &target)?
            {
                rename(storage, &path, &target)?;
                sync_folder(storage, &checkpoints)?;
                repairs.push(Repair::PutBack(target));
            } else if name.ends_with(UNFINISHED) || name.ends_with(REPLACED) {
                remove_tree(storage, &path)?;
                repairs.push(Repair::Removed(path));
            }
        }
        Ok(())
    }

    /// Writes `config.toml` again from the newest checkpoint that is whole, if it is lost.
    fn repair_config(&self) -> Result<Option<Repair>, RunError> {
        if !self.config_is_broken()? {
            return Ok(None);
        }
        let Some((checkpoint, config)) = self.saved_config()? else { return Ok(None) };
        let path = self.path.join(CONFIG);
        let mut broken = None;
        if exists(&*self.storage, &path)? {
            let name = free_name(&*self.storage, &path, DAMAGED)?;
            rename(&*self.storage, &path, &name)?;
            broken = Some(name);
        }
        self.write_config(&config.to_string())?;
        Ok(Some(Repair::ConfigRestored { from: checkpoint.folder, broken }))
    }

    /// What a checkpoint states about the run: that of `step`, whatever became of the others, or the newest whose list
    /// and config are whole; `None` where no step is asked for and no checkpoint is whole.
    ///
    /// # Errors
    /// If that of `step` is missing or damaged; or if a checkpoint that may be the one cannot be read now.
    pub fn description_at(&self, step: Option<u64>) -> Result<Option<(Checkpoint, Description)>, RunError> {
        if let Some(step) = step {
            let checkpoint = self.at(step)?;
            let description = checkpoint.description()?;
            return Ok(Some((checkpoint, description)));
        }
        for checkpoint in self.step_folders()?.into_iter().rev() {
            match checkpoint.description() {
                Ok(description) => return Ok(Some((checkpoint, description))),
                Err(RunError::Damaged { .. } | RunError::UnknownFormat { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// The config in the newest checkpoint that can be read. All of them have the same meaning, so that one which
    /// cannot be read now is passed.
    ///
    /// # Errors
    /// If one cannot be read now, and no other can.
    pub(crate) fn saved_config(&self) -> Result<Option<(Checkpoint, Table)>, RunError> {
        let mut unread = None;
        for checkpoint in self.step_folders()?.into_iter().rev() {
            match checkpoint.description() {
                Ok(Description { config, .. }) => return Ok(Some((checkpoint, config))),
                Err(RunError::Damaged { .. } | RunError::UnknownFormat { .. }) => {}
                Err(error) => {
                    unread.get_or_insert(error);
                }
            }
        }
        unread.map_or(Ok(None), Err)
    }
}

/// Whether a name is that of lines which were set aside.
pub(super) fn is_of_a_log(name: &str) -> bool {
    name.strip_prefix(METRICS).is_some_and(|rest| rest.starts_with(SET_ASIDE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{CONFIG_TEXT, Outcome, contents, run, steps_of};
    use std::fs;

    #[test]
    fn a_lost_config_comes_back_from_the_newest_whole_checkpoint() -> Outcome {
        let text: toml::Table = CONFIG_TEXT.parse()?;
        for broken in ["", "seed =", "\u{feff}\0"] {
            let (folder, run) = run(&[0, 5])?;
            let path = folder.path().join(CONFIG);
            fs::write(&path, broken)?;
            let mut newest = fs::read(run.at(5)?.config())?;
            newest[3] ^= 1;
            fs::write(run.at(5)?.config(), newest)?;
            let run = run.locked()?;
            let kept = folder.path().join("config.toml.damaged");
            let restored =
                Repair::ConfigRestored { from: run.checkpoint(0).folder, broken: Some(kept.clone()) };
            assert_eq!((run.repairs(), fs::read_to_string(kept)?.as_str()), (&[restored][..], broken));
            let mut config: toml::Table = run.config()?.parse()?;
            RunFolder::take_format(&mut config)?;
            assert_eq!(config, text);
        }
        Ok(())
    }

    #[test]
    fn what_a_death_left_unfinished_is_put_in_order_and_nothing_else() -> Outcome {
        let (folder, run) = run(&[0, 5, 10])?;
        let checkpoints = folder.path().join(CHECKPOINTS);
        let names = |names: &[&str]| names.iter().map(|name| checkpoints.join(name)).collect::<Vec<_>>();
        fs::rename(checkpoints.join("step-00000005"), checkpoints.join("step-00000005.old"))?;
        for left_over in ["step-00000010.replaced", "step-00000012.tmp"] {
            fs::create_dir(checkpoints.join(left_over))?;
            fs::write(checkpoints.join(left_over).join("model.safetensors"), "half")?;
        }
        for others in ["best.tmp", "step-00000000.old", "step-00000003.damaged", "step-00000004.set-aside"] {
            fs::create_dir(checkpoints.join(others))?;
        }
        let run = run.locked()?;
        let removed = names(&["step-00000010.replaced", "step-00000012.tmp"]);
        let mut expected = vec![Repair::PutBack(checkpoints.join("step-00000005"))];
        expected.extend(removed.into_iter().map(Repair::Removed));
        assert_eq!((run.repairs(), steps_of(&run)?), (&expected[..], vec![0, 5, 10]));
        assert_eq!(run.at(5)?.read()?, contents(5));
        let others =
            names(&["best.tmp", "step-00000000.old", "step-00000003.damaged", "step-00000004.set-aside"]);
        assert!(others.iter().all(|other| other.is_dir()));
        Ok(())
    }

    #[test]
    fn a_checkpoint_that_is_put_aside_keeps_its_bytes_under_a_free_name() -> Outcome {
        let (_folder, run) = run(&[5])?;
        let first = run.mark_damaged(&run.at(5)?)?;
        run.write_checkpoint(5, &contents(5))?;
        let second = run.mark_damaged(&run.at(5)?)?;
        assert!(first.ends_with("step-00000005.damaged") && second.ends_with("step-00000005.damaged-2"));
        assert_eq!(fs::read(first.join("model.safetensors"))?, fs::read(second.join("model.safetensors"))?);
        assert_eq!(steps_of(&run)?, [0_u64; 0]);
        Ok(())
    }
}
