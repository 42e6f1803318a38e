//! What some runs of a study measured, as it stands in a sentence.

use std::collections::BTreeMap;

/// The figures of one run, by column; one is missing where it was not measured.
pub type Figures = BTreeMap<String, Option<f64>>;

/// What some runs of a study measured.
pub struct Measured(pub Vec<Figures>);

/// Mean and range of a figure.
pub struct Spread {
    mean: f64,
    least: f64,
    pub most: f64,
}

impl Measured {
    /// Mean, least and most of a figure over the runs that have it.
    #[track_caller]
    pub fn spread(&self, column: &str) -> Spread {
        let values: Vec<f64> = self.0.iter().filter_map(|run| run[column]).collect();
        assert!(!values.is_empty(), "no run has a {column}");
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        Spread {
            mean,
            least: values.iter().copied().fold(mean, f64::min),
            most: values.iter().copied().fold(mean, f64::max),
        }
    }

    #[track_caller]
    pub fn accuracy(&self) -> String {
        self.spread("accuracy").shown(share)
    }

    /// When the accuracy passed the threshold, in the runs in which it did.
    #[track_caller]
    pub fn steps(&self) -> String {
        self.spread("phase_change").shown(|step| format!("{step:.0}"))
    }

    /// How many of the runs have a figure, and such a one.
    pub fn share_with(&self, column: &str, such: fn(f64) -> bool) -> String {
        let n_found = self.0.iter().filter(|run| run[column].is_some_and(such)).count();
        format!("{n_found} of {}", self.0.len())
    }
}

impl Spread {
    /// The mean, and the range where it can be seen.
    fn shown(&self, number: fn(f64) -> String) -> String {
        let [mean, least, most] = [self.mean, self.least, self.most].map(number);
        if least == most { mean } else { format!("{mean} ({least} to {most})") }
    }
}

pub fn share(value: f64) -> String {
    format!("{value:.4}")
}
