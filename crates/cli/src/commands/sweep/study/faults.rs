//! What is wrong with the configs of a study: all of it, not only what is met first.

use anyhow::{Error, Result};
use qkv_train::{ConfigSource, Reader, SettingFault, TrainError};
use toml::{Table, Value};

use crate::exit::WrongSettings;

/// Faults that are named; a file with more is wrong as a whole.
const SHOWN: usize = 10;

/// Runs with faults that are looked at: they mostly have the same ones.
const LOOKED_AT: usize = 100;

/// Of several configs.
#[derive(Default)]
pub struct Faults {
    first: Option<Error>,
    /// Each once.
    sentences: Vec<String>,
    n_runs: usize,
}

impl Faults {
    /// Adds a config with `settings` in it, which cannot be read for the reason that `error` gives.
    pub fn add(&mut self, error: Error, reader: &mut Reader<'_>, config: &Table, settings: Vec<String>) {
        self.n_runs += 1;
        self.first.get_or_insert(error);
        for sentence in sentences(reader, config.clone(), settings) {
            if !self.sentences.contains(&sentence) {
                self.sentences.push(sentence);
            }
        }
    }

    pub fn are_enough(&self) -> bool {
        self.sentences.len() >= SHOWN || self.n_runs >= LOOKED_AT
    }

    /// # Errors
    /// With the only fault as it is, or with all of them.
    pub fn into_result(self) -> Result<()> {
        match self.first {
            None => Ok(()),
            Some(error) if self.sentences.len() < 2 => Err(error),
            Some(_) => Err(WrongSettings(self.sentences).into()),
        }
    }
}

/// The faults of a config; behind unknown keys the next ones, as if the keys were not there.
fn sentences(reader: &mut Reader<'_>, mut config: Table, mut settings: Vec<String>) -> Vec<String> {
    let mut sentences = Vec::new();
    while let Ok(text) = toml::to_string(&config)
        && let Err(error) = reader.read(ConfigSource::Toml(&text), &settings)
    {
        let TrainError::Setting(fault) = error else {
            sentences.push(error.to_string());
            break;
        };
        let faults = match fault {
            SettingFault::Several { faults } => faults,
            fault => vec![fault],
        };
        let mut are_gone = true;
        for fault in faults {
            let n_settings = settings.len();
            let key = fault.unknown_key().unwrap_or_default();
            settings.retain(|setting| !is_of(setting, key));
            are_gone &= remove(&mut config, key) || settings.len() < n_settings;
            sentences.push(fault.to_string());
        }
        if !are_gone || sentences.len() >= SHOWN {
            break;
        }
    }
    sentences
}

/// Whether a setting gives a value to this key, or to one that it is a table of.
fn is_of(setting: &str, key: &str) -> bool {
    let path = setting.split('=').next().unwrap_or_default();
    path == key || key.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'))
}

/// Removes a dotted key, with the tables that are empty then; whether it was there.
fn remove(table: &mut Table, key: &str) -> bool {
    let Some((first, rest)) = key.split_once('.') else { return table.remove(key).is_some() };
    let Some(Value::Table(inner)) = table.get_mut(first) else { return false };
    let is_removed = remove(inner, rest);
    if inner.is_empty() {
        table.remove(first);
    }
    is_removed
}
