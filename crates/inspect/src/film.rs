//! A training run as a sequence of pictures.

use serde::Serialize;

use crate::error::InspectError;
use crate::head_scores::HeadScores;
use crate::layers::{LayerWeights, layers};
use crate::matrix::Matrix;
use crate::metrics::{Evaluation, Metrics};
use crate::run::{Checkpoint, Run};
use crate::snapshot::Snapshot;

/// Values that all frames together may have: about 5 MB as a page.
const MOST_VALUES: usize = 1_800_000;

/// Cells of a matrix along each axis; a larger one is shown in blocks.
pub(crate) const MOST_CELLS: usize = 128;

/// What a run learned, checkpoint by checkpoint.
///
/// ```no_run
/// use qkv_inspect::{Film, Run};
///
/// let film = Film::read(&Run::open("runs/reverse")?)?;
/// println!("{}", film.story().join("\n"));
/// std::fs::write("film.html", film.html()?).expect("the folder can be written to");
/// # Ok::<(), qkv_inspect::InspectError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Film {
    /// Name of the run's folder.
    pub title: String,
    /// By step; at least one.
    pub frames: Vec<Frame>,
    /// Number of complete checkpoints; more than there are frames where the page would become too large.
    pub n_checkpoints: usize,
    /// Attention maps that were saved on the way, by step.
    pub snapshots: Vec<Snapshot>,
    /// Loss and accuracy of every step.
    pub metrics: Metrics,
}

/// The weights at one step.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Updates made.
    pub step: u64,
    /// Training loss of the last step before, if it was logged.
    pub loss: Option<f64>,
    /// The last evaluation at or before this step.
    pub evaluation: Option<Evaluation>,
    /// Every attention layer, split into heads.
    pub layers: Vec<LayerWeights>,
    /// The last of the film's snapshots at or before this step, an index.
    pub snapshot: Option<usize>,
}

/// A habit of a head at one step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Habit {
    /// Name of the layer.
    pub layer: String,
    /// Index of the head.
    pub head: usize,
    /// What it looks at, in words.
    pub looks_at: &'static str,
    /// Share of attention that goes there.
    pub share: f64,
}

impl Film {
    /// Reads every complete checkpoint, every snapshot and the metrics. Where the frames would have more than 1.8 million
    /// values, only the first, the last and evenly chosen ones between them are kept.
    ///
    /// # Errors
    /// If a file is damaged, or the matrices do not split into the heads of the config.
    pub fn read(run: &Run) -> Result<Self, InspectError> {
        let metrics = Metrics::of_run(run.path())?;
        let snapshots = run.snapshots()?;
        let all = run.checkpoints();
        let first = weights_of(&all[0])?;
        let most = MOST_VALUES / n_values(&first).max(1);
        let frames = evenly(all.len(), most.max(2)).map(|index| {
            let checkpoint = &all[index];
            let at_or_before =
                |snapshot: &Snapshot| snapshot.step.is_some_and(|step| step <= checkpoint.step);
            Ok(Frame {
                step: checkpoint.step,
                loss: metrics.losses.get(&checkpoint.step).copied(),
                evaluation: metrics.evaluations.range(..=checkpoint.step).next_back().map(|(_, e)| *e),
                layers: weights_of(checkpoint)?,
                snapshot: snapshots.iter().rposition(at_or_before),
            })
        });
        let frames = frames.collect::<Result<_, InspectError>>()?;
        let title = run.path().canonicalize().ok();
        let title = title.as_deref().unwrap_or(run.path()).file_name().unwrap_or_default();
        Ok(Self {
            title: title.to_string_lossy().into_owned(),
            frames,
            n_checkpoints: all.len(),
            snapshots,
            metrics,
        })
    }
}

impl Habit {
    /// The habits of every head of a snapshot, the strongest first.
    pub fn of(snapshot: &Snapshot) -> Vec<Self> {
        let mut habits: Vec<Self> = snapshot
            .maps
            .iter()
            .flat_map(|map| {
                named(&map.scores(&snapshot.tokens)).into_iter().filter_map(|(looks_at, share)| {
                    Some(Self { layer: map.layer.clone(), head: map.head, looks_at, share: share? })
                })
            })
            .collect();
        habits.sort_by(|a, b| b.share.total_cmp(&a.share));
        habits
    }
}

/// What a head looks at, in words, with its score.
pub(crate) fn named(scores: &HeadScores) -> [(&'static str, Option<f64>); 5] {
    [
        ("the position before", scores.previous_token),
        ("the first position", scores.first_token),
        ("other positions with the same token", scores.same_token),
        ("what followed the same token earlier", scores.induction),
        ("the mirror image of the position", scores.anti_diagonal),
    ]
}

fn weights_of(checkpoint: &Checkpoint) -> Result<Vec<LayerWeights>, InspectError> {
    layers(&checkpoint.weights()?, checkpoint.model()?.heads())
}

fn n_values(layers: &[LayerWeights]) -> usize {
    let heads = layers.iter().flat_map(|layer| &layer.heads);
    let cells = |m: &Matrix| m.rows().min(MOST_CELLS) * m.columns().min(MOST_CELLS);
    heads.flat_map(|head| head.named()).filter_map(|(_, m)| m.map(cells)).sum()
}

/// `most` of `0..length` at even distances, the first and the last among them; `most` is at least 2.
fn evenly(length: usize, most: usize) -> impl Iterator<Item = usize> {
    let count = length.min(most);
    (0..count).map(move |i| if count == 1 { 0 } else { i * (length - 1) / (count - 1) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{run_folder, tensors};
    use std::fs;

    #[test]
    fn every_checkpoint_is_a_frame_with_what_was_known_then() -> Result<(), Box<dyn std::error::Error>> {
        let folder = run_folder(&[0, 20, 40])?;
        fs::create_dir(folder.path().join("snapshots"))?;
        let map = tensors(&[("a.weights", &[1, 2, 2], vec![0.0, 1.0, 1.0, 0.0])], &[]);
        for step in [10, 40] {
            fs::write(folder.path().join(format!("snapshots/step-{step:08}.safetensors")), &map)?;
        }
        let metrics = "{\"event\":\"step\",\"step\":20,\"loss\":0.5}\n{\"event\":\"eval\",\"step\":15,\"accuracy\":0.25}\n";
        fs::write(folder.path().join("metrics.jsonl"), metrics)?;
        let film = Film::read(&Run::open(folder.path())?)?;
        let frames: Vec<_> = film.frames.iter().map(|f| (f.step, f.loss, f.snapshot)).collect();
        assert_eq!(frames, [(0, None, None), (20, Some(0.5), Some(0)), (40, None, Some(1))]);
        let accuracies: Vec<_> = film.frames.iter().map(|f| f.evaluation.map(|e| e.accuracy)).collect();
        assert_eq!(accuracies, [None, Some(0.25), Some(0.25)]);
        let w_q = film.frames[2].layers[0].heads[1].w_q.as_ref().map(|m| m.values().to_vec());
        assert_eq!((w_q, film.n_checkpoints), (Some(vec![41.0, 41.0]), 3));
        let habits = Habit::of(&film.snapshots[0]);
        assert_eq!((habits[0].looks_at, habits[0].share), ("the position before", 1.0));
        Ok(())
    }

    #[test]
    fn frames_are_chosen_evenly_with_both_ends() {
        let chosen = |length, most| evenly(length, most).collect::<Vec<_>>();
        assert_eq!(chosen(3, 10), [0, 1, 2]);
        assert_eq!(chosen(11, 3), [0, 5, 10]);
        assert_eq!(chosen(1, 2), [0]);
        assert_eq!(chosen(100, 2), [0, 99]);
    }
}
