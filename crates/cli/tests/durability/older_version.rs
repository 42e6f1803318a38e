//! A run that an older version wrote goes on to the end that this version reached, and is evaluated and inspected.

use std::path::Path;

use crate::ending::{metrics, state};
use crate::support::sandbox::{Sandbox, Tree, tree_of};
use crate::support::tensors::tensors;

/// A run of the format before manifests, stopped in the middle; `data/README.md` has its origin.
const OLD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/durability/data/run-without-manifests");

/// The command that wrote it, without where it stops and where it writes.
const LINE: &str = "train reverse --steps 120 --threads 1 --quiet --set model.d_model=8 --set model.n_heads=2 \
    --set model.dropout=0.1 --set task.seq_len=5 --set task.n_symbols=6 --set optimizer.lr=2e-2 \
    --set schedule.warmup_steps=10 --set train.batch_size=32 --set train.eval_every=20 --set train.eval_examples=200 \
    --set train.checkpoint_every=60 --set train.snapshot_every=60";

/// The hash of the state that the older version reached after 120 steps.
const FINAL: &str = "0dcaff108b4d607a44a5e9ca5ae2174ee6d2d9bcb50f24d53e3e2520a723e440";

/// Its loss and accuracy on 10,000 test examples.
const LOSS: f64 = 1.2024360174179076;
const ACCURACY: f64 = 0.5422;

fn old() -> Tree {
    tree_of(Path::new(OLD))
}

fn sandbox_with_the_old_run() -> Sandbox {
    let sandbox = Sandbox::in_memory();
    sandbox.place("old", &old());
    sandbox
}

#[test]
fn an_old_run_goes_on_to_the_end_that_its_version_reached() {
    let sandbox = sandbox_with_the_old_run();
    sandbox.succeeds("train old --resume --quiet --threads 1");
    sandbox.succeeds(&format!("{LINE} --out new"));
    let weights =
        |run: &str| tensors(&sandbox.read(&format!("{run}/checkpoints/step-00000120/model.safetensors")));
    // The bytes of a run depend on the instruction set of the processor, and so does whether these come again.
    if state(&sandbox, "new", 60) == state(&sandbox, "old", 60) {
        println!("an old run: this processor computes its bytes");
        assert_eq!(state(&sandbox, "new", 120), FINAL);
        assert_eq!(state(&sandbox, "old", 120), FINAL);
        assert_eq!(metrics(&sandbox, "old"), metrics(&sandbox, "new"));
    } else {
        println!("an old run: another processor computed its bytes");
        for (name, expected) in weights("new") {
            let distance = weights("old")[&name].minus(&expected).norm() / expected.norm();
            // Rounding differences of 1e-7 a step grow in 120 steps; another seed is at a distance of about 1.
            assert!(distance < 1e-2, "{name}: {distance}");
        }
    }
    // What went on has manifests, what was there keeps its bytes.
    assert!(sandbox.path("old/checkpoints/step-00000120/MANIFEST.json").is_file());
    let after = sandbox.tree("old");
    let before = old().into_iter().filter(|(path, _)| path.starts_with("checkpoints"));
    before.for_each(|(path, bytes)| assert!(after.get(&path) == Some(&bytes), "{}", path.display()));
}

/// As a process leaves it that dies after it has written its config with every value, and before its first checkpoint.
fn sandbox_with_the_old_run_killed() -> Sandbox {
    let (sandbox, resumed) = (sandbox_with_the_old_run(), sandbox_with_the_old_run());
    resumed.succeeds("train old --resume --quiet --threads 1 --stop-after 61");
    sandbox.write("old/config.toml", resumed.read("old/config.toml"));
    sandbox
}

#[test]
fn an_old_run_that_was_killed_before_its_first_new_checkpoint_is_whole() {
    let sandbox = sandbox_with_the_old_run_killed();
    let config = sandbox.read_text("old/config.toml");
    let before = String::from_utf8(old()[Path::new("config.toml")].clone().unwrap()).unwrap();
    let added: Vec<&str> = config.lines().filter(|line| !before.lines().any(|old| old == *line)).collect();
    assert!(added.len() > 1, "this version writes more than that one: {added:?}");
    sandbox.succeeds("verify old");
    sandbox.succeeds("train old --resume --quiet --threads 1");
    sandbox.succeeds("verify old");
}

#[test]
fn a_line_that_is_lost_from_the_config_of_an_old_run_is_found_and_so_is_another_value() {
    let sandbox = sandbox_with_the_old_run_killed();
    let config = sandbox.read_text("old/config.toml");
    for (line, by, what) in [
        ("dropout = 0.1\n", "", "`model.dropout` is no value, the checkpoint of step 60 has 0.1"),
        ("n_layers = 1\n", "", "`model.n_layers` is no value, the checkpoint of step 60 has 1"),
        (
            "name = \"adam-w\"\n",
            "name = \"lion\"\n",
            "`optimizer.name` is \"lion\", the checkpoint of step 60 has no value",
        ),
    ] {
        assert_eq!(config.matches(line).count(), 1, "{config}");
        sandbox.write("old/config.toml", config.replace(line, by));
        let found = sandbox.qkv("verify old");
        let is_found = found.stdout.lines().any(|line| line == format!("differs  config.toml: {what}"));
        assert!(found.code == Some(1) && is_found, "{line:?}: {found:#?}");
    }
}

#[test]
fn an_old_run_is_evaluated_and_inspected() {
    let sandbox = sandbox_with_the_old_run();
    let at_rest = sandbox.tree("old");
    let text = sandbox.succeeds("inspect old").stdout;
    assert!(text.contains("old at step 60") && text.contains("W_Q  8 × 4"), "{text}");
    sandbox.succeeds("eval old --examples 100 --json");
    sandbox.succeeds("explain old");
    assert!(sandbox.tree("old") == at_rest, "looking at it changed it");
    sandbox.succeeds("train old --resume --quiet");
    let evaluation = &sandbox.succeeds("eval old --json").events()[0];
    // As far as another processor rounds otherwise.
    let is_close = |key: &str, expected: f64| (evaluation[key].as_f64().unwrap() - expected).abs() < 1e-2;
    assert!(is_close("loss", LOSS) && is_close("accuracy", ACCURACY), "{evaluation}");
    sandbox.succeeds("report old --out report.html");
}

#[test]
fn the_old_run_is_of_the_format_before_manifests() {
    let sandbox = sandbox_with_the_old_run();
    assert!(!sandbox.read_text("old/config.toml").contains("format"));
    for step in [0, 60] {
        let checkpoint = format!("old/checkpoints/step-{step:08}");
        assert!(sandbox.read_text(&format!("{checkpoint}/config.json")).contains("qkv-checkpoint-1"));
        assert!(!sandbox.path(&format!("{checkpoint}/MANIFEST.json")).exists());
    }
}
