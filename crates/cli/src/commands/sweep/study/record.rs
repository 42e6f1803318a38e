//! `study.toml` in the folder of the runs: which study they are of. Another study would mix its runs with them.

use std::path::{Path, PathBuf};
use std::process;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use qkv_run::{Difference, Disk, changes_of_meaning, create_shared_file, replace_shared_file};
use qkv_study::Study;
use qkv_train::{ConfigSource, Registry};
use toml::Table;

use super::source::Source;
use crate::exit::usage;
use crate::session::config_file;
pub use crate::session::runs::runs_in::STUDY;

/// How often the record is written where other processes write theirs at the same time.
const ATTEMPTS: u32 = 10;

/// A study and the folder of its runs.
pub struct Record<'a> {
    source: &'a Source,
    text: &'a str,
    study: &'a Study,
    registry: &'a Registry,
}

impl<'a> Record<'a> {
    /// Refuses a study that is not the one to which the folder belongs. That one with values added is: its runs are some
    /// of those that are asked for now, under the same names.
    pub fn check(
        source: &'a Source,
        text: &'a str,
        study: &'a Study,
        registry: &'a Registry,
    ) -> Result<Self> {
        let record = Self { source, text, study, registry };
        record.earlier().map(|_| record)
    }

    /// Writes it. Where another process has done so since, its study is the one to which the folder belongs.
    pub fn keep(&self) -> Result<()> {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let (file, text) = (self.file(), self.text.as_bytes());
        for attempt in 0..ATTEMPTS {
            let writer = format!("{}-{time}-{attempt}", process::id());
            match self.earlier()? {
                None if create_shared_file(&Disk, &file, text, &writer)? => return Ok(()),
                None => {}
                Some(earlier) if earlier == self.text => return Ok(()),
                Some(_) => replace_shared_file(&Disk, &file, text, &writer)?,
            }
        }
        // Theirs and this one are the same study in other words.
        Ok(())
    }

    fn file(&self) -> PathBuf {
        self.source.folder.join(STUDY)
    }

    /// The study that is kept there, if one is: this one, or one to which it only adds.
    fn earlier(&self) -> Result<Option<String>> {
        let (file, folder) = (self.file(), &self.source.folder);
        if !file.try_exists().unwrap_or(true) {
            return Ok(None);
        }
        let text = config_file::read(&file)?;
        if text != self.text {
            let earlier = Study::parse(&text).with_context(|| format!("cannot use {}", file.display()))?;
            let differences = differences(&earlier, self.study, self.registry);
            let differences: Vec<String> = differences.iter().map(Difference::to_string).collect();
            if !differences.is_empty() {
                return Err(another(folder, &differences.join("; ")));
            }
            self.study.continues(&earlier).map_err(|error| another(folder, &error.to_string()))?;
        }
        Ok(Some(text))
    }
}

fn another(folder: &Path, differences: &str) -> anyhow::Error {
    usage(format!(
        "{} belongs to another study: {differences}; values, cases and draws may be added and conditions taken away, \
         nothing else may change: choose another folder with --out",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_studies_that_find_a_folder_new_at_once_one_gets_it() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let source = Source { file: "study.toml".into(), folder: folder.path().join("runs/study") };
        let registry = Registry::new();
        let texts = ["0, 1", "2, 3", "0, 1, 2"]
            .map(|seeds| format!("task.name = \"copy\"\n[sweep]\nseed = [{seeds}]\n"));
        let studies = texts.iter().map(|text| Study::parse(text)).collect::<Result<Vec<_>, _>>()?;
        let record = |index: usize| Record::check(&source, &texts[index], &studies[index], &registry);
        let (first, other, more) = (record(0)?, record(1)?, record(2)?);
        first.keep()?;
        let message = other.keep().expect_err("it is of another study").to_string();
        assert!(
            message.contains("belongs to another study: `seed` was [0, 1], now it is [2, 3]"),
            "{message}"
        );
        assert_eq!(std::fs::read_to_string(source.folder.join(STUDY))?, texts[0]);
        // One with values added, which was checked before the first was kept.
        more.keep()?;
        first.keep().expect_err("it lacks a value");
        assert_eq!(std::fs::read_to_string(source.folder.join(STUDY))?, texts[2]);
        let names: Vec<_> = std::fs::read_dir(&source.folder)?.collect::<Result<_, _>>()?;
        assert_eq!(names.len(), 1, "{names:?}");
        Ok(())
    }
}
