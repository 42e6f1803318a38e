//! What happens in a run as JSON, one object a line: the format of `metrics.jsonl` and of `qkv train --json`.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Write};

use serde::{Deserialize, Serialize};

use crate::bounds;
use crate::json_values::Count;

use super::environment::Environment;
use super::evaluation::Evaluation;
use super::generalization::Generalization;
use super::number::{number, numbers, unknown};

/// One line. Keys are written in the order of the fields.
///
/// ```
/// use qkv_run::{EvaluatedOn, Evaluation, Event};
///
/// let evaluation = Evaluation { loss: 0.5, ..Evaluation::default() }.with("accuracy", 0.75);
/// let event = Event::Eval { split: EvaluatedOn::Validation, step: 7, evaluation };
/// let line = serde_json::to_string(&event)?;
/// assert!(line.starts_with(r#"{"event":"eval","split":"validation","step":7,"loss":0.5,"accuracy":0.75,"#));
/// let read = Event::parse_log(line.as_bytes()).next();
/// assert!(matches!(read, Some(Event::Eval { step: 7, evaluation, .. }) if evaluation.accuracy == 0.75));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event {
    /// Before the first step, and before the first of those that are still to do in a resumed run.
    Start {
        /// Steps completed before.
        #[serde(default)]
        step: u64,
        /// The task's name.
        task: String,
        /// Seed of the run.
        seed: u64,
        /// Steps of the whole run.
        steps: u64,
        /// Number of scalars in the model.
        parameters: u64,
        /// Number of those that are learned; early logs lack it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        learned: Option<u64>,
        /// The run folder.
        #[serde(default)]
        path: String,
        /// What computes it; early logs lack it.
        #[serde(flatten, skip_serializing_if = "Option::is_none")]
        environment: Option<Box<Environment>>,
    },
    /// After a step.
    Step(StepReport),
    /// After an evaluation.
    Eval {
        /// Of what; a log in which this is missing was made on the validation split.
        #[serde(default)]
        split: EvaluatedOn,
        /// Steps completed.
        step: u64,
        /// The figures.
        #[serde(flatten)]
        evaluation: Evaluation,
    },
    /// When an observer of the user's own has something to log, at most one of each observer after a step.
    Custom(CustomReport),
    /// After a checkpoint.
    Saved {
        /// Steps completed.
        step: u64,
        /// The checkpoint's folder.
        path: String,
    },
    /// At the end, on the test split.
    Done {
        /// Steps completed.
        step: u64,
        /// The figures.
        #[serde(flatten)]
        evaluation: Evaluation,
        /// What simpler models reach on the same targets, where the task has any to compare with.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        baselines: Vec<Baseline>,
        /// What the model writes by itself, where the task has a prompt.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sample: Option<String>,
        /// How the held-out loss went on beside that of the training, where the task is a text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        generalization: Option<Box<Generalization>>,
        /// Step of the first frame of the film that could not be written; `None` where the film is whole.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        film_ended_at: Option<u64>,
        /// Wall time of the whole run.
        #[serde(default = "unknown", deserialize_with = "number")]
        seconds: f64,
        /// The part of it that went into the frames of the film.
        #[serde(default = "unknown", deserialize_with = "number")]
        snapshot_seconds: f64,
        /// The part of it that went into checkpoints: their bytes, their hashes, and waiting for the disk.
        #[serde(default = "unknown", deserialize_with = "number")]
        checkpoint_seconds: f64,
        /// The run folder.
        #[serde(default)]
        path: String,
    },
}

/// The examples behind an evaluation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EvaluatedOn {
    /// The first of the training split, on which the model was fitted.
    Train,
    /// The first of the validation split.
    #[default]
    Validation,
    /// The first of the test split.
    Test,
    /// Every input that the task has, in all splits.
    All,
}

/// One optimizer step. A figure that a log lacks reads as NaN.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// Steps completed, this one included.
    pub step: u64,
    /// Loss of the batch before the update: cross-entropy in nats, unless the config names another.
    #[serde(default = "unknown", deserialize_with = "number")]
    pub loss: f64,
    /// Learning rate of the update.
    #[serde(default = "unknown", deserialize_with = "number")]
    pub lr: f64,
    /// Norm of all gradients together, before clipping.
    #[serde(default = "unknown", deserialize_with = "number")]
    pub grad_norm: f64,
    /// Tokens trained on in a second, since the step before.
    #[serde(default = "unknown", deserialize_with = "number")]
    pub tokens_per_second: f64,
    /// The named parts of the loss, where it has any.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "numbers")]
    pub loss_parts: BTreeMap<String, f64>,
}

/// What an observer of the user's own has measured: numbers by name. One that is not finite reads as NaN.
///
/// ```
/// use qkv_run::{CustomReport, Event};
///
/// let event = Event::Custom(CustomReport { step: 7, ..CustomReport::new("weights").with("norm", 2.5) });
/// let line = serde_json::to_string(&event)?;
/// assert_eq!(line, r#"{"event":"custom","name":"weights","step":7,"values":{"norm":2.5}}"#);
/// assert_eq!(serde_json::from_str::<Event>(&line)?, event);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CustomReport {
    /// What these are numbers of.
    pub name: String,
    /// Steps completed; the trainer sets it.
    pub step: u64,
    /// The numbers.
    #[serde(default, deserialize_with = "numbers")]
    pub values: BTreeMap<String, f64>,
}

impl CustomReport {
    /// Without numbers yet, at step 0.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), step: 0, values: BTreeMap::new() }
    }

    /// With one more number.
    pub fn with(mut self, name: &str, value: f64) -> Self {
        self.values.insert(name.to_owned(), value);
        self
    }
}

/// What a simpler model reaches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// The model's name.
    pub name: String,
    /// Mean cross-entropy over the targets, in nats.
    pub loss: f64,
}

impl Event {
    /// Writes the line and flushes it, so that a reader who follows the log sees it now.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let line = serde_json::to_string(self).expect("events are numbers and names");
        if line.len() as u64 >= bounds::LINE || !Count::is_within(line.as_bytes(), bounds::LINE_VALUES) {
            let (bytes, values) = (bounds::LINE, bounds::LINE_VALUES);
            let what = format!(
                "an event is longer than {bytes} bytes or {values} values, so that it could not be read back"
            );
            return Err(io::Error::new(ErrorKind::InvalidData, what));
        }
        writeln!(out, "{line}")?;
        out.flush()
    }

    /// Reads the lines of a log. Those that are something else are passed over: a crash may have torn the last one,
    /// even within a character, and a log may have events of its reader's own.
    pub fn parse_log(log: &[u8]) -> impl Iterator<Item = Self> {
        log.split(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_of_every_version_are_read() {
        let log = br#"{"event":"start","task":"reverse","seed":0,"steps":9,"parameters":3840}
{"event":"step","step":1,"loss":2.5,"lr":0.1}
{"event":"eval","step":1,"loss":null,"accuracy":0.5,"sequence_accuracy":0.25,"examples":8}

{"event":"mine","step":1,"figure":3}
{"event":"done","step":9,"loss":0.1,"accuracy":1.0,"sequence_accuracy":1.0,"examples":8,"seconds":2.0,"path":"x"}
{"event":"step","step":3,"lo"#;
        let [Event::Start { step: 0, parameters: 3840, .. }, Event::Step(step), eval, done] =
            &Event::parse_log(log).collect::<Vec<_>>()[..]
        else {
            panic!("four lines are events");
        };
        assert_eq!((step.step, step.loss, step.lr), (1, 2.5, 0.1));
        assert!(step.grad_norm.is_nan());
        let Event::Eval { split: EvaluatedOn::Validation, step: 1, evaluation } = eval else {
            panic!("not an evaluation: {eval:?}");
        };
        assert!(evaluation.loss.is_nan() && evaluation.accuracy == 0.5);
        let Event::Done { step: 9, snapshot_seconds, checkpoint_seconds, seconds: 2.0, .. } = done else {
            panic!("not the end: {done:?}");
        };
        assert!(snapshot_seconds.is_nan() && checkpoint_seconds.is_nan());
    }

    #[test]
    fn a_line_has_the_keys_of_the_contract_in_their_order() {
        let evaluation =
            Evaluation { accuracy: 1.0, sequence_accuracy: 0.5, examples: 2, ..Evaluation::default() };
        let mut done = Event::Done {
            step: 3,
            evaluation,
            baselines: Vec::new(),
            sample: None,
            generalization: None,
            film_ended_at: None,
            seconds: 1.5,
            snapshot_seconds: 0.25,
            checkpoint_seconds: 0.125,
            path: "runs/a".to_owned(),
        };
        let line = |event: &Event| {
            let mut line = Vec::new();
            event.write(&mut line).expect("memory can be written to");
            String::from_utf8(line).expect("JSON is UTF-8")
        };
        let figures =
            r#"{"event":"done","step":3,"loss":null,"accuracy":1.0,"sequence_accuracy":0.5,"examples":2,"#;
        let end = r#""seconds":1.5,"snapshot_seconds":0.25,"checkpoint_seconds":0.125,"path":"runs/a"}"#;
        assert_eq!(line(&done), format!("{figures}{end}\n"));
        if let Event::Done { baselines, sample, generalization, film_ended_at, .. } = &mut done {
            baselines.push(Baseline { name: "bigram".to_owned(), loss: 2.0 });
            (*sample, *film_ended_at) = (Some("ab".to_owned()), Some(2));
            *generalization = Some(Box::new(Generalization {
                unit: "byte".to_owned(),
                best_step: 1,
                best_loss: 2.0,
                step: 3,
                loss: 2.5,
                training_loss: 0.5,
                training_loss_at_best: 1.5,
                baselines: vec![Baseline { name: "bigram".to_owned(), loss: 2.25 }],
            }));
        }
        let more = r#""baselines":[{"name":"bigram","loss":2.0}],"sample":"ab","#;
        let generalization = r#""generalization":{"unit":"byte","best_step":1,"best_loss":2.0,"step":3,"loss":2.5,"training_loss":0.5,"training_loss_at_best":1.5,"baselines":[{"name":"bigram","loss":2.25}]},"#;
        let film = r#""film_ended_at":2,"#;
        assert_eq!(line(&done), format!("{figures}{more}{generalization}{film}{end}\n"));
    }
}
