//! Which number is which colour.

use crate::matrix::dense::Matrix;
use crate::picture::palette::{Palette, Rgb};

/// A palette stretched over a range of numbers. Two matrices drawn with one scale can be compared by eye.
///
/// ```
/// use qkv_inspect::{Matrix, Palette, Scale};
///
/// let before = Matrix::new(1, 2, vec![0.5, -1.0])?;
/// let after = Matrix::new(1, 2, vec![3.0, -2.0])?;
/// assert_eq!(Scale::of(Palette::Diverging, [&before, &after]), Scale::diverging(3.0));
/// # Ok::<(), qkv_inspect::InspectError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    pub(crate) palette: Palette,
    /// The number at the low end.
    pub(crate) low: f64,
    /// The number at the high end.
    pub(crate) high: f64,
}

impl Scale {
    /// The smallest scale that covers every finite value of `matrices`; it always includes zero, which is the middle of
    /// a diverging scale.
    pub fn of<'a>(palette: Palette, matrices: impl IntoIterator<Item = &'a Matrix>) -> Self {
        let ranges = matrices.into_iter().filter_map(Matrix::range);
        let (low, high) =
            ranges.fold((0.0f64, 0.0f64), |(low, high), (least, most)| (low.min(least), high.max(most)));
        match palette {
            Palette::Diverging => Self::diverging(high.max(-low)),
            Palette::Sequential => Self::sequential(low, high),
        }
    }

    /// Orange at `-limit`, white at zero, blue at `limit`.
    pub fn diverging(limit: f64) -> Self {
        let palette = Palette::Diverging;
        let (low, high) = (-limit.abs(), limit.abs());
        Self { palette, low, high }
    }

    /// Light at `low`, dark at `high`. Attention weights of different maps share `sequential(0.0, 1.0)`.
    pub fn sequential(low: f64, high: f64) -> Self {
        let palette = Palette::Sequential;
        Self { palette, low, high }
    }

    /// The end that is further from zero, without its sign.
    pub(crate) fn largest(&self) -> f64 {
        self.high.abs().max(self.low.abs())
    }

    /// Where `x` lies between the ends, 0 to 1; what lies outside is drawn like the nearer end. A scale over nothing
    /// but one number draws it as zero.
    pub(crate) fn fraction(&self, x: f64) -> f64 {
        // Halves, because the ends may be too large to subtract.
        let [x, low, high] = [x, self.low, self.high].map(|number| number / 2.0);
        match self.palette {
            _ if high > low => ((x - low) / (high - low)).clamp(0.0, 1.0),
            Palette::Diverging => 0.5,
            Palette::Sequential => 0.0,
        }
    }

    /// The colour of `x`; `None` where it is NaN or infinite.
    pub(crate) fn colour(&self, x: f64) -> Option<Rgb> {
        x.is_finite().then(|| self.palette.colour(self.fraction(x)))
    }

    /// The number at `fraction` of the way from the low end to the high one.
    pub(crate) fn number_at(&self, fraction: f64) -> f64 {
        self.low * (1.0 - fraction) + self.high * fraction
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_covers_zero_and_what_is_finite() -> Result<(), crate::InspectError> {
        let matrix = Matrix::new(1, 4, vec![2.0, f64::NAN, f64::NEG_INFINITY, 5.0])?;
        assert_eq!(Scale::of(Palette::Diverging, [&matrix]), Scale::diverging(5.0));
        assert_eq!(Scale::of(Palette::Sequential, [&matrix]), Scale::sequential(0.0, 5.0));
        assert_eq!(Scale::of(Palette::Sequential, []), Scale::sequential(0.0, 0.0));
        Ok(())
    }

    #[test]
    fn fractions_stay_between_the_ends() {
        assert_eq!(
            [-9.0, -2.0, 0.0, 2.0, 9.0].map(|x| Scale::diverging(2.0).fraction(x)),
            [0.0, 0.0, 0.5, 1.0, 1.0]
        );
        assert_eq!(Scale::diverging(0.0).fraction(0.0), 0.5);
        assert_eq!(Scale::sequential(0.0, 0.0).fraction(0.0), 0.0);
        assert_eq!(Scale::diverging(f64::MAX).fraction(0.0), 0.5);
        assert_eq!(Scale::diverging(2.0).colour(f64::NAN), None);
    }
}
