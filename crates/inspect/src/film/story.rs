//! A film in words, each of them measured.

use qkv_run::Evaluation;

use crate::files::frames::snapshot::{AttentionMap, Snapshot};
use crate::files::layers::matrices;
use crate::files::metrics::Metrics;
use crate::film::frames::Film;
use crate::film::generalization::generalization;
use crate::number::{counted, grouped, significant};
use crate::picture::label::clean_label;

/// A pattern is worth naming where it takes most of the attention.
const MOST: f64 = 0.5;

impl Film {
    /// What happened, in sentences: what was to be learned by what, how long, how well, which matrix moved most, and
    /// what the heads came to look at. Nothing is said about what was not measured.
    pub fn story(&self) -> Vec<String> {
        let sentences = [
            self.model(),
            self.length(),
            self.loss(),
            self.answers(),
            self.generalization(),
            self.movement(),
            self.push(),
            self.pattern(),
            self.sharpness(),
        ];
        sentences.into_iter().flatten().chain(self.measured()).chain(self.custom()).collect()
    }

    fn model(&self) -> Option<String> {
        let task = clean_label(self.config.task.as_ref()?);
        let layers = self.ends().map_or(0, |[_, last]| last.layers.len());
        let layers = if layers == 0 {
            "no W_Q, W_K and W_V".to_owned()
        } else {
            format!(
                "{} of {}",
                counted(layers as u64, "attention layer"),
                counted(self.config.heads().n_heads as u64, "head")
            )
        };
        let of_matrices = self.frozen_and_absent();
        let parameters = self.metrics.parameters;
        let parameters =
            parameters.map_or(String::new(), |n| format!(", {} parameters in all", grouped(n as usize)));
        Some(format!("The task is {task}; the model has {layers}{of_matrices}{parameters}."))
    }

    /// What W_Q, W_K and W_V are, where they differ in that.
    fn frozen_and_absent(&self) -> String {
        let Some(words) = self.config.projections().filter(|[q, k, v]| q != k || k != v) else {
            return String::new();
        };
        let of = |wanted: &str| {
            let found = ["W_Q", "W_K", "W_V"].into_iter().zip(words).filter(|(_, word)| *word == wanted);
            found.map(|(name, _)| name).collect::<Vec<_>>().join(" and ")
        };
        let part = |before: &str, names: String| match names.is_empty() {
            true => String::new(),
            false => format!(", {before} {names}"),
        };
        part("with frozen", of("frozen")) + &part("without", of("none"))
    }

    fn length(&self) -> Option<String> {
        let (first, last) = (self.frames.first()?.step, self.frames.last()?.step);
        let shown = match (self.frames.len(), self.n_kept) {
            (1, _) => "one frame is shown".to_owned(),
            (n, all) if n < all => format!("{n} of {all} frames are shown, evenly chosen"),
            (n, _) => format!("{n} frames are shown"),
        };
        Some(format!("From step {first} to step {last}: {shown}."))
    }

    fn loss(&self) -> Option<String> {
        let losses = &self.metrics.losses;
        let ((first, before), (last, after)) = (losses.first_key_value()?, losses.last_key_value()?);
        let from_to = format!(
            "from {} at step {first} to {} at step {last}",
            significant(*before),
            significant(*after)
        );
        if after >= before || after.is_nan() || before.is_nan() {
            return Some(format!("The training loss went {from_to}."));
        }
        let middle = (before + after) / 2.0;
        let half = losses.iter().find(|(_, loss)| **loss <= middle)?.0;
        Some(format!("The training loss fell {from_to}; it was half-way there at step {half}."))
    }

    fn answers(&self) -> Option<String> {
        let (step, evaluation) = self.metrics.evaluations.last_key_value()?;
        let sequences = evaluation.figure(Evaluation::SEQUENCE_ACCURACY);
        let examples = sequences.map_or(String::new(), |share| {
            format!(", and {} of the examples without a mistake", percent(share))
        });
        let accuracy = percent(evaluation.figure(Evaluation::ACCURACY)?);
        Some(format!("At step {step} it gets {accuracy} of the held-out answers right{examples}."))
    }

    fn generalization(&self) -> Option<String> {
        let Metrics { generalization: found, baselines, .. } = &self.metrics;
        Some(generalization(found.as_ref()?, baselines))
    }

    fn movement(&self) -> Option<String> {
        let [first, last] = self.ends()?;
        if first.step == last.step {
            return None;
        }
        let moved = matrices(&last.layers).filter_map(|(layer, head, name, after)| {
            let before = first.layers.iter().find(|before| before.prefix == layer.prefix)?;
            let distance = after.moved_from(before.matrix(head, name)?).ok()?.distance?;
            distance.is_finite().then_some((distance, layer, head, name))
        });
        let (distance, layer, head, name) =
            moved.reduce(|most, next| if next.0 > most.0 { next } else { most })?;
        Some(format!(
            "{} of {} changed most: by {} times its length at step {}.",
            name.to_uppercase(),
            self.head_in_words(&layer.prefix, head),
            significant(distance),
            first.step
        ))
    }

    /// Where the gradient was largest.
    fn push(&self) -> Option<String> {
        let flows = self.frames.iter().flat_map(|frame| frame.flows.iter().map(|flow| (frame.step, flow)));
        let finite = flows.filter(|(_, flow)| flow.gradient.is_finite());
        let (step, flow) = finite.max_by(|(_, a), (_, b)| a.gradient.total_cmp(&b.gradient))?;
        Some(format!(
            "Back-propagation pushed hardest on {} of {}, at step {step}: the gradient had the norm {}.",
            flow.matrix.to_uppercase(),
            self.head_in_words(&flow.layer, flow.head),
            significant(flow.gradient)
        ))
    }

    fn pattern(&self) -> Option<String> {
        let snapshot = self.first_probes().last()?;
        let patterns = snapshot.maps.iter().flat_map(|map| {
            let named = map.patterns(&snapshot.labels).into_iter();
            named.filter_map(move |(target, share)| Some((map, target, share?)))
        });
        let (map, target, share) = patterns.reduce(|most, next| if next.2 > most.2 { next } else { most })?;
        let (name, share_of) = (self.head_in_words(&map.layer, map.head), percent(share));
        Some(match share >= MOST {
            true => format!("Of its attention, {name} gives {share_of} to {target}."),
            false => format!(
                "No head has one of the named patterns; the nearest is {name}, which gives {share_of} of its attention to \
                 {target}."
            ),
        })
    }

    fn sharpness(&self) -> Option<String> {
        let n_keys = |maps: &[AttentionMap]| {
            let nats: Vec<f64> = maps.iter().filter_map(|map| map.mean_entropy()).collect();
            (!nats.is_empty()).then(|| (nats.iter().sum::<f64>() / nats.len() as f64).exp())
        };
        let (first, last) = (self.first_probes().next()?, self.first_probes().last()?);
        let after = about(n_keys(&last.maps)?);
        let (from, to) = (first.step?, last.step?);
        Some(match from == to {
            true => format!("At step {to} a query spreads its attention over about {after} on average."),
            false => format!(
                "A query spread its attention over about {} on average at step {from}, and over about {after} at step {to}.",
                about(n_keys(&first.maps)?)
            ),
        })
    }

    /// The first probe input, by step.
    fn first_probes(&self) -> impl Iterator<Item = &Snapshot> {
        self.frames.iter().filter_map(|frame| frame.probes.first())
    }
}

/// "1 key", "2.3 keys"
fn about(n_keys: f64) -> String {
    let digits = format!("{n_keys:.1}");
    let digits = digits.strip_suffix(".0").unwrap_or(&digits);
    format!("{digits} {}", if digits == "1" { "key" } else { "keys" })
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        0.0 => "none".to_owned(),
        100.0 => "all".to_owned(),
        _ => format!("{percent:.1} %"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::error::InspectError;
    use crate::files::config::CheckpointConfig;
    use crate::files::layers::layers;
    use crate::film::frame::Frame;
    use crate::fixtures::weights;
    use crate::heads::gradients::GradientFlow;
    use crate::matrix::dense::Matrix;

    fn frame(step: u64, w_q: f32) -> Result<Frame, InspectError> {
        let list = [("a.w_q", &[1, 2][..], vec![w_q; 2]), ("a.w_k", &[1, 2], vec![1.0; 2])];
        let layers = layers(&weights(&list), 1)?;
        Ok(Frame { step, layers, ..Frame::default() })
    }

    fn snapshot(step: u64, weights: [f64; 4]) -> Result<Snapshot, InspectError> {
        let weights = Matrix::new(2, 2, weights.to_vec())?;
        let map = AttentionMap::new("a", 0, weights);
        Ok(Snapshot { step: Some(step), maps: vec![map], ..Snapshot::default() })
    }

    fn film(frames: Vec<Frame>) -> Film {
        let (metrics, config) = (Metrics::default(), CheckpointConfig::default());
        let n_kept = frames.len();
        let title = String::new();
        Film { title, n_kept, frames, unreadable: BTreeMap::new(), metrics, config, task: None }
    }

    #[test]
    fn the_story_is_what_was_measured() -> Result<(), InspectError> {
        let evaluation =
            Evaluation { loss: 0.1, accuracy: 1.0, sequence_accuracy: 0.875, ..Evaluation::default() };
        let before = Evaluation::default().with("top_2", 0.5);
        let probes = |step, weights| Ok::<_, InspectError>(vec![snapshot(step, weights)?]);
        let flow =
            |gradient| GradientFlow { layer: "a".to_owned(), head: 0, matrix: "w_k", gradient, update: None };
        let frames = vec![
            Frame { probes: probes(0, [0.5; 4])?, ..frame(0, 1.0)? },
            Frame { flows: vec![flow(0.25), flow(0.125)], ..frame(4, 2.0)? },
            Frame { probes: probes(8, [0.0, 1.0, 1.0, 0.0])?, flows: vec![flow(0.2)], ..frame(8, 3.0)? },
        ];
        let custom = |number: &str| ("weights".to_owned(), number.to_owned());
        let film = Film {
            n_kept: 5,
            unreadable: BTreeMap::new(),
            config: CheckpointConfig { task: Some("reverse".to_owned()), ..CheckpointConfig::default() },
            metrics: Metrics {
                losses: BTreeMap::from([(1, 2.0), (4, 1.25), (5, 1.0), (8, 0.5)]),
                evaluations: BTreeMap::from([(4, before), (8, evaluation.with("top_2", 1.0))]),
                custom: BTreeMap::from([
                    (custom("rank"), BTreeMap::from([(4, 3.0)])),
                    (custom("norm"), BTreeMap::from([(0, 2.5), (4, 3.0), (8, 2.0)])),
                ]),
                parameters: Some(3840),
                ..Metrics::default()
            },
            ..film(frames)
        };
        let expected = [
            "The task is reverse; the model has 1 attention layer of 1 head, 3,840 parameters in all.",
            "From step 0 to step 8: 3 of 5 frames are shown, evenly chosen.",
            "The training loss fell from 2.000 at step 1 to 0.5000 at step 8; it was half-way there at step 4.",
            "At step 8 it gets all of the held-out answers right, and 87.5 % of the examples without a mistake.",
            "W_Q of head 0 changed most: by 2.000 times its length at step 0.",
            "Back-propagation pushed hardest on W_K of head 0, at step 4: the gradient had the norm 0.2500.",
            "Of its attention, head 0 gives all to the position before.",
            "A query spread its attention over about 2 keys on average at step 0, and over about 1 key at step 8.",
            "`top_2` on held-out examples: 0.5000 at step 4, 1.000 at step 8.",
            "`weights` logged norm: 2.500 at step 0, 2.000 at step 8.",
            "`weights` logged rank: 3.000 at step 4.",
        ];
        assert_eq!(film.story(), expected);
        Ok(())
    }

    #[test]
    fn figures_that_are_undefined_are_left_out() -> Result<(), InspectError> {
        let probes = |step, weights| Ok::<_, InspectError>(vec![snapshot(step, weights)?]);
        let weights = [-1.0, 2.0, f64::NAN, 1.0];
        let frames = vec![
            Frame { probes: probes(0, weights)?, ..frame(0, 1.0)? },
            Frame { probes: probes(8, weights)?, ..frame(8, f32::NAN)? },
        ];
        let story = film(frames).story().join(" ");
        assert!(
            story.starts_with("From step 0 to step 8: 2 frames are shown. W_K of head 0 changed"),
            "{story}"
        );
        assert!(!story.contains("NaN") && !story.contains("attention"), "{story}");
        Ok(())
    }

    #[test]
    fn nothing_is_said_about_what_was_not_measured() -> Result<(), InspectError> {
        let story = film(vec![frame(3, 1.0)?]).story();
        assert_eq!(story, ["From step 3 to step 3: one frame is shown."]);
        Ok(())
    }

    #[test]
    fn a_loss_that_did_not_fall_is_not_said_to_have_fallen() -> Result<(), InspectError> {
        let losses = BTreeMap::from([(1, 1.0), (2, 4.0)]);
        let metrics = Metrics { losses, ..Metrics::default() };
        let film = Film { metrics, ..film(vec![frame(0, 1.0)?]) };
        assert_eq!(film.story()[1], "The training loss went from 1.000 at step 1 to 4.000 at step 2.");
        Ok(())
    }
}
