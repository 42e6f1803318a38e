//! In which values the `config.toml` of a run means something else than what a checkpoint of it was made with, as far as
//! that shows without its text and without its types.

use qkv_run::{Description, Difference, RunFolder, changes_of_meaning};
use toml::Table;

use crate::error::TrainError;
use crate::registry::{ConfigSource, Registry};

/// In place of a value that the task finds out, such as the fingerprint of a text.
pub(super) const OPEN: &str = "";

impl Registry {
    /// In which values the `config.toml` of `run` means something else than its checkpoint of `step`, or the newest, if
    /// both get these settings.
    pub(super) fn edited(
        &self,
        run: &RunFolder,
        step: Option<u64>,
        settings: &[impl AsRef<str>],
    ) -> Result<Vec<Difference>, TrainError> {
        let Some((_, Description { config: mut before, .. })) = run.description_at(step)? else {
            return Ok(Vec::new());
        };
        // One that is no TOML has no other meaning; what it lacks is in the checkpoint.
        let Ok(mut now) = run.config()?.parse::<Table>() else { return Ok(Vec::new()) };
        RunFolder::take_format(&mut now)?;
        for config in [&mut before, &mut now] {
            self.set(config, settings)?;
        }
        let is_open = |Difference { before, now, .. }: &Difference| {
            [before, now].iter().any(|value| value.as_ref().is_none_or(|value| *value == OPEN.into()))
        };
        let mut edited =
            changes_of_meaning(&self.with_defaults(before.clone()), &self.with_defaults(now.clone()));
        if edited.iter().any(is_open)
            && let Some([before, now]) = self.resolved([before, now])
        {
            return Ok(changes_of_meaning(&before, &now));
        }
        edited.retain(|difference| !is_open(difference) || difference.key.starts_with("parent."));
        Ok(edited)
    }

    /// Two configs with everything that follows from their task and their other values, if both are of types that the
    /// registry has, and their text can be read.
    fn resolved(&self, configs: [Table; 2]) -> Option<[Table; 2]> {
        let mut reader = self.reader();
        let mut resolve = |config: Table| {
            let experiment = reader.read(ConfigSource::Run(&config.to_string()), &[] as &[&str]).ok()?;
            Some(experiment.config.to_table())
        };
        let [before, now] = configs;
        Some([resolve(before)?, resolve(now)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;
    use std::io;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use qkv_run::{Contents, Disk, Entry, Existing, Lock, RunError, Storage};

    /// A disk that fails below a folder.
    #[derive(Debug)]
    struct FailingBelow(PathBuf);

    impl FailingBelow {
        fn disk(&self, path: &Path) -> io::Result<&Disk> {
            // EIO, which is 5 on every Unix, has no kind.
            if path.starts_with(&self.0) { Err(io::Error::from_raw_os_error(5)) } else { Ok(&Disk) }
        }
    }

    impl Storage for FailingBelow {
        fn entry(&self, path: &Path) -> io::Result<Option<Entry>> {
            self.disk(path)?.entry(path)
        }

        fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
            self.disk(folder)?.list(folder)
        }

        fn read(&self, file: &Path, at_most: u64) -> io::Result<Vec<u8>> {
            self.disk(file)?.read(file, at_most)
        }

        fn create_folder(&self, folder: &Path) -> io::Result<()> {
            self.disk(folder)?.create_folder(folder)
        }

        fn write_new(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
            self.disk(file)?.write_new(file, bytes)
        }

        fn append(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
            self.disk(file)?.append(file, bytes)
        }

        fn sync_file(&self, file: &Path) -> io::Result<()> {
            self.disk(file)?.sync_file(file)
        }

        fn sync_folder(&self, folder: &Path) -> io::Result<()> {
            self.disk(folder)?.sync_folder(folder)
        }

        fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
            self.disk(from)?.rename(from, to)
        }

        fn remove_file(&self, file: &Path) -> io::Result<()> {
            self.disk(file)?.remove_file(file)
        }

        fn remove_folder(&self, folder: &Path) -> io::Result<()> {
            self.disk(folder)?.remove_folder(folder)
        }

        fn lock(&self, file: &Path, owner: &str) -> io::Result<Option<Arc<dyn Lock>>> {
            self.disk(file)?.lock(file, owner)
        }
    }

    #[test]
    fn a_disk_that_fails_below_one_checkpoint_costs_no_other() -> Result<(), Box<dyn std::error::Error>> {
        let (folder, registry) = (tempfile::tempdir()?, Registry::new());
        let config = registry.read(ConfigSource::Task("reverse"), &["seed=3"])?.config;
        let run = RunFolder::create(folder.path(), &config.to_toml(), Existing::Keep)?;
        for step in [0, 5, 7] {
            let description = Description::new(config.to_table(), Vec::new());
            run.write_checkpoint(
                step,
                &Contents { weights: Vec::new(), optimizer: Vec::new(), description },
            )?;
        }
        let newest = run.checkpoint(7);
        drop(run);
        for failing in [newest.folder.clone(), newest.manifest(), newest.config(), newest.weights()] {
            let run = RunFolder::open_on(Arc::new(FailingBelow(failing.clone())), folder.path())?;
            let run = run.locked()?;
            let none: &[&str] = &[];
            let experiment = registry.read_run(&run, Some(5), none)?;
            assert!(registry.check_same_run(&experiment, &run, Some(5))?.changed.is_empty());
            registry.check_run(&run, Some(0))?;
            registry.read_branch(&run, Some(5), &["optimizer.lr=0.1"])?;
            let asked: Vec<u64> =
                run.checkpoints_to_resume(Some(5))?.iter().map(|found| found.step).collect();
            assert_eq!(asked, [5]);
            let stopped = [
                registry.check_run(&run, None).err(),
                registry.check_run(&run, Some(7)).err(),
                registry.read_run(&run, None, none).err(),
                registry.check_same_run(&experiment, &run, None).err(),
                registry.read_branch(&run, None, none).err(),
            ];
            for error in stopped {
                assert!(
                    matches!(&error, Some(TrainError::Run(RunError::Io { path, .. })) if path.starts_with(&failing)),
                    "{error:?}"
                );
            }
            // The config comes from another one, where its own file is lost.
            std::fs::write(run.config_file(), "")?;
            assert_eq!(registry.read_run(&run, Some(5), none)?.config, experiment.config);
            run.write_config(&config.to_toml())?;
        }
        Ok(())
    }
}
