//! Loss and accuracy over the steps, in dots of a terminal.

use qkv_inspect::significant;
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::symbols::Marker;
use ratatui::widgets::{Axis, Chart, Dataset, GraphType, Widget};

use super::canvas::{Canvas, beneath_title};
use crate::output::training::series::Series;

/// From this height on there is room for the steps below a plot.
const TALL: u16 = 7;

/// One series under its title.
pub struct Plot<'a> {
    pub title: &'a str,
    pub series: &'a Series,
    /// First and latest step; they span the width.
    pub steps: [f64; 2],
    pub scale: Scale,
    pub colour: Color,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// From zero to one.
    Share,
    /// The logarithm, from the smallest value to the largest: a loss falls by powers of ten.
    Logarithm,
}

impl Plot<'_> {
    pub fn draw(&self, area: Rect, canvas: &mut Canvas) {
        let latest = self.series.latest().map_or_else(|| "–".to_owned(), significant);
        let scale = match self.scale {
            Scale::Share => "",
            Scale::Logarithm => "  log scale",
        };
        canvas.title(area, &format!("{} {latest}{scale}", self.title));
        let inside = beneath_title(area);
        let points = self.scale.points(self.series);
        if inside.is_empty() || points.is_empty() {
            return;
        }
        let dots = Dataset::default()
            .data(&points)
            .graph_type(GraphType::Line)
            .marker(Marker::Braille)
            .style(canvas.colour(self.colour));
        let [first, latest] = self.steps;
        let mut steps = Axis::default().bounds([first, latest.max(first + 1.0)]).style(canvas.dim());
        if inside.height >= TALL {
            steps = steps.labels([format!("step {first}"), latest.to_string()]);
        }
        let (bounds, labels) = self.scale.ends(&points);
        let values = Axis::default().bounds(bounds).labels(labels).style(canvas.dim());
        Chart::new(vec![dots])
            .x_axis(steps)
            .y_axis(values)
            .legend_position(None)
            .render(inside.intersection(canvas.buffer.area), canvas.buffer);
    }
}

impl Scale {
    /// Step and height of the finite values.
    fn points(self, series: &Series) -> Vec<(f64, f64)> {
        let height = |value: f64| match self {
            Self::Share => value,
            Self::Logarithm => value.log10(),
        };
        let points = series.points().iter().map(|&(step, value)| (step, height(value)));
        points.filter(|point| point.1.is_finite()).collect()
    }

    /// Heights of the low and the high end, and their labels.
    fn ends(self, points: &[(f64, f64)]) -> ([f64; 2], [String; 2]) {
        match self {
            Self::Share => ([0.0, 1.0], ["0.00", "1.00"].map(str::to_owned)),
            Self::Logarithm => {
                let heights = || points.iter().map(|point| point.1);
                let high = heights().fold(f64::NEG_INFINITY, f64::max);
                // A constant series lies at the top.
                let low = heights().fold(f64::INFINITY, f64::min).min(high - 0.1);
                ([low, high], [low, high].map(|height| format!("{:.1e}", 10f64.powf(height))))
            }
        }
    }
}
