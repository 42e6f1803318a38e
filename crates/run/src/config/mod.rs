//! `config.toml`: what repeats a run.
//!
//! Here belongs the file, and how two of its kind are compared. What a key means does not.

mod difference;
mod projections;

pub use difference::{Difference, changes_of_meaning, differences, flatten};
pub use projections::{PROJECTIONS_KEY, has_each_projection, split_projections};

use std::path::{Path, PathBuf};

use toml::Table;

use crate::bounds;
use crate::error::RunError;
use crate::folder::{CONFIG, RunFolder};
use crate::storage::{read, replace_file};

/// The key of the format.
pub(crate) const FORMAT_KEY: &str = "format";

/// The format that is written, and the only one that is read; early runs have none.
const FORMAT: &str = "qkv-run-1";

impl RunFolder {
    /// Where `config.toml` is, or would be.
    pub fn config_file(&self) -> PathBuf {
        self.path.join(CONFIG)
    }

    /// The text of `config.toml`. What is not TOML is returned as it is: who reads the values can point at the line.
    /// Where the file is missing or empty, as a power cut may leave it, the newest checkpoint that can be read has the
    /// same values; the next lock writes them back.
    ///
    /// # Errors
    /// If the file cannot be read, or its format is that of another version.
    pub fn config(&self) -> Result<String, RunError> {
        let path = self.path.join(CONFIG);
        let found = read(&*self.storage, &path, bounds::CONFIG)?;
        let is_lost = found.is_none_or(|text| text.trim_ascii().is_empty());
        let saved = if is_lost { self.saved_config()? } else { None };
        match saved {
            Some((_, config)) => Ok(config.to_string()),
            None => self.config_as_it_is(),
        }
    }

    /// The text of `config.toml`, whatever it is.
    pub(crate) fn config_as_it_is(&self) -> Result<String, RunError> {
        let path = self.path.join(CONFIG);
        let text = self.storage.read(&path, bounds::CONFIG).map_err(RunError::io("read", &path))?;
        let text = String::from_utf8(text).map_err(|error| {
            RunError::damaged(&path, format!("byte {} is not UTF-8", error.utf8_error().valid_up_to()))
        })?;
        match text.parse::<Table>().ok().and_then(|mut table| take_unknown_format(&mut table)) {
            Some(found) => Err(RunError::unknown_format(&path, found, &[FORMAT])),
            None => Ok(text),
        }
    }

    /// Removes the format from a config, where it has one.
    ///
    /// # Errors
    /// If it is that of another version.
    pub fn take_format(config: &mut Table) -> Result<(), RunError> {
        match take_unknown_format(config) {
            Some(found) => Err(RunError::unknown_format(Path::new(CONFIG), found, &[FORMAT])),
            None => Ok(()),
        }
    }

    /// Writes `config.toml` with its format, at once and for good.
    ///
    /// # Errors
    /// If the file cannot be written, or is too long to be read.
    pub fn write_config(&self, text: &str) -> Result<(), RunError> {
        let (path, text) = (self.path.join(CONFIG), with_format(text));
        bounds::check(&path, text.len(), bounds::CONFIG)?;
        replace_file(&*self.storage, &path, text.as_bytes())
    }

    /// Refuses a config that is too long to be read, before anything of its run is created.
    pub(crate) fn check_new_config(path: &Path, text: &str) -> Result<(), RunError> {
        bounds::check(&path.join(CONFIG), with_format(text).len(), bounds::CONFIG)
    }

    /// Whether `config.toml` is missing, empty, or no TOML.
    pub(crate) fn config_is_broken(&self) -> Result<bool, RunError> {
        let text = read(&*self.storage, &self.path.join(CONFIG), bounds::CONFIG)?;
        let table = text.and_then(|text| String::from_utf8(text).ok()?.parse::<Table>().ok());
        Ok(table.is_none_or(|table| table.is_empty()))
    }
}

fn with_format(text: &str) -> String {
    format!("{FORMAT_KEY} = \"{FORMAT}\"\n{text}")
}

/// Removes the format; returns it if this version does not read it.
fn take_unknown_format(config: &mut Table) -> Option<String> {
    let found = config.remove(FORMAT_KEY)?;
    let text = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
    (text != FORMAT).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{Outcome, run};
    use crate::folder::Existing;
    use std::fs;

    #[test]
    fn a_config_that_could_not_be_read_back_is_not_written_and_creates_nothing() -> Outcome {
        let (folder, run) = run(&[0])?;
        let of_length = |length: u64| {
            let n = length as usize - with_format("# \n").len();
            format!("# {}\n", "x".repeat(n))
        };
        let (longest, longer) = (of_length(bounds::CONFIG), of_length(bounds::CONFIG + 1));
        run.write_config(&longest)?;
        assert!(run.config()?.ends_with(&longest));
        let before = fs::read(folder.path().join(CONFIG))?;
        let message = run.write_config(&longer).expect_err("too long").to_string();
        assert!(message.ends_with("it would have 65537 bytes, expected at most 65536"), "{message}");
        assert!(fs::read(folder.path().join(CONFIG))? == before);
        let new = folder.path().join("a/new");
        for refused in
            [RunFolder::create(&new, &longer, Existing::Keep), RunFolder::create_next(&new, "task", &longer)]
        {
            assert!(matches!(refused, Err(RunError::NotReadable { .. })));
            assert!(!folder.path().join("a").exists());
        }
        Ok(())
    }
}
