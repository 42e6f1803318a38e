//! The arrangement of curves, attention map and matrices in an area of any size.

use qkv_inspect::{Matrix, Palette, TextStyle};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Color;

use super::canvas::Canvas;
use super::cells::{Cells, MAX_FACTOR};
use super::lines::columns;
use super::panel::Panel;
use super::plot::{Plot, Scale};
use crate::live::view::View;

/// From here on curves, map and matrices fit side by side.
const WIDE: (u16, u16) = (60, 16);

/// From here on curves fit above the map.
const TALL: u16 = 16;

/// Names of the projections, in the order of [`Capture`](crate::live::view::Capture).
const NAMES: [&str; 3] = ["W_Q", "W_K", "W_V"];

/// Draws as much as fits: the map is the last to go.
pub fn draw(view: &View, area: Rect, canvas: &mut Canvas) {
    match (area.width, area.height) {
        (width, height) if width >= WIDE.0 && height >= WIDE.1 => wide(view, area, canvas),
        (_, height) if height >= TALL => {
            let [curves, below] =
                Layout::vertical([Constraint::Percentage(35), Constraint::Min(0)]).areas(area);
            plots(view, curves, canvas);
            map(view, below).draw(below, canvas);
        }
        _ => map(view, area).draw(area, canvas),
    }
}

/// What is left beside and below a map that grows.
const LEFT: (u16, u16) = (30, 8);

/// Where the parts of a wide screen lie.
#[derive(Debug, Clone, Copy)]
struct Places {
    curves: Rect,
    projections: Rect,
    map: Rect,
}

/// The arrangement in which most can be read, and the cells of the map are largest.
fn wide(view: &View, area: Rect, canvas: &mut Canvas) {
    let factors = || (1..=MAX_FACTOR as u16).rev();
    let tall = factors().filter_map(|factor| Places::with_a_tall_map(view, area, factor));
    let corner = factors().filter_map(|factor| Places::with_a_map_in_a_corner(view, area, factor));
    let all = tall.chain(corner).chain([Places::quarters(area)]);
    let Some(best) = all.max_by_key(|places| places.worth(view, canvas.style)) else { return };
    plots(view, best.curves, canvas);
    matrices(view, best.projections, canvas);
    map(view, best.map).draw(best.map, canvas);
}

impl Places {
    /// Curves and map side by side, and the three matrices below.
    fn quarters(area: Rect) -> Self {
        let [above, projections] = halves(area);
        let [curves, map] = Layout::horizontal([Constraint::Fill(1); 2]).spacing(2).areas(above);
        Self { curves, projections, map }
    }

    /// The same with as much room for the map as its cells of this size take, where that is more.
    fn with_a_map_in_a_corner(view: &View, area: Rect, factor: u16) -> Option<Self> {
        let (width, height) = map(view, area).wish(factor);
        let (width, height) = (width.max(area.width / 2), height.max(area.height / 2));
        let fits = width + LEFT.0 <= area.width && height + LEFT.1 <= area.height;
        let [above, projections] =
            Layout::vertical([Constraint::Length(height), Constraint::Fill(1)]).areas(area);
        let [curves, map] =
            Layout::horizontal([Constraint::Fill(1), Constraint::Length(width)]).spacing(2).areas(above);
        fits.then_some(Self { curves, projections, map })
    }

    /// All beside a map that has the whole height.
    fn with_a_tall_map(view: &View, area: Rect, factor: u16) -> Option<Self> {
        let most = area.width / 10 * 6;
        let (width, _) = map(view, area).wish(factor);
        let fits = factor == 1 || width <= most;
        let width = Constraint::Length(width.max(area.width / 2).min(most));
        let [beside, map] = Layout::horizontal([Constraint::Fill(1), width]).spacing(2).areas(area);
        let [curves, projections] = halves(beside);
        fits.then_some(Self { curves, projections, map })
    }

    /// Greater is better: the map that can be read, then matrices that can, then large cells.
    fn worth(&self, view: &View, style: TextStyle) -> impl Ord + use<> {
        let of_map = map(view, self.map).cells(self.map, style);
        let places = thirds(self.projections);
        let of_matrices = view
            .capture
            .projections
            .iter()
            .zip(places)
            .filter_map(|(matrix, place)| projection("", shown(view, matrix)).cells(place, style));
        let worst = of_matrices.min();
        let legibility = [of_map, worst].map(|cells| cells.map(Cells::legibility));
        (legibility, [of_map, worst].map(|cells| cells.map(|cells| cells.factor)))
    }
}

/// One above the other.
fn halves(area: Rect) -> [Rect; 2] {
    Layout::vertical([Constraint::Fill(1); 2]).areas(area)
}

/// Beside each other.
fn thirds(area: Rect) -> [Rect; 3] {
    Layout::horizontal([Constraint::Fill(1); 3]).spacing(2).areas(area)
}

fn matrices(view: &View, area: Rect, canvas: &mut Canvas) {
    for ((name, matrix), place) in NAMES.iter().zip(&view.capture.projections).zip(thirds(area)) {
        projection(name, shown(view, matrix)).draw(place, canvas);
    }
}

fn projection<'a>(name: &str, matrix: Result<&'a Matrix, &'a str>) -> Panel<'a> {
    Panel { title: vec![name.to_owned()], matrix, labels: [&[]; 2], palette: Palette::Diverging }
}

fn plots(view: &View, area: Rect, canvas: &mut Canvas) {
    let first = view.loss.points().first().map_or(0.0, |point| point.0);
    let steps = [first, view.pace.step as f64];
    let loss = ("loss", &view.loss, Scale::Logarithm, Color::Yellow);
    let accuracy = ("held-out accuracy", &view.accuracy, Scale::Share, Color::Cyan);
    for ((title, series, scale, colour), place) in [loss, accuracy].into_iter().zip(halves(area)) {
        Plot { title, series, steps, scale, colour }.draw(place, canvas);
    }
}

/// The captured matrix, if it is of the place that the titles name.
fn shown<'a>(view: &View, matrix: &'a Result<Matrix, String>) -> Result<&'a Matrix, &'a str> {
    let matrix = matrix.as_ref().map_err(String::as_str);
    if view.capture.place == view.place { matrix } else { matrix.and(Err("after the next capture")) }
}

/// The map of the place, with as long a title as `area` is wide.
fn map(view: &View, area: Rect) -> Panel<'_> {
    let place = view.place;
    let n_heads = view.n_heads.get(place.layer).copied().unwrap_or(0);
    let capture = &view.capture;
    let indices = [
        ("layer", place.layer, view.n_heads.len()),
        ("head", place.head, n_heads),
        ("input", place.input, view.n_inputs),
    ];
    // A model without named layers has only inputs to count.
    let indices = if view.n_heads.is_empty() { &indices[2..] } else { &indices[..] };
    let long: Vec<_> =
        indices.iter().map(|(name, index, count)| format!("{name} {index} of {count}")).collect();
    let long = match view.layer_names.get(place.layer) {
        Some(name) => std::iter::once(name.clone()).chain(long.into_iter().skip(1)).collect(),
        None => long,
    };
    // Named by their keys.
    let short =
        indices.iter().map(|(name, index, count)| format!("{} {index}/{count}", &name[..1])).collect();
    let is_long = columns(&long.join("  ")) <= usize::from(area.width);
    Panel {
        title: if is_long { long } else { short },
        matrix: shown(view, &capture.map),
        labels: [&capture.labels[0], &capture.labels[1]],
        palette: Palette::Sequential,
    }
}
