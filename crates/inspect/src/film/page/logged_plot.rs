//! The numbers of metrics beside accuracy and loss, and those that observers of the user's own have logged, each over the
//! steps of the run and on an axis of its own.

use std::collections::BTreeMap;

use crate::film::frames::Film;
use crate::film::page::plot::{Curve, DASHES, MAX_POINTS, Point, last_step};
use crate::number::significant;
use crate::picture::label::clean_label;

/// Numbers that are drawn; a page with more is not looked through.
const MAX_PLOTS: usize = 24;

/// Points up to which each is marked: one alone is no line.
const MAX_MARKED: usize = 40;

/// One number, in the run and in those beside it.
pub(crate) struct LoggedPlot {
    pub name: String,
    pub most_step: u64,
    /// The ends of its axis.
    pub least: String,
    pub most: String,
    /// The run itself first, then the others that have logged it.
    pub curves: Vec<Curve>,
    /// Step and value in the run, for the table.
    pub rows: Vec<(u64, String)>,
}

/// A number by what measures it; those of metrics come first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Number<'a> {
    OfMetric(&'a str),
    OfObserver { observer: &'a str, key: &'a str },
}

impl Number<'_> {
    fn name(&self) -> String {
        match self {
            Self::OfMetric(name) => format!("{} on held-out examples", clean_label(name)),
            Self::OfObserver { observer, key } => {
                format!("{} logged {}", clean_label(observer), clean_label(key))
            }
        }
    }
}

/// Every number by step.
type Numbers<'a> = BTreeMap<Number<'a>, BTreeMap<u64, f64>>;

/// The numbers of a film.
fn numbers(film: &Film) -> Numbers<'_> {
    let measured = film.metrics.measured().into_iter().map(|(name, values)| (Number::OfMetric(name), values));
    let logged = film.metrics.custom.iter();
    let logged =
        logged.map(|((observer, key), values)| (Number::OfObserver { observer, key }, values.clone()));
    measured.chain(logged).collect()
}

impl LoggedPlot {
    /// Those that are drawn, and the names of the others that the run has.
    pub(crate) fn all(film: &Film, others: &[Film]) -> (Vec<Self>, Vec<String>) {
        let all: Vec<_> = std::iter::once(film).chain(others).map(|film| (film, numbers(film))).collect();
        let of_run = &all[0].1;
        let shown = of_run.keys().take(MAX_PLOTS).filter_map(|number| Self::new(number, &all));
        (shown.collect(), of_run.keys().skip(MAX_PLOTS).map(Number::name).collect())
    }

    fn new(number: &Number, all: &[(&Film, Numbers)]) -> Option<Self> {
        let logged: Vec<(&Film, &BTreeMap<u64, f64>)> =
            all.iter().filter_map(|(film, numbers)| Some((*film, numbers.get(number)?))).collect();
        let values = || logged.iter().flat_map(|(_, values)| values.values().copied());
        let (least, most) = (values().reduce(f64::min)?, values().reduce(f64::max)?);
        let most_step = all.iter().map(|(film, _)| last_step(film)).max().unwrap_or(0).max(1);
        // Halves, because a difference of two finite numbers may be infinite.
        let height = most / 2.0 - least / 2.0;
        let share = |value: f64| if height > 0.0 { (value / 2.0 - least / 2.0) / height } else { 0.5 };
        let shown = |values: &BTreeMap<u64, f64>| -> Vec<(u64, f64)> {
            let every = values.len().div_ceil(MAX_POINTS).max(1);
            values.iter().step_by(every).map(|(step, value)| (*step, *value)).collect()
        };
        let curve = |(index, (film, values)): (usize, &(&Film, &BTreeMap<u64, f64>))| Curve {
            title: clean_label(&film.title),
            dash: DASHES[index % DASHES.len()],
            points: shown(values)
                .into_iter()
                .map(|(step, x)| Point::new(step, most_step, share(x)))
                .collect(),
        };
        let of_run = shown(logged.first()?.1).into_iter();
        Some(Self {
            name: number.name(),
            most_step,
            least: significant(least),
            most: significant(most),
            curves: logged.iter().enumerate().map(curve).collect(),
            rows: of_run.map(|(step, value)| (step, significant(value))).collect(),
        })
    }

    /// The points of its curves that are marked.
    pub(crate) fn marks(&self) -> impl Iterator<Item = &Point> {
        self.curves.iter().filter(|curve| curve.points.len() <= MAX_MARKED).flat_map(|curve| &curve.points)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::config::CheckpointConfig;
    use crate::files::metrics::Metrics;
    use crate::film::frame::Frame;
    use crate::film::page::plot::Plot;
    use qkv_run::Evaluation;

    /// A film of ten steps whose observer `o` has logged these values of `x`.
    fn film(title: &str, values: &[(u64, f64)]) -> Film {
        let number = ("o".to_owned(), "x".to_owned());
        let custom = BTreeMap::from([(number, values.iter().copied().collect())]);
        Film {
            title: title.to_owned(),
            frames: vec![Frame { step: 10, ..Frame::default() }],
            n_kept: 1,
            unreadable: BTreeMap::new(),
            metrics: Metrics { custom, ..Metrics::default() },
            config: CheckpointConfig::default(),
            task: None,
        }
    }

    #[test]
    fn a_number_fills_its_axis_and_stands_at_its_step() {
        let (plots, more) = LoggedPlot::all(&film("a", &[(0, -1.0), (5, 3.0), (10, 1.0)]), &[]);
        let [plot] = &plots[..] else { panic!("one number") };
        assert_eq!(
            (plot.name.as_str(), plot.least.as_str(), plot.most.as_str(), more.len()),
            ("o logged x", "-1.000", "3.000", 0)
        );
        let places: Vec<[f64; 2]> = plot.curves[0].points.iter().map(|point| [point.x, point.y]).collect();
        let [x, y] = [(Plot::LEFT + Plot::RIGHT) / 2.0, (Plot::TOP + Plot::BOTTOM) / 2.0];
        assert_eq!(places, [[Plot::LEFT, Plot::BOTTOM], [x, Plot::TOP], [Plot::RIGHT, y]]);
        assert_eq!(plot.rows[1], (5, "3.000".to_owned()));
    }

    #[test]
    fn runs_beside_it_share_its_axis_where_they_have_logged_it() {
        let other = film("b", &[(4, 9.0)]);
        let without = Film { metrics: Metrics::default(), ..film("c", &[]) };
        let (plots, _) = LoggedPlot::all(&film("a", &[(0, 1.0)]), &[without, other]);
        let titles: Vec<&str> = plots[0].curves.iter().map(|curve| curve.title.as_str()).collect();
        assert_eq!((titles, plots[0].most.as_str()), (vec!["a", "b"], "9.000"));
        assert_eq!(plots[0].marks().count(), 2);
        let dashes: Vec<&str> = plots[0].curves.iter().map(|curve| curve.dash).collect();
        assert_ne!(dashes[0], dashes[1]);
    }

    #[test]
    fn the_ends_of_all_numbers_and_one_value_are_no_trouble() {
        let points = |values: &[(u64, f64)]| {
            let (plots, _) = LoggedPlot::all(&film("a", values), &[]);
            plots[0].curves[0].points.iter().map(|point| point.y).collect::<Vec<_>>()
        };
        assert_eq!(points(&[(0, f64::MIN), (1, f64::MAX)]), [Plot::BOTTOM, Plot::TOP]);
        assert_eq!(points(&[(3, 2.0)]), [(Plot::TOP + Plot::BOTTOM) / 2.0]);
    }

    #[test]
    fn a_metric_stands_before_what_is_logged() {
        let mut film = film("a", &[(0, 1.0)]);
        for (step, value) in [(4, 0.25), (8, 0.5)] {
            let evaluation = Evaluation::default().with(Evaluation::ACCURACY, 1.0).with("top_3", value);
            film.metrics.evaluations.insert(step, evaluation);
        }
        let (plots, _) = LoggedPlot::all(&film, &[]);
        let names: Vec<&str> = plots.iter().map(|plot| plot.name.as_str()).collect();
        assert_eq!(names, ["top_3 on held-out examples", "o logged x"]);
        assert_eq!(plots[0].rows, [(4, "0.2500".to_owned()), (8, "0.5000".to_owned())]);
    }

    #[test]
    fn what_is_not_drawn_is_named() {
        let mut film = film("a", &[(0, 1.0)]);
        for index in 1..=MAX_PLOTS {
            film.metrics.custom.insert(("o".to_owned(), format!("y{index}")), BTreeMap::from([(0, 1.0)]));
        }
        let (plots, more) = LoggedPlot::all(&film, &[]);
        assert_eq!((plots.len(), more), (MAX_PLOTS, vec!["o logged y9".to_owned()]));
    }
}
