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
    // The command that is named goes on, here as far as it can.
    sandbox.qkv(command);
    assert!(sandbox.path("run-lower-lr/checkpoints/step-00000000").is_dir());
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
