//! A film in words, each of them measured.

use crate::film::{Film, Habit};
use crate::scale::number;
use crate::snapshot::AttentionMap;

/// A habit is worth naming where it takes most of the attention.
const MOST: f64 = 0.5;

impl Film {
    /// What happened, in sentences: how long, how well, which matrix moved most, and what the heads came to look at.
    /// Nothing is said about what was not measured.
    pub fn story(&self) -> Vec<String> {
        [self.length(), self.loss(), self.answers(), self.movement(), self.habit(), self.sharpness()]
            .into_iter()
            .flatten()
            .collect()
    }

    fn length(&self) -> Option<String> {
        let (first, last) = (self.frames.first()?.step, self.frames.last()?.step);
        let shown = match (self.frames.len(), self.n_checkpoints) {
            (1, _) => "one checkpoint is shown".to_owned(),
            (n, all) if n < all => format!("{n} of {all} checkpoints are shown, evenly chosen"),
            (n, _) => format!("{n} checkpoints are shown"),
        };
        Some(format!("From step {first} to step {last}: {shown}."))
    }

    fn loss(&self) -> Option<String> {
        let losses = &self.metrics.losses;
        let ((first, before), (last, after)) = (losses.first_key_value()?, losses.last_key_value()?);
        let from_to =
            format!("from {} at step {first} to {} at step {last}", number(*before), number(*after));
        if after >= before || after.is_nan() || before.is_nan() {
            return Some(format!("The training loss went {from_to}."));
        }
        let middle = (before + after) / 2.0;
        let half = losses.iter().find(|(_, loss)| **loss <= middle)?.0;
        Some(format!("The training loss fell {from_to}; it was half-way there at step {half}."))
    }

    fn answers(&self) -> Option<String> {
        let (step, evaluation) = self.metrics.evaluations.last_key_value()?;
        let examples = evaluation.sequence_accuracy.map_or(String::new(), |share| {
            format!(", and {} of the examples without a mistake", percent(share))
        });
        let accuracy = percent(evaluation.accuracy);
        Some(format!("At step {step} it gets {accuracy} of the held-out answers right{examples}."))
    }

    fn movement(&self) -> Option<String> {
        let (first, last) = (self.frames.first()?, self.frames.last()?);
        if first.step == last.step {
            return None;
        }
        let mut furthest: Option<(f64, String)> = None;
        for (before, layer) in first.layers.iter().zip(&last.layers) {
            for (head, (before, after)) in before.heads.iter().zip(&layer.heads).enumerate() {
                for ((name, before), (_, after)) in before.named().into_iter().zip(after.named()) {
                    let distance =
                        after.zip(before).and_then(|(after, before)| after.moved_from(before).ok());
                    let Some(distance) = distance.and_then(|moved| moved.distance) else { continue };
                    if furthest.as_ref().is_none_or(|(most, _)| distance > *most) {
                        let place = format!("{} of head {head} in {}", name.to_uppercase(), layer.prefix);
                        furthest = Some((distance, place));
                    }
                }
            }
        }
        let (distance, place) = furthest?;
        Some(format!(
            "{place} moved furthest: by {} times its length at step {}.",
            number(distance),
            first.step
        ))
    }

    fn habit(&self) -> Option<String> {
        let snapshot = self.snapshots.last()?;
        let habits = Habit::of(snapshot);
        let Habit { layer, head, looks_at, share } = habits.first()?;
        let share_of = percent(*share);
        Some(match *share >= MOST {
            true => format!("Head {head} of {layer} gives {share_of} of its attention to {looks_at}."),
            false => format!(
                "No head has one of the habits that are looked for; the nearest is head {head} of {layer}, which gives \
                 {share_of} of its attention to {looks_at}."
            ),
        })
    }

    fn sharpness(&self) -> Option<String> {
        let n_keys = |maps: &[AttentionMap]| {
            let nats: Vec<f64> = maps.iter().filter_map(|map| map.mean_entropy()).collect();
            (!nats.is_empty()).then(|| (nats.iter().sum::<f64>() / nats.len() as f64).exp())
        };
        let (first, last) = (self.snapshots.first()?, self.snapshots.last()?);
        let after = number(n_keys(&last.maps)?);
        let (from, to) = (first.step?, last.step?);
        Some(match from == to {
            true => format!("At step {to} a query spreads its attention as if over {after} keys."),
            false => format!(
                "A query spread its attention as if over {} keys at step {from}, and over {after} at step {to}.",
                number(n_keys(&first.maps)?)
            ),
        })
    }
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
    use crate::film::Frame;
    use crate::layers::layers;
    use crate::matrix::Matrix;
    use crate::metrics::{Evaluation, Metrics};
    use crate::samples::weights;
    use crate::snapshot::Snapshot;

    fn frame(step: u64, w_q: f32) -> Result<Frame, InspectError> {
        let list = [("a.w_q", &[1, 2][..], vec![w_q; 2]), ("a.w_k", &[1, 2], vec![1.0; 2])];
        let layers = layers(&weights(&list), 1)?;
        Ok(Frame { step, loss: None, evaluation: None, layers, snapshot: None })
    }

    fn snapshot(step: u64, weights: [f64; 4]) -> Result<Snapshot, InspectError> {
        let weights = Matrix::new(2, 2, weights.to_vec())?;
        let map = AttentionMap { layer: "a".to_owned(), head: 0, weights };
        let nothing = Vec::new;
        Ok(Snapshot {
            step: Some(step),
            tokens: nothing(),
            targets: nothing(),
            predictions: nothing(),
            maps: vec![map],
        })
    }

    #[test]
    fn the_story_is_what_was_measured() -> Result<(), InspectError> {
        let evaluation = Evaluation { accuracy: 1.0, sequence_accuracy: Some(0.875) };
        let film = Film {
            title: "run".to_owned(),
            frames: vec![frame(0, 1.0)?, frame(8, 3.0)?],
            n_checkpoints: 5,
            snapshots: vec![snapshot(0, [0.5; 4])?, snapshot(8, [0.0, 1.0, 1.0, 0.0])?],
            metrics: Metrics {
                losses: BTreeMap::from([(1, 2.0), (4, 1.25), (5, 1.0), (8, 0.5)]),
                evaluations: BTreeMap::from([(8, evaluation)]),
            },
        };
        let expected = [
            "From step 0 to step 8: 2 of 5 checkpoints are shown, evenly chosen.",
            "The training loss fell from 2.00 at step 1 to 0.500 at step 8; it was half-way there at step 4.",
            "At step 8 it gets all of the held-out answers right, and 87.5 % of the examples without a mistake.",
            "W_Q of head 0 in a moved furthest: by 2.00 times its length at step 0.",
            "Head 0 of a gives all of its attention to the position before.",
            "A query spread its attention as if over 2.00 keys at step 0, and over 1.00 at step 8.",
        ];
        assert_eq!(film.story(), expected);
        Ok(())
    }

    #[test]
    fn nothing_is_said_about_what_was_not_measured() -> Result<(), InspectError> {
        let film = Film {
            title: String::new(),
            frames: vec![frame(3, 1.0)?],
            n_checkpoints: 1,
            snapshots: Vec::new(),
            metrics: Metrics::default(),
        };
        assert_eq!(film.story(), ["From step 3 to step 3: one checkpoint is shown."]);
        Ok(())
    }

    #[test]
    fn a_loss_that_did_not_fall_is_not_said_to_have_fallen() -> Result<(), InspectError> {
        let losses = BTreeMap::from([(1, 1.0), (2, 4.0)]);
        let metrics = Metrics { losses, ..Metrics::default() };
        let frames = vec![frame(0, 1.0)?];
        let film = Film { title: String::new(), frames, n_checkpoints: 1, snapshots: Vec::new(), metrics };
        assert_eq!(film.story()[1], "The training loss went from 1.00 at step 1 to 4.00 at step 2.");
        Ok(())
    }
}
