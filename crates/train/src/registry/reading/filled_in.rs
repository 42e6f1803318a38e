//! A config that is not read yet: settings put into it, and the defaults of all that it names.

use toml::Table;

use super::assignment::set_all;
use super::choices::{Found, LOSS, MODEL, OPTIMIZER, SCHEDULE, choice_at};
use super::name::name_of;
use super::read::{defaults, merge};
use super::replaced::SettingsLeftOut;
use super::schedule_name::take_former_setting;
use crate::error::TrainError;
use crate::registry::Registry;

impl Registry {
    /// Puts `key=value` settings into a config, which is neither filled in nor checked. Returns what was set for other
    /// names than those that it has now.
    ///
    /// # Errors
    /// If one of them is no assignment, or its name is no text.
    pub fn set(
        &self,
        config: &mut Table,
        settings: &[impl AsRef<str>],
    ) -> Result<Vec<SettingsLeftOut>, TrainError> {
        set_all(self, config, settings)
    }

    /// A config with the defaults of its task and of all that it names, if the registry has them.
    pub(in crate::registry) fn with_defaults(&self, mut config: Table) -> Table {
        take_former_setting(&mut config);
        let task = name_of(&config, "task").ok().flatten();
        let mut config = match task.map(|task| defaults(self, task, &config)) {
            Some(Ok(defaults)) => merge(defaults.config, config),
            _ => config,
        };
        for table in [MODEL, LOSS, OPTIMIZER, SCHEDULE] {
            let choice = choice_at(&config, table);
            let found = choice.and_then(|choice| self.look_up(table, &choice)?.ok());
            fill_in(config.get_mut(table), found);
        }
        config
    }
}

/// Gives a table the settings that it lacks.
fn fill_in(table: Option<&mut toml::Value>, found: Option<Found>) {
    let (Some(toml::Value::Table(table)), Some(Found { choice, .. })) = (table, found) else { return };
    // A size of 0 is open: it follows from the task.
    let given = choice.settings.into_iter().filter(|(_, value)| *value != 0);
    for (key, value) in given.filter_map(|(key, value)| Some((key, toml::Value::try_from(value).ok()?))) {
        table.entry(key).or_insert(value);
    }
}
