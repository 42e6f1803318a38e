//! What a run leaves behind, without what depends on the clock or on where it was stopped.

use std::collections::BTreeMap;
use std::path::PathBuf;

use safetensors::SafeTensors;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::support::sandbox::{Sandbox, Tree};
use crate::tiny_run::SAVED_EVERY;

/// How a run ended.
#[derive(Debug, PartialEq)]
pub struct Ending {
    /// SHA-256 over path, type, shape and bytes of each parameter and each tensor of the optimizer in the last
    /// checkpoint, sorted by path.
    pub state: String,
    /// Steps, evaluations and the end, in order.
    pub metrics: Vec<Value>,
    /// The checkpoint with the lowest held-out loss, by its own account, and the hash of its state.
    best: (u64, String),
    /// The names and hashes of the frames that the run takes wherever it is stopped.
    film: BTreeMap<PathBuf, String>,
}

impl Ending {
    /// That of a run that came to its end.
    #[track_caller]
    pub fn of(sandbox: &Sandbox, run: &str) -> Self {
        let metrics = metrics(sandbox, run);
        let last = metrics.last().unwrap_or_else(|| panic!("{run} has no events"));
        assert_eq!(last["event"], "done", "{run} has no end");
        let step = last["step"].as_u64().unwrap();
        assert_eq!(steps(sandbox, run).last(), Some(&step), "{run} ends with another checkpoint");
        let best = best(sandbox, run);
        let best = (best, state(sandbox, run, best));
        Self { state: state(sandbox, run, step), metrics, best, film: film(sandbox, run) }
    }
}

/// The hash of the state in the checkpoint after `step`.
pub fn state(sandbox: &Sandbox, run: &str, step: u64) -> String {
    let checkpoint = format!("{run}/checkpoints/step-{step:08}");
    let files = ["model", "optimizer"].map(|name| sandbox.read(&format!("{checkpoint}/{name}.safetensors")));
    let files = files.each_ref().map(|bytes| SafeTensors::deserialize(bytes).unwrap());
    let tensors: BTreeMap<_, _> = files.iter().flat_map(SafeTensors::iter).collect();
    assert_eq!(tensors.len(), files.iter().map(SafeTensors::len).sum::<usize>(), "two tensors of one name");
    let mut hash = Sha256::new();
    for (path, tensor) in tensors {
        hash.update(format!("{path}\0{}\0", tensor.dtype()));
        let sizes = [&[tensor.shape().len()], tensor.shape(), &[tensor.data().len()]].concat();
        sizes.into_iter().for_each(|size| hash.update((size as u64).to_le_bytes()));
        hash.update(tensor.data());
    }
    hex(hash)
}

/// The steps, evaluations and ends that a run logged, without the clock and the folder.
pub fn metrics(sandbox: &Sandbox, run: &str) -> Vec<Value> {
    let mut events = sandbox.metrics(run);
    // A run that goes on starts again, and saves where it was stopped.
    events.retain(|event| event["event"] != "start" && event["event"] != "saved");
    for event in &mut events {
        let event = event.as_object_mut().unwrap();
        event.retain(|key, _| !key.ends_with("seconds") && !key.ends_with("per_second") && key != "path");
    }
    events
}

/// The steps of the checkpoints that lie in a run, in order.
pub fn steps(sandbox: &Sandbox, run: &str) -> Vec<u64> {
    let number = |name: &str| name.strip_prefix("step-")?.parse().ok();
    let tree: Tree = sandbox.tree(&format!("{run}/checkpoints"));
    tree.keys().filter_map(|path| number(path.to_str()?)).collect()
}

/// The step of the best checkpoint; of equal ones the newest.
fn best(sandbox: &Sandbox, run: &str) -> u64 {
    let loss = |step: &u64| {
        let config = sandbox.read_text(&format!("{run}/checkpoints/step-{step:08}/config.json"));
        let config: Value = serde_json::from_str(&config).unwrap();
        config["evaluation"]["loss"].as_f64().unwrap_or(f64::INFINITY)
    };
    let losses = steps(sandbox, run).into_iter().rev().map(|step| (loss(&step), step));
    losses.min_by(|(one, _), (other, _)| one.total_cmp(other)).unwrap().1
}

fn film(sandbox: &Sandbox, run: &str) -> BTreeMap<PathBuf, String> {
    let is_planned = |path: &PathBuf| {
        let step = path.file_stem().and_then(|name| name.to_str()?.strip_prefix("step-")?.parse().ok());
        step.is_some_and(|step: u64| step.is_multiple_of(SAVED_EVERY))
    };
    let tree = sandbox.tree(run).into_iter();
    let frames = tree.filter(|(path, _)| path.starts_with("snapshots") && is_planned(path));
    frames.map(|(path, bytes)| (path, hex(Sha256::new_with_prefix(bytes.unwrap())))).collect()
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_hash_of_a_state_depends_on_all_of_it() {
    use safetensors::Dtype;
    use safetensors::tensor::TensorView;
    let sandbox = Sandbox::new();
    let hash = |run: &str, name: &str, dtype: Dtype, shape: &[usize], bytes: &[u8]| {
        let file = |view| safetensors::serialize([(name, view)], None).unwrap();
        let view = TensorView::new(dtype, shape.to_vec(), bytes).unwrap();
        let folder = format!("{run}/checkpoints/step-00000007");
        sandbox.write(&format!("{folder}/model.safetensors"), file(view));
        let nothing = Vec::<(&str, TensorView<'_>)>::new();
        sandbox.write(
            &format!("{folder}/optimizer.safetensors"),
            safetensors::serialize(nothing, None).unwrap(),
        );
        state(&sandbox, run, 7)
    };
    let hashes = [
        hash("one", "w_q", Dtype::F32, &[2, 1], &[1; 8]),
        hash("two", "w_k", Dtype::F32, &[2, 1], &[1; 8]),
        hash("three", "w_q", Dtype::I32, &[2, 1], &[1; 8]),
        hash("four", "w_q", Dtype::F32, &[1, 2], &[1; 8]),
        hash("five", "w_q", Dtype::F32, &[2, 1], &[1, 1, 1, 1, 1, 1, 1, 2]),
    ];
    assert_eq!(hashes.iter().collect::<std::collections::BTreeSet<_>>().len(), 5, "{hashes:?}");
    assert_eq!(hashes[0], hash("again", "w_q", Dtype::F32, &[2, 1], &[1; 8]));
}
