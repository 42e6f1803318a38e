//! The labels of a run's tokens where its checkpoints have none, as the first had not: those of its film.

use qkv_run::{ProbeLabels, RunFolder};
use safetensors::SafeTensors;

use crate::task::{Task, numbers_for_letters};

/// Numbers, where the film has numbers for the letters of the task; none where it has those of the task, or cannot be
/// read.
pub(super) fn labels_of_film(run: &RunFolder, task: &dyn Task) -> Vec<String> {
    let (letters, frames) = (task.vocabulary(), run.snapshots().unwrap_or_default());
    let numbers = numbers_for_letters(&letters);
    let shown = frames.values().find_map(|frame| labels(&run.read_snapshot(frame).ok()?)).unwrap_or_default();
    let are_all_in = |labels: &[String]| shown.iter().all(|label| labels.contains(label));
    if are_all_in(&numbers) && !are_all_in(&letters) { numbers } else { Vec::new() }
}

/// The labels of every input that a frame has.
fn labels(frame: &[u8]) -> Option<Vec<String>> {
    let (_, header) = SafeTensors::read_metadata(frame).ok()?;
    let metadata = header.metadata().as_ref()?;
    let probes = ProbeLabels::from_metadata(|key| metadata.get(key).map(String::as_str)).ok()?;
    Some(probes.into_iter().flat_map(|probe| probe.tokens).collect())
}
