//! What the page shows, in sentences.

use crate::number::counted;
use crate::picture::label::clean_label;
use crate::runs::comparison::Comparison;
use crate::runs::key_value::KeyValue;

/// Rows of the list of runs that are left out.
pub(crate) const MAX_LEFT_OUT: usize = 1000;

/// Values of a key that are named; of more, the ends are.
const MAX_VALUES: usize = 8;

impl Comparison {
    /// Of a page with these settings.
    pub(crate) fn story(&self, shown: &[usize], n_left_out: usize) -> Vec<String> {
        let count = |n: usize, noun: &str| counted(n as u64, noun);
        let keys = self.keys.iter().map(|key| {
            let values = match &key.values[..] {
                few if few.len() <= MAX_VALUES => {
                    few.iter().map(KeyValue::to_string).collect::<Vec<_>>().join(", ")
                }
                many => format!("{} values from {} to {}", many.len(), many[0], many[many.len() - 1]),
            };
            clean_label(&format!("{} ({values})", key.name))
        });
        let keys: Vec<String> = keys.collect();
        let differs = match keys.is_empty() {
            true => "nothing but the seed differs".to_owned(),
            false => format!("what differs is {}", keys.join(", ")),
        };
        let mut story = vec![
            format!("{} of {}: {differs}.", count(self.runs.len(), "run"), count(self.settings.len(), "setting")),
            "Figures are those on test examples at the end of each run, with mean and range over the runs of a setting."
                .to_owned(),
            format!(
                "The phase changes at the first evaluation on validation examples with an accuracy of {} or more; \
                 between evaluations nothing is interpolated.",
                self.threshold
            ),
        ];
        if !self.derived.is_empty() {
            story.push(clean_label(&format!(
                "These settings differ as well, and follow from the others: {}.",
                self.derived.join(", ")
            )));
        }
        if self.best().len() > 1 {
            story.push(
                "Losses and accuracies of different tasks are not compared: the best setting of every task comes first, \
                 then the second of every task."
                    .to_owned(),
            );
        }
        let repeated = self.repeated_seeds().len();
        if repeated > 0 {
            story.push(format!(
                "More than one run of a setting has the same seed, in {}: they count as runs of their own.",
                count(repeated, "case")
            ));
        }
        if shown.len() < self.settings.len() {
            story.push(format!(
                "This page has room for the best {}; all {} stand in the table that the command prints.",
                count(shown.len(), "setting"),
                self.settings.len()
            ));
        }
        if n_left_out > 0 {
            let listed = match n_left_out > MAX_LEFT_OUT {
                true => format!("the first {MAX_LEFT_OUT} are listed at the end, each with the reason"),
                false => "the list at the end has the reason of each".to_owned(),
            };
            story.push(format!("Left out: {}; {listed}.", count(n_left_out, "run")));
        }
        story
    }
}
