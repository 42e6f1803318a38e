//! A run that was stopped goes on as if it had not been.

use std::fs;

use qkv_run::Manifest;

use crate::support::sandbox::Sandbox;

/// Everything that could depend on where a run was cut: dropout, decay, clipping, a schedule.
const RUN: &str = "train reverse --steps 12 --seed 3 --quiet --set model.dropout=0.2 --set task.seq_len=6 \
                   --set train.eval_every=4 --set train.checkpoint_every=5";

#[test]
fn a_run_stopped_anywhere_ends_with_the_bytes_of_one_that_was_not() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{RUN} --out whole"));
    let whole = sandbox.tree("whole/checkpoints/step-00000012");
    for stop in [1, 4, 5, 11] {
        let out = format!("stopped-{stop}");
        sandbox.succeeds(&format!("{RUN} --out {out} --stop-after {stop}"));
        sandbox.succeeds(&format!("train {out} --resume --quiet"));
        assert!(sandbox.tree(&format!("{out}/checkpoints/step-00000012")) == whole, "stopped after {stop}");
    }
}

#[test]
fn the_run_may_be_named_after_resume() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{RUN} --out run --stop-after 5"));
    sandbox.succeeds("train --quiet --resume run");
    assert_eq!(sandbox.metrics("run").last().unwrap()["step"], 12);
    sandbox.refuses("train run --resume 5", &["unexpected argument '5'"]);
}

#[test]
fn the_log_of_a_resumed_run_has_every_step_once() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{RUN} --out run --stop-after 7"));
    // As a crash leaves it: two steps after the last checkpoint, and half a line.
    let log = sandbox.read_text("run/metrics.jsonl");
    sandbox.write("run/metrics.jsonl", log + "{\"event\":\"step\",\"step\":8,\"loss\":1.0}\n{\"event\":\"st");
    sandbox.succeeds(&format!("{RUN} --out run --resume"));
    let events = sandbox.metrics("run");
    let steps: Vec<u64> = events
        .iter()
        .filter(|event| event["event"] == "step")
        .map(|event| event["step"].as_u64().unwrap())
        .collect();
    assert_eq!(steps, (1..=12).collect::<Vec<_>>());
    assert_eq!(events.last().unwrap()["event"], "done");
}

#[test]
fn resume_starts_a_run_that_is_not_there_and_leaves_a_finished_one_alone() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{RUN} --out run --resume"));
    let tree = sandbox.tree("run");
    sandbox.succeeds(&format!("{RUN} --out run --resume"));
    assert!(sandbox.tree("run") == tree);
}

#[test]
fn a_run_in_use_is_left_alone() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{RUN} --out run --stop-after 5"));
    let lock = fs::File::open(sandbox.path("run/run.lock")).unwrap();
    lock.lock().unwrap();
    let run = sandbox.qkv("train run --resume");
    assert_eq!(run.code, Some(3), "{run:#?}");
    assert!(run.stderr.contains("in use"), "{run:#?}");
    let run = sandbox.qkv(&format!("{RUN} --out run --force"));
    assert_eq!(run.code, Some(3), "{run:#?}");
    drop(lock);
    sandbox.succeeds("train run --resume --quiet");
}

#[test]
fn a_damaged_checkpoint_is_named_and_the_one_before_it_goes_on() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{RUN} --out whole"));
    let whole = sandbox.tree("whole/checkpoints/step-00000012");
    for damage in ["no tensors", ""] {
        let out = format!("run-{}", damage.len());
        sandbox.succeeds(&format!("{RUN} --out {out} --stop-after 7"));
        sandbox.write(&format!("{out}/checkpoints/step-00000007/optimizer.safetensors"), damage);
        let run = sandbox.succeeds(&format!("train {out} --resume"));
        assert!(run.stdout.contains("\ngoing on after step 5\n"), "{run:#?}");
        for part in ["optimizer.safetensors is damaged", "step-00000007 is now", "step-00000007.damaged"] {
            assert!(run.stderr.contains(part), "{run:#?}");
        }
        assert!(sandbox.tree(&format!("{out}/checkpoints/step-00000012")) == whole);
        // The one that was asked for by its number has nothing before it.
        sandbox.write(&format!("{out}/checkpoints/step-00000005/optimizer.safetensors"), damage);
        sandbox.write(&format!("{out}/metrics.jsonl"), "");
        assert_eq!(sandbox.qkv(&format!("train {out} --resume --from 5")).code, Some(2));
    }
}

#[test]
fn a_checkpoint_that_is_whole_and_does_not_fit_is_not_called_damaged() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{RUN} --out run --stop-after 7"));
    let folder = "run/checkpoints/step-00000007";
    let empty = [&8_u64.to_le_bytes()[..], b"{}      "].concat();
    sandbox.write(&format!("{folder}/optimizer.safetensors"), empty);
    let names = ["config.json", "model.safetensors", "optimizer.safetensors"];
    let files = names.map(|name| sandbox.read(&format!("{folder}/{name}")));
    let listed = names.into_iter().zip(files.iter().map(Vec::as_slice));
    sandbox.write(&format!("{folder}/MANIFEST.json"), Manifest::new(7, listed).to_json());
    sandbox.refuses("train run --resume --quiet", &["optimizer.safetensors", "it lacks"]);
    assert!(sandbox.path(folder).is_dir());
}

#[test]
fn a_run_that_had_reached_its_target_does_not_train_on() {
    let sandbox = Sandbox::new();
    let line = "train reverse --quiet --out run --set train.stop_at=0.01 --set train.eval_every=20 --set task.seq_len=3 \
                --set train.eval_examples=50";
    sandbox.succeeds(line);
    let tree = sandbox.tree("run/checkpoints");
    let log = sandbox.read_text("run/metrics.jsonl");
    // As a crash in the final evaluation leaves it, with the last line torn within a character.
    let mut torn =
        log.lines().filter(|line| !line.contains("\"done\"")).collect::<Vec<_>>().join("\n").into_bytes();
    torn.extend(b"\n{\"event\":\"done\xe2");
    sandbox.write("run/metrics.jsonl", torn);
    sandbox.succeeds("train run --resume --quiet");
    assert!(sandbox.tree("run/checkpoints") == tree, "{:?}", sandbox.tree("run/checkpoints").keys());
    assert_eq!(sandbox.metrics("run").last().unwrap()["event"], "done");
}

#[test]
fn a_folder_left_before_its_first_event_is_a_run() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{RUN} --out run"));
    let config = sandbox.read("run/config.toml");
    sandbox.write("early/config.toml", config);
    sandbox.write("early/run.lock", "");
    sandbox.succeeds(&format!("{RUN} --out early --resume"));
    assert!(sandbox.tree("early/checkpoints") == sandbox.tree("run/checkpoints"));
}

#[test]
fn the_end_of_a_finished_run_is_printed_again() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{RUN} --out run"));
    let told = sandbox.succeeds("train run --resume --json").events();
    assert_eq!(told, [sandbox.metrics("run").pop().unwrap()]);
    let told = sandbox.succeeds("train run --resume").stdout;
    assert_eq!(
        told,
        "run is finished at step 12; --resume --from STEP goes on from an earlier checkpoint, --branch NEWDIR in another \
         run\n"
    );
}

#[test]
fn a_finished_run_ends_at_once_where_it_could_not_be_trained() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{RUN} --out run"));
    sandbox.succeeds(&format!("{RUN} --out stopped --stop-after 5"));
    let finished = sandbox.succeeds("train run --resume --max-memory 1k");
    assert!(finished.stdout.starts_with("run is finished at step 12"), "{finished:#?}");
    for line in ["train stopped --resume", "train run --resume --from 5"] {
        let refused = sandbox.qkv(&format!("{line} --max-memory 1k"));
        assert_eq!(refused.code, Some(2), "{refused:#?}");
        assert!(refused.stderr.contains("--max-memory"), "{refused:#?}");
    }
    sandbox.refuses("train run --resume --device abacus", &["unknown device `abacus`"]);
}

#[test]
fn resume_without_a_folder_is_refused() {
    Sandbox::new().refuses("train reverse --resume", &["--resume", "--out"]);
}

#[test]
fn a_checkpoint_that_cannot_be_read_at_the_moment_costs_no_checkpoint() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{RUN} --out run --stop-after 7"));
    // A folder in place of the file: EISDIR.
    let file = sandbox.path("run/checkpoints/step-00000007/optimizer.safetensors");
    let moved = sandbox.path("moved");
    fs::rename(&file, &moved).unwrap();
    fs::create_dir(&file).unwrap();
    let before = sandbox.tree("run");
    let run = sandbox.qkv("train run --resume");
    assert_ne!(run.code, Some(0), "{run:#?}");
    assert!(run.stderr.contains("optimizer.safetensors") && sandbox.tree("run") == before, "{run:#?}");
    fs::remove_dir(&file).unwrap();
    fs::rename(&moved, &file).unwrap();
    sandbox.succeeds("train run --resume --quiet");
}

#[test]
fn an_empty_config_comes_back_and_its_folder_takes_no_other_run() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{RUN} --out whole"));
    sandbox.succeeds(&format!("{RUN} --out run --stop-after 5"));
    let config = sandbox.read_text("run/config.toml");
    sandbox.write("run/config.toml", "");
    sandbox.refuses("train sort --out run", &["run already holds a run"]);
    sandbox.succeeds("eval run --examples 5");
    let resumed = sandbox.succeeds("train run --resume --quiet");
    assert!(resumed.stderr.contains("config.toml was broken: restored from"), "{resumed:#?}");
    let values = |text: &str| text.parse::<toml::Table>().unwrap();
    assert_eq!(values(&sandbox.read_text("run/config.toml")), values(&config));
    let last = "checkpoints/step-00000012";
    assert!(sandbox.tree(&format!("run/{last}")) == sandbox.tree(&format!("whole/{last}")));
}

#[test]
fn a_checkpoint_of_another_run_is_no_checkpoint_of_this_one() {
    let sandbox = Sandbox::new();
    let line = "train reverse --quiet --set train.steps=6 --set train.checkpoint_every=2 --set train.keep=9 --set task.seq_len=4";
    sandbox.succeeds(&format!("{line} --out mine"));
    sandbox.succeeds(&format!("{line} --out whole"));
    sandbox.succeeds(&format!("{line} --out faster --set optimizer.lr=0.5"));
    sandbox.succeeds(&format!("{line} --out other --seed 5"));
    for (from, key) in [("faster", "optimizer.lr"), ("other", "seed")] {
        let tree = sandbox.tree("mine");
        let foreign = format!("{from}/checkpoints/step-00000004");
        let place = "mine/checkpoints/step-00000004";
        std::fs::remove_dir_all(sandbox.path(place)).unwrap();
        sandbox.place(place, &sandbox.tree(&foreign));
        let what = format!("it is of another run: its `{key}` is ");
        let verified = sandbox.qkv("verify mine");
        assert!(verified.code == Some(1) && verified.stdout.contains(&what), "{verified:#?}");
        for command in
            ["eval mine --step 4", "train mine --resume --from 4", "train mine --branch b --from 4 --steps 9"]
        {
            let refused = sandbox.qkv(command);
            assert!(refused.code == Some(2) && refused.stderr.contains(key), "{command}: {refused:#?}");
        }
        // Where the newest one is damaged, a resume passes it on its way to one of this run.
        let newest = sandbox.path("mine/checkpoints/step-00000006/model.safetensors");
        let mut bytes = std::fs::read(&newest).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&newest, bytes).unwrap();
        let resumed = sandbox.succeeds("train mine --resume --quiet");
        assert!(resumed.stderr.contains(&what), "{resumed:#?}");
        let last = "checkpoints/step-00000006/model.safetensors";
        assert!(sandbox.read(&format!("mine/{last}")) == sandbox.read(&format!("whole/{last}")));
        std::fs::remove_dir_all(sandbox.path("mine")).unwrap();
        sandbox.place("mine", &tree);
    }
}
