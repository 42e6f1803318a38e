//! One number of a run over its steps, and that of several runs at the steps that all of them have.

use std::collections::BTreeMap;

use crate::runs::spread::Spread;

/// Points of a run that are kept: with their mean over seeds, more are not told apart on a screen.
const MAX_POINTS: usize = 256;

/// Values by step, thinned evenly.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Series(Vec<(u64, f64)>);

impl Series {
    /// Keeps the steps that are multiples of a power of two times their greatest common divisor, and the last one. So the
    /// steps of two runs are thinned alike, also where one of them ended earlier or lacks a step.
    pub(crate) fn thinned(values: &BTreeMap<u64, f64>) -> Self {
        let unit = values.keys().fold(0, |unit, &step| greatest_common_divisor(unit, step)).max(1);
        let last = values.last_key_value().map_or(0, |(step, _)| *step);
        let mut stride = unit;
        loop {
            let is_kept = |step: u64| step.is_multiple_of(stride) || step == last;
            let kept = values.iter().filter(|(step, _)| is_kept(**step)).map(|(step, value)| (*step, *value));
            let kept: Vec<_> = kept.collect();
            if kept.len() <= MAX_POINTS {
                return Self(kept);
            }
            stride *= 2;
        }
    }

    /// Mean and range at every step at which each of the series has a value. Where one ends, so does this: a mean over
    /// fewer runs would show those that ended as if they had become worse or better.
    pub(crate) fn together(all: &[&Self]) -> Vec<(u64, Spread)> {
        let mut values: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
        for (step, value) in all.iter().flat_map(|series| &series.0) {
            values.entry(*step).or_default().push(*value);
        }
        let of_all = values.into_iter().filter(|(_, values)| values.len() == all.len());
        of_all.filter_map(|(step, values)| Some((step, Spread::of(values)?))).collect()
    }
}

fn greatest_common_divisor(one: u64, other: u64) -> u64 {
    if other == 0 { one } else { greatest_common_divisor(other, one % other) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every(unit: u64, last: u64) -> BTreeMap<u64, f64> {
        (1..=last / unit).map(|i| (i * unit, i as f64)).collect()
    }

    #[test]
    fn a_mean_is_of_steps_that_all_runs_have() {
        let series = |points: &[(u64, f64)]| Series::thinned(&points.iter().copied().collect());
        let one = series(&[(10, 4.0), (20, 2.0), (30, 1.0), (40, 1.0)]);
        // It ended early, and one step is missing.
        let other = series(&[(10, 2.0), (30, 3.0)]);
        let together = Series::together(&[&one, &other]);
        let spread = |mean, least, most| Spread { n: 2, mean, least, most };
        assert_eq!(together, [(10, spread(3.0, 2.0, 4.0)), (30, spread(2.0, 1.0, 3.0))]);
        assert_eq!(Series::together(&[&one]).len(), 4);
        assert_eq!(Series::together(&[]), []);
    }

    #[test]
    fn long_series_are_thinned_to_steps_that_they_share() {
        let steps = |series: &Series| series.0.iter().map(|(step, _)| *step).collect::<Vec<_>>();
        let few = Series::thinned(&every(10, 150));
        assert_eq!(steps(&few).len(), 15);
        let long = Series::thinned(&every(100, 100_000));
        assert_eq!(steps(&long)[..3], [400, 800, 1200]);
        assert_eq!((steps(&long).len(), steps(&long).last()), (250, Some(&100_000)));
        // One that ended at a step of its own, without some of the steps before.
        let mut shorter = every(100, 60_000);
        shorter.retain(|step, _| *step != 500 && *step != 800);
        shorter.insert(60_007, 0.0);
        let shorter = Series::thinned(&shorter);
        let shared = Series::together(&[&long, &shorter]);
        let shared: Vec<u64> = shared.into_iter().map(|(step, _)| step).collect();
        assert_eq!((shared.len(), shared[0], shared.last()), (149, 400, Some(&60_000)));
    }
}
