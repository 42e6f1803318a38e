//! `--from STEP`: a run goes on from an earlier checkpoint, and what came after is set aside.

use crate::support::sandbox::Sandbox;

const RUN: &str = "train reverse --steps 12 --seed 3 --quiet --set model.dropout=0.2 --set task.seq_len=6 \
                   --set train.eval_every=4 --set train.checkpoint_every=5 --set train.snapshot_every=5";

#[test]
fn a_finished_run_goes_back_to_an_earlier_checkpoint_and_keeps_what_came_after() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{RUN} --out run"));
    let last = sandbox.tree("run/checkpoints/step-00000012");
    let log = sandbox.read_text("run/metrics.jsonl");
    let frames = [10, 12].map(|step| sandbox.read(&format!("run/snapshots/step-{step:08}.safetensors")));
    let back = sandbox.succeeds("train run --resume --from 5 --stop-after 6 --quiet");
    for name in [
        "checkpoints/step-00000012",
        "checkpoints/step-00000010",
        "metrics.jsonl",
        "snapshots/step-00000010.safetensors",
    ] {
        let line = format!("set aside as run/{name}.set-aside: ");
        assert!(back.stderr.contains(&line), "no `{line}` in {back:#?}");
        assert!(sandbox.path(&format!("run/{name}.set-aside")).exists(), "{name}");
    }
    assert!(
        back.stderr.contains("a frame of the film after step 5, and 1 frame more in the same way"),
        "{back:#?}"
    );
    assert!(sandbox.tree("run/checkpoints/step-00000012.set-aside") == last);
    for (step, frame) in [10, 12].into_iter().zip(frames) {
        assert!(sandbox.read(&format!("run/snapshots/step-{step:08}.safetensors.set-aside")) == frame);
    }
    let aside = sandbox.read_text("run/metrics.jsonl.set-aside");
    assert!(aside.starts_with("{\"event\":\"step\",\"step\":6,") && log.ends_with(&aside), "{aside}");
    assert!(!sandbox.path("run/checkpoints/step-00000012").exists());
    assert!(sandbox.metrics("run").iter().all(|event| event["event"] != "done"));
    // The second time, the names are taken.
    let again = sandbox.succeeds("train run --resume --from 5 --quiet");
    assert!(again.stderr.contains("run/metrics.jsonl.set-aside-2: "), "{again:#?}");
    assert!(sandbox.read_text("run/metrics.jsonl.set-aside") == aside);
    assert!(sandbox.tree("run/checkpoints/step-00000012") == last);
    assert_eq!(sandbox.metrics("run").last().unwrap()["event"], "done");
    // What was set aside belongs to the run, and goes with it.
    sandbox.succeeds(&format!("{RUN} --out run --force"));
    let names = sandbox.tree("run").into_keys().map(|path| path.display().to_string());
    assert_eq!(names.filter(|name| name.contains("set-aside")).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn a_step_to_go_on_from_needs_a_run_to_go_on_with() {
    let sandbox = Sandbox::new();
    sandbox.refuses("train reverse --from 5 --out run", &["--resume"]);
    sandbox.refuses("train reverse --resume --from 5 --out run", &["run holds no run", "--from 5"]);
    let run = Sandbox::new();
    run.succeeds(&format!("{RUN} --out run"));
    run.refuses("train run --resume --from 7", &["no checkpoint of step 7; it has those of 0, 5, 10, 12"]);
}

#[test]
fn a_run_that_went_back_has_every_event_of_one_that_did_not() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{RUN} --out run --stop-after 11"));
    sandbox.succeeds("train run --resume --from 5 --stop-after 6 --quiet");
    sandbox.succeeds("train run --resume --quiet");
    sandbox.succeeds(&format!("{RUN} --out whole"));
    let events = |run: &str| -> Vec<_> {
        let steps = sandbox.metrics(run).into_iter().filter(|event| event["event"] == "step");
        steps.map(|event| (event["step"].clone(), event["loss"].clone())).collect()
    };
    assert_eq!(events("run"), events("whole"));
    assert!(sandbox.tree("run/checkpoints/step-00000012") == sandbox.tree("whole/checkpoints/step-00000012"));
    assert!(!sandbox.path("run/checkpoints/step-00000011").exists());
    assert!(!sandbox.path("run/snapshots/step-00000011.safetensors").exists());
}
