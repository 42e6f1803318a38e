//! A run whose numbers are no longer numbers ends with exit code 4.

use crate::support::sandbox::Sandbox;

/// Products of weights of 1e30 leave the range of f32; without norms nothing brings them back.
const EXPLODING: &str = "train reverse --out run --set optimizer.lr=1e30 --set optimizer.clip=0 --set model.norm=none \
                         --set schedule.warmup_steps=0";

#[test]
fn a_diverged_run_names_the_step_and_keeps_its_start() {
    let sandbox = Sandbox::new();
    let run = sandbox.qkv(EXPLODING);
    assert_eq!(run.code, Some(4), "{run:#?}");
    assert_eq!(run.stderr.lines().count(), 1, "{run:#?}");
    let checkpoint = "run/checkpoints/step-00000000";
    let command = "train run --branch run-lower-lr --set optimizer.lr=1.0e29";
    for fragment in ["error: run: ", "diverged after step 1", command, checkpoint] {
        assert!(run.stderr.contains(fragment), "{run:#?}");
    }
    let steps: Vec<_> = sandbox.tree("run/checkpoints").into_keys().collect();
    assert_eq!(steps.len(), 5, "a folder with four files: {steps:?}");
    assert!(sandbox.path("run/checkpoints/step-00000000/model.safetensors").is_file());
    sandbox.succeeds("eval run --examples 1");
}

#[test]
fn the_command_that_is_named_goes_on_at_a_lower_rate_in_a_folder_that_is_free() {
    let sandbox = Sandbox::new();
    let mut run = sandbox.qkv(EXPLODING);
    for (new, rate) in [("run-lower-lr", 1e29), ("run-lower-lr-2", 1e28)] {
        assert!(run.stderr.contains(&format!("--branch {new} --set optimizer.lr={rate:.1e}")), "{run:#?}");
        run = sandbox.paste(&run.stderr);
        assert_eq!(run.code, Some(4), "{run:#?}");
        let config: toml::Table = sandbox.read_text(&format!("{new}/config.toml")).parse().unwrap();
        assert_eq!(config["optimizer"]["lr"].as_float(), Some(rate));
        assert!(sandbox.path(&format!("{new}/checkpoints/step-00000000")).is_dir());
    }
    // Where it diverges again, the folder of the first branch is taken.
    let again = sandbox.qkv("train run/ --resume");
    assert!(again.stderr.contains("--branch run-lower-lr-3 --set optimizer.lr=1.0e29"), "{again:#?}");
}

#[test]
fn a_run_that_diverges_in_its_last_step_does_not_pass_for_done() {
    let sandbox = Sandbox::new();
    let run = sandbox.qkv(&format!("{EXPLODING} --steps 1 --json"));
    assert_eq!(run.code, Some(4), "{run:#?}");
    assert!(run.stderr.contains("diverged after step 1"), "{run:#?}");
    let events = run.events();
    assert_eq!(events.last().unwrap()["event"], "step", "neither saved nor done");
}

#[test]
fn the_first_tensor_that_is_not_finite_is_named() {
    let sandbox = Sandbox::new();
    // Without a limit, one update in its direction is beyond single precision for every parameter.
    let run = sandbox.qkv(
        "train reverse --out run --json --set optimizer.lr=1e39 --set optimizer.clip=0 --set schedule.warmup_steps=0",
    );
    assert_eq!(run.code, Some(4), "{run:#?}");
    let message = "diverged after step 0: the parameter embedding.table holds ";
    assert!(run.stderr.contains(message), "{run:#?}");
    let events: Vec<_> = run.events().into_iter().map(|event| event["event"].clone()).collect();
    assert_eq!(events, ["start", "saved"], "the failed step is not logged");
}

#[test]
fn weights_that_are_not_finite_begin_no_run() {
    let sandbox = Sandbox::new();
    sandbox.succeeds("train reverse --steps 1 --quiet --out run");
    let mut weights = sandbox.read("run/checkpoints/step-00000001/model.safetensors");
    let end = weights.len() - 4;
    for (bad, name) in [(f32::NAN, "holds NaN"), (f32::NEG_INFINITY, "holds -inf")] {
        weights[end..].copy_from_slice(&bad.to_le_bytes());
        sandbox.write("mine.safetensors", &weights);
        let fragments = ["mine.safetensors", "the parameter ", name, "expected finite numbers"];
        sandbox.refuses("train reverse --quiet --out new --init-from mine.safetensors", &fragments);
    }
}
