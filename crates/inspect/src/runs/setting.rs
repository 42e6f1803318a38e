//! The runs that differ in nothing but their seeds.

use crate::runs::figure::Figure;
use crate::runs::record::RunRecord;
use crate::runs::spread::Spread;

/// Runs with the same values of all keys, and their figures together.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Which of the values of each key.
    pub values: Vec<usize>,
    /// Its runs among all, in the order of their seeds.
    pub runs: Vec<usize>,
    /// The figures, in the order of those of the comparison, each over the runs that have it; `None` where none has.
    pub figures: Vec<Option<Spread>>,
}

impl Setting {
    /// Of these runs.
    pub(crate) fn new(
        values: Vec<usize>,
        indices: Vec<usize>,
        figures: &[Figure],
        all: &[RunRecord],
    ) -> Self {
        let runs = || indices.iter().map(|&index| &all[index]);
        let spread = |figure: &Figure| Spread::of(runs().filter_map(|run| figure.of_run(run)));
        Self { values, figures: figures.iter().map(spread).collect(), runs: indices }
    }
}
