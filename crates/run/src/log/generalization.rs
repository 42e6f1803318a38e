//! What became of the held-out loss of a run while its training went on: whether a model learned from a text, or learned
//! the text by heart.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::event::{Baseline, EvaluatedOn, Event, StepReport};
use super::number::{number, unknown};

/// The held-out loss where it was lowest and where it is now, beside the training loss; all in nats.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Generalization {
    /// What the loss is a mean over, such as a character.
    pub unit: String,
    /// The step of the evaluation with the lowest loss.
    pub best_step: u64,
    /// That loss.
    #[serde(default = "unknown", deserialize_with = "number")]
    pub best_loss: f64,
    /// The step of the last evaluation.
    pub step: u64,
    /// Its loss.
    #[serde(default = "unknown", deserialize_with = "number")]
    pub loss: f64,
    /// Mean training loss of the steps up to that one, fifty of them at most.
    #[serde(default = "unknown", deserialize_with = "number")]
    pub training_loss: f64,
    /// The same mean up to the step of the lowest loss; early logs lack it.
    #[serde(default = "unknown", deserialize_with = "number")]
    pub training_loss_at_best: f64,
    /// What simpler models reach on the split of these evaluations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub baselines: Vec<Baseline>,
}

/// Steps behind the training loss; one batch alone has few targets.
const STEPS: usize = 50;

/// A rise of the held-out loss beyond chance: 0.05 bits. All evaluations of a run have the same examples, so
/// that it is much larger than what separates two of them otherwise.
const RISE: f64 = 0.05 * std::f64::consts::LN_2;

impl Generalization {
    /// That of a log, whose evaluations are of a loss per `unit`; `None` before the first evaluation.
    pub fn of_events<'a>(unit: &str, events: impl IntoIterator<Item = &'a Event>) -> Option<Self> {
        let (mut held_out, mut training) = (BTreeMap::new(), BTreeMap::new());
        for event in events {
            match event {
                Event::Eval { split: EvaluatedOn::Validation, step, evaluation }
                    if evaluation.loss.is_finite() =>
                {
                    held_out.insert(*step, evaluation.loss);
                }
                Event::Step(StepReport { step, loss, .. }) if loss.is_finite() => {
                    training.insert(*step, *loss);
                }
                _ => {}
            }
        }
        let (&best_step, &best_loss) = held_out.iter().min_by(|a, b| a.1.total_cmp(b.1))?;
        let (&step, &loss) = held_out.last_key_value()?;
        let mean_until = |step: u64| {
            // Before the first step, that of the first step stands for it.
            let until = training.first_key_value().map_or(step, |(first, _)| step.max(*first));
            let before: Vec<f64> =
                training.range(..=until).rev().take(STEPS).map(|(_, loss)| *loss).collect();
            before.iter().sum::<f64>() / before.len() as f64
        };
        let (training_loss, training_loss_at_best) = (mean_until(step), mean_until(best_step));
        let (unit, baselines) = (unit.to_owned(), Vec::new());
        Some(Self { unit, best_step, best_loss, step, loss, training_loss, training_loss_at_best, baselines })
    }

    /// Whether the training went on to lower its own loss while that of held-out examples rose.
    pub fn is_memorised(&self) -> bool {
        let has_fallen = self.training_loss < self.training_loss_at_best;
        self.loss - self.best_loss > RISE && has_fallen && self.training_loss < self.best_loss
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Evaluation;

    fn log(held_out: &[(u64, f64)], training: &[(u64, f64)]) -> Vec<Event> {
        let eval = |&(step, loss): &(u64, f64)| {
            let evaluation = Evaluation { loss, ..Evaluation::default() };
            Event::Eval { split: EvaluatedOn::Validation, step, evaluation }
        };
        let step = |&(step, loss): &(u64, f64)| -> Event {
            let line = format!(r#"{{"event":"step","step":{step},"loss":{loss}}}"#);
            serde_json::from_str(&line).expect("a line of a log")
        };
        training.iter().map(step).chain(held_out.iter().map(eval)).collect()
    }

    #[test]
    fn a_model_memorises_where_its_held_out_loss_rises_and_its_training_loss_falls() {
        let training: Vec<(u64, f64)> = (1..=100).map(|step| (step, 2.0 / step as f64)).collect();
        let of = |held_out: &[(u64, f64)]| Generalization::of_events("character", &log(held_out, &training));
        let found = of(&[(20, 2.0), (40, 1.5), (80, f64::NAN), (100, 2.5)]).expect("evaluations");
        assert_eq!((found.best_step, found.best_loss, found.step, found.loss), (40, 1.5, 100, 2.5));
        let last_fifty = (51..=100).map(|step| 2.0 / f64::from(step)).sum::<f64>() / 50.0;
        assert!((found.training_loss - last_fifty).abs() < 1e-12);
        let first_forty = (1..=40).map(|step| 2.0 / f64::from(step)).sum::<f64>() / 40.0;
        assert!((found.training_loss_at_best - first_forty).abs() < 1e-12);
        assert!(found.is_memorised());
        for still_learns in
            [&[(20, 2.0), (100, 1.5)][..], &[(40, 1.5), (100, 1.52)], &[(40, 0.01), (100, 1.0)]]
        {
            assert!(!of(still_learns).expect("evaluations").is_memorised(), "{still_learns:?}");
        }
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn a_training_that_diverges_beside_its_held_out_loss_memorises_nothing() {
        let training: Vec<(u64, f64)> = (1..=100).map(|step| (step, 0.5 + step as f64 / 200.0)).collect();
        let events = log(&[(20, 2.0), (100, 2.5)], &training);
        let found = Generalization::of_events("character", &events).expect("evaluations");
        // Lower than any held-out loss, but higher than it was.
        assert!(found.training_loss < found.best_loss && found.training_loss > found.training_loss_at_best);
        assert!(!found.is_memorised(), "{found:?}");
    }
}
