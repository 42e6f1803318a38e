//! Loss and accuracy by step, from the events of a run.

use std::collections::BTreeMap;

use qkv_run::{Baseline, CustomReport, Evaluation, Event, Generalization, StepReport};

/// Loss and other figures by step. A step that was taken twice, before and after a resumption, counts as it was last.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metrics {
    /// Training loss of each step.
    pub losses: BTreeMap<u64, f64>,
    /// Figures on held-out examples.
    pub evaluations: BTreeMap<u64, Evaluation>,
    /// What observers of the user's own have logged: by their name and that of the number, and by step.
    pub custom: BTreeMap<(String, String), BTreeMap<u64, f64>>,
    /// Number of scalars in the model.
    pub parameters: Option<u64>,
    /// Number of those that are learned.
    pub learned: Option<u64>,
    /// How the held-out loss went on beside that of the training, where the task is a text and the run is done.
    pub generalization: Option<Generalization>,
    /// What simpler models reach on the test split then.
    pub baselines: Vec<Baseline>,
}

impl Metrics {
    /// The figures of a log: those on the validation split, and the last ones, which are on the test split.
    pub fn of_events(events: impl IntoIterator<Item = Event>) -> Self {
        let mut metrics = Self::default();
        for event in events {
            if let Event::Done { baselines, generalization, .. } = &event {
                metrics.baselines.clone_from(baselines);
                metrics.generalization = generalization.as_deref().cloned();
            }
            match event {
                Event::Start { parameters, learned, .. } => {
                    (metrics.parameters, metrics.learned) = (Some(parameters), learned);
                }
                Event::Step(StepReport { step, loss, .. }) if loss.is_finite() => {
                    metrics.losses.insert(step, loss);
                }
                Event::Custom(CustomReport { name, step, values }) => {
                    for (key, value) in values.into_iter().filter(|(_, value)| value.is_finite()) {
                        metrics.custom.entry((name.clone(), key)).or_default().insert(step, value);
                    }
                }
                Event::Eval { step, evaluation, .. } | Event::Done { step, evaluation, .. }
                    if evaluation.names().next().is_some() =>
                {
                    metrics.evaluations.insert(step, evaluation);
                }
                _ => {}
            }
        }
        metrics
    }

    /// The numbers of metrics beside accuracy and loss: by name, and by step.
    pub(crate) fn measured(&self) -> BTreeMap<&str, BTreeMap<u64, f64>> {
        let mut values: BTreeMap<&str, BTreeMap<u64, f64>> = BTreeMap::new();
        for (step, evaluation) in &self.evaluations {
            for (name, value) in evaluation.metrics.iter().filter(|(_, value)| value.is_finite()) {
                values.entry(name).or_default().insert(*step, *value);
            }
        }
        values
    }

    /// Leaves out what was logged after a step.
    pub(crate) fn end_with(&mut self, last: u64) {
        self.losses.retain(|step, _| *step <= last);
        self.evaluations.retain(|step, _| *step <= last);
        for values in self.custom.values_mut() {
            values.retain(|step, _| *step <= last);
        }
        self.custom.retain(|_, values| !values.is_empty());
        self.generalization.take_if(|found| found.step > last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_about_loss_and_accuracy_are_read() {
        let text = br#"{"event":"start","task":"reverse","seed":0,"steps":9,"parameters":3840}
{"event":"step","step":1,"loss":2.5,"lr":0.1}
{"event":"eval","step":1,"loss":2.25,"accuracy":0.5,"sequence_accuracy":0.25,"examples":8}
{"event":"step","step":1,"loss":2.0}

{"event":"custom","name":"weights","step":1,"values":{"norm":2.5,"rank":null}}
{"event":"saved","step":1,"path":"x"}
{"event":"done","step":2,"accuracy":1.0,"baselines":[{"name":"bigram","loss":3.0}],"generalization":{"unit":"byte","best_step":1,"best_loss":2.0,"step":2,"loss":2.5,"training_loss":0.5}}
{"event":"step","step":3,"lo"#;
        let metrics = Metrics::of_events(Event::parse_log(text));
        let mut before = metrics.clone();
        before.end_with(1);
        let found = metrics.generalization.as_ref().map(|found| (found.step, found.loss));
        assert_eq!((found, before.generalization.as_ref()), (Some((2, 2.5)), None));
        assert_eq!(metrics.baselines[0].loss, 3.0);
        assert_eq!(before.evaluations.keys().collect::<Vec<_>>(), [&1]);
        assert_eq!((&before.losses, &before.custom), (&metrics.losses, &metrics.custom));
        before.end_with(0);
        assert!(before.losses.is_empty() && before.evaluations.is_empty() && before.custom.is_empty());
        assert_eq!((metrics.losses, metrics.parameters), (BTreeMap::from([(1, 2.0)]), Some(3840)));
        let found: Vec<_> = metrics.evaluations.iter().map(|(step, found)| (*step, found.accuracy)).collect();
        assert_eq!(found, [(1, 0.5), (2, 1.0)]);
        let norm = ("weights".to_owned(), "norm".to_owned());
        assert_eq!(metrics.custom, BTreeMap::from([(norm, BTreeMap::from([(1, 2.5)]))]));
        let shares = metrics.evaluations.values().map(|found| found.sequence_accuracy);
        assert_eq!(shares.filter(|share| share.is_finite()).collect::<Vec<_>>(), [0.25]);
    }
}
