//! What the script of the page draws.

use serde::Serialize;

use crate::picture::label::clean_label;
use crate::picture::palette::PaletteStops;
use crate::runs::comparison::Comparison;
use crate::runs::figure::Figure;
use crate::runs::key::Key;
use crate::runs::page::room;
use crate::runs::spread::Spread;

#[derive(Serialize)]
pub(crate) struct PageData {
    threshold: f64,
    palettes: PaletteStops,
    keys: Vec<KeyData>,
    figures: Vec<FigureData>,
    settings: Vec<SettingData>,
    runs: Vec<RunData>,
}

#[derive(Serialize)]
struct KeyData {
    name: String,
    values: Vec<String>,
}

#[derive(Serialize)]
struct FigureData {
    name: String,
    title: String,
    /// Which of a setting's curves is of this figure.
    curve: Option<usize>,
}

#[derive(Serialize)]
struct SettingData {
    values: Vec<usize>,
    runs: Vec<usize>,
    figures: Vec<Option<Spread>>,
    /// The training loss, then the figures that have a curve.
    curves: Vec<CurveData>,
}

/// Mean and range over the steps.
#[derive(Default, Serialize)]
struct CurveData {
    steps: Vec<u64>,
    mean: Vec<f64>,
    least: Vec<f64>,
    most: Vec<f64>,
}

#[derive(Serialize)]
struct RunData {
    seed: Option<i64>,
    figures: Vec<Option<f64>>,
}

impl PageData {
    /// Of these settings.
    pub(crate) fn new(comparison: &Comparison, shown: &[usize]) -> Self {
        let figures = &comparison.figures;
        let curves: Vec<&str> = figures.iter().filter_map(|figure| curve_of(figure, comparison)).collect();
        let n_curves = shown.len() * (1 + curves.len());
        let mut runs = Vec::new();
        let mut settings = Vec::new();
        for setting in shown.iter().map(|&index| &comparison.settings[index]) {
            let first = runs.len();
            let of_run = |&run: &usize| {
                let run = &comparison.runs[run];
                let figures = figures.iter().map(|figure| figure.of_run(run)).collect();
                RunData { seed: run.seed, figures }
            };
            runs.extend(setting.runs.iter().map(of_run));
            let held_out = curves.iter().map(|name| comparison.held_out(setting, name));
            let all = std::iter::once(comparison.losses(setting)).chain(held_out);
            settings.push(SettingData {
                values: setting.values.clone(),
                runs: (first..runs.len()).collect(),
                figures: setting.figures.clone(),
                curves: all.map(|curve| CurveData::of(room::thinned(curve, n_curves))).collect(),
            });
        }
        let key = |key: &Key| KeyData {
            name: clean_label(&key.name),
            values: key.values.iter().map(|value| clean_label(&value.to_string())).collect(),
        };
        let figure = |figure: &Figure| FigureData {
            name: figure.name().to_owned(),
            title: figure.title(),
            curve: curves.iter().position(|name| *name == figure.name()).map(|index| index + 1),
        };
        Self {
            threshold: comparison.threshold,
            palettes: PaletteStops::all(),
            keys: comparison.keys.iter().map(key).collect(),
            figures: figures.iter().map(figure).collect(),
            settings,
            runs,
        }
    }
}

impl CurveData {
    fn of(points: Vec<(u64, Spread)>) -> Self {
        let mut curve = Self::default();
        for (step, Spread { mean, least, most, .. }) in points {
            curve.steps.push(step);
            let columns = [(&mut curve.mean, mean), (&mut curve.least, least), (&mut curve.most, most)];
            columns.into_iter().for_each(|(column, value)| column.push(rounded(value)));
        }
        curve
    }
}

/// Six digits, which no screen shows; they halve the page.
fn rounded(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

/// The name of a figure that any run has measured on its way.
fn curve_of<'a>(figure: &'a Figure, comparison: &Comparison) -> Option<&'a str> {
    let Figure::Measured(name) = figure else { return None };
    comparison.runs.iter().any(|run| run.held_out.contains_key(name)).then_some(name.as_str())
}
