//! The experiment of a run that is there, and the check that it is still the one that was begun.
//!
//! A run is compared with the checkpoint whose step is asked for, and with the newest where none is: what cannot be read
//! of another one is no reason to refuse.

use qkv_model::Choice;
use qkv_run::{Checkpoint, Difference, RunFolder, changes_of_meaning, differences};
use serde_json::Value;
use toml::Table;

use super::edited::OPEN;
use super::schedule_name::take_former_setting;
use super::{ConfigSource, Experiment, Registry};
use crate::config::{Config, Parent};
use crate::error::TrainError;

/// What a config that continues a run takes from it, and changes in it.
#[derive(Debug, Clone, PartialEq)]
pub struct SameRun {
    /// Where the run came from.
    pub parent: Option<Parent>,
    /// The values that its `config.toml` has otherwise: those without meaning, and defaults that it leaves out.
    pub changed: Vec<Difference>,
    /// Those of them that its `config.toml` has otherwise with its defaults filled in: what was set for this once.
    pub set: Vec<Difference>,
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
        let experiment = self.read(ConfigSource::Toml(&run.config()?), settings)?;
        self.check_same_run(&experiment, run, step)?;
        Ok(experiment)
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
        let experiment = self.read(ConfigSource::Toml(&run.config()?), settings)?;
        if let Some((_, description)) = run.description_at(step)? {
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
        if let Some((_, description)) = run.description_at(step)? {
            let before = self.filled_in(description.config, experiment)?.to_table();
            refuse(run, changes_of_meaning(&before, &now))?;
        }
        let of_file = of_file.to_table();
        refuse(run, changes_of_meaning(&of_file, &now))?;
        let mut changed = differences(&text, &now);
        changed.retain(|difference| difference.key != "format");
        Ok(SameRun { parent, changed, set: differences(&of_file, &now) })
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
}

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

    use qkv_run::{Contents, Description, Existing};

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
        registry.check_run(&run, None)?;
        assert_eq!(n_new(), 0);
        assert_eq!(registry.read_run(&run, None, &["train.keep=7"])?.config.train.keep, 7);
        assert_eq!(n_new(), 1);
        let settings = ["task.seq_len=6", "model.seq_len=6", "optimizer.lr=0.1"];
        let branch = registry.read_branch(&run, None, &settings)?;
        assert_eq!((branch.task.seq_len(), branch.config.optimizer.lr, branch.config.seed), (6, 0.1, 3));
        assert_eq!(n_new(), 1);
        Ok(())
    }

    /// By what reads, branches or shows a run.
    fn is_refused(registry: &Registry, run: &RunFolder, difference: &str) -> Outcome {
        let errors = [
            registry.check_run(run, None).err(),
            registry.read_run(run, None, &[] as &[&str]).err(),
            registry.read_branch(run, None, &["optimizer.lr=0.1"]).err(),
        ];
        for error in errors {
            let message = error.ok_or("nothing was refused")?.to_string();
            let expected = format!("was started with other settings: {difference}");
            assert!(message.ends_with(&expected), "{message}");
        }
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
            is_refused(&registry, &run, difference)?;
            // What a branch sets may be missing.
            let (key, value) = (difference.split(' ').next(), line.trim_end().rsplit(' ').next());
            let set = format!("{}={}", key.ok_or("a key")?, value.ok_or("a value")?);
            assert_eq!(registry.read_branch(&run, None, &[set])?.config.seed, 3);
        }
        // What follows from the task and from other values.
        for line in ["vocab_size = 5\n", "d_k = 32\n"] {
            assert_eq!(whole.matches(line).count(), 1, "{whole}");
            std::fs::write(folder.path().join("config.toml"), whole.replace(line, ""))?;
            registry.check_run(&run, None)?;
            registry.read_run(&run, None, &[] as &[&str])?;
        }
        std::fs::write(folder.path().join("config.toml"), whole.replace("keep = 3\n", ""))?;
        let experiment = registry.read_run(&run, None, &[] as &[&str])?;
        let same = registry.check_same_run(&experiment, &run, None)?;
        assert_eq!(same.changed.iter().map(|found| found.key.as_str()).collect::<Vec<_>>(), ["train.keep"]);
        assert_eq!(same.set, []);
        Ok(())
    }

    #[test]
    fn a_lost_line_stands_for_what_follows_from_the_others() -> Outcome {
        let (folder, (registry, n_built)) = (tempfile::tempdir()?, registry());
        let config = registry
            .read(ConfigSource::Task("counted"), &["model.d_k=24", "model.d_v=16", "model.w_o=true"])?
            .config;
        let run = RunFolder::create(folder.path(), &config.to_toml(), Existing::Keep)?;
        let description = Description::new(config.to_table(), Vec::new());
        run.write_checkpoint(0, &Contents { weights: Vec::new(), optimizer: Vec::new(), description })?;
        let whole = run.config()?;
        for (line, difference) in [
            ("d_k = 24\n", "model.d_k was 24, now it is 32"),
            ("d_v = 16\n", "model.d_v was 16, now it is 32"),
        ] {
            assert_eq!(whole.matches(line).count(), 1, "{whole}");
            std::fs::write(folder.path().join("config.toml"), whole.replace(line, ""))?;
            is_refused(&registry, &run, difference)?;
        }
        // Where the types of a run are not known, what is there is compared.
        assert!(n_built.load(Ordering::Relaxed) > 0);
        assert!(Registry::new().check_run(&run, None).is_ok());
        let edited = whole.replace("d_k = 24\n", "").replace("d_v = 16\n", "d_v = 17\n");
        std::fs::write(folder.path().join("config.toml"), edited)?;
        let message = Registry::new().check_run(&run, None).expect_err("edited").to_string();
        assert!(message.ends_with("settings: model.d_v was 16, now it is 17"), "{message}");
        Ok(())
    }
}
