//! One step of a film.

use qkv_run::Evaluation;

use crate::error::InspectError;
use crate::files::config::CheckpointConfig;
use crate::files::frames::snapshot::Snapshot;
use crate::files::layers::{LayerWeights, gradients, layers};
use crate::files::metrics::Metrics;
use crate::files::weights::Weights;
use crate::heads::embeddings::Embeddings;
use crate::heads::gradients::GradientFlow;

/// What was known at one step.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Frame {
    /// Updates made.
    pub step: u64,
    /// Training loss of the last step before, if it was logged.
    pub loss: Option<f64>,
    /// The last evaluation at or before this step.
    pub evaluation: Option<Evaluation>,
    /// Every attention layer, split into heads; none where matrices were not kept at this step.
    pub layers: Vec<LayerWeights>,
    /// Of the same matrices, d(loss)/dW of the update before this step, before clipping; none at step 0, and where only
    /// norms were kept.
    pub gradients: Vec<LayerWeights>,
    /// What tokens and positions are turned into, and back.
    pub embeddings: Embeddings,
    /// What the update before this step did; none at step 0.
    pub flows: Vec<GradientFlow>,
    /// The attention maps of the probe inputs; none where they were not kept at this step.
    pub probes: Vec<Snapshot>,
}

impl Frame {
    /// Share of held-out answers that were right, if it was measured.
    pub(crate) fn accuracy(&self) -> Option<f64> {
        self.evaluation.as_ref()?.figure(Evaluation::ACCURACY)
    }

    /// Right answers to the probe inputs, and how many are asked for; `None` where nothing is.
    pub(crate) fn probe_answers(&self) -> Option<[usize; 2]> {
        let labels = self.probes.iter().map(|probe| &probe.labels);
        let answers = labels.flat_map(|labels| labels.targets.iter().zip(&labels.predictions));
        let asked: Vec<bool> = answers
            .filter(|(target, _)| !target.is_empty())
            .map(|(target, answer)| target == answer)
            .collect();
        let right = asked.iter().filter(|is_right| **is_right).count();
        (!asked.is_empty()).then_some([right, asked.len()])
    }

    /// What the log has of a step.
    pub(super) fn at(step: u64, metrics: &Metrics) -> Self {
        Self {
            step,
            loss: metrics.losses.get(&step).copied(),
            evaluation: metrics.evaluations.range(..=step).next_back().map(|(_, e)| e.clone()),
            ..Self::default()
        }
    }

    /// Everything that a file of `snapshots/` holds.
    pub(super) fn with_file(self, file: &Weights, config: &CheckpointConfig) -> Result<Self, InspectError> {
        let heads = config.heads();
        let layers = layers(file, heads)?;
        let of_step = |snapshot| Snapshot { step: Some(self.step), ..snapshot };
        let probes = Snapshot::all(file)?.into_iter().map(of_step);
        Ok(Self {
            embeddings: Embeddings::read(file, config)?,
            flows: GradientFlow::read(file, heads, &layers)?,
            gradients: gradients(file, heads)?,
            probes: probes.filter(|probe| !probe.maps.is_empty()).collect(),
            layers,
            ..self
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qkv_run::ProbeLabels;

    #[test]
    fn only_what_is_asked_counts_as_an_answer() {
        let list = |texts: [&str; 3]| texts.map(str::to_owned).to_vec();
        let labels = |predictions| ProbeLabels {
            targets: list(["x", "", "y"]),
            predictions: list(predictions),
            ..ProbeLabels::default()
        };
        let probe = |predictions| Snapshot { labels: labels(predictions), ..Snapshot::default() };
        let frame = |probes| Frame { probes, ..Frame::default() };
        let two = vec![probe(["x", "", "x"]), probe(["x", "", "y"])];
        assert_eq!(frame(two).probe_answers(), Some([3, 4]));
        assert_eq!(frame(vec![Snapshot::default()]).probe_answers(), None);
    }
}
