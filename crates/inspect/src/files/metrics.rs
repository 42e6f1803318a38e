//! What `metrics.jsonl` says about loss and accuracy.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::InspectError;
use crate::files::weights::read;

/// Loss and accuracy by step. A step that was taken twice, before and after a resumption, counts as it was last.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metrics {
    /// Training loss of each step.
    pub losses: BTreeMap<u64, f64>,
    /// Accuracy on held-out examples, where it was measured.
    pub evaluations: BTreeMap<u64, Evaluation>,
    /// Number of scalars in the model.
    pub parameters: Option<u64>,
}

/// How many held-out answers were right.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Evaluation {
    /// Share of the positions that carry loss.
    pub accuracy: f64,
    /// Share of the examples with every such position right.
    pub sequence_accuracy: Option<f64>,
}

/// The keys of a line that are read here.
#[derive(Deserialize)]
struct Line {
    event: String,
    step: Option<u64>,
    loss: Option<f64>,
    accuracy: Option<f64>,
    sequence_accuracy: Option<f64>,
    parameters: Option<u64>,
}

impl Metrics {
    /// Reads the `metrics.jsonl` of a run folder; empty where there is none.
    ///
    /// # Errors
    /// If the file is there and cannot be read.
    pub fn of_run(folder: impl AsRef<Path>) -> Result<Self, InspectError> {
        match read(&folder.as_ref().join("metrics.jsonl")) {
            Ok(text) => Ok(Self::parse(&text)),
            Err(InspectError::NotFound { .. }) => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Reads lines of JSON. Those that are something else are passed over: the last line of a run that goes on may be cut
    /// off, and other events are not about loss.
    pub fn parse(text: &[u8]) -> Self {
        let mut metrics = Self::default();
        for line in text.split(|&byte| byte == b'\n') {
            let Ok(line) = serde_json::from_slice::<Line>(line) else { continue };
            metrics.parameters = line.parameters.or(metrics.parameters);
            let Some(step) = line.step else { continue };
            if let ("step", Some(loss)) = (line.event.as_str(), line.loss) {
                metrics.losses.insert(step, loss);
            }
            if let ("eval" | "done", Some(accuracy)) = (line.event.as_str(), line.accuracy) {
                let sequence_accuracy = line.sequence_accuracy;
                metrics.evaluations.insert(step, Evaluation { accuracy, sequence_accuracy });
            }
        }
        metrics
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_about_loss_and_accuracy_are_read() {
        let text = br#"{"event":"start","task":"reverse","seed":0,"steps":9,"parameters":3840}
{"event":"step","step":1,"loss":2.5,"lr":0.1}
{"event":"eval","step":1,"loss":2.25,"accuracy":0.5,"sequence_accuracy":0.25,"examples":8}
{"event":"step","step":1,"loss":2.0}

{"event":"saved","step":1,"path":"x"}
{"event":"done","step":2,"accuracy":1.0}
{"event":"step","step":3,"lo"#;
        let metrics = Metrics::parse(text);
        assert_eq!((metrics.losses, metrics.parameters), (BTreeMap::from([(1, 2.0)]), Some(3840)));
        let evaluation = |accuracy, sequence_accuracy| Evaluation { accuracy, sequence_accuracy };
        let expected = [(1, evaluation(0.5, Some(0.25))), (2, evaluation(1.0, None))];
        assert_eq!(metrics.evaluations, BTreeMap::from(expected));
    }

    #[test]
    fn a_run_without_metrics_has_none() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        assert_eq!(Metrics::of_run(folder.path())?, Metrics::default());
        Ok(())
    }
}
