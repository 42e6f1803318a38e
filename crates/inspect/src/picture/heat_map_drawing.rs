//! Heat maps on any backend: cells (with their numbers where there is room), labels, axes and a colour bar.

use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind};
use plotters::element::{PathElement, Rectangle};
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontTransform, IntoFont, RGBColor, TextStyle as Writing};

use crate::error::InspectError;
use crate::number::number_beside;
use crate::picture::heat_map::{HeatMap, Labels, Prepared};
use crate::picture::label::fit;
use crate::picture::layout::{BAR_WIDTH, GAP, LABEL, Layout, MAX_LABEL, is_turned, longest, pixels};
use crate::picture::palette::is_dark;
use crate::picture::raster::png;
use crate::picture::scale::Scale;
use crate::picture::svg::svg;
use crate::picture::ticks::ticks;

/// Cells of this size have room for a number.
const CELL_WITH_NUMBER: i32 = 36;

/// Cells of this size are set apart by a white line; smaller ones would be eaten up by it.
const CELL_WITH_GAP: i32 = 12;

pub(crate) const INK: RGBColor = RGBColor(0x33, 0x33, 0x33);
pub(crate) const PAPER: RGBColor = RGBColor(0xff, 0xff, 0xff);
/// A value that is NaN or infinite; in neither palette.
const NOT_A_NUMBER: RGBColor = RGBColor(0xbb, 0xbb, 0xbb);

/// The SVG backend divides the size of a font by this number before it writes it, and so does ours.
pub(crate) const FONT_SCALE: f64 = 1.24;

/// A picture that looks the same on every backend.
pub(crate) trait Drawing {
    fn title(&self) -> &str;

    /// Width and height in pixels.
    fn size(&self) -> (u32, u32);

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<B>) -> Drawn<B>;
}

pub(crate) type Canvas<B> = DrawingArea<B, Shift>;
pub(crate) type Drawn<B> = Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

/// Where a colour bar stands.
#[derive(Clone, Copy)]
pub(crate) struct Bar {
    pub left: i32,
    pub top: i32,
    pub height: i32,
}

struct HeatMapDrawing<'a> {
    prepared: Prepared<'a>,
    layout: Layout,
}

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
        svg(&self.drawing())
    }

    /// The same picture as PNG, at twice the size.
    ///
    /// # Errors
    /// As [`svg`](Self::svg).
    pub fn png(&self) -> Result<Vec<u8>, InspectError> {
        png(&self.drawing())
    }

    fn drawing(&self) -> HeatMapDrawing<'_> {
        let mut prepared = self.prepare();
        prepared.notes.insert(0, self.values_note());
        let layout = Layout::new(&prepared);
        HeatMapDrawing { prepared, layout }
    }
}

impl Drawing for HeatMapDrawing<'_> {
    fn title(&self) -> &str {
        self.prepared.title
    }

    fn size(&self) -> (u32, u32) {
        self.layout.size
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<B>) -> Drawn<B> {
        let Self { prepared, layout } = self;
        canvas.fill(&PAPER)?;
        let title = writing(16, INK, HPos::Left, VPos::Top);
        canvas.draw_text(prepared.title, &title, (layout.left, GAP))?;
        draw_cells(canvas, prepared, layout)?;
        draw_labels(canvas, prepared, layout)?;
        let bar = Bar { left: layout.right() + 2 * GAP, top: layout.top, height: layout.bar_height() };
        draw_bar(canvas, &prepared.scale, bar)?;
        let note = writing(LABEL - 1, INK, HPos::Left, VPos::Bottom);
        for (line, text) in prepared.notes.iter().rev().enumerate() {
            let y = layout.size.1 as i32 - GAP - line as i32 * (LABEL + 4);
            canvas.draw_text(text, &note, (layout.left, y))?;
        }
        canvas.present()
    }
}

fn draw_cells<B: DrawingBackend>(canvas: &Canvas<B>, prepared: &Prepared, layout: &Layout) -> Drawn<B> {
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
            } else if let Some(text) = number_in_cell(x, &prepared.scale, cell) {
                let ink = if colour.is_some_and(is_dark) { PAPER } else { INK };
                let style = writing(LABEL - 1, ink, HPos::Center, VPos::Center);
                canvas.draw_text(&text, &style, (left + cell / 2, top + cell / 2))?;
            }
        }
    }
    Ok(())
}

fn draw_labels<B: DrawingBackend>(canvas: &Canvas<B>, prepared: &Prepared, layout: &Layout) -> Drawn<B> {
    let cell = layout.cell;
    let [down, across] = &prepared.labels;
    let beside = writing(LABEL, INK, HPos::Right, VPos::Center);
    for i in every(down.texts().len(), LABEL + 2, cell) {
        let y = layout.top + i as i32 * cell + cell / 2;
        let text = fit(&down.texts()[i], MAX_LABEL);
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
        let text = fit(&across.texts()[i], MAX_LABEL);
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

pub(crate) fn draw_bar<B: DrawingBackend>(canvas: &Canvas<B>, scale: &Scale, bar: Bar) -> Drawn<B> {
    let Bar { left, top, height } = bar;
    let right = left + BAR_WIDTH;
    let y = |fraction: f64| top + ((1.0 - fraction) * f64::from(height)) as i32;
    const SLICE: i32 = 2;
    for slice in (0..height).step_by(SLICE as usize) {
        let fraction = 1.0 - f64::from(slice) / f64::from(height);
        let [r, g, b] = scale.palette.colour(fraction);
        let slice = [(left, top + slice), (right, top + (slice + SLICE + 1).min(height))];
        canvas.draw(&Rectangle::new(slice, RGBColor(r, g, b).filled()))?;
    }
    let style = writing(LABEL, INK, HPos::Left, VPos::Center);
    for tick in ticks(scale) {
        let y = y(tick.fraction);
        canvas.draw(&PathElement::new([(right, y), (right + 3, y)], INK))?;
        canvas.draw_text(&tick.label, &style, (right + GAP, y))?;
    }
    Ok(())
}

/// As beside the colour bar, where the cell has room for it.
fn number_in_cell(x: f64, scale: &Scale, cell: i32) -> Option<String> {
    let text = number_beside(x, scale.largest());
    (cell >= CELL_WITH_NUMBER && pixels(&text) <= cell).then_some(text)
}

/// Every first, second, fourth … label, so that each has `room` pixels.
fn every(count: usize, room: i32, cell: i32) -> std::iter::StepBy<std::ops::Range<usize>> {
    let step = (room.max(1) as usize).div_ceil(cell as usize);
    (0..count).step_by(step.next_power_of_two())
}

pub(crate) fn writing(size: i32, ink: RGBColor, across: HPos, down: VPos) -> Writing<'static> {
    let font = ("sans-serif", f64::from(size) * FONT_SCALE).into_font();
    font.color(&ink).pos(Pos::new(across, down))
}
