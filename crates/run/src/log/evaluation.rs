//! The figures of an evaluation, by name, and which of two is the better one.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::number::{number, numbers, unknown};

/// Results over a number of examples. What a log lacks, or was not measured, is NaN.
///
/// ```
/// use qkv_run::Evaluation;
///
/// let evaluation = Evaluation { loss: 0.5, examples: 8, ..Evaluation::default() }.with("top_2", 0.875);
/// assert_eq!((evaluation.figure("top_2"), evaluation.figure("accuracy")), (Some(0.875), None));
/// let json = serde_json::to_string(&evaluation)?;
/// assert_eq!(json, r#"{"loss":0.5,"examples":8,"metrics":{"top_2":0.875}}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Mean loss over the positions that carry it: cross-entropy in nats, unless the config names another.
    #[serde(default = "unknown", deserialize_with = "number")]
    pub loss: f64,
    /// Share of those positions with the right answer on top.
    #[serde(default = "unknown", deserialize_with = "number", skip_serializing_if = "is_unknown")]
    pub accuracy: f64,
    /// Share of examples with every such position right.
    #[serde(default = "unknown", deserialize_with = "number", skip_serializing_if = "is_unknown")]
    pub sequence_accuracy: f64,
    /// Number of examples.
    #[serde(default)]
    pub examples: u64,
    /// Every other number that a metric of the run has, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "numbers")]
    pub metrics: BTreeMap<String, f64>,
}

impl Default for Evaluation {
    /// Without any figure, on no example.
    fn default() -> Self {
        let [loss, accuracy, sequence_accuracy] = [unknown(); 3];
        Self { loss, accuracy, sequence_accuracy, examples: 0, metrics: BTreeMap::new() }
    }
}

impl Evaluation {
    /// Name of the loss among the figures.
    pub const LOSS: &str = "loss";

    /// Name of the accuracy.
    pub const ACCURACY: &str = "accuracy";

    /// Name of the sequence accuracy.
    pub const SEQUENCE_ACCURACY: &str = "sequence_accuracy";

    /// The figure of this name; `None` if it was not measured.
    pub fn figure(&self, name: &str) -> Option<f64> {
        let figure = match name {
            Self::LOSS => Some(self.loss),
            Self::ACCURACY => Some(self.accuracy),
            Self::SEQUENCE_ACCURACY => Some(self.sequence_accuracy),
            _ => self.metrics.get(name).copied(),
        };
        figure.filter(|figure| !is_unknown(figure))
    }

    /// With one more figure, or another value of it.
    pub fn with(mut self, name: &str, value: f64) -> Self {
        match name {
            Self::LOSS => self.loss = value,
            Self::ACCURACY => self.accuracy = value,
            Self::SEQUENCE_ACCURACY => self.sequence_accuracy = value,
            _ => drop(self.metrics.insert(name.to_owned(), value)),
        }
        self
    }

    /// The names of what was measured.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let fixed = [Self::LOSS, Self::ACCURACY, Self::SEQUENCE_ACCURACY];
        let all = fixed.into_iter().chain(self.metrics.keys().map(String::as_str));
        all.filter(|name| self.figure(name).is_some())
    }
}

fn is_unknown(figure: &f64) -> bool {
    figure.is_nan()
}

/// Which of two values is the better one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// The larger, as of an accuracy.
    Larger,
    /// The smaller, as of a loss.
    Smaller,
}

/// A figure by which evaluations are compared.
///
/// ```
/// use qkv_run::{Evaluation, Figure};
///
/// let evaluation = Evaluation::default().with("distance", 0.25);
/// assert!(Figure::smaller_is_better("distance").is_reached(&evaluation, 0.5));
/// assert!(!Figure::larger_is_better("distance").is_reached(&evaluation, 0.5));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// Its name in an [`Evaluation`].
    pub name: String,
    /// Which of two is better.
    pub better: Better,
}

impl Figure {
    /// A figure like an accuracy.
    pub fn larger_is_better(name: impl Into<String>) -> Self {
        Self { name: name.into(), better: Better::Larger }
    }

    /// A figure like a loss.
    pub fn smaller_is_better(name: impl Into<String>) -> Self {
        Self { name: name.into(), better: Better::Smaller }
    }

    /// The held-out loss.
    pub fn loss() -> Self {
        Self::smaller_is_better(Evaluation::LOSS)
    }

    /// The better of two values comes first.
    pub fn compare(&self, one: f64, other: f64) -> Ordering {
        match self.better {
            Better::Larger => other.total_cmp(&one),
            Better::Smaller => one.total_cmp(&other),
        }
    }

    /// Whether an evaluation is at `target` or better; `false` where the figure was not measured.
    pub fn is_reached(&self, evaluation: &Evaluation, target: f64) -> bool {
        evaluation.figure(&self.name).is_some_and(|figure| match self.better {
            Better::Larger => figure >= target,
            Better::Smaller => figure <= target,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_measured_is_absent_and_every_other_figure_has_its_name() {
        let plain = Evaluation {
            loss: 0.5,
            accuracy: 0.75,
            sequence_accuracy: 0.25,
            examples: 8,
            ..Evaluation::default()
        };
        let json = serde_json::to_string(&plain).expect("numbers are JSON");
        assert_eq!(json, r#"{"loss":0.5,"accuracy":0.75,"sequence_accuracy":0.25,"examples":8}"#);
        let own =
            Evaluation { loss: 0.5, examples: 8, ..Evaluation::default() }.with("b", 2.0).with("a", f64::NAN);
        let json = serde_json::to_string(&own).expect("numbers are JSON");
        assert_eq!(json, r#"{"loss":0.5,"examples":8,"metrics":{"a":null,"b":2.0}}"#);
        let read: Evaluation = serde_json::from_str(&json).expect("it was written so");
        assert_eq!(read.names().collect::<Vec<_>>(), ["loss", "b"]);
        assert_eq!((read.figure("a"), read.figure("accuracy"), read.figure("b")), (None, None, Some(2.0)));
        assert_eq!(plain.clone().with("accuracy", 1.0), Evaluation { accuracy: 1.0, ..plain });
    }

    #[test]
    fn the_better_value_depends_on_the_figure() {
        let (up, down) = (Figure::larger_is_better("x"), Figure::loss());
        assert_eq!([&up, &down].map(|figure| figure.compare(1.0, 2.0)), [Ordering::Greater, Ordering::Less]);
        let at = |x: f64| Evaluation { loss: x, ..Evaluation::default() }.with("x", x);
        assert_eq!([0.5, 1.0, 1.5].map(|x| up.is_reached(&at(x), 1.0)), [false, true, true]);
        assert_eq!([0.5, 1.0, 1.5].map(|x| down.is_reached(&at(x), 1.0)), [true, true, false]);
        assert!(!up.is_reached(&Evaluation::default(), -1.0) && !down.is_reached(&at(f64::NAN), 1.0));
    }
}
