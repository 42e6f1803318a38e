//! A new run, and what it does to an old one in the same folder.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::error::RunError;
use crate::folder::{CHECKPOINTS, CONFIG, METRICS, REPORT, RunFolder, SNAPSHOTS};
use crate::lock::{LOCK, lock};
use crate::write::remove_folder;

/// The keys that every `config.toml` of a run has: tables, or the name alone of a task or model without settings.
const KEYS: [&str; 5] = ["task", "model", "optimizer", "schedule", "train"];

/// What to do with a run that is already there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Refuse.
    Keep,
    /// Remove it first.
    Overwrite,
}

impl RunFolder {
    /// Creates the folder, takes its lock and writes `config`, the text of `config.toml`.
    ///
    /// # Errors
    /// If there is a run already and it is to be kept, or something else, or the folder is in use or cannot
    /// be written.
    pub fn create(path: &Path, config: &str, existing: Existing) -> Result<Self, RunError> {
        let is_empty = |path: &Path| fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
        let exists = || RunError::Exists { path: path.to_owned() };
        if path.exists() && !Self::holds_a_run(path) && !is_empty(path) && !path.join(LOCK).is_file() {
            return Err(RunError::NotEmpty { path: path.to_owned() });
        }
        if existing == Existing::Keep && Self::holds_a_run(path) {
            return Err(exists());
        }
        fs::create_dir_all(path).map_err(RunError::io("create", path))?;
        let run = Self { path: path.to_owned(), _lock: Some(lock(path)?) };
        // Another process may have been here before the lock was ours.
        match (existing, Self::holds_a_run(path)) {
            (Existing::Keep, true) => return Err(exists()),
            (Existing::Overwrite, true) => run.remove()?,
            (_, false) => {}
        }
        let file = path.join(CONFIG);
        fs::write(&file, config).map_err(RunError::io("write", &file))?;
        Ok(run)
    }

    /// Creates `TASK-1`, `TASK-2`, … under `parent`, the first that is free.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn create_next(parent: &Path, task: &str, config: &str) -> Result<Self, RunError> {
        fs::create_dir_all(parent).map_err(RunError::io("create", parent))?;
        let mut number = 1_u64;
        loop {
            let path = parent.join(format!("{task}-{number}"));
            // `create_dir` fails where the folder exists, so two processes never share one.
            match fs::create_dir(&path) {
                Ok(()) => return Self::create(&path, config, Existing::Keep),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(RunError::io("create", &path)(error)),
            }
        }
    }

    /// Whether the folder holds a run: a config with the keys that ours have, beside something that a run writes,
    /// because other programs have a `config.toml`, too. Nothing else in it has to be known, so that a run of a user's
    /// own types is recognised by any binary.
    pub fn holds_a_run(path: &Path) -> bool {
        let config = fs::read_to_string(path.join(CONFIG)).unwrap_or_default();
        let config: toml::Table = config.parse().unwrap_or_default();
        KEYS.iter().all(|key| config.contains_key(*key))
            && (path.join(LOCK).is_file() || path.join(METRICS).is_file() || path.join(CHECKPOINTS).is_dir())
    }

    /// Removes what a run is made of, and nothing else that its user may have put beside it.
    fn remove(&self) -> Result<(), RunError> {
        for folder in [CHECKPOINTS, SNAPSHOTS].map(|folder| self.path.join(folder)) {
            let Ok(entries) = fs::read_dir(&folder) else { continue };
            for entry in entries.flatten() {
                let is_ours = entry.file_name().to_string_lossy().starts_with("step-");
                let entry = entry.path();
                match (is_ours, entry.is_dir()) {
                    (true, true) => remove_folder(&entry)?,
                    (true, false) => fs::remove_file(&entry).map_err(RunError::io("write", &entry))?,
                    (false, _) => {}
                }
            }
        }
        for file in [METRICS, REPORT].map(|file| self.path.join(file)).iter().filter(|file| file.exists()) {
            fs::remove_file(file).map_err(RunError::io("write", file))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds_a_run(config: &str) -> std::io::Result<bool> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join(CONFIG), config)?;
        fs::write(folder.path().join(METRICS), "")?;
        Ok(RunFolder::holds_a_run(folder.path()))
    }

    #[test]
    fn a_run_is_recognised_by_the_keys_of_its_config_however_they_are_written() -> std::io::Result<()> {
        assert!(holds_a_run("[task]\nname = \"sort\"\n[model]\n[optimizer]\n[schedule]\n[train]\n")?);
        assert!(holds_a_run(
            "task = \"first\"\nmodel = \"mine\"\noptimizer.lr = 1\n[schedule]\n[ train ]\n"
        )?);
        assert!(!holds_a_run("[task]\n[model]\n")?);
        assert!(!holds_a_run("text = \"\"\"\n[task]\n[model]\n[optimizer]\n[schedule]\n[train]\n\"\"\"\n")?);
        Ok(())
    }
}
