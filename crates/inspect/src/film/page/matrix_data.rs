//! Matrices through all frames, as the script of a page draws them.

use std::borrow::Cow;

use serde::Serialize;

use crate::film::page::quantized::{Quantized, largest, quantized};
use crate::heads::circuit::Circuit;
use crate::matrix::dense::Matrix;
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
    /// The tokens of the columns, by their place in the vocabulary, where they are not all.
    column_tokens: Vec<usize>,
    frames: Vec<Option<MatrixFrame>>,
}

#[derive(Serialize)]
struct MatrixFrame {
    /// The cells, or the two factors of which they are the product.
    data: Vec<String>,
    /// The largest magnitude: what 32,767 stands for in the cells.
    limit: f64,
    /// What it stands for in the two factors, where the page multiplies them.
    factor_limits: Option<[f64; 2]>,
    /// The gradient of the update before the frame; `None` at step 0, and where only its norm was kept.
    gradient: Option<GradientFrame>,
    norm: f64,
    /// From the first frame, in lengths of the matrix there.
    moved: Option<f64>,
    /// Empty where the matrix is not finite.
    singular_values: Vec<f32>,
}

#[derive(Serialize)]
struct GradientFrame {
    #[serde(flatten)]
    cells: Quantized,
    /// Of the whole gradient, of which the cells may be blocks.
    norm: f64,
}

impl MatrixData {
    /// `None` where no frame has the matrix.
    pub(crate) fn of_matrices(
        name: &str,
        frames: &[Option<Cow<Matrix>>],
        gradients: &[Option<&Matrix>],
    ) -> Option<Self> {
        Self::new(name, frames, &[], gradients)
    }

    /// The same for circuits. A page gets the two factors where they are smaller than the product.
    pub(crate) fn of_circuits(
        name: &str,
        axes: [&'static str; 2],
        circuits: &[Option<Circuit>],
    ) -> Option<Self> {
        let product = |circuit: &Option<Circuit>| {
            Some(Cow::Owned(circuit.as_ref()?.product().with_axes(axes[0], axes[1])))
        };
        Self::new(name, &circuits.iter().map(product).collect::<Vec<_>>(), circuits, &[])
    }

    /// The same with the tokens that its columns belong to, where it has a column for each.
    pub(crate) fn of_tokens(self, tokens: Vec<usize>) -> Self {
        let column_tokens = if self.size[1] == tokens.len() { tokens } else { Vec::new() };
        Self { column_tokens, ..self }
    }

    /// `circuits` are those of which `frames` are the products, or none; `gradients` those of the frames, or none.
    fn new(
        name: &str,
        frames: &[Option<Cow<Matrix>>],
        circuits: &[Option<Circuit>],
        gradients: &[Option<&Matrix>],
    ) -> Option<Self> {
        let first = frames.iter().flatten().next()?;
        let is_factored = |circuit: &Circuit| {
            n_circuit_values(first.size(), circuit.factors()[0].columns()) < n_cells(first.size(), MAX_CELLS)
        };
        let are_factored = circuits.iter().flatten().next().is_some_and(is_factored);
        let most = if are_factored { MAX_FACTORED } else { MAX_CELLS };
        let shown = reduce(first, [most; 2], Palette::Diverging);
        let frame = |(index, matrix): (usize, &Option<Cow<Matrix>>)| {
            // A matrix that changed its size is another one.
            let matrix = matrix.as_ref().filter(|matrix| matrix.size() == first.size())?;
            let circuit = circuits.get(index).and_then(Option::as_ref);
            let spectrum = circuit.map_or_else(|| matrix.spectrum(), Circuit::spectrum);
            let factors = circuit.filter(|_| are_factored).map(Circuit::factors);
            let gradient =
                gradients.get(index).copied().flatten().filter(|found| found.size() == first.size());
            let limit = largest(matrix);
            let cells = |matrix: &Matrix| reduce(matrix, [most; 2], Palette::Diverging).matrix.into_owned();
            Some(MatrixFrame {
                data: match factors {
                    Some(factors) => factors.map(|factor| quantized(factor, largest(factor))).into(),
                    None => vec![quantized(&cells(matrix), limit)],
                },
                limit,
                factor_limits: factors.map(|factors| factors.map(largest)),
                gradient: gradient
                    .map(|found| GradientFrame { cells: Quantized::of(&cells(found)), norm: found.norm() }),
                norm: matrix.norm(),
                moved: matrix.moved_from(first).ok().and_then(|moved| moved.distance),
                singular_values: spectrum.map_or(Vec::new(), |found| {
                    // Six digits are more than a bar shows.
                    found.top(MAX_SINGULAR_VALUES).iter().map(|value| *value as f32).collect()
                }),
            })
        };
        Some(Self {
            name: name.to_owned(),
            axes: first.axes(),
            size: first.size(),
            cells: shown.matrix.size(),
            block: shown.block,
            column_tokens: Vec::new(),
            frames: frames.iter().enumerate().map(frame).collect(),
        })
    }
}

/// Values that a page needs for a circuit: those of its cells, or of its factors where they are fewer.
pub(crate) fn n_circuit_values([rows, columns]: [usize; 2], inner: usize) -> usize {
    let cells = n_cells([rows, columns], MAX_CELLS);
    if rows.max(columns) > MAX_FACTORED { cells } else { cells.min((rows + columns) * inner) }
}

/// Cells of a matrix of which at most `most` are shown along each axis.
pub(crate) fn n_cells([rows, columns]: [usize; 2], most: usize) -> usize {
    rows.min(most) * columns.min(most)
}
