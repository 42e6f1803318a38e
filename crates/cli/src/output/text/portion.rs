//! How many examples of how many.

use qkv_inspect::{counted, grouped};
use qkv_train::Split;

/// "10,000 of 195,312 test examples", or "300 test examples" where those are all or there is no end of them.
pub fn portion(n: u64, of: Option<u64>, noun: &str) -> String {
    match of.filter(|&of| of > n) {
        Some(of) => format!("{} of {}", grouped(n as usize), counted(of, noun)),
        None => counted(n, noun),
    }
}

/// So many of the examples of a split, for a model after `step` steps.
pub fn examples_of(split: Split, step: u64, n: u64, of: Option<u64>) -> String {
    format!("{}{}", portion(n, of, &format!("{} example", adjective(split))), warning(split, step))
}

/// The examples of a split.
pub fn examples(split: Split, step: u64) -> String {
    format!("{} examples{}", adjective(split), warning(split, step))
}

fn adjective(split: Split) -> &'static str {
    match split {
        Split::Train => "training",
        Split::Validation | Split::Test => split.name(),
    }
}

/// Figures on inputs of training are no held-out figures, once there was a step.
fn warning(split: Split, step: u64) -> &'static str {
    if split == Split::Train && step > 0 { ", of inputs that were trained on" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_is_not_of_anything() {
        assert_eq!(portion(10_000, Some(195_312), "test example"), "10,000 of 195,312 test examples");
        assert_eq!(portion(300, Some(300), "test example"), "300 test examples");
        assert_eq!(portion(1, None, "example"), "1 example");
        assert_eq!(examples(Split::Train, 1), "training examples, of inputs that were trained on");
        assert_eq!(examples(Split::Train, 0), "training examples");
        assert_eq!(examples_of(Split::Validation, 1, 2, Some(3)), "2 of 3 validation examples");
    }
}
