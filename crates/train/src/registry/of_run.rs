//! The experiment of a run that is there, and the check that it is still the one that was begun.

use qkv_model::Choice;
use qkv_run::{Description, Difference, RunFolder, changes_of_meaning, differences};
use serde_json::Value;
use toml::Table;

use super::{ConfigSource, Experiment, Registry};
use crate::config::{Config, Parent};
use crate::error::TrainError;

/// What a config that continues a run takes from it, and changes in it.
#[derive(Debug, Clone, PartialEq)]
pub struct SameRun {
    /// Where the run came from.
    pub parent: Option<Parent>,
    /// The values without meaning that are not those of its `config.toml`.
    pub changed: Vec<Difference>,
}

impl Registry {
    /// The experiment of `run`, from its `config.toml` under `key=value` settings, such as the new place of a text. What
    /// these change has to be without meaning for the run, and so has to be what was edited in the file since its
    /// checkpoints were made.
    ///
    /// # Errors
    /// [`TrainError::NotTheSameRun`] with every value that changes the meaning; or as [`read`](Self::read).
    pub fn read_run(&self, run: &RunFolder, settings: &[impl AsRef<str>]) -> Result<Experiment, TrainError> {
        check_config_of(run)?;
        let experiment = self.read(ConfigSource::Toml(&run.config()?), settings)?;
        self.check_same_run(&experiment, run)?;
        Ok(experiment)
    }

    /// Checks that `experiment` has the meaning of `run`: of its `config.toml`, and of the config of its newest
    /// checkpoint. Values are compared with every default filled in, so that an older version may have left some out.
    ///
    /// # Errors
    /// As [`read_run`](Self::read_run).
    pub fn check_same_run(&self, experiment: &Experiment, run: &RunFolder) -> Result<SameRun, TrainError> {
        let of_file = self.filled_in(parse(&run.config()?)?, experiment)?;
        let parent = of_file.parent.clone();
        let now = Config { parent: parent.clone(), ..experiment.config.clone() }.to_table();
        if let Some((_, description)) = run.newest_description()? {
            let before = self.filled_in(description.config, experiment)?.to_table();
            refuse(run, changes_of_meaning(&before, &now))?;
        }
        let of_file = of_file.to_table();
        refuse(run, changes_of_meaning(&of_file, &now))?;
        Ok(SameRun { parent, changed: differences(&of_file, &now) })
    }

    /// The config of a file of the run, with every value filled in. A text that was moved is read where `now` has it.
    fn filled_in(&self, mut config: Table, now: &Experiment) -> Result<Config, TrainError> {
        let was = move_text(&mut config, &now.config.task);
        let mut reader = self.reader().with_task_of(now)?;
        let mut config = reader.read(ConfigSource::Toml(&config.to_string()), &[] as &[&str])?.config;
        for (key, value) in was {
            config.task.settings.insert(key, value);
        }
        Ok(config)
    }
}

/// Checks that the values in the `config.toml` of `run` are those of its newest checkpoint, without looking at any
/// type: a run of any can be shown, and values that no longer fit each other are named as well. A value that only one of
/// them has is a default that the other leaves out.
///
/// # Errors
/// [`TrainError::NotTheSameRun`] with every value that changes the meaning; or if a file cannot be read.
pub fn check_config_of(run: &RunFolder) -> Result<(), TrainError> {
    let Some((_, Description { config: before, .. })) = run.newest_description()? else { return Ok(()) };
    // One that is no TOML has no other meaning; what it lacks is in the checkpoint.
    let Ok(mut now) = run.config()?.parse::<Table>() else { return Ok(()) };
    RunFolder::take_format(&mut now)?;
    let mut changed = changes_of_meaning(&before, &now);
    changed.retain(|difference| difference.before.is_some() && difference.now.is_some());
    refuse(run, changed)
}

/// The settings of a task that is made of a text: where it lies, and which it is.
const TEXT: [&str; 2] = ["text", "fingerprint"];

/// Gives the task of a config the text of `now`, if both have one; returns what it had.
fn move_text(config: &mut Table, now: &Choice) -> Vec<(String, Value)> {
    let Some(task) = config.get_mut("task").and_then(toml::Value::as_table_mut) else { return Vec::new() };
    let have_one = TEXT.iter().all(|key| task.contains_key(*key) && now.settings.contains_key(*key));
    if !have_one || task.get("name").and_then(toml::Value::as_str) != Some(&now.name) {
        return Vec::new();
    }
    let replaced = TEXT.iter().filter_map(|key| {
        let to = toml::Value::from(now.settings[*key].as_str()?);
        let from = task.insert((*key).to_owned(), to)?;
        Some(((*key).to_owned(), Value::from(from.as_str()?)))
    });
    replaced.collect()
}

fn parse(text: &str) -> Result<Table, TrainError> {
    text.parse()
        .map_err(|error: toml::de::Error| TrainError::Config(format!("not TOML: {}", error.message())))
}

fn refuse(run: &RunFolder, differences: Vec<Difference>) -> Result<(), TrainError> {
    if differences.is_empty() {
        return Ok(());
    }
    Err(TrainError::NotTheSameRun { path: run.path().to_owned(), differences })
}
