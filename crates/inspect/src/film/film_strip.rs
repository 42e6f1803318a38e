//! The film as one still: an attention map and the matrices of one head at a few steps, side by side.

use std::borrow::Cow;

use plotters::element::Rectangle;
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{Color, FontTransform, RGBColor};
use qkv_run::tensor_names::{W_K, W_O, W_Q, W_V};

use crate::error::InspectError;
use crate::film::frame::Frame;
use crate::film::frames::{Film, evenly};
use crate::matrix::dense::Matrix;
use crate::number::significant;
use crate::picture::heat_map_drawing::{Bar, Canvas, Drawing, Drawn, INK, PAPER, draw_bar, writing};
use crate::picture::layout::{GAP, LABEL};
use crate::picture::palette::Palette;
use crate::picture::raster::png;
use crate::picture::reduce::reduce;
use crate::picture::scale::Scale;
use crate::picture::svg::svg;

/// Steps that are shown.
const MAX_STEPS: usize = 6;

/// Side of a picture, and what one picture may have along each axis: more cells are not told apart at this size.
const SIDE: i32 = 128;
const MAX_CELLS: usize = 32;

/// Between two rows, so that the ends of their colour bars do not meet.
const ROW_GAP: i32 = LABEL + 6;

const LEFT: i32 = 3 * GAP + LABEL;
const TOP: i32 = 4 * GAP + 18 + 2 * (LABEL + 4);
const BAR: i32 = 80;

/// A still of one head.
///
/// ```no_run
/// use qkv_inspect::{Film, FilmStrip};
/// use qkv_run::RunFolder;
///
/// let film = Film::read(&RunFolder::open("runs/reverse")?)?;
/// let strip = FilmStrip::new(&film, 0, 0).expect("the run has a head");
/// std::fs::write("film.png", strip.png()?).expect("the folder can be written to");
/// # Ok::<(), qkv_inspect::InspectError>(())
/// ```
#[derive(Debug, Clone)]
pub struct FilmStrip<'a> {
    title: String,
    frames: Vec<&'a Frame>,
    rows: Vec<Row<'a>>,
}

/// One kind of picture through the frames, on one scale.
#[derive(Debug, Clone)]
struct Row<'a> {
    name: String,
    scale: Scale,
    matrices: Vec<Option<Cow<'a, Matrix>>>,
}

impl<'a> FilmStrip<'a> {
    /// Head `head` of layer `layer`, both counted from zero, at the first step, the last, and those between at which
    /// the loss had fallen by equal parts. `None` if no frame has the head.
    pub fn new(film: &'a Film, layer: usize, head: usize) -> Option<Self> {
        let name = film.ends()?[1].layers.get(layer)?.prefix.as_str();
        let frames = chosen(&film.frames, MAX_STEPS);
        let map = |frame: &&'a Frame| Some(&frame.probes.first()?.map(name, head)?.weights);
        let mut rows = Vec::new();
        let maps: Vec<Option<&Matrix>> = frames.iter().map(map).collect();
        rows.extend(Row::new("attention", Palette::Sequential, &maps));
        for kind in [W_Q, W_K, W_V, W_O] {
            let matrix = |frame: &&'a Frame| frame.layers.get(layer)?.matrix(head, kind);
            let matrices: Vec<Option<&Matrix>> = frames.iter().map(matrix).collect();
            rows.extend(Row::new(&kind.to_uppercase(), Palette::Diverging, &matrices));
        }
        let title = format!("{}: {}", film.title, film.head_name(name, head));
        (!rows.is_empty()).then_some(Self { title, frames, rows })
    }

    /// The still as SVG.
    ///
    /// # Errors
    /// If the drawing library fails, which it has no reason to do in memory.
    pub fn svg(&self) -> Result<String, InspectError> {
        svg(self)
    }

    /// The still as PNG.
    ///
    /// # Errors
    /// As [`svg`](Self::svg).
    pub fn png(&self) -> Result<Vec<u8>, InspectError> {
        png(self)
    }
}

impl Drawing for FilmStrip<'_> {
    fn title(&self) -> &str {
        &self.title
    }

    fn size(&self) -> (u32, u32) {
        let (columns, rows) = (self.frames.len() as i32, self.rows.len() as i32);
        ((LEFT + columns * (SIDE + GAP) + BAR) as u32, (TOP + rows * (SIDE + ROW_GAP)) as u32)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<B>) -> Drawn<B> {
        canvas.fill(&PAPER)?;
        canvas.draw_text(&self.title, &writing(16, INK, HPos::Left, VPos::Top), (LEFT, GAP))?;
        let words = writing(LABEL, INK, HPos::Center, VPos::Bottom);
        for (column, frame) in self.frames.iter().enumerate() {
            let middle = LEFT + column as i32 * (SIDE + GAP) + SIDE / 2;
            let loss = frame.loss.map_or(String::new(), |loss| format!("loss {}", significant(loss)));
            canvas.draw_text(&format!("step {}", frame.step), &words, (middle, TOP - GAP - LABEL - 4))?;
            canvas.draw_text(&loss, &words, (middle, TOP - GAP))?;
        }
        for (index, row) in self.rows.iter().enumerate() {
            let above = TOP + index as i32 * (SIDE + ROW_GAP);
            let beside = writing(LABEL + 1, INK, HPos::Center, VPos::Top);
            let turned = beside.transform(FontTransform::Rotate270);
            canvas.draw_text(&row.name, &turned, (GAP, above + SIDE / 2))?;
            for (column, matrix) in row.matrices.iter().enumerate() {
                if let Some(matrix) = matrix {
                    draw_picture(canvas, matrix, &row.scale, (LEFT + column as i32 * (SIDE + GAP), above))?;
                }
            }
            let left = LEFT + self.frames.len() as i32 * (SIDE + GAP);
            draw_bar(canvas, &row.scale, Bar { left, top: above, height: SIDE })?;
        }
        canvas.present()
    }
}

impl<'a> Row<'a> {
    /// `None` where no frame has the matrix.
    fn new(name: &str, palette: Palette, matrices: &[Option<&'a Matrix>]) -> Option<Self> {
        let shown = |matrix: &'a Matrix| reduce(matrix, [MAX_CELLS, MAX_CELLS], palette).matrix;
        let matrices: Vec<Option<Cow<Matrix>>> = matrices.iter().map(|matrix| matrix.map(shown)).collect();
        matrices.iter().flatten().next()?;
        let scale = match palette {
            Palette::Sequential => Scale::sequential(0.0, 1.0),
            Palette::Diverging => Scale::of(palette, matrices.iter().flatten().map(Cow::as_ref)),
        };
        Some(Self { name: name.to_owned(), scale, matrices })
    }
}

fn draw_picture<B: DrawingBackend>(
    canvas: &Canvas<B>,
    matrix: &Matrix,
    scale: &Scale,
    (left, top): (i32, i32),
) -> Drawn<B> {
    let longest = matrix.rows().max(matrix.columns()) as i32;
    // Cells of unequal size fill the picture exactly.
    let at = |index: usize| index as i32 * SIDE / longest;
    for row in 0..matrix.rows() {
        for (column, &x) in matrix.row(row).iter().enumerate() {
            let [r, g, b] = scale.colour(x).unwrap_or([0xbb; 3]);
            let corners = [(left + at(column), top + at(row)), (left + at(column + 1), top + at(row + 1))];
            canvas.draw(&Rectangle::new(corners, RGBColor(r, g, b).filled()))?;
        }
    }
    Ok(())
}

/// The first and the last frame, and between them those that first reach equal steps of the loss; at most `most`, at
/// least two where there are as many.
fn chosen(frames: &[Frame], most: usize) -> Vec<&Frame> {
    let losses: Vec<f64> =
        frames.iter().filter_map(|frame| frame.loss).filter(|loss| loss.is_finite()).collect();
    let last = frames.len() - 1;
    let mut indices: Vec<usize> = match (losses.first(), losses.last()) {
        (Some(start), Some(end)) if end < start => {
            let reached = |part: usize| {
                let level = start + (end - start) * part as f64 / (most - 1) as f64;
                frames.iter().position(|frame| frame.loss.is_some_and(|loss| loss <= level)).unwrap_or(last)
            };
            [0, last].into_iter().chain((1..most - 1).map(reached)).collect()
        }
        _ => evenly(frames.len(), most).collect(),
    };
    indices.sort_unstable();
    indices.dedup();
    indices.into_iter().map(|index| &frames[index]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_are_those_at_which_something_happens() {
        let frame = |(step, loss): (u64, f64)| Frame { step, loss: Some(loss), ..Frame::default() };
        let losses = [4.0, 4.0, 4.0, 3.0, 2.5, 1.5, 0.5, 0.0, 0.0, 0.0];
        let frames: Vec<Frame> = (0..).zip(losses).map(frame).collect();
        let steps = |most| chosen(&frames, most).iter().map(|frame| frame.step).collect::<Vec<_>>();
        assert_eq!(steps(5), [0, 3, 5, 6, 9]);
        let without: Vec<Frame> = (0..9).map(|step| Frame { step, ..Frame::default() }).collect();
        assert_eq!(chosen(&without, 5).iter().map(|frame| frame.step).collect::<Vec<_>>(), [0, 2, 4, 6, 8]);
        assert_eq!(chosen(&without[..1], 5).len(), 1);
    }
}
