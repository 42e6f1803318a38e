//! The file that a task is made of: which of its settings has the path.

use std::path::PathBuf;

use toml::{Table, Value};

use super::choices::TASK;
use super::name::name_of;
use super::read::ConfigSource;
use crate::config::Config;
use crate::registry::Registry;

/// The settings with a path: of a text, and of pairs.
pub(in crate::registry) const FILES: [&str; 2] = ["text", "pairs"];

/// The setting that tells which file it is.
pub(in crate::registry) const FINGERPRINT: &str = "fingerprint";

impl Registry {
    /// Which setting of the task of a config has the path of the file that the task is made of; `None` if it is made of
    /// none.
    ///
    /// ```
    /// use qkv_train::{ConfigSource, Registry};
    ///
    /// let registry = Registry::new();
    /// assert_eq!(registry.file_key(ConfigSource::Task("chars")), Some("text"));
    /// assert_eq!(registry.file_key(ConfigSource::Toml("task.name = \"translate\"")), Some("pairs"));
    /// assert_eq!(registry.file_key(ConfigSource::Task("reverse")), None);
    /// ```
    pub fn file_key(&self, source: ConfigSource<'_>) -> Option<&'static str> {
        let config = match source {
            ConfigSource::Task(name) => super::name::named(TASK, name),
            ConfigSource::Toml(text) | ConfigSource::Run(text) => text.parse().ok()?,
        };
        let defaults: Table = self.defaults.get(name_of(&config, TASK).ok()??)?.parse().ok()?;
        let task = defaults.get(TASK).and_then(Value::as_table)?;
        FILES.into_iter().find(|key| task.contains_key(*key))
    }
}

impl Config {
    /// The setting with the path of the file that the task is made of, and the path; `None` if it is made of none.
    pub fn file_of_task(&self) -> Option<(&'static str, PathBuf)> {
        let path = |key: &&'static str| {
            self.task.settings.get(*key).and_then(|path| path.as_str()).filter(|path| !path.is_empty())
        };
        FILES.iter().find_map(|key| Some((*key, PathBuf::from(path(key)?))))
    }
}
