//! Counts in messages.

/// A count with its noun, all of its digits: `1 pair`, `2 pairs`, `1000 passes`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    match (count, noun.ends_with('s')) {
        (1, _) => format!("1 {noun}"),
        (_, true) => format!("{count} {noun}es"),
        (_, false) => format!("{count} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::error::{PartFault, TextFault, TrainError};

    #[test]
    fn a_count_agrees_with_its_noun() {
        assert_eq!(["pair", "pass"].map(|noun| counted(2, noun)), ["2 pairs", "2 passes"]);
        let short = TextFault::TooShort { n_chars: 1, seq_len: 5, needed: 6 };
        for (error, expected) in [
            (TrainError::NoTargets { examples: 1 }, "none of 1 example has a target"),
            (TrainError::SameAnswers { pairs: 1 }, "no position of 1 pair do"),
            (TrainError::text(Path::new("a"), short), "a has 1 character, but"),
            (
                PartFault::ShownTwice { layer: 0, stage: "queries", times: 1, passes: 1 }.into(),
                "of layer 0 1 time in 1 pass,",
            ),
            (
                PartFault::ExampleLength { n_tokens: 1, n_targets: 1, got_tokens: 2, got_targets: 3 }.into(),
                "have 1 token and 1 target or gaps, got 2 and 3",
            ),
            (TrainError::TargetOutside { target: 4, vocab_size: 1 }, "the vocabulary has 1 token,"),
        ] {
            let message = error.to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
