//! One figure over several runs.

use serde::Serialize;

/// Mean and range of a figure over the runs that have it.
///
/// ```
/// use qkv_inspect::Spread;
///
/// let spread = Spread::of([0.5, 1.0, 0.75]).expect("three values");
/// assert_eq!((spread.n, spread.mean, spread.least, spread.most), (3, 0.75, 0.5, 1.0));
/// assert_eq!(Spread::of([]), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// Number of values, at least 1.
    pub n: usize,
    /// Their sum, in their order, over their number; rounded into the range.
    pub mean: f64,
    /// The smallest.
    pub least: f64,
    /// The largest.
    pub most: f64,
}

impl Spread {
    /// Of the values; `None` without values.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let (mut n, mut sum, mut least, mut most) = (0, 0.0, f64::INFINITY, f64::NEG_INFINITY);
        for value in values {
            (n, sum) = (n + 1, sum + value);
            (least, most) = (least.min(value), most.max(value));
        }
        // A sum is rounded: three times 0.1 is more than 0.3.
        (n > 0).then(|| Self { n, mean: (sum / n as f64).max(least).min(most), least, most })
    }

    /// Whether the values differ.
    pub fn has_range(&self) -> bool {
        self.least < self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_and_equal_values_have_no_range() {
        for values in [vec![0.25], vec![0.25; 4], vec![0.1; 3], vec![-0.7; 10]] {
            let spread = Spread::of(values.iter().copied()).expect("values");
            assert_eq!(
                (spread.mean, spread.least, spread.most, spread.has_range()),
                (values[0], values[0], values[0], false)
            );
        }
        let spread = Spread::of([-1.0, 3.0, 1.0, 2.0]).expect("values");
        assert_eq!(spread, Spread { n: 4, mean: 1.25, least: -1.0, most: 3.0 });
        assert!(spread.has_range());
    }
}
