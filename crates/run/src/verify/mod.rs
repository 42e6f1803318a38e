//! Whether every file of a run is what was written.
//!
//! Here belongs what can be found without a model: hashes, layouts, lines. Whether tensors fit a model does not.

mod config;
mod lines;
mod tensors;

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::checkpoint::Contents;
use crate::error::RunError;
use crate::folder::{CONFIG, METRICS, RunFolder};
use crate::storage::{exists, list};
use crate::tensor_file::read_tensors;

/// Something in a run folder that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub file: PathBuf,
    /// Where in it; `None` if it is the file as a whole.
    pub bytes: Option<Range<u64>>,
    /// What was found, and what was expected.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.bytes {
            Some(Range { start, end }) => {
                write!(f, "{}, bytes {start} to {end}: {}", self.file.display(), self.what)
            }
            None => write!(f, "{}: {}", self.file.display(), self.what),
        }
    }
}

/// What is wrong with the bytes of a file, and where in it.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    bytes: Option<Range<u64>>,
    what: String,
}

impl Fault {
    fn of_all(what: impl Into<String>) -> Self {
        Self { bytes: None, what: what.into() }
    }

    fn at(bytes: Range<u64>, what: impl Into<String>) -> Self {
        Self { bytes: Some(bytes), what: what.into() }
    }

    fn in_file(self, file: &Path) -> Finding {
        Finding { file: file.to_owned(), bytes: self.bytes, what: self.what }
    }
}

impl RunFolder {
    /// Checks every file of the run: each checkpoint against its manifest, its tensors against their header, the config
    /// against the newest checkpoint's, the log line by line, and the frames. Nothing is changed.
    ///
    /// # Errors
    /// If the folders cannot be listed; a file that cannot be read is a finding.
    pub fn verify(&self) -> Result<Vec<Finding>, RunError> {
        let mut findings = Vec::new();
        let mut newest = None;
        for checkpoint in self.step_folders()? {
            match checkpoint.read() {
                Ok(Contents { weights, optimizer, description }) => {
                    for (file, bytes) in
                        [(checkpoint.weights(), weights), (checkpoint.optimizer(), optimizer)]
                    {
                        findings.extend(tensors::fault(&bytes).map(|fault| fault.in_file(&file)));
                    }
                    newest = Some((checkpoint, description));
                }
                Err(first) => {
                    let mut faults = checkpoint.faults();
                    if faults.is_empty() {
                        faults.push(first);
                    }
                    findings.extend(faults.into_iter().map(|error| finding(error, &checkpoint.folder)));
                }
            }
        }
        let newest = newest.as_ref();
        self.verify_config(
            newest.map(|(checkpoint, description)| (checkpoint, &description.config)),
            &mut findings,
        );
        let log = self.path.join(METRICS);
        let first = self.step_folders()?.first().map(|checkpoint| checkpoint.step);
        // A missing log is an empty one.
        match self.log() {
            Ok(bytes) => {
                let checkpoints = first.zip(newest).map(|(first, (newest, _))| first..=newest.step);
                let faults = lines::faults(&bytes, checkpoints);
                findings.extend(faults.into_iter().map(|fault| fault.in_file(&log)));
            }
            Err(error) => findings.push(finding(error, &log)),
        }
        for frame in self.snapshots()?.into_values() {
            match read_tensors(&*self.storage, &frame, u64::MAX).map_err(RunError::io("read", &frame)) {
                Ok(bytes) => findings.extend(tensors::fault(&bytes).map(|fault| fault.in_file(&frame))),
                Err(error) => findings.push(finding(error, &frame)),
            }
        }
        Ok(findings)
    }

    /// The files that [`verify`](Self::verify) checks, as far as they are there: the config, the log, those of every
    /// checkpoint, and the frames.
    ///
    /// # Errors
    /// If a folder cannot be listed.
    pub fn files(&self) -> Result<Vec<PathBuf>, RunError> {
        let mut files = Vec::new();
        for file in [CONFIG, METRICS].map(|name| self.path.join(name)) {
            if exists(&*self.storage, &file)? {
                files.push(file);
            }
        }
        for checkpoint in self.step_folders()? {
            match list(&*self.storage, &checkpoint.folder) {
                Ok(names) => files.extend(names.iter().map(|name| checkpoint.folder.join(name))),
                // What is no folder is a finding.
                Err(_) => files.push(checkpoint.folder),
            }
        }
        files.extend(self.snapshots()?.into_values());
        Ok(files)
    }
}

/// An error that was met in `file` or below it.
fn finding(error: RunError, file: &Path) -> Finding {
    let (file, what) = match error {
        RunError::Damaged { file, what } => (file, what),
        RunError::Io { action, path, source } => (path, format!("cannot {action} it: {source}")),
        RunError::UnknownFormat { file, found, known } => {
            (file, format!("its format is {found}, this version reads {}", known.join(", ")))
        }
        other => (file.to_owned(), other.to_string()),
    };
    Finding { file, bytes: None, what }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Contents;
    use crate::fixtures::{CONFIG_TEXT, Outcome, contents};
    use crate::{Event, Existing, StepReport};
    use std::collections::BTreeMap;
    use std::fs;

    /// A safetensors file with one tensor of four values.
    fn tensors() -> Vec<u8> {
        let header = br#"{"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}"#;
        [&(header.len() as u64).to_le_bytes()[..], header, &[0; 16]].concat()
    }

    fn whole_run() -> Result<(tempfile::TempDir, RunFolder), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let run = RunFolder::create(folder.path(), CONFIG_TEXT, Existing::Keep)?;
        let mut log = run.create_metrics()?;
        Event::Saved { step: 0, path: String::new() }.write(&mut log)?;
        let [task, path] = ["sort", "run"].map(str::to_owned);
        let start = Event::Start { step: 0, task, seed: 0, steps: 2, parameters: 4, path, environment: None };
        start.write(&mut log)?;
        for step in [1, 2] {
            let report = StepReport {
                step,
                loss: 0.5,
                lr: 0.1,
                grad_norm: 1.0,
                tokens_per_second: 2.0,
                loss_parts: BTreeMap::new(),
            };
            Event::Step(report).write(&mut log)?;
            run.write_snapshot(step, &tensors())?;
            let contents = Contents { weights: tensors(), optimizer: tensors(), ..contents(step) };
            run.write_checkpoint(step, &contents)?;
        }
        Ok((folder, run))
    }

    #[test]
    fn a_whole_run_has_no_findings_and_every_damage_is_one_that_names_its_file() -> Outcome {
        assert_eq!(whole_run()?.1.verify()?, []);
        for (name, expected) in [
            ("config.toml", "of step 2 has"),
            ("metrics.jsonl", "expected an event"),
            ("checkpoints/step-00000001/model.safetensors", "SHA-256"),
            ("checkpoints/step-00000002/MANIFEST.json", "SHA-256"),
            ("snapshots/step-00000001.safetensors", "header"),
        ] {
            let (folder, run) = whole_run()?;
            let file = folder.path().join(name);
            let mut bytes = fs::read(&file)?;
            let byte = match name {
                // The seed, and the first figure of a hash.
                "config.toml" => bytes.iter().position(|byte| *byte == b'3').ok_or("a seed")?,
                "checkpoints/step-00000002/MANIFEST.json" => bytes.len() - 10,
                _ => 0,
            };
            bytes[byte] ^= 1;
            fs::write(&file, bytes)?;
            let findings = run.verify()?;
            assert_eq!(findings.len(), 1, "{name}: {findings:?}");
            assert_eq!(findings[0].file, file);
            assert!(findings[0].to_string().contains(expected), "{}", findings[0]);
        }
        Ok(())
    }

    #[test]
    fn every_file_that_differs_is_named_and_the_list_has_all_of_them() -> Outcome {
        let (folder, run) = whole_run()?;
        let names = |files: Vec<PathBuf>| -> Vec<String> {
            let name = |file: &PathBuf| {
                let name = file.strip_prefix(folder.path()).unwrap_or(file);
                name.to_string_lossy().replace("step-0000000", "")
            };
            files.iter().map(name).collect()
        };
        let of_step = ["MANIFEST.json", "config.json", "model.safetensors", "optimizer.safetensors"];
        let of = |step: u64| of_step.map(|name| format!("checkpoints/{step}/{name}"));
        let frames = [1, 2].map(|step| format!("snapshots/{step}.safetensors"));
        let ends = ["config.toml", "metrics.jsonl"].map(str::to_owned);
        assert_eq!(names(run.files()?), [&ends[..], &of(1), &of(2), &frames].concat());

        let checkpoint = run.at(1)?;
        fs::write(checkpoint.folder.join("notes.txt"), "")?;
        fs::remove_file(checkpoint.config())?;
        for file in [checkpoint.weights(), checkpoint.optimizer()] {
            let mut bytes = fs::read(&file)?;
            bytes.push(0);
            fs::write(&file, bytes)?;
        }
        fs::remove_file(run.at(2)?.manifest())?;
        let found = run.verify()?.into_iter().map(|finding| finding.file).collect();
        let damaged = ["1/notes.txt", "1/config.json", "1/model.safetensors", "1/optimizer.safetensors"];
        let mut expected: Vec<String> = damaged.iter().map(|name| format!("checkpoints/{name}")).collect();
        expected.push("checkpoints/2/MANIFEST.json".to_owned());
        assert_eq!(names(found), expected);
        Ok(())
    }
}
