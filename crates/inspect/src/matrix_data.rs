//! Matrices through all frames, as the script of a page draws them.

use std::borrow::Cow;

use serde::Serialize;

use crate::circuit::Circuit;
use crate::film::MOST_CELLS;
use crate::matrix::Matrix;
use crate::palette::Palette;
use crate::quantized::quantized;
use crate::reduce::reduce;

/// Singular values beside a matrix.
const MOST_SINGULAR_VALUES: usize = 16;

/// One matrix of one head in all frames.
#[derive(Serialize)]
pub(crate) struct MatrixData {
    name: String,
    axes: [&'static str; 2],
    /// Rows and columns of the matrix itself.
    size: [usize; 2],
    /// Rows and columns of what is shown, and of the block behind each of its cells.
    cells: [usize; 2],
    block: [usize; 2],
    /// Largest magnitude in any frame: all frames share a scale.
    limit: f64,
    /// The same of the two factors, where the page multiplies them.
    factor_limits: Option<[f64; 2]>,
    frames: Vec<Option<MatrixFrame>>,
}

#[derive(Serialize)]
struct MatrixFrame {
    /// The cells, or the two factors of which they are the product.
    data: Vec<String>,
    norm: f64,
    /// From the first frame, in lengths of the matrix there.
    moved: Option<f64>,
    /// Empty where the matrix is not finite.
    singular_values: Vec<f32>,
}

impl MatrixData {
    /// `None` where no frame has the matrix.
    pub(crate) fn of_matrices(name: &str, frames: &[Option<Cow<Matrix>>]) -> Option<Self> {
        let first = frames.iter().flatten().next()?;
        let shown = reduce(first, [MOST_CELLS, MOST_CELLS], Palette::Diverging);
        let limit = largest(frames.iter().flatten().map(Cow::as_ref));
        let frame = |matrix: &Cow<Matrix>| MatrixFrame {
            data: vec![quantized(
                &reduce(matrix, [MOST_CELLS, MOST_CELLS], Palette::Diverging).matrix,
                limit,
            )],
            norm: matrix.norm(),
            moved: matrix.moved_from(first).ok().and_then(|moved| moved.distance),
            singular_values: matrix.spectrum().map_or(Vec::new(), |s| top(s.top(MOST_SINGULAR_VALUES))),
        };
        Some(Self {
            name: name.to_owned(),
            axes: first.axes(),
            size: [first.rows(), first.columns()],
            cells: [shown.matrix.rows(), shown.matrix.columns()],
            block: shown.block,
            limit,
            factor_limits: None,
            frames: frames.iter().map(|m| m.as_ref().filter(|m| same(m, first)).map(frame)).collect(),
        })
    }

    /// The same for circuits. A page gets the two factors where they are smaller than the product.
    pub(crate) fn of_circuits(
        name: &str,
        axes: [&'static str; 2],
        circuits: &[Option<Circuit>],
    ) -> Option<Self> {
        let named = |circuit: &Circuit| circuit.product().with_axes(axes[0], axes[1]);
        let products: Vec<Option<Cow<Matrix>>> =
            circuits.iter().map(|circuit| circuit.as_ref().map(|c| Cow::Owned(named(c)))).collect();
        let mut data = Self::of_matrices(name, &products)?;
        for (frame, circuit) in data.frames.iter_mut().zip(circuits) {
            let spectrum = circuit.as_ref().and_then(|circuit| circuit.spectrum().ok());
            if let (Some(frame), Some(spectrum)) = (frame, spectrum) {
                frame.singular_values = top(spectrum.top(MOST_SINGULAR_VALUES));
            }
        }
        let [rows, columns] = data.size;
        let inner = circuits.iter().flatten().next()?.factors()[0].columns();
        if data.block == [1, 1] && (rows + columns) * inner < rows * columns {
            let limits = [0, 1].map(|side| largest(circuits.iter().flatten().map(|c| c.factors()[side])));
            data.factor_limits = Some(limits);
            for (frame, circuit) in data.frames.iter_mut().zip(circuits) {
                let (Some(frame), Some(circuit)) = (frame, circuit) else { continue };
                frame.data = [0, 1].map(|side| quantized(circuit.factors()[side], limits[side])).into();
            }
        }
        Some(data)
    }
}

/// A matrix that changed its size is another one.
fn same(matrix: &Matrix, first: &Matrix) -> bool {
    (matrix.rows(), matrix.columns()) == (first.rows(), first.columns())
}

fn largest<'a>(matrices: impl Iterator<Item = &'a Matrix>) -> f64 {
    matrices.filter_map(Matrix::range).fold(0.0_f64, |most, (low, high)| most.max(high).max(-low))
}

/// Six digits are more than a bar shows.
fn top(values: &[f64]) -> Vec<f32> {
    values.iter().map(|value| *value as f32).collect()
}
