//! How much of a comparison a page has room for.

use crate::film::frames::evenly;
use crate::runs::comparison::Comparison;
use crate::runs::spread::Spread;

/// Settings of a page; a picture with more is not looked through.
const MAX_SETTINGS: usize = 500;

/// Runs of all of them: with their names, half a megabyte of tables.
const MAX_RUNS: usize = 3000;

/// Points of all curves together: about two megabytes.
const MAX_POINTS: usize = 50_000;

/// Points of a curve; more are not told apart on a screen.
const MAX_OF_CURVE: usize = 200;

/// The settings that the page shows, the best first, by their indices: as many as there is room for with their runs,
/// one at least.
pub(crate) fn settings(comparison: &Comparison) -> Vec<usize> {
    let mut n_runs = 0;
    let fits = |&(place, index): &(usize, usize)| {
        n_runs += comparison.settings[index].runs.len();
        place == 0 || (place < MAX_SETTINGS && n_runs <= MAX_RUNS)
    };
    comparison.best_first().into_iter().enumerate().take_while(fits).map(|(_, index)| index).collect()
}

/// A curve with as many points as there is room for where there are so many curves.
pub(crate) fn thinned(curve: Vec<(u64, Spread)>, n_curves: usize) -> Vec<(u64, Spread)> {
    let most = (MAX_POINTS / n_curves.max(1)).clamp(2, MAX_OF_CURVE);
    evenly(curve.len(), most).map(|index| curve[index]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::record;
    use crate::runs::record::RunRecord;
    use std::collections::BTreeSet;

    fn comparison(n_settings: usize, n_seeds: usize) -> Comparison {
        let run = |index: usize| -> RunRecord {
            let (setting, seed) = (index / n_seeds, index % n_seeds);
            let config = format!("seed = {seed}\ntrain.batch_size = {setting}");
            record("x", &config, &[("accuracy", setting as f64 / n_settings as f64)])
        };
        Comparison::new((0..n_settings * n_seeds).map(run).collect(), &BTreeSet::new(), 0.9)
    }

    #[test]
    fn a_page_has_the_best_settings_that_fit() {
        assert_eq!(settings(&comparison(4, 3)), [3, 2, 1, 0]);
        let many = settings(&comparison(700, 2));
        assert_eq!((many.len(), many[0], many.last()), (500, 699, Some(&200)));
        let heavy = settings(&comparison(40, 100));
        assert_eq!((heavy.len(), heavy[0]), (30, 39));
        assert_eq!(settings(&comparison(1, 4000)), [0]);
        assert_eq!(settings(&comparison(0, 1)), [0; 0]);
    }

    #[test]
    fn many_curves_have_fewer_points_each() {
        let point = Spread { n: 1, mean: 1.0, least: 1.0, most: 1.0 };
        let curve: Vec<(u64, Spread)> = (0..256).map(|step| (step, point)).collect();
        let ends = |n| {
            let thin = thinned(curve.clone(), n);
            (thin.len(), thin[0].0, thin.last().map(|(step, _)| *step))
        };
        assert_eq!(ends(1), (200, 0, Some(255)));
        assert_eq!(ends(1000), (50, 0, Some(255)));
        assert_eq!(thinned(Vec::new(), 1), []);
    }
}
