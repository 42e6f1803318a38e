//! The arrangement of curves, attention map and matrices in an area of any size.

use qkv_inspect::{Matrix, Palette};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Color;

use super::canvas::Canvas;
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

/// Curves and map side by side and the three matrices below, or all beside a map that has the whole height, if that
/// makes it larger.
fn wide(view: &View, area: Rect, canvas: &mut Canvas) {
    let [above, below] = halves(area);
    let [left, right] = Layout::horizontal([Constraint::Fill(1); 2]).spacing(2).areas(above);
    let most = area.width / 10 * 6;
    let width = Constraint::Length(map(view, area).wish().max(area.width / 2).min(most));
    let [beside, tall] = Layout::horizontal([Constraint::Fill(1), width]).spacing(2).areas(area);
    let cells = |place: Rect| map(view, place).cells(place, view.style);
    let ([curves, projections], map_place) =
        if cells(tall) > cells(right) { (halves(beside), tall) } else { ([left, below], right) };
    plots(view, curves, canvas);
    matrices(view, projections, canvas);
    map(view, map_place).draw(map_place, canvas);
}

/// One above the other.
fn halves(area: Rect) -> [Rect; 2] {
    Layout::vertical([Constraint::Fill(1); 2]).areas(area)
}

fn matrices(view: &View, area: Rect, canvas: &mut Canvas) {
    let places: [Rect; 3] = Layout::horizontal([Constraint::Fill(1); 3]).spacing(2).areas(area);
    for ((name, matrix), place) in NAMES.iter().zip(&view.capture.projections).zip(places) {
        let (title, matrix) = (vec![(*name).to_owned()], shown(view, matrix));
        Panel { title, matrix, labels: &[], palette: Palette::Diverging }.draw(place, canvas);
    }
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
    // Named by their keys.
    let short =
        indices.iter().map(|(name, index, count)| format!("{} {index}/{count}", &name[..1])).collect();
    let is_long = columns(&long.join("  ")) <= usize::from(area.width);
    Panel {
        title: if is_long { long } else { short },
        matrix: shown(view, &capture.map),
        labels: &capture.tokens,
        palette: Palette::Sequential,
    }
}
