//! Matrices through all frames, as the script of a page draws them.

use std::borrow::Cow;

use serde::Serialize;

use crate::error::InspectError;
use crate::film::page::quantized::quantized;
use crate::heads::circuit::Circuit;
use crate::matrix::dense::Matrix;
use crate::matrix::spectrum::Spectrum;
use crate::picture::palette::Palette;
use crate::picture::reduce::reduce;

/// Cells of a matrix along each axis; a larger one is shown in blocks.
pub(crate) const MAX_CELLS: usize = 128;

/// Cells along each axis of a product that the page computes for itself; more would take it too long.
const MAX_FACTORED: usize = 256;

/// Singular values beside a matrix.
const MAX_SINGULAR_VALUES: usize = 16;

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
        let spectrum = |_: usize, matrix: &Matrix| matrix.spectrum();
        Self::new(name, frames, MAX_CELLS, cells, spectrum)
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
        let first = circuits.iter().flatten().next()?;
        let spectrum = |frame: usize, product: &Matrix| match &circuits[frame] {
            Some(circuit) => circuit.spectrum(),
            None => product.spectrum(),
        };
        let sizes = [first.rows(), first.columns()];
        if n_circuit_values(sizes, first.factors()[0].columns()) == n_cells(sizes) {
            return Self::new(name, &products, MAX_CELLS, cells, spectrum);
        }
        let limits = [0, 1].map(|side| largest(circuits.iter().flatten().map(|c| c.factors()[side])));
        let factors = |frame: usize, _: &Matrix, _: f64| match &circuits[frame] {
            Some(circuit) => [0, 1].map(|side| quantized(circuit.factors()[side], limits[side])).into(),
            None => Vec::new(),
        };
        let data = Self::new(name, &products, MAX_FACTORED, factors, spectrum)?;
        Some(Self { factor_limits: Some(limits), ..data })
    }

    fn new(
        name: &str,
        frames: &[Option<Cow<Matrix>>],
        most: usize,
        data: impl Fn(usize, &Matrix, f64) -> Vec<String>,
        spectrum: impl Fn(usize, &Matrix) -> Result<Spectrum, InspectError>,
    ) -> Option<Self> {
        let first = frames.iter().flatten().next()?;
        let shown = reduce(first, [most; 2], Palette::Diverging);
        let limit = largest(frames.iter().flatten().map(Cow::as_ref));
        let frame = |(index, matrix): (usize, &Option<Cow<Matrix>>)| {
            let matrix = matrix.as_ref().filter(|matrix| same(matrix, first))?;
            Some(MatrixFrame {
                data: data(index, matrix, limit),
                norm: matrix.norm(),
                moved: matrix.moved_from(first).ok().and_then(|moved| moved.distance),
                singular_values: spectrum(index, matrix)
                    .map_or(Vec::new(), |found| top(found.top(MAX_SINGULAR_VALUES))),
            })
        };
        Some(Self {
            name: name.to_owned(),
            axes: first.axes(),
            size: [first.rows(), first.columns()],
            cells: [shown.matrix.rows(), shown.matrix.columns()],
            block: shown.block,
            limit,
            factor_limits: None,
            frames: frames.iter().enumerate().map(frame).collect(),
        })
    }
}

/// Values that a page needs for a circuit: those of its cells, or of its factors where they are fewer.
pub(crate) fn n_circuit_values([rows, columns]: [usize; 2], inner: usize) -> usize {
    let cells = n_cells([rows, columns]);
    if rows.max(columns) > MAX_FACTORED { cells } else { cells.min((rows + columns) * inner) }
}

fn n_cells([rows, columns]: [usize; 2]) -> usize {
    rows.min(MAX_CELLS) * columns.min(MAX_CELLS)
}

/// The cells themselves, in blocks where there are too many.
fn cells(_: usize, matrix: &Matrix, limit: f64) -> Vec<String> {
    vec![quantized(&reduce(matrix, [MAX_CELLS; 2], Palette::Diverging).matrix, limit)]
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
