//! The runs that differ in nothing but their seeds.

use crate::runs::record::RunRecord;
use crate::runs::spread::Spread;

/// Runs with the same values of all keys, and their figures together.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Which of the values of each key.
    pub values: Vec<usize>,
    /// Its runs among all, in the order of their seeds.
    pub runs: Vec<usize>,
    /// The figures at the end, in the order of those of the comparison; `None` where none of the runs measured it.
    pub figures: Vec<Option<Spread>>,
    /// Steps until the end.
    pub steps: Spread,
    /// Wall time in seconds.
    pub seconds: Option<Spread>,
    /// The step of the phase change, over the runs that had one.
    pub phase_change: Option<Spread>,
}

impl Setting {
    /// Of these runs, at least one.
    pub(crate) fn new(
        values: Vec<usize>,
        indices: Vec<usize>,
        figures: &[String],
        all: &[RunRecord],
    ) -> Self {
        let runs = || indices.iter().map(|&index| &all[index]);
        let spread = |name: &String| Spread::of(runs().filter_map(|run| run.evaluation.figure(name)));
        Self {
            values,
            figures: figures.iter().map(spread).collect(),
            steps: Spread::of(runs().map(|run| run.step as f64)).expect("at least one run"),
            seconds: Spread::of(runs().map(|run| run.seconds).filter(|seconds| seconds.is_finite())),
            phase_change: Spread::of(runs().filter_map(|run| Some(run.phase_change? as f64))),
            runs: indices,
        }
    }
}
