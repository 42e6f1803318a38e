//! What is compared of runs: the figures of the evaluations at their ends, and the steps and seconds until then.

use std::collections::BTreeSet;

use qkv_run::Evaluation;

use crate::number::significant;
use crate::picture::label::clean_label;
use crate::runs::record::RunRecord;

/// What is measured of every run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Figure {
    /// At the end, on test examples, by its name.
    Measured(String),
    /// Step of the phase change.
    PhaseChange,
    /// Steps until the end.
    Steps,
    /// Wall time in seconds.
    Seconds,
}

impl Figure {
    /// Accuracy, sequence accuracy and loss first, then every other that any of the runs has at its end, by name.
    pub(crate) fn all(runs: &[RunRecord]) -> Vec<Self> {
        let found: BTreeSet<&str> = runs.iter().flat_map(|run| run.evaluation.names()).collect();
        let mut found: Vec<&str> = found.into_iter().collect();
        found.sort_by_key(|name| Self::place(name));
        let measured = found.into_iter().map(|name| Self::Measured(name.to_owned()));
        measured.chain([Self::PhaseChange, Self::Steps, Self::Seconds]).collect()
    }

    /// Of what is measured: where it stands among the figures that come first.
    pub(crate) fn place(name: &str) -> usize {
        let first = [Evaluation::ACCURACY, Evaluation::SEQUENCE_ACCURACY, Evaluation::LOSS];
        first.iter().position(|known| *known == name).unwrap_or(first.len())
    }

    /// As logs, tables for programs and scripts have it.
    pub fn name(&self) -> &str {
        match self {
            Self::Measured(name) => name,
            Self::PhaseChange => "phase_change",
            Self::Steps => "steps",
            Self::Seconds => "seconds",
        }
    }

    /// In words.
    pub fn title(&self) -> String {
        clean_label(&self.name().replace('_', " "))
    }

    /// Whether it lies between 0 and 1.
    fn is_share(&self) -> bool {
        [Evaluation::ACCURACY, Evaluation::SEQUENCE_ACCURACY].contains(&self.name())
    }

    /// A value as text: shares with four decimals, as training prints them, and seconds with one. Steps are whole
    /// numbers, and only their means may be none.
    pub fn written(&self, value: f64) -> String {
        match self {
            Self::PhaseChange | Self::Steps if value.fract() == 0.0 => format!("{value:.0}"),
            Self::Seconds => format!("{value:.1}"),
            _ if self.is_share() => format!("{value:.4}"),
            _ => significant(value),
        }
    }

    /// That of a run; `None` where it was not measured.
    pub fn of_run(&self, run: &RunRecord) -> Option<f64> {
        match self {
            Self::Measured(name) => run.evaluation.figure(name),
            Self::PhaseChange => run.phase_change.map(|step| step as f64),
            Self::Steps => Some(run.step as f64),
            Self::Seconds => Some(run.seconds).filter(|seconds| seconds.is_finite()),
        }
    }
}
