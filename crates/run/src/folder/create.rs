//! A new run, and what it does to an old one in the same folder.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use super::RunFolder;
use super::occupancy::{Occupancy, occupancy, surrounding_run};
use crate::error::RunError;
use crate::storage::{Disk, Storage, create_folders, sync_folder};

/// What to do with a run that is already there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Refuse.
    Keep,
    /// Remove it first. What is in its folders and was not written by it stays.
    Overwrite,
}

impl RunFolder {
    /// Creates the folder, takes its lock and writes `config`, the text of `config.toml`.
    ///
    /// # Errors
    /// If there is a run or a part of one and it is to be kept, or something else, or the folder lies in that of another
    /// run, is in use or cannot be written. Nothing was created or changed in a folder that is refused.
    pub fn create(path: &Path, config: &str, existing: Existing) -> Result<Self, RunError> {
        Self::create_on(Arc::new(Disk), path, config, existing)
    }

    /// The same on any storage.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn create_on(
        storage: Arc<dyn Storage>,
        path: &Path,
        config: &str,
        existing: Existing,
    ) -> Result<Self, RunError> {
        Self::check_new_config(path, config)?;
        let run = Self::new(storage, path.to_owned());
        Self::check_place(&*run.storage, path)?;
        run.check_occupancy(existing)?;
        let created = create_folders(&*run.storage, path)?;
        let storage = Arc::clone(&run.storage);
        let (run, _) = run.lock().inspect_err(|error| {
            // Where there can be no run, none of its folders is left behind.
            if matches!(error, RunError::NoLocks { .. }) {
                created.iter().rev().for_each(|folder| drop(storage.remove_folder(folder)));
            }
        })?;
        // Another process may have been here before the lock was ours.
        let found = run.check_occupancy(existing)?;
        run.remove(found)?;
        run.write_config(config)?;
        Ok(run)
    }

    /// Creates `TASK-1`, `TASK-2`, … under `parent`, the first that is free.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn create_next(parent: &Path, task: &str, config: &str) -> Result<Self, RunError> {
        Self::check_new_config(parent, config)?;
        let storage: Arc<dyn Storage> = Arc::new(Disk);
        Self::check_place(&*storage, &parent.join(task))?;
        let mut created = create_folders(&Disk, parent)?;
        let mut number = 1_u64;
        loop {
            let path = parent.join(format!("{task}-{number}"));
            // Creating fails where the folder exists, so two processes never share one.
            match Disk.create_folder(&path) {
                Ok(()) => {
                    sync_folder(&Disk, parent)?;
                    created.push(path.clone());
                    return Self::create(&path, config, Existing::Keep).inspect_err(|_| {
                        // Those in which nothing was written.
                        created.iter().rev().for_each(|folder| drop(Disk.remove_folder(folder)));
                    });
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(RunError::io("create", &path)(error)),
            }
        }
    }

    /// Refuses a place within another run: a checkpoint with a run in it is not what was saved, and goes with it.
    ///
    /// # Errors
    /// If the path lies in the folder of a run.
    pub fn check_place(storage: &dyn Storage, path: &Path) -> Result<(), RunError> {
        match surrounding_run(storage, path) {
            Some(run) => Err(RunError::WithinARun { path: path.to_owned(), run }),
            None => Ok(()),
        }
    }

    fn check_occupancy(&self, existing: Existing) -> Result<Occupancy, RunError> {
        let path = self.path.clone();
        match (occupancy(&*self.storage, &path)?, existing) {
            (Occupancy::Foreign, _) => Err(RunError::NotEmpty { path }),
            (Occupancy::Run, Existing::Keep) => Err(RunError::Exists { path }),
            (found, _) => Ok(found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{CONFIG_TEXT, Outcome, run, steps_of};
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::PathBuf;

    fn paths(folder: &Path) -> std::io::Result<BTreeSet<PathBuf>> {
        let mut found = BTreeSet::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                found.extend(paths(&path)?);
            }
            found.insert(path);
        }
        Ok(found)
    }

    #[test]
    fn a_run_does_not_begin_within_another_one() -> Outcome {
        let (folder, run) = run(&[5])?;
        let place = folder.path();
        let checkpoint = run.checkpoint(5).folder;
        let before = paths(place)?;
        let expected = place.canonicalize()?;
        for path in [
            place.join("inner"),
            place.join("a/b/c"),
            checkpoint.join("inner"),
            place.join("checkpoints/new"),
        ] {
            for existing in [Existing::Keep, Existing::Overwrite] {
                for refused in [
                    RunFolder::create(&path, CONFIG_TEXT, existing),
                    RunFolder::create_next(&path, "task", CONFIG_TEXT),
                ] {
                    match refused {
                        Err(error @ RunError::WithinARun { .. }) => {
                            assert!(error.is_usage());
                            assert!(error.to_string().contains(&expected.display().to_string()), "{error}");
                        }
                        other => panic!("{}: {other:?}", path.display()),
                    }
                }
            }
            assert_eq!(paths(place)?, before);
        }
        // Beside it, and around it, there is room.
        let other = tempfile::tempdir()?;
        fs::rename(place, other.path().join("run"))?;
        RunFolder::create(&other.path().join("beside"), CONFIG_TEXT, Existing::Keep)?;
        fs::rename(other.path().join("run"), place)?;
        Ok(())
    }

    #[test]
    fn what_a_user_has_put_into_a_run_outlasts_it() -> Outcome {
        let (folder, run) = run(&[0, 50, 55, 60])?;
        run.write_snapshot(50, b"frame")?;
        drop(run.clone().locked()?.create_metrics()?);
        for (file, after) in [
            (
                "checkpoints/step-00000050/inner/config.toml",
                "checkpoints/step-00000050.set-aside/inner/config.toml",
            ),
            ("checkpoints/step-00000055/notes.txt", "checkpoints/step-00000055.set-aside/notes.txt"),
            ("checkpoints/step-00000055.mine/model.safetensors", ""),
            ("checkpoints/step-00000055.damaged/notes.txt", ""),
            ("checkpoints/best.pt", ""),
            ("checkpoints/step-00000070", "checkpoints/step-00000070.set-aside"),
            ("snapshots/step-00000050.safetensors.png", ""),
            ("snapshots/cat.png", ""),
        ] {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().ok_or("a folder")?)?;
            fs::write(&path, file)?;
            let mine = run.clone();
            let new = RunFolder::create(folder.path(), CONFIG_TEXT, Existing::Overwrite)?;
            assert_eq!(steps_of(&new)?, [0_u64; 0]);
            let after = folder.path().join(if after.is_empty() { file } else { after });
            assert_eq!(fs::read_to_string(&after)?, file);
            // As the only thing in its folder, and once more.
            drop(new);
            drop(RunFolder::create(folder.path(), CONFIG_TEXT, Existing::Overwrite)?);
            assert_eq!(fs::read_to_string(&after)?, file);
            for step in [0, 50, 55, 60] {
                mine.write_checkpoint(step, &crate::fixtures::contents(step))?;
            }
        }
        Ok(())
    }

    #[test]
    fn a_run_leaves_nothing_behind_when_it_is_removed() -> Outcome {
        let (folder, run) = run(&[0, 5])?;
        run.mark_damaged(&run.at(5)?)?;
        for step in [5, 10, 15] {
            run.write_checkpoint(step, &crate::fixtures::contents(step))?;
            run.write_snapshot(step, b"frame")?;
            drop(run.rewind(5)?);
        }
        run.mark_damaged(&run.at(5)?)?;
        fs::create_dir(run.checkpoint(20).folder.with_extension("tmp"))?;
        run.write_report(b"page")?;
        drop(RunFolder::create(folder.path(), CONFIG_TEXT, Existing::Overwrite)?);
        let names =
            ["checkpoints", "config.toml", "run.lock", "snapshots"].map(|name| folder.path().join(name));
        assert_eq!(paths(folder.path())?, names.into());
        Ok(())
    }

    #[test]
    fn half_of_a_run_is_no_run_and_free_for_another() -> Outcome {
        let (folder, run) = run(&[0, 5])?;
        fs::write(folder.path().join("config.toml"), super::super::occupancy::BEING_REMOVED)?;
        let message = RunFolder::open(folder.path()).expect_err("half a run").to_string();
        assert!(message.contains("was being removed"), "{message}");
        assert!(!RunFolder::holds_a_run(folder.path())?);
        let new = RunFolder::create(folder.path(), CONFIG_TEXT, Existing::Keep)?;
        assert_eq!((steps_of(&new)?, new.path()), (vec![], run.path()));
        Ok(())
    }
}
