//! Whether every file of a run is what was written.
//!
//! Here belongs what can be found without a model: hashes, layouts, lines. Whether tensors fit a model does not.

mod checkpoint;
mod config;
mod finding;
mod lines;
mod tensors;
mod verified;

use finding::Fault;
pub use finding::Finding;
pub use verified::{CheckedFor, Verified};

use std::io::ErrorKind;
use std::path::Path;

use toml::Table;

use crate::checkpoint::{Checkpoint, Description, first_step, of_another_run};
use crate::error::RunError;
use crate::film::is_sealed_file;
use crate::folder::{CHECKPOINTS, CONFIG, METRICS, RunFolder, SNAPSHOTS};
use crate::storage::{Storage, exists};
use crate::tensor_file::TensorFileStart;

impl RunFolder {
    /// Checks every file of the run: each checkpoint against its manifest, its tensors against their header, the config
    /// against the newest checkpoint's, the log line by line, and the frames. Nothing is changed. A run may be in
    /// training meanwhile: what it removes is no finding.
    ///
    /// # Errors
    /// If the system does not answer; a file or folder that cannot be read is a finding.
    pub fn verify(&self) -> Result<Verified, RunError> {
        self.verify_with(&|_| None)
    }

    /// The same with a reader of configs, which gives a config every value that it leaves out: where the newest
    /// checkpoint is of a version that did not have a setting yet, `config.toml` may have it with the value that it has
    /// where it is left out.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub fn verify_with(&self, complete: &dyn Fn(&Table) -> Option<Table>) -> Result<Verified, RunError> {
        let mut verified = Verified::default();
        let steps = self.step_folders().unwrap_or_else(|error| {
            verified.refuse(error, &self.path.join(CHECKPOINTS));
            Vec::new()
        });
        let mut whole = Vec::new();
        for checkpoint in &steps {
            if let Some(description) = checkpoint.verify_in(&mut verified)? {
                whole.push((checkpoint, description));
            }
        }
        let newest = whole.last();
        for (checkpoint, found) in &whole {
            let what = newest.and_then(|(newest, expected)| of_another_run(found, (newest.step, expected)));
            verified.add_to(&checkpoint.config(), what.map(Fault::of_all));
        }
        let (config, faults) = (self.path.join(CONFIG), self.config_faults(newest, complete));
        match faults {
            Ok(faults) => verified.add(&config, CheckedFor::Values, faults),
            Err(error) => verified.refuse(error, &config),
        }
        let log = self.path.join(METRICS);
        match self.log_faults(newest) {
            Ok(Some(faults)) => verified.add(&log, CheckedFor::Lines, faults),
            // A run that has saved nothing may have been stopped before it began its log.
            Ok(None) if steps.is_empty() => {}
            Ok(None) => verified.add(&log, CheckedFor::Lines, [Fault::of_all("it is missing")]),
            Err(error) => verified.refuse(error, &log),
        }
        match self.snapshots() {
            Ok(frames) => {
                frames.values().try_for_each(|frame| self.verify_frame(frame, &mut verified))?;
            }
            Err(error) => verified.refuse(error, &self.path.join(SNAPSHOTS)),
        }
        Ok(verified)
    }

    /// `None` where the log is missing.
    fn log_faults(
        &self,
        newest: Option<&(&Checkpoint, Description)>,
    ) -> Result<Option<Vec<Fault>>, RunError> {
        let failed = |error| RunError::io("read", &self.path.join(METRICS))(error);
        let in_file = || self.config_as_it_is().ok()?.parse().ok();
        let config = match newest {
            Some((_, description)) => description.config.clone(),
            None => in_file().unwrap_or_default(),
        };
        let expected = lines::Expected {
            first: first_step(&config),
            newest: newest.map(|(checkpoint, _)| checkpoint.step),
            config: &config,
        };
        self.lines()?.map(|lines| lines::faults(lines, &expected).map_err(failed)).transpose()
    }

    fn verify_frame(&self, frame: &Path, verified: &mut Verified) -> Result<(), RunError> {
        let start = start_of(&*self.storage, frame).and_then(|start| {
            let what = format!("it has {} bytes, expected at most {}", start.size, Self::MAX_FRAME);
            if start.size > Self::MAX_FRAME { Err(RunError::damaged(frame, what)) } else { Ok(start) }
        });
        let checked = start.and_then(|start| {
            let read = || is_sealed_file(&start, self.storage.reader(frame)?);
            let is_sealed = read().map_err(RunError::io("read", frame))?;
            Ok((tensors::fault(&start), is_sealed))
        });
        match checked {
            Ok((fault, is_sealed)) => match (fault, is_sealed) {
                (Some(fault), _) => verified.add(frame, CheckedFor::Layout, [fault]),
                (None, Err(what)) => verified.add(frame, CheckedFor::Hash, [Fault::of_all(what)]),
                (None, Ok(true)) => verified.add(frame, CheckedFor::Hash, []),
                (None, Ok(false)) => verified.add(frame, CheckedFor::Layout, []),
            },
            // A resume removes the frames after its first step.
            Err(error) if exists(&*self.storage, frame)? => verified.refuse(error, frame),
            Err(_) => {}
        }
        Ok(())
    }
}

/// The beginning of a file with tensors.
fn start_of(storage: &dyn Storage, file: &Path) -> Result<TensorFileStart, RunError> {
    TensorFileStart::read(storage, file).map_err(|error| match error.kind() {
        ErrorKind::InvalidData => RunError::damaged(file, error.to_string()),
        _ => RunError::io("read", file)(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::film::seal_frame;
    use crate::fixtures::{CONFIG_TEXT, Outcome, contents};
    use crate::{Contents, Event, Existing, StepReport};
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::PathBuf;

    /// A safetensors file with one tensor of four values.
    fn tensors() -> Vec<u8> {
        let header = br#"{"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}"#;
        [&(header.len() as u64).to_le_bytes()[..], header, &[0; 16]].concat()
    }

    /// A frame with the same.
    fn frame() -> Vec<u8> {
        let header = br#"{"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"sha256":{"dtype":"U8","shape":[32],"data_offsets":[16,48]}}"#;
        let mut frame = [&(header.len() as u64).to_le_bytes()[..], header, &[0; 48]].concat();
        seal_frame(&mut frame);
        frame
    }

    fn whole_run() -> Result<(tempfile::TempDir, RunFolder), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let run = RunFolder::create(folder.path(), CONFIG_TEXT, Existing::Keep)?;
        let mut log = run.create_metrics()?;
        Event::Saved { step: 0, path: String::new() }.write(&mut log)?;
        let [task, path] = ["sort", "run"].map(str::to_owned);
        let start = Event::Start {
            step: 0,
            task,
            seed: 3,
            steps: 2,
            parameters: 4,
            learned: None,
            path,
            environment: None,
        };
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
            run.write_snapshot(step, &frame())?;
            let contents = Contents { weights: tensors(), optimizer: tensors(), ..contents(step) };
            run.write_checkpoint(step, &contents)?;
        }
        Ok((folder, run))
    }

    #[test]
    fn a_whole_run_has_no_findings_and_every_damage_is_one_that_names_its_file() -> Outcome {
        assert_eq!(whole_run()?.1.verify()?.findings, []);
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
            let Verified { good, findings } = run.verify()?;
            assert!(!good.contains_key(&file), "{name}");
            assert_eq!(findings.len(), 1, "{name}: {findings:?}");
            assert_eq!(findings[0].file, file);
            assert!(findings[0].to_string().contains(expected), "{}", findings[0]);
        }
        Ok(())
    }

    #[test]
    fn every_file_is_named_with_what_it_was_checked_for_or_with_what_differs() -> Outcome {
        use CheckedFor::{Hash, Layout, Lines, Values};
        let (folder, run) = whole_run()?;
        let name = |file: &Path| {
            let name = file.strip_prefix(folder.path()).unwrap_or(file);
            name.to_string_lossy().replace("step-0000000", "")
        };
        let good = || -> Result<Vec<(String, CheckedFor)>, RunError> {
            Ok(run.verify()?.good.iter().map(|(file, checked)| (name(file), *checked)).collect())
        };
        let of_step = ["MANIFEST.json", "config.json", "model.safetensors", "optimizer.safetensors"];
        let of = |step: u64| of_step.map(|name| (format!("checkpoints/{step}/{name}"), Hash));
        let ends = [("config.toml", Values), ("metrics.jsonl", Lines)];
        let ends = ends.map(|(name, checked)| (name.to_owned(), checked));
        let frames = [1, 2].map(|step| (format!("snapshots/{step}.safetensors"), Hash));
        assert_eq!(good()?, [&of(1)[..], &of(2), &ends, &frames].concat());

        // Early versions wrote neither manifests nor seals.
        let checkpoint = run.at(1)?;
        let config = fs::read_to_string(checkpoint.config())?;
        fs::remove_file(checkpoint.manifest())?;
        fs::write(checkpoint.config(), config.replace("checkpoint-2", "checkpoint-1"))?;
        run.write_snapshot(1, &tensors())?;
        let early = of_step[1..].iter().map(|name| (format!("checkpoints/1/{name}"), Layout));
        let frames = [("snapshots/1.safetensors".to_owned(), Layout), frames[1].clone()];
        assert_eq!(good()?, [&early.collect::<Vec<_>>()[..], &of(2), &ends, &frames].concat());
        Ok(())
    }

    #[test]
    fn every_file_that_differs_is_named() -> Outcome {
        let (folder, run) = whole_run()?;
        let checkpoint = run.at(1)?;
        fs::write(checkpoint.folder.join("notes.txt"), "")?;
        fs::remove_file(checkpoint.config())?;
        for file in [checkpoint.weights(), checkpoint.optimizer()] {
            let mut bytes = fs::read(&file)?;
            bytes.push(0);
            fs::write(&file, bytes)?;
        }
        fs::remove_file(run.at(2)?.manifest())?;
        let frame = folder.path().join("snapshots/step-00000002.safetensors");
        let mut bytes = fs::read(&frame)?;
        // A number, which no layout shows.
        bytes[130] ^= 1;
        fs::write(&frame, bytes)?;
        let found: Vec<PathBuf> = run.verify()?.findings.into_iter().map(|finding| finding.file).collect();
        let damaged = ["notes.txt", "config.json", "model.safetensors", "optimizer.safetensors"];
        let mut expected: Vec<PathBuf> = damaged.iter().map(|name| checkpoint.folder.join(name)).collect();
        expected.extend([run.checkpoint(2).manifest(), frame]);
        assert_eq!(found, expected);
        Ok(())
    }

    #[test]
    fn a_file_in_place_of_a_folder_and_a_missing_log_are_findings() -> Outcome {
        let whats = |run: &RunFolder| -> Result<Vec<String>, RunError> {
            Ok(run.verify()?.findings.into_iter().map(|finding| finding.to_string()).collect())
        };
        let (folder, run) = whole_run()?;
        let log = folder.path().join(METRICS);
        fs::remove_file(&log)?;
        assert_eq!(whats(&run)?, [format!("{}: it is missing", log.display())]);
        for name in [CHECKPOINTS, SNAPSHOTS] {
            let path = folder.path().join(name);
            fs::remove_dir_all(&path)?;
            fs::write(&path, "")?;
            assert!(
                whats(&run)?.contains(&format!("{}: it is a file, expected a folder", path.display())),
                "{name}"
            );
        }
        Ok(())
    }
}
