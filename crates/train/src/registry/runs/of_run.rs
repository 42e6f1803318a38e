//! The experiment of a run that is there, and the check that it is still the one that was begun.
//!
//! A run is compared with the checkpoint whose step is asked for, and with the newest where none is: what cannot be read
//! of another one is no reason to refuse.

use qkv_model::Choice;
use qkv_run::{Checkpoint, Description, Difference, RunFolder, changes_of_meaning, differences};
use serde_json::Value;
use toml::Table;

use super::edited::OPEN;
use super::labels_of_film::labels_of_film;
use crate::config::{Config, Parent};
use crate::error::TrainError;
use crate::registry::reading::{FILES, FINGERPRINT};
use crate::registry::{ConfigSource, Experiment, Registry};

/// What a config that continues a run takes from it, and changes in it.
#[derive(Debug, Clone, PartialEq)]
pub struct SameRun {
    /// Where the run came from.
    pub parent: Option<Parent>,
    /// The values that its `config.toml` has otherwise: those without meaning, and defaults that it leaves out.
    pub changed: Vec<Difference>,
    /// Those of them that its `config.toml` has otherwise with its defaults filled in: what was set for this once.
    pub set: Vec<Difference>,
    /// The labels of its tokens; none where it has no checkpoint.
    pub vocabulary: Vec<String>,
}

impl Registry {
    /// The experiment of `run` at `step`, or at its newest checkpoint, from its `config.toml` under `key=value`
    /// settings, such as the new place of a text. What these change has to be without meaning for the run, and so has
    /// to be what was edited in the file since that checkpoint was made, or is missing there.
    ///
    /// # Errors
    /// [`TrainError::NotTheSameRun`] with every value that changes the meaning; or as [`read`](Self::read).
    pub fn read_run(
        &self,
        run: &RunFolder,
        step: Option<u64>,
        settings: &[impl AsRef<str>],
    ) -> Result<Experiment, TrainError> {
        self.check_run(run, step)?;
        let experiment = self.read(ConfigSource::Run(&run.config()?), settings)?;
        let same = self.check_same_run(&experiment, run, step)?;
        Ok(experiment.with_labels(same.vocabulary))
    }

    /// The experiment of a run that takes over what `run` has learned until `step`: as [`read_run`](Self::read_run), but
    /// the settings may change anything. What they replace may have been edited.
    ///
    /// # Errors
    /// As [`read_run`](Self::read_run).
    pub fn read_branch(
        &self,
        run: &RunFolder,
        step: Option<u64>,
        settings: &[impl AsRef<str>],
    ) -> Result<Experiment, TrainError> {
        refuse(run, self.edited(run, step, settings)?)?;
        let experiment = self.read(ConfigSource::Run(&run.config()?), settings)?;
        if let Some((_, mut description)) = run.description_at(step)? {
            self.set(&mut description.config, settings)?;
            let before = self.filled_in(description.config, &experiment)?;
            refuse(run, changes_of_meaning(&before.to_table(), &experiment.config.to_table()))?;
        }
        Ok(experiment)
    }

    /// The experiment of a checkpoint that lies in no run, from its `config.json` under settings as those of
    /// [`read_run`](Self::read_run).
    ///
    /// # Errors
    /// As there.
    pub fn read_checkpoint(
        &self,
        checkpoint: &Checkpoint,
        settings: &[impl AsRef<str>],
    ) -> Result<Experiment, TrainError> {
        let Description { config, vocabulary, .. } = checkpoint.description()?;
        let experiment = self.read(ConfigSource::Run(&config.to_string()), settings)?;
        let before = self.filled_in(config, &experiment)?;
        let differences = changes_of_meaning(&before.to_table(), &experiment.config.to_table());
        if differences.is_empty() {
            return Ok(experiment.with_labels(vocabulary));
        }
        Err(TrainError::NotTheSameRun { path: checkpoint.folder.clone(), differences })
    }

    /// Checks that the values in the `config.toml` of `run` are those of its checkpoint of `step`, or of the newest.
    /// Nothing is built for a file that has every value: a run of any types can be shown, without its text, and values
    /// that no longer fit each other are named as well. A value that the file lacks is the default of its task or model,
    /// or follows from others; where the registry lacks that name, or the task cannot be built, it is not compared.
    ///
    /// # Errors
    /// [`TrainError::NotTheSameRun`] with every value that changes the meaning; or if a file cannot be read.
    pub fn check_run(&self, run: &RunFolder, step: Option<u64>) -> Result<(), TrainError> {
        refuse(run, self.edited(run, step, &[] as &[&str])?)
    }

    /// Checks that `experiment` has the meaning of `run`: of its `config.toml`, and of the config of its checkpoint of
    /// `step`, or of the newest. Values are compared with every default filled in, so that an older version may have
    /// left some out.
    ///
    /// # Errors
    /// As [`read_run`](Self::read_run).
    pub fn check_same_run(
        &self,
        experiment: &Experiment,
        run: &RunFolder,
        step: Option<u64>,
    ) -> Result<SameRun, TrainError> {
        let text = parse(&run.config()?)?;
        let of_file = self.filled_in(text.clone(), experiment)?;
        let parent = of_file.parent.clone();
        let now = Config { parent: parent.clone(), ..experiment.config.clone() }.to_table();
        let mut vocabulary = Vec::new();
        if let Some((_, description)) = run.description_at(step)? {
            let before = self.filled_in(description.config, experiment)?.to_table();
            refuse(run, changes_of_meaning(&before, &now))?;
            vocabulary = match description.vocabulary.is_empty() {
                true => labels_of_film(run, &*experiment.task),
                false => description.vocabulary,
            };
        }
        let of_file = of_file.to_table();
        refuse(run, changes_of_meaning(&of_file, &now))?;
        let mut changed = differences(&text, &now);
        changed.retain(|difference| difference.key != "format");
        Ok(SameRun { parent, changed, set: differences(&of_file, &now), vocabulary })
    }

    /// The config of a file of the run, with every value filled in. A text that was moved, or pairs, are read where `now`
    /// has them.
    fn filled_in(&self, mut config: Table, now: &Experiment) -> Result<Config, TrainError> {
        let was = move_text(&mut config, &now.config.task);
        let mut reader = self.reader().with_task_of(now)?;
        let mut config = reader.read(ConfigSource::Run(&config.to_string()), &[] as &[&str])?.config;
        for (key, value) in was {
            config.task.settings.insert(key, value);
        }
        Ok(config)
    }
}

/// Gives the task of a config the text of `now`, if both have one; returns what it had, where that was not left open.
fn move_text(config: &mut Table, now: &Choice) -> Vec<(String, Value)> {
    let Some(task) = config.get_mut("task").and_then(toml::Value::as_table_mut) else { return Vec::new() };
    let have_it =
        |keys: &&[&str; 2]| keys.iter().all(|key| task.contains_key(*key) && now.settings.contains_key(*key));
    let files = FILES.map(|path| [path, FINGERPRINT]);
    let Some(keys) = files.iter().find(have_it) else { return Vec::new() };
    if task.get("name").and_then(toml::Value::as_str) != Some(&now.name) {
        return Vec::new();
    }
    let replaced = keys.iter().filter_map(|key| {
        let to = toml::Value::from(now.settings[*key].as_str()?);
        let from = task.insert((*key).to_owned(), to)?;
        let from = from.as_str().filter(|from| *from != OPEN)?;
        Some(((*key).to_owned(), Value::from(from)))
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
