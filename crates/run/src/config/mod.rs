//! `config.toml`: what repeats a run.
//!
//! Here belongs the file, and how two of its kind are compared. What a key means does not.

mod difference;

pub use difference::{Difference, changes_of_meaning, differences, flatten};

use std::path::Path;

use toml::Table;

use crate::error::RunError;
use crate::folder::{CONFIG, RunFolder};
use crate::storage::{read, replace_file};

/// The key of the format.
pub(crate) const FORMAT_KEY: &str = "format";

/// The format that is written, and the only one that is read; early runs have none.
const FORMAT: &str = "qkv-run-1";

/// A config is a page or two.
pub(crate) const MAX_CONFIG: u64 = 1 << 20;

impl RunFolder {
    /// The text of `config.toml`. What is not TOML is returned as it is: who reads the values can point at the line.
    /// Where the file is missing or empty, as a power cut may leave it, the newest checkpoint that is whole has the
    /// same values; the next lock writes them back.
    ///
    /// # Errors
    /// If the file cannot be read, or its format is that of another version.
    pub fn config(&self) -> Result<String, RunError> {
        let path = self.path.join(CONFIG);
        let found = read(&*self.storage, &path, MAX_CONFIG)?;
        let is_lost = found.is_none_or(|text| text.trim_ascii().is_empty());
        let saved = if is_lost { self.newest_description()? } else { None };
        match saved {
            Some((_, description)) => Ok(description.config.to_string()),
            None => self.config_as_it_is(),
        }
    }

    /// The text of `config.toml`, whatever it is.
    pub(crate) fn config_as_it_is(&self) -> Result<String, RunError> {
        let path = self.path.join(CONFIG);
        let text = self.storage.read(&path, MAX_CONFIG).map_err(RunError::io("read", &path))?;
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
    /// If the file cannot be written.
    pub fn write_config(&self, text: &str) -> Result<(), RunError> {
        let text = format!("{FORMAT_KEY} = \"{FORMAT}\"\n{text}");
        replace_file(&*self.storage, &self.path.join(CONFIG), text.as_bytes())
    }

    /// Whether `config.toml` is missing, empty, or no TOML.
    pub(crate) fn config_is_broken(&self) -> Result<bool, RunError> {
        let text = read(&*self.storage, &self.path.join(CONFIG), MAX_CONFIG)?;
        let table = text.and_then(|text| String::from_utf8(text).ok()?.parse::<Table>().ok());
        Ok(table.is_none_or(|table| table.is_empty()))
    }
}

/// Removes the format; returns it if this version does not read it.
fn take_unknown_format(config: &mut Table) -> Option<String> {
    let found = config.remove(FORMAT_KEY)?;
    let text = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
    (text != FORMAT).then_some(text)
}
