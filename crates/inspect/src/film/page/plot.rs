//! Loss and accuracy over the steps, drawn without any script.

use qkv_run::Evaluation;

use crate::film::frames::Film;
use crate::number::significant;

/// Points of a curve; more are not told apart on a screen.
pub(crate) const MAX_POINTS: usize = 1000;

/// Strokes of the curves of several runs, so that no colour is needed to tell them apart.
pub(crate) const DASHES: [&str; 6] = ["", "6 3", "2 2", "8 3 2 3", "1 3", "12 4"];

/// Loss and accuracy as lines.
pub(crate) struct Plot {
    pub most_step: u64,
    pub most_loss: String,
    /// The run itself first, then the others.
    pub losses: Vec<Curve>,
    pub accuracy: Vec<Point>,
}

/// One line.
pub(crate) struct Curve {
    pub title: String,
    pub dash: &'static str,
    pub points: Vec<Point>,
}

/// A place in the view box.
pub(crate) struct Point {
    pub x: f64,
    pub y: f64,
}

impl Point {
    /// Of a step, and of a share of the axis from below.
    pub(crate) fn new(step: u64, most_step: u64, share: f64) -> Self {
        Self {
            x: Plot::LEFT + (Plot::RIGHT - Plot::LEFT) * step as f64 / most_step as f64,
            y: Plot::BOTTOM - (Plot::BOTTOM - Plot::TOP) * share.clamp(0.0, 1.0),
        }
    }
}

/// The last step of a run of which anything is shown.
pub(crate) fn last_step(film: &Film) -> u64 {
    let last = film.metrics.losses.last_key_value().map_or(0, |(step, _)| *step);
    last.max(film.frames.last().map_or(0, |frame| frame.step))
}

impl Plot {
    /// The view box, and where the axes stand in it.
    pub const WIDTH: f64 = 720.0;
    pub const HEIGHT: f64 = 160.0;
    /// Room for a loss in the larger letters of a narrow screen.
    pub const LEFT: f64 = 72.0;
    pub const RIGHT: f64 = Self::WIDTH - 48.0;
    pub const TOP: f64 = 12.0;
    pub const BOTTOM: f64 = Self::HEIGHT - 24.0;

    /// `None` where no loss was logged.
    pub(crate) fn new(film: &Film, others: &[Film]) -> Option<Self> {
        let all: Vec<&Film> = std::iter::once(film).chain(others).collect();
        film.metrics.losses.last_key_value()?;
        let most_step = all.iter().map(|film| last_step(film)).max().unwrap_or(0).max(1);
        let finite =
            all.iter().flat_map(|film| film.metrics.losses.values().copied()).filter(|x| x.is_finite());
        let most = finite.fold(0.0f64, f64::max);
        let point = |step: u64, share: f64| Point::new(step, most_step, share);
        let scaled = |loss: f64| if most > 0.0 { loss / most } else { 0.0 };
        let curve = |(index, film): (usize, &&Film)| {
            let losses = &film.metrics.losses;
            let every = losses.len().div_ceil(MAX_POINTS).max(1);
            let shown = losses.iter().filter(|(_, loss)| loss.is_finite()).step_by(every);
            Curve {
                title: film.title.clone(),
                dash: DASHES[index % DASHES.len()],
                points: shown.map(|(step, loss)| point(*step, scaled(*loss))).collect(),
            }
        };
        let evaluations = film.metrics.evaluations.iter();
        let accuracies =
            evaluations.filter_map(|(step, found)| Some((*step, found.figure(Evaluation::ACCURACY)?)));
        Some(Self {
            most_step,
            most_loss: significant(most),
            losses: all.iter().enumerate().map(curve).collect(),
            accuracy: accuracies.map(|(step, share)| point(step, share)).collect(),
        })
    }
}
