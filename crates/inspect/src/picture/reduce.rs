//! Makes a matrix small enough to look at.

use std::borrow::Cow;
use std::ops::Range;

use crate::matrix::dense::Matrix;
use crate::picture::palette::Palette;

/// A matrix of blocks of another one.
#[derive(Debug)]
pub(crate) struct Reduced<'a> {
    /// One value a block.
    pub matrix: Cow<'a, Matrix>,
    /// Rows and columns of a block; the last ones may be smaller.
    pub block: [usize; 2],
}

/// At most `most` rows and columns. A block is shown by its average, or by its value of largest magnitude where the
/// sign matters, because positive and negative weights would cancel. A block with a value that is not finite shows that
/// one.
pub(crate) fn reduce(matrix: &Matrix, most: [usize; 2], palette: Palette) -> Reduced<'_> {
    let block = [matrix.rows().div_ceil(most[0].max(1)), matrix.columns().div_ceil(most[1].max(1))];
    if block == [1, 1] {
        return Reduced { matrix: Cow::Borrowed(matrix), block };
    }
    let (rows, columns) = (matrix.rows().div_ceil(block[0]), matrix.columns().div_ceil(block[1]));
    let range = |index: usize, size: usize, length: usize| index * size..((index + 1) * size).min(length);
    let values = (0..rows)
        .flat_map(|row| (0..columns).map(move |column| (row, column)))
        .map(|(row, column)| {
            let rows = range(row, block[0], matrix.rows());
            one_value(matrix, rows, range(column, block[1], matrix.columns()), palette)
        })
        .collect();
    let [down, across] = matrix.axes();
    let reduced = Matrix::new(rows, columns, values).expect("a value for every block");
    Reduced { matrix: Cow::Owned(reduced.with_axes(down, across)), block }
}

impl Reduced<'_> {
    /// What the reader has to know about the blocks; `None` where nothing was reduced.
    pub(crate) fn note(&self, whole: &Matrix, palette: Palette) -> Option<String> {
        let how = match palette {
            Palette::Diverging => "value of largest magnitude",
            Palette::Sequential => "average",
        };
        (self.block != [1, 1]).then(|| {
            format!(
                "reduced from {}x{}: each cell is a {}x{} block's {how}",
                whole.rows(),
                whole.columns(),
                self.block[0],
                self.block[1],
            )
        })
    }
}

fn one_value(matrix: &Matrix, rows: Range<usize>, columns: Range<usize>, palette: Palette) -> f64 {
    let values = || rows.clone().flat_map(|row| matrix.row(row)[columns.clone()].iter().copied());
    if let Some(non_finite) = values().find(|x| !x.is_finite()) {
        return non_finite;
    }
    match palette {
        Palette::Diverging => values().fold(0.0, |most: f64, x| if x.abs() > most.abs() { x } else { most }),
        // Divided first, so that the sum of large values cannot overflow.
        Palette::Sequential => {
            let count = (rows.len() * columns.len()) as f64;
            values().map(|x| x / count).sum()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_averaged_or_shown_by_their_largest() -> Result<(), crate::InspectError> {
        let values = vec![
            1.0, 2.0, 3.0, //
            -4.0, 1.0, -5.0,
        ];
        let matrix = Matrix::new(2, 3, values)?;
        let average = reduce(&matrix, [1, 2], Palette::Sequential);
        assert_eq!(average.block, [2, 2]);
        assert_eq!(average.matrix.values(), [0.0, -1.0]);
        let largest = reduce(&matrix, [1, 2], Palette::Diverging);
        assert_eq!(largest.matrix.values(), [-4.0, -5.0]);
        assert_eq!(
            average.note(&matrix, Palette::Sequential).as_deref(),
            Some("reduced from 2x3: each cell is a 2x2 block's average")
        );
        Ok(())
    }

    #[test]
    fn what_fits_is_left_alone_and_nan_is_never_hidden() -> Result<(), crate::InspectError> {
        let matrix = Matrix::new(1, 3, vec![9.0, f64::NAN, 1.0])?;
        let whole = reduce(&matrix, [1, 3], Palette::Diverging);
        assert!(
            matches!(whole.matrix, Cow::Borrowed(_)) && whole.note(&matrix, Palette::Diverging).is_none()
        );
        for palette in [Palette::Diverging, Palette::Sequential] {
            let reduced = reduce(&matrix, [1, 2], palette);
            assert!(reduced.matrix.at(0, 0).is_nan() && reduced.matrix.at(0, 1) == 1.0);
        }
        Ok(())
    }
}
