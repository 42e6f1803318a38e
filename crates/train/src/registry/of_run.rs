//! The experiment of a run that is there, and the check that it is still the one that was begun.

use qkv_model::Choice;
use qkv_run::{Checkpoint, Description, Difference, RunFolder, changes_of_meaning, differences};
use serde_json::Value;
use toml::Table;

use super::name::name_of;
use super::read::{defaults, merge, set_all};
use super::schedule_name::take_former_setting;
use super::{ConfigSource, Experiment, Registry};
use crate::config::{Config, OptimizerConfig, Parent, ScheduleConfig};
use crate::error::TrainError;

/// What a config that continues a run takes from it, and changes in it.
#[derive(Debug, Clone, PartialEq)]
pub struct SameRun {
    /// Where the run came from.
    pub parent: Option<Parent>,
    /// The values that its `config.toml` has otherwise: those without meaning, and defaults that it leaves out.
    pub changed: Vec<Difference>,
}

impl Registry {
    /// The experiment of `run`, from its `config.toml` under `key=value` settings, such as the new place of a text.
    /// What these change has to be without meaning for the run, and so has to be what was edited in the file since its
    /// checkpoints were made, or is missing there.
    ///
    /// # Errors
    /// [`TrainError::NotTheSameRun`] with every value that changes the meaning; or as [`read`](Self::read).
    pub fn read_run(&self, run: &RunFolder, settings: &[impl AsRef<str>]) -> Result<Experiment, TrainError> {
        self.check_run(run)?;
        let experiment = self.read(ConfigSource::Toml(&run.config()?), settings)?;
        self.check_same_run(&experiment, run)?;
        Ok(experiment)
    }

    /// The experiment of a run that takes over what `run` has learned: as [`read_run`](Self::read_run), but the
    /// settings may change anything. What they replace may have been edited.
    ///
    /// # Errors
    /// As [`read_run`](Self::read_run).
    pub fn read_branch(
        &self,
        run: &RunFolder,
        settings: &[impl AsRef<str>],
    ) -> Result<Experiment, TrainError> {
        refuse(run, self.edited(run, settings)?)?;
        let experiment = self.read(ConfigSource::Toml(&run.config()?), settings)?;
        if let Some((_, description)) = run.newest_description()? {
            let before = self.filled_in(self.with(description.config, settings)?, &experiment)?;
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
        let config = checkpoint.description()?.config;
        let experiment = self.read(ConfigSource::Toml(&config.to_string()), settings)?;
        let before = self.filled_in(config, &experiment)?;
        let differences = changes_of_meaning(&before.to_table(), &experiment.config.to_table());
        if differences.is_empty() {
            return Ok(experiment);
        }
        Err(TrainError::NotTheSameRun { path: checkpoint.folder.clone(), differences })
    }

    /// Checks that the values in the `config.toml` of `run` are those of its newest checkpoint, without building
    /// anything: a run of any types can be shown, without its text, and values that no longer fit each other are named
    /// as well. A value that the file lacks is the default of its task or model; where the registry has none of that
    /// name, or the value follows from others, it is not compared.
    ///
    /// # Errors
    /// [`TrainError::NotTheSameRun`] with every value that changes the meaning; or if a file cannot be read.
    pub fn check_run(&self, run: &RunFolder) -> Result<(), TrainError> {
        refuse(run, self.edited(run, &[] as &[&str])?)
    }

    /// Checks that `experiment` has the meaning of `run`: of its `config.toml`, and of the config of its newest
    /// checkpoint. Values are compared with every default filled in, so that an older version may have left some out.
    ///
    /// # Errors
    /// As [`read_run`](Self::read_run).
    pub fn check_same_run(&self, experiment: &Experiment, run: &RunFolder) -> Result<SameRun, TrainError> {
        let text = parse(&run.config()?)?;
        let of_file = self.filled_in(text.clone(), experiment)?;
        let parent = of_file.parent.clone();
        let now = Config { parent: parent.clone(), ..experiment.config.clone() }.to_table();
        if let Some((_, description)) = run.newest_description()? {
            let before = self.filled_in(description.config, experiment)?.to_table();
            refuse(run, changes_of_meaning(&before, &now))?;
        }
        refuse(run, changes_of_meaning(&of_file.to_table(), &now))?;
        let mut changed = differences(&text, &now);
        changed.retain(|difference| difference.key != "format");
        Ok(SameRun { parent, changed })
    }

    /// The config of a file of the run, with every value filled in. A text that was moved is read where `now` has it.
    fn filled_in(&self, mut config: Table, now: &Experiment) -> Result<Config, TrainError> {
        take_former_setting(&mut config);
        let was = move_text(&mut config, &now.config.task);
        let mut reader = self.reader().with_task_of(now)?;
        let mut config = reader.read(ConfigSource::Toml(&config.to_string()), &[] as &[&str])?.config;
        for (key, value) in was {
            config.task.settings.insert(key, value);
        }
        Ok(config)
    }

    /// In which values the `config.toml` of `run` means something else than its newest checkpoint, if both get these
    /// settings; as far as that shows in the files and in the defaults of the task.
    fn edited(&self, run: &RunFolder, settings: &[impl AsRef<str>]) -> Result<Vec<Difference>, TrainError> {
        let Some((_, Description { config: before, .. })) = run.newest_description()? else {
            return Ok(Vec::new());
        };
        // One that is no TOML has no other meaning; what it lacks is in the checkpoint.
        let Ok(mut now) = run.config()?.parse::<Table>() else { return Ok(Vec::new()) };
        RunFolder::take_format(&mut now)?;
        let mut edited = changes_of_meaning(
            &self.with_defaults(self.with(before, settings)?),
            &self.with_defaults(self.with(now, settings)?),
        );
        edited.retain(|Difference { key, before, now }| {
            let is_in_both = before.is_some() && now.is_some();
            let is_open = [before, now].iter().any(|value| **value == Some(OPEN.into()));
            (is_in_both && !is_open) || key.starts_with("parent.")
        });
        Ok(edited)
    }

    /// A config under `key=value` settings.
    fn with(&self, mut config: Table, settings: &[impl AsRef<str>]) -> Result<Table, TrainError> {
        set_all(self, &mut config, settings)?;
        Ok(config)
    }

    /// A config with the defaults of its task and of all that it names, if the registry has them.
    fn with_defaults(&self, mut config: Table) -> Table {
        take_former_setting(&mut config);
        let task = name_of(&config, "task").ok().flatten();
        let mut config = match task.map(|task| defaults(self, task, &config)) {
            Some(Ok(defaults)) => merge(defaults.config, config),
            _ => config,
        };
        let choice =
            |table: &str| config.get(table).and_then(|table| table.clone().try_into::<Choice>().ok());
        let model = choice("model").and_then(|choice| self.models.read(&choice).ok());
        let loss = choice("loss").and_then(|choice| self.parts.losses.read(&choice).ok());
        fill_in(config.get_mut("model"), model.map(|ready| ready.choice));
        fill_in(config.get_mut("loss"), loss.map(|ready| ready.choice));
        let table = config.get("optimizer").cloned();
        let optimizer = table.and_then(|table| table.try_into::<OptimizerConfig>().ok());
        let optimizer = optimizer.and_then(|optimizer| self.parts.optimizers.read(&optimizer.rule).ok());
        fill_in(config.get_mut("optimizer"), optimizer.map(|ready| ready.choice));
        let table = config.get("schedule").cloned();
        let schedule = table.and_then(|table| table.try_into::<ScheduleConfig>().ok());
        let schedule = schedule.and_then(|schedule| self.parts.schedules.read(&schedule.shape).ok());
        fill_in(config.get_mut("schedule"), schedule.map(|ready| ready.choice));
        config
    }
}

/// Gives a table the settings that it lacks.
fn fill_in(table: Option<&mut toml::Value>, choice: Option<Choice>) {
    let (Some(toml::Value::Table(table)), Some(choice)) = (table, choice) else { return };
    // A size of 0 is open: it follows from the task.
    let given = choice.settings.into_iter().filter(|(_, value)| *value != 0);
    for (key, value) in given.filter_map(|(key, value)| Some((key, toml::Value::try_from(value).ok()?))) {
        table.entry(key).or_insert(value);
    }
}

/// In place of a value that the task finds out, such as the fingerprint of a text.
const OPEN: &str = "";

/// The settings of a task that is made of a text: where it lies, and which it is.
const TEXT: [&str; 2] = ["text", "fingerprint"];

/// Gives the task of a config the text of `now`, if both have one; returns what it had, where that was not left open.
fn move_text(config: &mut Table, now: &Choice) -> Vec<(String, Value)> {
    let Some(task) = config.get_mut("task").and_then(toml::Value::as_table_mut) else { return Vec::new() };
    let have_one = TEXT.iter().all(|key| task.contains_key(*key) && now.settings.contains_key(*key));
    if !have_one || task.get("name").and_then(toml::Value::as_str) != Some(&now.name) {
        return Vec::new();
    }
    let replaced = TEXT.iter().filter_map(|key| {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use qkv_run::{Contents, Existing};

    use crate::task::Reverse;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    /// A registry with the task `counted`, which counts how often it is built.
    fn registry() -> (Registry, Arc<AtomicUsize>) {
        let n_built = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&n_built);
        let registry = Registry::new().task("counted", "task.seq_len = 4\ntask.n_symbols = 3", {
            move |task: &Reverse| {
                counter.fetch_add(1, Ordering::Relaxed);
                Ok(task.clone())
            }
        });
        (registry, n_built)
    }

    /// A run of `counted` with seed 3, five symbols and capped scores, and a checkpoint.
    fn run(registry: &Registry, path: &Path) -> Result<RunFolder, Box<dyn std::error::Error>> {
        let settings = ["seed=3", "task.n_symbols=5", "model.softcap=30"];
        let config = registry.read(ConfigSource::Task("counted"), &settings)?.config;
        let run = RunFolder::create(path, &config.to_toml(), Existing::Keep)?;
        let description = Description::new(config.to_table(), Vec::new());
        run.write_checkpoint(0, &Contents { weights: Vec::new(), optimizer: Vec::new(), description })?;
        Ok(run)
    }

    #[test]
    fn a_task_is_built_once_to_read_and_check_the_config_of_a_run() -> Outcome {
        let (folder, (registry, n_built)) = (tempfile::tempdir()?, registry());
        let run = run(&registry, folder.path())?;
        let mut n_before = n_built.load(Ordering::Relaxed);
        let mut n_new = || {
            let n = n_built.load(Ordering::Relaxed);
            n - std::mem::replace(&mut n_before, n)
        };
        registry.check_run(&run)?;
        assert_eq!(n_new(), 0);
        assert_eq!(registry.read_run(&run, &["train.keep=7"])?.config.train.keep, 7);
        assert_eq!(n_new(), 1);
        let settings = ["task.seq_len=6", "model.seq_len=6", "optimizer.lr=0.1"];
        let branch = registry.read_branch(&run, &settings)?;
        assert_eq!((branch.task.seq_len(), branch.config.optimizer.lr, branch.config.seed), (6, 0.1, 3));
        assert_eq!(n_new(), 1);
        Ok(())
    }

    #[test]
    fn a_line_that_is_lost_stands_for_its_default() -> Outcome {
        let (folder, (registry, _)) = (tempfile::tempdir()?, registry());
        let run = run(&registry, folder.path())?;
        let whole = run.config()?;
        for (line, difference) in [
            ("seed = 3\n", "seed was 3, now it is 0"),
            ("n_symbols = 5\n", "task.n_symbols was 5, now it is 3"),
            ("softcap = 30.0\n", "model.softcap was 30.0, now it is 0.0"),
        ] {
            assert_eq!(whole.matches(line).count(), 1, "{whole}");
            std::fs::write(folder.path().join("config.toml"), whole.replace(line, ""))?;
            let errors = [
                registry.check_run(&run).err(),
                registry.read_run(&run, &[] as &[&str]).err(),
                registry.read_branch(&run, &["optimizer.lr=0.1"]).err(),
            ];
            for error in errors {
                let message = error.ok_or("nothing was refused")?.to_string();
                assert!(
                    message.ends_with(&format!("was started with other settings: {difference}")),
                    "{message}"
                );
            }
            // What a branch sets may be missing.
            let (key, value) = (difference.split(' ').next(), line.trim_end().rsplit(' ').next());
            let set = format!("{}={}", key.ok_or("a key")?, value.ok_or("a value")?);
            assert_eq!(registry.read_branch(&run, &[set])?.config.seed, 3);
        }
        // What follows from the task and from other values.
        for line in ["vocab_size = 5\n", "d_k = 32\n"] {
            assert_eq!(whole.matches(line).count(), 1, "{whole}");
            std::fs::write(folder.path().join("config.toml"), whole.replace(line, ""))?;
            registry.check_run(&run)?;
            registry.read_run(&run, &[] as &[&str])?;
        }
        std::fs::write(folder.path().join("config.toml"), whole.replace("keep = 3\n", ""))?;
        let experiment = registry.read_run(&run, &[] as &[&str])?;
        let same = registry.check_same_run(&experiment, &run)?;
        assert_eq!(same.changed.iter().map(|found| found.key.as_str()).collect::<Vec<_>>(), ["train.keep"]);
        Ok(())
    }
}
