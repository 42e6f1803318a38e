//! How well a model does on held-out text beside the text that it was trained on, in words.

use std::f64::consts::LN_2;

use qkv_run::{Baseline, Generalization};

use crate::number::significant;
use crate::picture::label::clean_label;

/// Held-out bits beside those of the training and of the best of the simpler models, on the same split where the log has
/// that; of a model that memorised its text also since which step. `of_test` is what they reach on the test split.
pub(super) fn generalization(found: &Generalization, of_test: &[Baseline]) -> String {
    let Generalization { best_step, step, .. } = found;
    let bits = |nats: f64| significant(nats / LN_2);
    let (unit, now, best) = (clean_label(&found.unit), bits(found.loss), bits(found.best_loss));
    let [before, training] = [found.training_loss_at_best, found.training_loss].map(bits);
    let model = match found.is_memorised() {
        true => format!(
            "The model memorised its text: held-out bits per {unit} were lowest at step {best_step}, {best}, and rose to \
             {now} at step {step}, while those of the training fell from {before} to {training}."
        ),
        false => {
            format!("At step {step} it needs {now} bits per held-out {unit}, and {training} in training.")
        }
    };
    let (simpler, place) = match &found.baselines[..] {
        [] => (of_test, "on the test split"),
        of_the_same => (of_the_same, "on the same split"),
    };
    let simpler = simpler.iter().filter(|baseline| baseline.loss.is_finite());
    match simpler.min_by(|a, b| a.loss.total_cmp(&b.loss)) {
        Some(Baseline { name, loss }) => {
            format!("{model} The best count model, {}, needs {} {place}.", clean_label(name), bits(*loss))
        }
        None => model,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_of_held_out_text_stand_beside_those_of_training_and_of_count_models() {
        let baseline = |name: &str, bits: f64| Baseline { name: name.to_owned(), loss: bits * LN_2 };
        let baselines = [baseline("unigram", 4.0), baseline("trigram", 3.0)];
        let memorised = Generalization {
            unit: "character".to_owned(),
            best_step: 50,
            best_loss: 2.5 * LN_2,
            step: 100,
            loss: 4.5 * LN_2,
            training_loss: 0.5 * LN_2,
            training_loss_at_best: 2.0 * LN_2,
            baselines: Vec::new(),
        };
        assert_eq!(
            generalization(&memorised, &baselines),
            "The model memorised its text: held-out bits per character were lowest at step 50, 2.500, and rose to 4.500 at \
             step 100, while those of the training fell from 2.000 to 0.5000. The best count model, trigram, needs 3.000 on the test \
             split."
        );
        let beside = Generalization { baselines: vec![baseline("bigram", 3.5)], ..memorised.clone() };
        let text = generalization(&beside, &baselines);
        assert!(text.ends_with(" The best count model, bigram, needs 3.500 on the same split."), "{text}");
        let learned = Generalization { loss: 2.5 * LN_2, best_step: 100, ..memorised };
        assert_eq!(
            generalization(&learned, &[]),
            "At step 100 it needs 2.500 bits per held-out character, and 0.5000 in training."
        );
    }
}
