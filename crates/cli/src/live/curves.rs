//! Loss and accuracy over the steps, in dots of a terminal.

use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::symbols::Marker;
use ratatui::widgets::{Axis, Chart, Dataset, GraphType, Widget};

use super::curve::Curve;
use super::paper::Paper;

/// From this height on there is room for the steps below a curve.
const TALL: u16 = 7;

/// One curve under its title.
#[derive(Clone, Copy)]
pub struct Plot<'a> {
    pub title: &'a str,
    pub curve: &'a Curve,
    /// First and latest step; what there is fills the width at every moment.
    pub steps: [f64; 2],
    /// The high end; the low one is zero.
    pub high: f64,
    pub colour: Color,
}

impl Plot<'_> {
    /// Draws as much as fits.
    pub fn draw(&self, area: Rect, paper: &mut Paper) {
        let points = self.curve.points();
        let latest = points.last().map_or_else(|| "–".to_owned(), |point| format!("{:.4}", point.1));
        paper.title(area, &format!("{} {latest}", self.title));
        let title = area.height.min(1);
        let inside = Rect { y: area.y + title, height: area.height - title, ..area };
        if inside.is_empty() || points.is_empty() {
            return;
        }
        let dots = Dataset::default()
            .data(points)
            .graph_type(GraphType::Line)
            .marker(Marker::Braille)
            .style(paper.colour(self.colour));
        let high = if self.high > 0.0 { self.high } else { 1.0 };
        let [first, latest] = self.steps;
        let mut steps = Axis::default().bounds([first, latest.max(first + 1.0)]).style(paper.dim());
        if inside.height >= TALL {
            steps = steps.labels([format!("step {first}"), latest.to_string()]);
        }
        let values = Axis::default().bounds([0.0, high]).style(paper.dim());
        Chart::new(vec![dots])
            .x_axis(steps)
            .y_axis(values.labels(["0.00".to_owned(), format!("{high:.2}")]))
            .legend_position(None)
            .render(inside.intersection(paper.buffer.area), paper.buffer);
    }
}
