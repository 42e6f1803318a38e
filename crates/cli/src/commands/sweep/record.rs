//! `study.toml` in the folder of the runs: which study they are of. Another study would mix its runs with them.

use std::path::{Path, PathBuf};
use std::process;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use qkv_run::{Difference, Disk, changes_of_meaning, replace_shared_file};
use qkv_study::Study;
use qkv_train::{ConfigSource, Registry};
use toml::Table;

use super::source::Source;
use crate::exit::usage;
use crate::session::config_file;
pub use crate::session::runs::runs_in::STUDY;

/// A study that belongs to the folder of its runs.
pub struct Record {
    file: PathBuf,
    text: String,
    is_new: bool,
}

impl Record {
    /// Refuses a study that is not the one to which the folder belongs. That one with values added is: its runs are some
    /// of those that are asked for now, under the same names.
    pub fn check(source: &Source, text: String, study: &Study, registry: &Registry) -> Result<Self> {
        let file = source.folder.join(STUDY);
        if !file.try_exists().unwrap_or(true) {
            return Ok(Self { file, text, is_new: true });
        }
        let earlier_text = config_file::read(&file)?;
        let is_new = earlier_text != text;
        if is_new {
            let cannot_use = || format!("cannot use {}", file.display());
            let earlier = Study::parse(&earlier_text).with_context(cannot_use)?;
            let differences = differences(&earlier, study, registry);
            let differences: Vec<String> = differences.iter().map(Difference::to_string).collect();
            if !differences.is_empty() {
                return Err(another(&source.folder, &differences.join("; ")));
            }
            study.continues(&earlier).map_err(|error| another(&source.folder, &error.to_string()))?;
        }
        Ok(Self { file, text, is_new })
    }

    /// Writes it. Other workers of the same study may do so at this moment.
    pub fn keep(&self) -> Result<()> {
        if self.is_new {
            let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
            let writer = format!("{}-{time}", process::id());
            replace_shared_file(&Disk, &self.file, self.text.as_bytes(), &writer)?;
        }
        Ok(())
    }
}

fn another(folder: &Path, differences: &str) -> anyhow::Error {
    usage(format!(
        "{} belongs to another study: {differences}; values may be added to its lists, nothing else changed: choose \
         another folder with --out",
        folder.display()
    ))
}

/// What the runs of the earlier study would have otherwise: by the files, unless the configs of every one of them mean the
/// same, because a default was written down or a text was moved. A case may set what another one has from the file.
fn differences(earlier: &Study, study: &Study, registry: &Registry) -> Vec<Difference> {
    let as_written = changes_of_meaning(earlier.config(), study.config());
    if as_written.is_empty() {
        return as_written;
    }
    of_runs(earlier, study, registry).unwrap_or(as_written)
}

/// The differences in the first run of the earlier study that has any; `None` where they cannot be found out.
fn of_runs(earlier: &Study, study: &Study, registry: &Registry) -> Option<Vec<Difference>> {
    let texts = [earlier, study].map(|study| toml::to_string(study.config()));
    let [Ok(text_before), Ok(text_now)] = texts else { return None };
    let mut reader = registry.reader();
    let mut config = |text: &str, settings: &[String]| {
        let experiment = reader.read(ConfigSource::Toml(text), settings).ok()?;
        experiment.config.to_toml().parse::<Table>().ok()
    };
    let mut n_compared = 0;
    for combination in earlier.runs().ok()? {
        let settings = combination.assignments();
        // A combination that a condition leaves out is no run, and need not be a config.
        let Some(before) = config(&text_before, &settings) else { continue };
        if matches!(earlier.admits(&before), Ok(false)) {
            continue;
        }
        let differences = changes_of_meaning(&before, &config(&text_now, &settings)?);
        if !differences.is_empty() {
            return Some(differences);
        }
        n_compared += 1;
    }
    (n_compared > 0).then(Vec::new)
}
