//! The figures of the page: those of the evaluations at the end, and the steps and seconds until then.

use qkv_run::Evaluation;

use crate::number::significant;
use crate::picture::label::clean_label;
use crate::runs::comparison::Comparison;
use crate::runs::record::RunRecord;
use crate::runs::setting::Setting;
use crate::runs::spread::Spread;

/// What is measured of every run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PageFigure {
    /// At the end, by its name.
    Measured(String),
    /// Step of the phase change.
    PhaseChange,
    /// Steps until the end.
    Steps,
    /// Wall time.
    Seconds,
}

impl PageFigure {
    pub(crate) fn all(comparison: &Comparison) -> Vec<Self> {
        let measured = comparison.figures.iter().cloned().map(Self::Measured);
        measured.chain([Self::PhaseChange, Self::Steps, Self::Seconds]).collect()
    }

    /// By which the script finds it.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Measured(name) => name,
            Self::PhaseChange => "phase_change",
            Self::Steps => "steps",
            Self::Seconds => "seconds",
        }
    }

    /// In words.
    pub(crate) fn title(&self) -> String {
        match self {
            Self::Measured(name) => clean_label(&name.replace('_', " ")),
            Self::PhaseChange => "phase change".to_owned(),
            Self::Steps => "steps".to_owned(),
            Self::Seconds => "seconds".to_owned(),
        }
    }

    /// Whether it lies between 0 and 1.
    pub(crate) fn is_share(&self) -> bool {
        matches!(self, Self::Measured(name) if [Evaluation::ACCURACY, Evaluation::SEQUENCE_ACCURACY].contains(&&**name))
    }

    /// A value as text: steps are whole numbers, and only their means may be none.
    pub(crate) fn written(&self, value: f64) -> String {
        match self {
            Self::PhaseChange | Self::Steps if value.fract() == 0.0 => format!("{value:.0}"),
            _ => significant(value),
        }
    }

    pub(crate) fn of_run(&self, run: &RunRecord) -> Option<f64> {
        match self {
            Self::Measured(name) => run.evaluation.figure(name),
            Self::PhaseChange => run.phase_change.map(|step| step as f64),
            Self::Steps => Some(run.step as f64),
            Self::Seconds => Some(run.seconds).filter(|seconds| seconds.is_finite()),
        }
    }

    pub(crate) fn of_setting(&self, setting: &Setting, comparison: &Comparison) -> Option<Spread> {
        match self {
            Self::Measured(name) => {
                let index = comparison.figures.iter().position(|known| known == name);
                index.and_then(|index| setting.figures[index])
            }
            Self::PhaseChange => setting.phase_change,
            Self::Steps => Some(setting.steps),
            Self::Seconds => setting.seconds,
        }
    }
}
