//! Numbers as text: neither 39 digits for 1e38 nor 0.000 for 1e-5.

/// Significant digits of a figure: what differs after the fourth has no place in a table.
const DIGITS: usize = 4;

/// Significant digits beside a scale, where the picture says the rest.
const DIGITS_OF_SCALE: usize = 3;

/// A number with four significant digits; very large and very small ones with an exponent.
///
/// ```
/// use qkv_inspect::significant;
///
/// let figures = [0.0, 1.0, -12.345, 0.0012345, 1e38, 1e-5].map(significant);
/// assert_eq!(figures, ["0", "1.000", "-12.35", "0.001234", "1.000e38", "1.000e-5"]);
/// ```
pub fn significant(x: f64) -> String {
    written(x, x, DIGITS)
}

/// A share of one with three decimals, so that a table of them fits 80 columns; one that would be 0.000 or -0.000 has
/// one digit and an exponent instead.
///
/// ```
/// use qkv_inspect::share;
///
/// assert_eq!([0.0, 0.4375, 1.0, 0.00042, -2e-4].map(share), ["0", "0.438", "1.000", "4e-4", "-2e-4"]);
/// ```
pub fn share(x: f64) -> String {
    match x.abs() {
        0.0 => "0".to_owned(),
        small if small < 0.001 => format!("{x:.0e}"),
        _ => format!("{x:.3}"),
    }
}

/// Digits in groups of three: `3,840`.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    groups.map(|group| std::str::from_utf8(group).expect("digits are ASCII")).collect::<Vec<_>>().join(",")
}

/// A count with its noun: `1 example`, `2 examples`, `1,024 steps`.
pub fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(count as usize), if count == 1 { "" } else { "s" })
}

/// A number with as many decimals as `largest` has when it is written with three significant digits.
pub(crate) fn number_beside(x: f64, largest: f64) -> String {
    written(x, largest, DIGITS_OF_SCALE)
}

/// Whether a number is written without an exponent.
pub(crate) fn is_plain(x: f64) -> bool {
    (0.001..10_000.0).contains(&x.abs())
}

fn written(x: f64, largest: f64, digits: usize) -> String {
    if x == 0.0 {
        return "0".to_owned();
    }
    // 0.00123, 0.0123, 0.123, 1.23, 12.3, 123, 1234. Rounded first: 0.9999 is 1.00.
    let after = digits - 1;
    let rounded: f64 = format!("{largest:.after$e}").parse().unwrap_or(largest);
    if !is_plain(rounded) {
        return format!("{x:.after$e}");
    }
    let decimals = after as i32 - rounded.abs().log10().floor() as i32;
    format!("{x:.*}", decimals.max(0) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_four_digits() {
        let numbers = [0.0, -0.12345, 12.345, 1234.5, 0.00012345, 123456.0, -0.99999, f64::NAN];
        let expected = ["0", "-0.1235", "12.35", "1234", "1.234e-4", "1.235e5", "-1.000", "NaN"];
        assert_eq!(numbers.map(significant), expected);
    }

    #[test]
    fn a_noun_agrees_with_its_count() {
        let counts = [0, 1, 2, 1_234_567].map(|count| counted(count, "step"));
        assert_eq!(counts, ["0 steps", "1 step", "2 steps", "1,234,567 steps"]);
    }

    #[test]
    fn numbers_beside_each_other_have_the_same_decimals() {
        assert_eq!([0.25, 0.5, 1.0].map(|x| number_beside(x, 1.0)), ["0.25", "0.50", "1.00"]);
        assert_eq!(number_beside(1e-9, 2e-9), "1.00e-9");
    }
}
