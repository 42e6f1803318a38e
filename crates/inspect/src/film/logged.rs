//! Sentences of the story about numbers that the page has no place of its own for: those of metrics and of observers.

use std::collections::BTreeMap;

use crate::film::frames::Film;
use crate::number::significant;
use crate::picture::label::clean_label;

impl Film {
    /// Every number of metrics beside accuracy and loss, at the first and the last evaluation.
    pub(super) fn measured(&self) -> Vec<String> {
        let sentence = |(name, values): (&str, BTreeMap<u64, f64>)| {
            Some(format!("`{}` on held-out examples: {}.", clean_label(name), from_to(&values)?))
        };
        self.metrics.measured().into_iter().filter_map(sentence).collect()
    }

    /// What observers of the user's own have logged, at its first and its last step.
    pub(super) fn custom(&self) -> impl Iterator<Item = String> {
        self.metrics.custom.iter().filter_map(|((name, key), values)| {
            let [name, key] = [name, key].map(|text| clean_label(text));
            Some(format!("`{name}` logged {key}: {}.", from_to(values)?))
        })
    }
}

/// "1.000 at step 0, 2.000 at step 8".
fn from_to(values: &BTreeMap<u64, f64>) -> Option<String> {
    let ((first, before), (last, after)) = (values.first_key_value()?, values.last_key_value()?);
    let [before, after] = [before, after].map(|value| significant(*value));
    Some(match first == last {
        true => format!("{before} at step {first}"),
        false => format!("{before} at step {first}, {after} at step {last}"),
    })
}
