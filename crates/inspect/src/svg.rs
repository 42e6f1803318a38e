//! Heat maps as self-contained SVG pictures: no script, no font file, nothing fetched.

use plotters::backend::SVGBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{PathElement, Rectangle};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontTransform, IntoFont, RGBColor, TextStyle as Writing};

use crate::error::InspectError;
use crate::heat_map::{HeatMap, Labels, Prepared};
use crate::label::fit;
use crate::layout::{
    BAR_WIDTH, GAP, LABEL, Layout, MOST_LABEL, TICKS, is_turned, longest, pixels, tick_label,
};
use crate::palette::is_dark;
use crate::scale::Scale;

/// Cells of this size have room for a number.
const CELL_WITH_NUMBER: i32 = 36;

/// Cells of this size are set apart by a white line; smaller ones would be eaten up by it.
const CELL_WITH_GAP: i32 = 12;

const INK: RGBColor = RGBColor(0x33, 0x33, 0x33);
const PAPER: RGBColor = RGBColor(0xff, 0xff, 0xff);
/// A value that is NaN or infinite; in neither palette.
const NOT_A_NUMBER: RGBColor = RGBColor(0xbb, 0xbb, 0xbb);

type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

impl HeatMap<'_> {
    /// The map as an SVG picture: cells (with their numbers where there is room), labels, axes and a colour bar.
    ///
    /// ```
    /// use qkv_inspect::{HeatMap, Matrix, Palette};
    ///
    /// let w_q = Matrix::new(1, 2, vec![0.5, -0.25])?.with_axes("d_in", "d_k");
    /// let svg = HeatMap::new(&w_q, Palette::Diverging).with_title("W_Q").svg()?;
    /// assert!(svg.starts_with("<svg") && svg.contains("<title>W_Q</title>"));
    /// # Ok::<(), qkv_inspect::InspectError>(())
    /// ```
    ///
    /// # Errors
    /// If the drawing library fails, which it has no reason to do in memory.
    pub fn svg(&self) -> Result<String, InspectError> {
        let mut prepared = self.prepare();
        prepared.notes.insert(0, self.values_note());
        let layout = Layout::new(&prepared);
        let mut svg = String::new();
        let canvas = SVGBackend::with_string(&mut svg, layout.size).into_drawing_area();
        draw(&canvas, &prepared, &layout).map_err(|e| InspectError::Picture { problem: e.to_string() })?;
        drop(canvas);
        Ok(with_title(&svg, prepared.title))
    }
}

fn draw(canvas: &Canvas, prepared: &Prepared, layout: &Layout) -> Drawn {
    canvas.fill(&PAPER)?;
    let title = writing(16, INK, HPos::Left, VPos::Top);
    canvas.draw_text(prepared.title, &title, (layout.left, GAP))?;
    draw_cells(canvas, prepared, layout)?;
    draw_labels(canvas, prepared, layout)?;
    draw_bar(canvas, &prepared.scale, layout)?;
    let note = writing(LABEL - 1, INK, HPos::Left, VPos::Bottom);
    for (line, text) in prepared.notes.iter().rev().enumerate() {
        let y = layout.size.1 as i32 - GAP - line as i32 * (LABEL + 4);
        canvas.draw_text(text, &note, (layout.left, y))?;
    }
    canvas.present()?;
    Ok(())
}

fn draw_cells(canvas: &Canvas, prepared: &Prepared, layout: &Layout) -> Drawn {
    let cell = layout.cell;
    let matrix = &prepared.cells.matrix;
    for row in 0..layout.rows {
        for (column, &x) in matrix.row(row as usize).iter().enumerate() {
            let (left, top) = (layout.left + column as i32 * cell, layout.top + row * cell);
            let (right, bottom) = if cell >= CELL_WITH_GAP {
                (left + cell - 1, top + cell - 1)
            } else {
                // One pixel under the next cell, or a viewer that scales the picture shows a seam.
                ((left + cell + 1).min(layout.right()), (top + cell + 1).min(layout.bottom()))
            };
            let colour = prepared.scale.colour(x);
            let fill = colour.map_or(NOT_A_NUMBER, |[r, g, b]| RGBColor(r, g, b));
            canvas.draw(&Rectangle::new([(left, top), (right, bottom)], fill.filled()))?;
            if colour.is_none() {
                canvas.draw(&PathElement::new([(left, top), (right, bottom)], INK))?;
                canvas.draw(&PathElement::new([(left, bottom), (right, top)], INK))?;
            } else if let Some(text) = number_in_cell(x, cell) {
                let ink = if colour.is_some_and(is_dark) { PAPER } else { INK };
                let style = writing(LABEL - 1, ink, HPos::Center, VPos::Center);
                canvas.draw_text(&text, &style, (left + cell / 2, top + cell / 2))?;
            }
        }
    }
    Ok(())
}

fn draw_labels(canvas: &Canvas, prepared: &Prepared, layout: &Layout) -> Drawn {
    let cell = layout.cell;
    let [down, across] = &prepared.labels;
    let beside = writing(LABEL, INK, HPos::Right, VPos::Center);
    for i in every(down.texts().len(), LABEL + 2, cell) {
        let y = layout.top + i as i32 * cell + cell / 2;
        let text = fit(&down.texts()[i], MOST_LABEL);
        canvas.draw_text(&text, &beside, (layout.left - GAP, y))?;
    }
    let upright = writing(LABEL, INK, HPos::Center, VPos::Top);
    let turned = writing(LABEL, INK, HPos::Right, VPos::Center).transform(FontTransform::Rotate270);
    let room = match across {
        Labels::Words(_) => LABEL + 2,
        Labels::Positions(_) => longest(across) + GAP / 2,
    };
    for i in every(across.texts().len(), room, cell) {
        let x = layout.left + i as i32 * cell + cell / 2;
        let text = fit(&across.texts()[i], MOST_LABEL);
        let is_word = matches!(across, Labels::Words(_));
        let style = if is_word && is_turned(&text, cell) { &turned } else { &upright };
        canvas.draw_text(&text, style, (x, layout.bottom() + GAP - 2))?;
    }
    let [row_axis, column_axis] = prepared.cells.matrix.axes();
    let name = writing(LABEL + 1, INK, HPos::Center, VPos::Top);
    let below = layout.bottom() + GAP + layout.below + GAP / 2;
    canvas.draw_text(column_axis, &name, ((layout.left + layout.right()) / 2, below))?;
    let turned = name.transform(FontTransform::Rotate270);
    canvas.draw_text(row_axis, &turned, (GAP, (layout.top + layout.bottom()) / 2))?;
    Ok(())
}

fn draw_bar(canvas: &Canvas, scale: &Scale, layout: &Layout) -> Drawn {
    let height = layout.bar_height();
    let left = layout.right() + 2 * GAP;
    let right = left + BAR_WIDTH;
    let y = |fraction: f64| layout.top + ((1.0 - fraction) * f64::from(height)) as i32;
    const SLICE: i32 = 2;
    for top in (0..height).step_by(SLICE as usize) {
        let fraction = 1.0 - f64::from(top) / f64::from(height);
        let [r, g, b] = scale.palette().colour(fraction);
        let slice = [(left, layout.top + top), (right, layout.top + (top + SLICE + 1).min(height))];
        canvas.draw(&Rectangle::new(slice, RGBColor(r, g, b).filled()))?;
    }
    let style = writing(LABEL, INK, HPos::Left, VPos::Center);
    for fraction in TICKS {
        let tick = [(right, y(fraction)), (right + 3, y(fraction))];
        canvas.draw(&PathElement::new(tick, INK))?;
        canvas.draw_text(&tick_label(scale, fraction), &style, (right + GAP, y(fraction)))?;
    }
    Ok(())
}

/// Two decimals, where the cell has room for them.
fn number_in_cell(x: f64, cell: i32) -> Option<String> {
    let text = if x == 0.0 { "0".to_owned() } else { format!("{x:.2}") };
    (cell >= CELL_WITH_NUMBER && pixels(&text) <= cell).then_some(text)
}

/// Every first, second, fourth … label, so that each has `room` pixels.
fn every(count: usize, room: i32, cell: i32) -> std::iter::StepBy<std::ops::Range<usize>> {
    let step = (room.max(1) as usize).div_ceil(cell as usize);
    (0..count).step_by(step.next_power_of_two())
}

fn writing(size: i32, ink: RGBColor, across: HPos, down: VPos) -> Writing<'static> {
    // The backend divides the size by this number before it writes it.
    const BACKEND: f64 = 1.24;
    let font = ("sans-serif", f64::from(size) * BACKEND).into_font();
    font.color(&ink).pos(Pos::new(across, down))
}

/// What the backend writes although it is the default; without it a picture is a third smaller. A label cannot hold
/// these bytes, because quotes are escaped in it.
const DEFAULTS: [&str; 2] = [" opacity=\"1\"", " stroke=\"none\""];

/// Screen readers, and the browser's hint, take a picture's name from a `title` element.
fn with_title(svg: &str, title: &str) -> String {
    let name = title.replace('&', "&amp;").replace('<', "&lt;");
    let svg = DEFAULTS.iter().fold(svg.to_owned(), |svg, default| svg.replace(default, ""));
    match svg.split_once('>') {
        Some((open, rest)) => format!("{open} role=\"img\">\n<title>{name}</title>{rest}"),
        None => svg,
    }
}

#[cfg(test)]
mod tests {
    use crate::{HeatMap, InspectError, Matrix, Palette};

    fn matrix(rows: usize, columns: usize, value: impl Fn(usize) -> f64) -> Result<Matrix, InspectError> {
        Matrix::new(rows, columns, (0..rows * columns).map(value).collect())
    }

    #[test]
    fn every_value_is_a_cell_of_its_colour() -> Result<(), InspectError> {
        let w_q = matrix(1, 3, |i| i as f64 - 1.0)?;
        let svg = HeatMap::new(&w_q, Palette::Diverging).svg()?;
        // Blue, white and red of side 39, between lines of one pixel.
        for colour in ["#053061", "#F7F7F7", "#67001F"] {
            let cell = format!("width=\"39\" height=\"39\" fill=\"{colour}\"");
            assert_eq!(svg.matches(&cell).count(), 1, "{colour}");
        }
        assert!(svg.contains("\n-1.00\n") && svg.contains("\nvalues from -1.00 to 1.00\n"));
        Ok(())
    }

    #[test]
    fn nothing_that_a_label_says_is_taken_for_markup() -> Result<(), InspectError> {
        let weights = matrix(1, 1, |_| 1.0)?;
        let svg = HeatMap::new(&weights, Palette::Sequential)
            .with_title("<script> & co\u{0}")
            .with_labels(&["</svg>"], &["\u{1b}\""])
            .svg()?;
        assert!(svg.contains("<title>&lt;script> &amp; co\u{2400}</title>"));
        assert!(svg.contains("&lt;/svg&gt;") && svg.contains("␛&quot;"));
        assert!(!svg.contains("<script") && svg.matches("</svg>").count() == 1);
        Ok(())
    }

    #[test]
    fn what_is_not_finite_is_crossed_out_and_counted() -> Result<(), InspectError> {
        let odd = matrix(1, 2, |i| if i == 0 { f64::NAN } else { 1.0 })?;
        let svg = HeatMap::new(&odd, Palette::Sequential).svg()?;
        assert!(svg.contains("#BBBBBB") && svg.contains("1 value is NaN or infinite"));
        assert!(!svg.contains("\nNaN\n"));
        Ok(())
    }

    #[test]
    fn a_large_matrix_is_reduced_and_says_so() -> Result<(), InspectError> {
        let large = matrix(131, 67, |i| i as f64)?;
        let svg = HeatMap::new(&large, Palette::Sequential).svg()?;
        assert!(svg.contains("131x67 values, reduced: each cell is a block of 3x2, shown by its average"));
        Ok(())
    }
}
