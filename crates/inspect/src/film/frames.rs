//! A training run as a sequence of pictures.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use qkv_run::{Checkpoint, RunFolder};

use crate::error::InspectError;
use crate::files::config::CheckpointConfig;
use crate::files::layer_kind::{LayerKey, LayerKind, layer_in_words};
use crate::files::layers::layers;
use crate::files::metrics::Metrics;
use crate::files::weights::Weights;
use crate::film::about_task::AboutTask;
use crate::film::frame::Frame;
use crate::heads::embeddings::Embeddings;
use crate::picture::label::clean_label;

/// What a run learned, step by step.
///
/// ```no_run
/// use qkv_inspect::Film;
/// use qkv_run::RunFolder;
///
/// let film = Film::read(&RunFolder::open("runs/reverse")?)?;
/// println!("{}", film.story().join("\n"));
/// std::fs::write("film.html", film.html(&[])?).expect("the folder can be written to");
/// # Ok::<(), qkv_inspect::InspectError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Film {
    /// Name of the run's folder.
    pub title: String,
    /// By step; at least one.
    pub frames: Vec<Frame>,
    /// Number of readable frames that the run kept; more than there are here where not all of them were read.
    pub n_kept: usize,
    /// Why a file of `snapshots/` was left out, by step.
    pub unreadable: BTreeMap<u64, String>,
    /// Loss and accuracy of every step.
    pub metrics: Metrics,
    /// What the run was set to.
    pub config: CheckpointConfig,
    /// What no file has of the task; `None` unless the caller sets it.
    pub task: Option<AboutTask>,
}

/// Where the frame of one step is read from.
#[derive(Default)]
struct Kept {
    checkpoint: Option<Checkpoint>,
    snapshot: Option<PathBuf>,
}

impl Film {
    /// Reads what training kept: frames from `snapshots/`, the checkpoints between them, and the metrics. A file of
    /// `snapshots/` that cannot be read is left out.
    ///
    /// # Errors
    /// If a checkpoint is damaged, or the matrices do not split into the heads of the config.
    pub fn read(run: &RunFolder) -> Result<Self, InspectError> {
        Self::read_evenly(run, None, |_| usize::MAX)
    }

    /// Reads no more frames than `max_frames` allows, but at least two: the first, the last and evenly chosen ones
    /// between them. It is given the frame of the latest checkpoint, which is as large as any; [`Frame::max_on_page`]
    /// is one. With `until`, the film ends with the checkpoint of that step, as if the run had been stopped there.
    ///
    /// # Errors
    /// As [`read`](Self::read); or if there is no checkpoint of that step.
    pub fn read_evenly(
        run: &RunFolder,
        until: Option<u64>,
        max_frames: impl FnOnce(&Frame) -> usize,
    ) -> Result<Self, InspectError> {
        let mut metrics = Metrics::of_events(run.events()?);
        let latest = until.map_or_else(|| run.latest(), |step| run.at(step))?;
        let config = CheckpointConfig::of_checkpoint(&latest)?;
        let mut kept: BTreeMap<u64, Kept> = BTreeMap::new();
        for checkpoint in run.checkpoints()? {
            let step = checkpoint.step;
            kept.entry(step).or_default().checkpoint = Some(checkpoint);
        }
        for (step, path) in run.snapshots()? {
            kept.entry(step).or_default().snapshot = Some(path);
        }
        if until.is_some() {
            kept.retain(|step, _| *step <= latest.step);
            metrics.end_with(latest.step);
        }
        let mut unreadable = BTreeMap::new();
        let mut read = |step: u64| frame(step, &kept[&step], run, &config, &metrics, &mut unreadable);
        // The last frame is a checkpoint, unless the run goes on just now, so that it has all there is.
        let max_frames = read(latest.step)?.as_ref().map_or(0, max_frames).max(2);
        let steps: Vec<u64> = kept.keys().copied().collect();
        let chosen = evenly(steps.len(), max_frames).map(|index| read(steps[index]));
        let chosen: Vec<Option<Frame>> = chosen.collect::<Result<_, InspectError>>()?;
        let n_kept = steps.len() - chosen.iter().filter(|frame| frame.is_none()).count();
        let frames = chosen.into_iter().flatten().collect();
        let title = run.path().canonicalize().ok();
        let title = title.as_deref().unwrap_or(run.path()).file_name().unwrap_or_default();
        let title = title.to_string_lossy().into_owned();
        Ok(Self { title, frames, n_kept, unreadable, metrics, config, task: None })
    }

    /// A film without a run folder: of the bytes of frames by step, as training makes them in memory.
    ///
    /// ```
    /// use qkv_inspect::{CheckpointConfig, Film, Metrics};
    ///
    /// let header = r#"{"a.w_q":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}"#;
    /// let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    /// bytes.extend(header.as_bytes());
    /// bytes.extend([1.5f32, -2.0].iter().flat_map(|x| x.to_le_bytes()));
    ///
    /// let config = CheckpointConfig::of_toml("[model]\nn_heads = 2", &["a".to_owned()])?;
    /// let film = Film::of_frames("live", config, Metrics::default(), [(7, bytes)])?;
    /// assert_eq!(film.frames[0].layers[0].heads[1].w_q.as_ref().map(|m| m.values()), Some(&[-2.0][..]));
    /// assert!(film.json().starts_with(r#"{"title":"live","frames":[{"step":7"#));
    /// # Ok::<(), qkv_inspect::InspectError>(())
    /// ```
    ///
    /// # Errors
    /// If there is no frame, one is no safetensors file, or its matrices do not split into the heads of the config.
    pub fn of_frames(
        title: &str,
        config: CheckpointConfig,
        metrics: Metrics,
        frames: impl IntoIterator<Item = (u64, Vec<u8>)>,
    ) -> Result<Self, InspectError> {
        let frame = |(step, bytes)| {
            Frame::at(step, &metrics)
                .with_file(&Weights::from_bytes(format!("the frame of step {step}"), bytes)?, &config)
        };
        let frames: Vec<Frame> = frames.into_iter().map(frame).collect::<Result<_, InspectError>>()?;
        if frames.is_empty() {
            return Err(InspectError::NoFrames);
        }
        let (title, n_kept) = (title.to_owned(), frames.len());
        Ok(Self { title, frames, n_kept, unreadable: BTreeMap::new(), metrics, config, task: None })
    }

    /// The layer to look at first: of two sequences the last that reads the source, whose map is an alignment
    /// ([Bahdanau et al. 2015, figure 3](https://arxiv.org/abs/1409.0473)), and otherwise the first. `None` where there is
    /// no layer.
    pub fn main_layer(&self) -> Option<&str> {
        let names = self.layer_names();
        let cross = names.iter().rfind(|name| LayerKind::of(name) == LayerKind::Cross);
        cross.or(names.first()).copied()
    }

    /// "layer 0, head 1": layers are counted in the order of computation. Of two sequences
    /// "decoder, layer 0: answer to source, head 1".
    pub(crate) fn head_name(&self, layer: &str, head: usize) -> String {
        match (layer_in_words(layer), self.layer_names().iter().position(|name| *name == layer)) {
            (Some(words), _) => format!("{words}, head {head}"),
            (None, Some(index)) => format!("layer {index}, head {head}"),
            (None, None) => format!("{}, head {head}", clean_label(layer)),
        }
    }

    /// The same in a sentence, where a layer that is the only one has no number.
    pub(crate) fn head_in_words(&self, layer: &str, head: usize) -> String {
        let names = self.layer_names();
        match (layer_in_words(layer), names.iter().position(|name| *name == layer)) {
            (Some(words), _) => format!("head {head} ({words})"),
            (None, Some(_)) if names.len() == 1 => format!("head {head}"),
            (None, Some(index)) => format!("head {head} of layer {index}"),
            (None, None) => format!("head {head} of {}", clean_label(layer)),
        }
    }

    /// The layers that have matrices or maps, in the order of computation.
    fn layer_names(&self) -> Vec<&str> {
        let of_layers = self.frames.iter().flat_map(|frame| &frame.layers).map(|layer| layer.prefix.as_str());
        let maps = self.frames.iter().flat_map(|frame| &frame.probes).flat_map(|probe| &probe.maps);
        let names: BTreeSet<&str> = of_layers.chain(maps.map(|map| map.layer.as_str())).collect();
        let mut names: Vec<&str> = names.into_iter().collect();
        names.sort_by_cached_key(|name| LayerKey::of(name));
        names
    }

    /// What enters and leaves a layer of this kind, with as many positions as its sequence has.
    pub(crate) fn embeddings_of<'a>(&self, kind: LayerKind, frame: &'a Frame) -> Cow<'a, Embeddings> {
        let mut probes = self.frames.iter().flat_map(|frame| &frame.probes);
        let source_len = probes.find_map(|probe| probe.labels.source_len());
        let n = match (kind, self.config.seq_len) {
            (LayerKind::Encoder, _) => source_len,
            (LayerKind::Decoder, Some(seq_len)) => {
                source_len.and_then(|source_len| seq_len.checked_sub(source_len))
            }
            _ => None,
        };
        n.map_or(Cow::Borrowed(&frame.embeddings), |n| Cow::Owned(frame.embeddings.with_positions(n)))
    }

    /// The first and the last frame that have matrices.
    pub(crate) fn ends(&self) -> Option<[&Frame; 2]> {
        let mut with_matrices = self.frames.iter().filter(|frame| !frame.layers.is_empty());
        let first = with_matrices.next()?;
        Some([first, with_matrices.next_back().unwrap_or(first)])
    }
}

/// `None` where nothing of the step can be read.
fn frame(
    step: u64,
    kept: &Kept,
    run: &RunFolder,
    config: &CheckpointConfig,
    metrics: &Metrics,
    unreadable: &mut BTreeMap<u64, String>,
) -> Result<Option<Frame>, InspectError> {
    let empty = || Frame::at(step, metrics);
    let read = |path: &PathBuf| empty().with_file(&Weights::of_frame(run, path)?, config);
    let snapshot = kept.snapshot.as_ref().map(read).transpose();
    let snapshot = snapshot.unwrap_or_else(|error| {
        unreadable.insert(step, error.to_string());
        None
    });
    let Some(checkpoint) = &kept.checkpoint else { return Ok(snapshot) };
    let mut frame = snapshot.unwrap_or_else(empty);
    if frame.layers.is_empty() {
        let weights = Weights::of_checkpoint(checkpoint)?;
        frame.layers = layers(&weights, config.heads())?;
        frame.embeddings = Embeddings::read(&weights, config)?;
    }
    Ok(Some(frame))
}

/// `most` of `0..length` at even distances, the first and the last among them; `most` is at least 2.
pub(crate) fn evenly(length: usize, most: usize) -> impl Iterator<Item = usize> {
    let count = length.min(most);
    (0..count).map(move |i| if count == 1 { 0 } else { i * (length - 1) / (count - 1) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{run_folder, tensors};
    use std::fs;

    #[test]
    fn every_checkpoint_and_snapshot_is_a_frame_with_what_was_known_then()
    -> Result<(), Box<dyn std::error::Error>> {
        let folder = run_folder(&[0, 20, 40])?;
        fs::create_dir(folder.path().join("snapshots"))?;
        let map = tensors(&[("a.weights", &[1, 2, 2], vec![0.0, 1.0, 1.0, 0.0])], &[]);
        for step in [10, 40] {
            fs::write(folder.path().join(format!("snapshots/step-{step:08}.safetensors")), &map)?;
        }
        let metrics = "{\"event\":\"step\",\"step\":20,\"loss\":0.5}\n{\"event\":\"eval\",\"step\":15,\"accuracy\":0.25}\n";
        fs::write(folder.path().join("metrics.jsonl"), metrics)?;
        let film = Film::read(&RunFolder::open(folder.path())?)?;
        let frames: Vec<_> = film.frames.iter().map(|f| (f.step, f.loss, f.probes.len())).collect();
        assert_eq!(frames, [(0, None, 0), (10, None, 1), (20, Some(0.5), 0), (40, None, 1)]);
        let accuracies: Vec<_> =
            film.frames.iter().map(|f| f.evaluation.as_ref().map(|e| e.accuracy)).collect();
        assert_eq!(accuracies, [None, None, Some(0.25), Some(0.25)]);
        let w_q = film.frames[3].layers[0].heads[1].w_q.as_ref().map(|m| m.values().to_vec());
        assert_eq!((w_q, film.n_kept), (Some(vec![41.0, 41.0]), 4));
        assert_eq!(film.ends().map(|ends| ends.map(|frame| frame.step)), Some([0, 40]));
        assert_eq!(film.frames[1].probes[0].maps[0].scores(&[]).previous_token, Some(1.0));
        Ok(())
    }

    #[test]
    fn a_film_that_is_read_in_part_keeps_its_ends() -> Result<(), Box<dyn std::error::Error>> {
        let folder = run_folder(&[0, 1, 2, 3, 4])?;
        let run = RunFolder::open(folder.path())?;
        let steps = |until, max: usize| {
            let film = Film::read_evenly(&run, until, |latest| max * latest.layers.len())?;
            let steps: Vec<u64> = film.frames.iter().map(|frame| frame.step).collect();
            Ok::<_, InspectError>((steps, film.n_kept))
        };
        assert_eq!(steps(None, 0)?, (vec![0, 4], 5));
        assert_eq!(steps(None, 3)?, (vec![0, 2, 4], 5));
        assert_eq!(steps(None, 9)?, (vec![0, 1, 2, 3, 4], 5));
        assert_eq!(steps(Some(2), 9)?, (vec![0, 1, 2], 3));
        assert_eq!(steps(Some(3), 0)?, (vec![0, 3], 4));
        assert!(steps(Some(7), 9).expect_err("no such step").to_string().contains("those of 0, 1, 2, 3, 4"));
        Ok(())
    }

    #[test]
    fn a_snapshot_with_matrices_is_a_whole_frame() -> Result<(), Box<dyn std::error::Error>> {
        let folder = run_folder(&[0])?;
        fs::create_dir(folder.path().join("snapshots"))?;
        let list =
            [("a.w_q", &[1, 3][..], vec![3.0, 4.0, 0.0]), ("a.w_q.gradient", &[3], vec![1.0, 2.0, 0.0])];
        fs::write(folder.path().join("snapshots/step-7.safetensors"), tensors(&list, &[]))?;
        let film = Film::read(&RunFolder::open(folder.path())?)?;
        let frame = &film.frames[1];
        let w_q = frame.layers[0].heads[1].w_q.as_ref().map(|m| m.values().to_vec());
        assert_eq!((frame.step, w_q), (7, Some(vec![4.0])));
        let gradients: Vec<f64> = frame.flows.iter().map(|flow| flow.gradient).collect();
        assert_eq!(gradients, [1.0, 2.0, 0.0]);
        Ok(())
    }

    #[test]
    fn a_frame_that_cannot_be_read_is_left_out_with_the_reason() -> Result<(), Box<dyn std::error::Error>> {
        let folder = run_folder(&[0, 20])?;
        fs::create_dir(folder.path().join("snapshots"))?;
        let map = tensors(&[("a.weights", &[1, 2, 2], vec![0.0, 1.0, 1.0, 0.0])], &[]);
        let labels = tensors(&[], &[("probes", &"[".repeat(10_000))]);
        let heads = tensors(&[("a.w_q", &[1, 5], vec![0.0; 5])], &[]);
        let contents = [
            (5, &map[..]),
            (10, b""),
            (15, &map[..map.len() - 1]),
            (16, &labels),
            (17, &heads),
            (20, b"no tensors"),
        ];
        for (step, content) in contents {
            fs::write(folder.path().join(format!("snapshots/step-{step:08}.safetensors")), content)?;
        }
        let film = Film::read(&RunFolder::open(folder.path())?)?;
        let steps: Vec<u64> = film.frames.iter().map(|frame| frame.step).collect();
        assert_eq!((steps, film.n_kept), (vec![0, 5, 20], 3), "that of step 20 has a checkpoint, too");
        assert_eq!(film.unreadable.keys().copied().collect::<Vec<_>>(), [10, 15, 16, 17, 20]);
        assert!(film.unreadable[&10].contains("step-00000010"), "{:?}", film.unreadable);
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
