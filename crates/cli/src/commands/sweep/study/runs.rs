//! The runs of a study, each with a config that was checked.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::Result;
use qkv_inspect::counted;
use qkv_run::{RunFolder, flatten};
use qkv_study::{Combination, Study, StudyError};
use qkv_train::{ConfigSource, Experiment, Registry};
use toml::Table;

use super::faults::Faults;
use crate::exit::usage;
use crate::output::stdout::print_error;

/// Longest name of a folder in bytes; file systems stop at 255.
const MAX_NAME: usize = 240;

/// One of the runs.
pub struct Run {
    pub name: Name,
    pub folder: PathBuf,
    pub experiment: Experiment,
}

/// What a run is called.
pub struct Name {
    /// Among all runs of the study, 1 first.
    pub number: usize,
    /// `key=value`, one for each key that varies, without quotation marks.
    pub labels: Vec<String>,
}

/// What a worker needs to train a run.
pub struct Assignment {
    pub name: Name,
    pub folder: PathBuf,
    /// The text of a config with every value filled in.
    pub config: String,
    /// At most.
    pub steps: u64,
}

impl Run {
    /// Whether nothing is left to train, so that it does not matter whether it could be trained here. What cannot be
    /// read is reported when it is this run's turn.
    pub fn is_done(&self) -> bool {
        is_done(&self.folder)
    }

    pub fn assignment(self) -> Assignment {
        let Self { name, folder, experiment } = self;
        Assignment { name, folder, config: experiment.config.to_toml(), steps: experiment.config.train.steps }
    }
}

/// Whether the run in this folder has its results.
pub fn is_done(folder: &Path) -> bool {
    RunFolder::open(folder).is_ok_and(|run| matches!(run.done(), Ok(Some(_))))
}

/// Every combination that the conditions admit. Where some are the same, that is printed.
///
/// # Errors
/// If one of them cannot be trained, or there is none; nothing was created then.
pub fn read(study: &Study, folder: &Path, registry: &Registry) -> Result<Vec<Run>> {
    if study.config().contains_key("parent") {
        return Err(usage("[parent] is of a run that began from another; remove it"));
    }
    let text = toml::to_string(study.config())?;
    let combinations = study.runs()?;
    let n_combinations = combinations.len();
    let n_repeated = study.n_combinations()? - n_combinations;
    if n_repeated > 0 {
        print_error(&format!(
            "of the {} of the study {n_repeated} come up again, and are trained once",
            counted((n_combinations + n_repeated) as u64, "combination")
        ));
    }
    if let Some([first, second]) = combinations.iter().find_map(|run| one_key(run, registry)) {
        return Err(usage(format!(
            "`{first}` and `{second}` are one key, and both vary; leave one of them out"
        )));
    }
    let (mut reader, mut faults, mut runs) = (registry.reader(), Faults::default(), Vec::new());
    for combination in combinations {
        // What a condition leaves out need not be a config that can be trained.
        if matches!(study.admits(&combination.over(study.config())), Ok(false)) {
            continue;
        }
        let settings = combination.assignments();
        match reader.read(ConfigSource::Toml(&text), &settings) {
            Ok(experiment) if admits(study, &experiment)? => {
                let name = Name { number: runs.len() + 1, labels: combination.labels() };
                runs.push(Run { name, folder: folder.join(name_of_folder(&combination)?), experiment });
            }
            Ok(_) => {}
            Err(error) => {
                let error = anyhow::Error::new(error).context(format!("run {}", settings.join(" ")));
                faults.add(error, &mut reader, study.config(), settings);
            }
        }
        if faults.are_enough() {
            break;
        }
    }
    faults.into_result()?;
    if runs.is_empty() {
        let conditions: Vec<&str> = study.conditions().collect();
        return Err(usage(format!(
            "the conditions `only` in [study] admit none of the {n_combinations} runs: {}; change one of them, or the \
             lists",
            conditions.join(", ")
        )));
    }
    let mut folders = HashSet::new();
    match runs.iter().find(|run| !folders.insert(&run.folder)) {
        None => Ok(runs),
        Some(run) => Err(usage(format!("two runs would share the folder {}", run.folder.display()))),
    }
}

/// Two keys of a combination that are two spellings of the same one.
fn one_key(run: &Combination, registry: &Registry) -> Option<[String; 2]> {
    let mut found: HashMap<String, &String> = HashMap::new();
    for (key, value) in run.settings() {
        let mut set = Table::new();
        // What is no setting is refused with its reason where the run is read.
        if registry.set(&mut set, &[format!("{key}={value}")]).is_ok() {
            let paths = flatten(&set).into_keys();
            let same = paths.filter_map(|path| found.insert(path, key)).find(|other| *other != key);
            if let Some(other) = same {
                return Some([other.clone(), key.clone()]);
            }
        }
    }
    None
}

/// Whether all conditions hold, by every value that the config has.
fn admits(study: &Study, experiment: &Experiment) -> Result<bool, StudyError> {
    if study.conditions().next().is_none() {
        return Ok(true);
    }
    let config: Table = experiment.config.to_toml().parse().expect("what was just written");
    study.admits(&config)
}

fn name_of_folder(combination: &Combination) -> Result<String> {
    let name = combination.folder_name();
    if name.len() > MAX_NAME {
        return Err(usage(format!(
            "the settings of a run name its folder, and `{name}` has {} bytes, at most {MAX_NAME} are possible; write what is \
             the same in all runs outside of [sweep], or vary fewer keys",
            name.len()
        )));
    }
    Ok(name)
}
