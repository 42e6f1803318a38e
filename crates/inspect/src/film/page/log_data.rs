//! Loss and accuracy of every step that was logged, between the frames, too.

use qkv_run::Evaluation;
use serde::Serialize;

use crate::film::frames::Film;
use crate::film::page::plot::MAX_POINTS;

/// Pairs of step and value, by step.
#[derive(Serialize)]
pub(crate) struct LogData {
    losses: Vec<(u64, f64)>,
    accuracies: Vec<(u64, f64)>,
}

impl LogData {
    /// Of a long run, as many points as a screen tells apart.
    pub(crate) fn new(film: &Film) -> Self {
        let losses: Vec<_> = film
            .metrics
            .losses
            .iter()
            .map(|(step, loss)| (*step, *loss))
            .filter(|(_, x)| x.is_finite())
            .collect();
        let evaluations = film.metrics.evaluations.iter();
        let accuracies: Vec<_> = evaluations
            .filter_map(|(step, found)| Some((*step, found.figure(Evaluation::ACCURACY)?)))
            .collect();
        Self { losses: thinned(losses), accuracies: thinned(accuracies) }
    }
}

/// At most `MAX_POINTS` and the last one.
fn thinned(points: Vec<(u64, f64)>) -> Vec<(u64, f64)> {
    let every = points.len().div_ceil(MAX_POINTS).max(1);
    let last = points.len().saturating_sub(1);
    points
        .into_iter()
        .enumerate()
        .filter(|(i, _)| i % every == 0 || *i == last)
        .map(|(_, point)| point)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_log_is_thinned_and_keeps_its_ends() {
        let points = |n: u64| (0..n).map(|step| (step, step as f64)).collect::<Vec<_>>();
        assert_eq!(thinned(points(1000)).len(), 1000);
        let long = thinned(points(2501));
        assert_eq!((long.len(), long[0].0, long[1].0, long[long.len() - 1].0), (835, 0, 3, 2500));
        assert_eq!(thinned(Vec::new()), []);
    }
}
