//! How many numbers a shape has, and how many it reaches with strides: products that do not wrap.

/// The product of `axes`: how many entries a tensor of this shape has.
///
/// # Panics
///
/// If it overflows.
#[track_caller]
pub(crate) fn size<const N: usize>(axes: [usize; N]) -> usize {
    let product = axes.iter().try_fold(1_usize, |product, &axis| product.checked_mul(axis));
    // A zero anywhere makes it zero, also behind a product that overflows.
    let product = if axes.contains(&0) { Some(0) } else { product };
    product.unwrap_or_else(|| panic!("a tensor of shape {axes:?} has more entries than an address can count"))
}

/// One more than the largest index that `sizes` reach, 0 where an axis is empty, the largest number where it overflows.
pub(super) fn extent(sizes: [usize; 4], strides: [usize; 4]) -> usize {
    if sizes.contains(&0) {
        return 0;
    }
    let axes = sizes.iter().zip(strides);
    axes.fold(1, |extent: usize, (&size, stride)| extent.saturating_add((size - 1).saturating_mul(stride)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOP: usize = 1 << (usize::BITS - 1);

    #[test]
    fn a_product_that_overflows_is_refused_unless_an_axis_is_empty() {
        assert_eq!(size([2, 3, 5]), 30);
        assert_eq!(size([TOP, 2, 0]), 0);
        assert!(std::panic::catch_unwind(|| size([TOP, 2])).is_err());
    }

    #[test]
    fn an_extent_that_overflows_is_the_largest_number() {
        assert_eq!(extent([2, 3, 5, 7], [105, 35, 7, 1]), 210);
        assert_eq!(extent([2, 0, 5, 7], [TOP, TOP, TOP, 1]), 0);
        assert_eq!(extent([3, 1, 1, 1], [TOP, 0, 0, 1]), usize::MAX);
        assert_eq!(extent([2, 2, 1, 1], [TOP, TOP, 0, 1]), usize::MAX);
    }
}
