//! The alignment that cross-attention finds between the name of a number and its digits, measured.

use crate::support::alignment::{best, learn};

#[test]
fn a_digit_that_is_written_looks_at_the_characters_that_say_it() {
    let (accuracy, heads) = learn(&["train.steps=600", "task.largest=9999", "seed=1"]);
    assert!(accuracy > 0.95 && best(&heads) > 0.8, "{accuracy}, by head {heads:?}");
}
