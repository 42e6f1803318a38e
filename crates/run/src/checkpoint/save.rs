//! Writing a checkpoint so that it is there for good, or not at all.

use std::path::{Path, PathBuf};

use crate::bounds;
use crate::checkpoint::description::{Description, toml_of_json};
use crate::checkpoint::manifest::Manifest;
use crate::checkpoint::{CONFIG, Checkpoint, Contents, MANIFEST, OPTIMIZER, WEIGHTS};
use crate::error::RunError;
use crate::folder::{CHECKPOINTS, METRICS, RunFolder};
use crate::json_values::Count;
use crate::storage::{
    UNFINISHED, create_folders, exists, remove_tree, rename, sync_folder, with_suffix, write,
};
use crate::tensor_file::check_to_write;

/// The step with the most digits: TOML has no larger whole number.
const MAX_STEP: u64 = i64::MAX as u64;

/// Behind the name of a checkpoint that another of the same step replaces.
pub(crate) const REPLACED: &str = ".replaced";

impl RunFolder {
    /// Saves a checkpoint. When this returns, it outlasts a power cut, with the log of everything before it, also of
    /// lines that could not be written before; when it fails, every older checkpoint is as it was.
    ///
    /// # Errors
    /// If a file or folder cannot be written, or a file could not be read back; then nothing was begun.
    pub fn write_checkpoint(&self, step: u64, contents: &Contents) -> Result<Checkpoint, RunError> {
        self.flush_log()?;
        let checkpoint = self.checkpoint(step);
        let description = contents.description.to_json(step);
        check_description(&checkpoint.config(), &description, contents.description.vocabulary.len())?;
        check_to_write(&checkpoint.weights(), &contents.weights)?;
        check_to_write(&checkpoint.optimizer(), &contents.optimizer)?;
        create_folders(&*self.storage, &self.path.join(CHECKPOINTS))?;
        let unfinished = with_suffix(&checkpoint.folder, UNFINISHED);
        remove_tree(&*self.storage, &unfinished)?;
        if let Err(error) = self.save(&checkpoint, contents, &description) {
            // It may be what filled the disk; if it cannot be removed, the next start does it.
            let _ = remove_tree(&*self.storage, &unfinished);
            return Err(error);
        }
        Ok(checkpoint)
    }

    fn save(&self, checkpoint: &Checkpoint, contents: &Contents, description: &[u8]) -> Result<(), RunError> {
        let (storage, folder) = (&*self.storage, &checkpoint.folder);
        let unfinished = with_suffix(folder, UNFINISHED);
        let files: [(&str, &[u8]); 3] =
            [(CONFIG, description), (WEIGHTS, &contents.weights), (OPTIMIZER, &contents.optimizer)];
        let n_bytes = files.iter().map(|(_, bytes)| bytes.len()).sum();
        storage.create_folder(&unfinished).map_err(|error| {
            match RunError::io("create", &unfinished)(error) {
                RunError::DiskFull { source, .. } => RunError::writing(&unfinished, n_bytes)(source),
                error => error,
            }
        })?;
        for (name, bytes) in files {
            write(storage, &unfinished.join(name), bytes)?;
        }
        write(storage, &unfinished.join(MANIFEST), &Manifest::new(checkpoint.step, files).to_json())?;
        let mut synced: Vec<PathBuf> =
            [CONFIG, WEIGHTS, OPTIMIZER, MANIFEST].map(|name| unfinished.join(name)).into();
        // So that the log has no gap before a checkpoint that is there.
        let log = self.path.join(METRICS);
        if exists(storage, &log)? {
            synced.push(log);
        }
        // One after the other they took 36 ms on a disk on which they take 3 together.
        storage
            .sync_together(&synced, std::slice::from_ref(&unfinished))
            .map_err(RunError::writing(&unfinished, n_bytes))?;

        // What it replaces is put aside first and removed last; a start in between puts it back, and so does an error.
        // Where only that is there, it is the one good copy, and stays until there is another.
        let replaced = with_suffix(folder, REPLACED);
        let replaces = exists(storage, folder)?;
        if replaces {
            remove_tree(storage, &replaced)?;
            rename(storage, folder, &replaced)?;
        }
        if let Err(error) = rename(storage, &unfinished, folder) {
            if replaces {
                let _ = storage.rename(&replaced, folder);
            }
            return Err(error);
        }
        sync_folder(storage, &self.path.join(CHECKPOINTS))?;
        remove_tree(storage, &replaced)
    }
}

impl Description {
    /// Refuses a description whose file could not be read back, before anything of its run is written.
    ///
    /// # Errors
    /// If it is too long, or has too many values.
    pub fn check(&self) -> Result<(), RunError> {
        check_description(Path::new(CONFIG), &self.to_json(MAX_STEP), self.vocabulary.len())
    }
}

fn check_description(file: &Path, json: &[u8], n_labels: usize) -> Result<(), RunError> {
    bounds::check(file, json.len(), bounds::DESCRIPTION)?;
    let most = bounds::DESCRIPTION_VALUES.min(n_labels + bounds::SETTINGS);
    if !Count::is_within(json, most) {
        let what = format!("it would have more than {most} values, {n_labels} of them the labels of tokens");
        return Err(RunError::not_readable(file, what));
    }
    toml_of_json(json).map(drop).map_err(|what| RunError::not_readable(file, what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{Outcome, contents, run, steps_of};

    #[test]
    fn a_checkpoint_that_could_not_be_read_back_is_not_begun() -> Outcome {
        let (_folder, run) = run(&[0])?;
        let of = |n_labels: usize, label: &str, n_settings: usize| {
            let mut contents = contents(5);
            contents.description.vocabulary = vec![label.to_owned(); n_labels];
            let list = toml::Value::Array(vec![toml::Value::Integer(7); n_settings]);
            contents.description.config.insert("list".to_owned(), list);
            contents
        };
        let many =
            format!("{{{}\"end\":0}}", (0..1 << 17).map(|i| format!("\"{i}\":0,")).collect::<String>());
        let many = [&(many.len() as u64).to_le_bytes()[..], many.as_bytes()].concat();
        let refused = [
            (of(1 << 17, "a", 0), "config.json", "it would have more than 65536 values, 131072 of them"),
            (of(9, "a", 1 << 12), "config.json", "it would have more than 2057 values, 9 of them"),
            (of(9, &"a".repeat(1 << 19), 0), "config.json", "bytes, expected at most 4194304"),
            (Contents { weights: many.clone(), ..contents(5) }, "model.safetensors", "131072 values"),
            (Contents { optimizer: many, ..contents(5) }, "optimizer.safetensors", "131072 values"),
        ];
        for (contents, name, expected) in refused {
            match run.write_checkpoint(5, &contents) {
                Err(RunError::NotReadable { file, what }) => {
                    assert!(file.ends_with(name) && what.contains(expected), "{what}");
                }
                other => panic!("{name}: {other:?}"),
            }
            assert_eq!(
                (steps_of(&run)?, std::fs::read_dir(run.path().join(CHECKPOINTS))?.count()),
                (vec![0], 1)
            );
        }
        let longest = of(60_000, "a", 2_000);
        run.write_checkpoint(5, &longest)?;
        assert!(run.at(5)?.read()? == longest);
        Ok(())
    }
}
