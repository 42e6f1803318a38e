//! What a run leaves on disk.

use std::collections::BTreeMap;
use std::path::PathBuf;

use safetensors::SafeTensors;
use serde_json::Value;

use crate::support::sandbox::{Sandbox, Tree};
use crate::support::tensors::tensors;

/// What does not depend on the clock.
fn without_metrics(mut run: Tree) -> Tree {
    run.remove(&PathBuf::from("metrics.jsonl"));
    run
}

#[test]
fn the_saved_config_repeats_the_run() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(
        "train sort --steps 4 --seed 5 --out one --quiet --set model.d_k=7 --set task.len=5 --set model.dropout=0.2 \
         --set train.checkpoint_every=3 --set optimizer.lr=1e-3",
    );
    sandbox.succeeds("train one/config.toml --out two --quiet");
    let [one, two] = ["one", "two"].map(|run| without_metrics(sandbox.tree(run)));
    assert!(one.keys().any(|path| path.ends_with("step-00000004/model.safetensors")));
    assert!(one == two, "{:?}\n{:?}", one.keys(), two.keys());
}

#[test]
fn the_saved_config_has_every_open_value_filled_in() {
    let sandbox = Sandbox::new();
    sandbox.succeeds("train sort --steps 1 --seed 7 --out run --quiet");
    let config = sandbox.read_text("run/config.toml");
    // Two heads share 32 columns; minGPT's input is the six symbols and all but the last answer.
    for line in ["seed = 7", "steps = 1", "d_k = 16", "d_v = 16", "vocab_size = 3", "seq_len = 11"] {
        assert!(config.lines().any(|found| found == line), "no `{line}` in\n{config}");
    }
}

#[test]
fn checkpoints_are_kept_at_the_start_every_so_often_and_at_the_end() {
    let sandbox = Sandbox::new();
    sandbox.succeeds("train reverse --steps 8 --set train.checkpoint_every=3 --out run --quiet");
    let paths: Vec<String> = sandbox
        .tree("run")
        .into_iter()
        .filter_map(|(path, content)| content.map(|_| path.to_str().unwrap().to_owned()))
        .collect();
    let mut expected = vec![];
    for step in [0, 3, 6, 8] {
        expected.push(format!("checkpoints/step-{step:08}/MANIFEST.json"));
        expected.push(format!("checkpoints/step-{step:08}/config.json"));
        expected.push(format!("checkpoints/step-{step:08}/model.safetensors"));
        expected.push(format!("checkpoints/step-{step:08}/optimizer.safetensors"));
    }
    expected.extend(["config.toml", "metrics.jsonl", "run.lock"].map(String::from));
    // A frame every four steps, and one with each checkpoint.
    expected.extend([0, 3, 4, 6, 8].map(|step| format!("snapshots/step-{step:08}.safetensors")));
    assert_eq!(paths, expected);
}

#[test]
fn weights_have_the_names_and_shapes_of_the_paper_and_the_format_that_others_read() {
    let sandbox = Sandbox::new();
    // Different primes, so that no two axes can be swapped unnoticed.
    sandbox.succeeds(
        "train reverse --steps 1 --out run --quiet --set model.d_model=13 --set model.n_heads=3 --set model.d_k=5 \
         --set model.d_v=7 --set model.w_o=true --set model.n_layers=2 --set task.n_symbols=11",
    );
    let bytes = sandbox.read("run/checkpoints/step-00000001/model.safetensors");
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let metadata = header.metadata().clone().unwrap();
    assert_eq!(metadata.into_iter().collect::<Vec<_>>(), [("format".to_owned(), "pt".to_owned())]);
    let tensors = tensors(&bytes);
    let shape = |name: &str| tensors.get(name).map(|tensor| tensor.shape.as_slice());
    assert_eq!(shape("embedding.table"), Some(&[11, 13][..]));
    for layer in 0..2 {
        for (name, expected) in
            [("w_q", [13, 3 * 5]), ("w_k", [13, 3 * 5]), ("w_v", [13, 3 * 7]), ("w_o", [3 * 7, 13])]
        {
            let name = format!("blocks.{layer}.attention.{name}");
            assert_eq!(shape(&name), Some(&expected[..]), "{name}");
        }
    }
    let n_values: usize = tensors.values().map(|tensor| tensor.values.len()).sum();
    assert_eq!(sandbox.metrics("run")[0]["parameters"], n_values, "{:?}", tensors.keys());
}

#[test]
fn a_checkpoint_names_its_model_and_step() {
    let sandbox = Sandbox::new();
    sandbox.succeeds("train sort --steps 2 --out run --quiet");
    for step in [0, 2] {
        let text = sandbox.read_text(&format!("run/checkpoints/step-{step:08}/config.json"));
        let config: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(config["step"], step);
        assert_eq!(config["format"], "qkv-checkpoint-2");
        assert_eq!(config["task"]["name"], "sort");
        let model = &config["model"];
        assert_eq!((&model["n_heads"], &model["d_k"]), (&2.into(), &16.into()), "{model}");
    }
}

#[test]
fn the_snapshot_holds_the_maps_of_every_layer_and_head() {
    let sandbox = Sandbox::new();
    sandbox.succeeds("train sort --steps 2 --out run --quiet");
    let maps = tensors(&sandbox.read("run/snapshots/step-00000002.safetensors"));
    let maps: BTreeMap<_, _> = maps.iter().filter(|(name, _)| name.ends_with(".weights")).collect();
    let names: Vec<&&String> = maps.keys().collect();
    assert_eq!(names, [&"blocks.0.attention.weights", &"blocks.1.attention.weights"]);
    for map in maps.values() {
        // Three inputs, two heads.
        assert_eq!(map.shape, [3, 2, 11, 11]);
        for (row, weights) in map.values.chunks(11).enumerate() {
            let sum: f64 = weights.iter().sum();
            // Eleven f32 additions.
            assert!((sum - 1.0).abs() < 1e-6, "{sum}");
            assert!(weights[row % 11 + 1..].iter().all(|&weight| weight == 0.0), "the mask is causal");
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn the_name_of_a_run_folder_need_not_be_utf8() {
    use std::os::unix::ffi::OsStrExt;
    let sandbox = Sandbox::new();
    let name = std::ffi::OsStr::from_bytes(b"run\xff");
    let run = sandbox.command("train reverse --steps 1 --json --out").arg(name).output().unwrap();
    assert_eq!(run.status.code(), Some(0), "{run:#?}");
    let last = String::from_utf8(run.stdout).unwrap().lines().last().unwrap().to_owned();
    let done: Value = serde_json::from_str(&last).unwrap();
    assert_eq!((&done["event"], &done["path"]), (&"done".into(), &"run\u{fffd}".into()));
}
