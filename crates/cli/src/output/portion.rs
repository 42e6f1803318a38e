//! How many examples of how many.

use qkv_inspect::{counted, grouped};

/// "10,000 of 195,312 test examples", or "300 test examples" where those are all or there is no end of them.
pub fn portion(n: u64, of: Option<u64>, noun: &str) -> String {
    match of.filter(|&of| of > n) {
        Some(of) => format!("{} of {}", grouped(n as usize), counted(of, noun)),
        None => counted(n, noun),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_is_not_of_anything() {
        assert_eq!(portion(10_000, Some(195_312), "test example"), "10,000 of 195,312 test examples");
        assert_eq!(portion(300, Some(300), "test example"), "300 test examples");
        assert_eq!(portion(1, None, "example"), "1 example");
    }
}
