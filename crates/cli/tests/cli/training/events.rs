//! The lines of `--json` and of `metrics.jsonl`.

use serde_json::Value;

use crate::support::sandbox::Sandbox;

/// Kind and step of every event.
fn order(events: &[Value]) -> Vec<String> {
    let kind = |event: &Value| event["event"].as_str().map(|kind| format!("{kind} {}", event["step"]));
    events.iter().map(|event| kind(event).unwrap_or_else(|| panic!("no kind: {event}"))).collect()
}

/// `key` of every event of a kind.
fn values(events: &[Value], kind: &str, key: &str) -> Vec<f64> {
    let of_kind = events.iter().filter(|event| event["event"] == kind);
    of_kind.map(|event| event[key].as_f64().unwrap()).collect()
}

#[test]
fn events_come_in_the_order_in_which_things_happen() {
    let sandbox = Sandbox::new();
    let run = sandbox
        .succeeds("train reverse --json --steps 7 --set train.eval_every=3 --set train.checkpoint_every=4");
    let expected = "start 0, saved 0, step 1, step 2, step 3, eval 3, step 4, saved 4, step 5, step 6, eval 6, step 7, \
                    eval 7, saved 7, done 7";
    assert_eq!(order(&run.events()).join(", "), expected);
    assert_eq!(run.stderr, "");
}

#[test]
fn events_have_the_promised_keys() {
    let sandbox = Sandbox::new();
    let events = sandbox.succeeds("train reverse --json --steps 1").events();
    let numbers_of = |event: &Value| match event["event"].as_str().unwrap() {
        "start" => vec!["step", "seed", "steps", "parameters"],
        "step" => vec!["step", "loss", "lr", "grad_norm", "tokens_per_second"],
        "eval" => vec!["step", "loss", "accuracy", "sequence_accuracy"],
        "saved" => vec!["step"],
        "done" => vec!["step", "loss", "accuracy", "sequence_accuracy", "seconds"],
        other => panic!("unknown event {other}"),
    };
    for event in &events {
        for key in numbers_of(event) {
            assert!(event[key].is_number(), "{key} of {event}");
        }
    }
    assert_eq!(events[0]["task"], "reverse");
    assert!(
        events.iter().filter(|event| event["event"] == "eval").all(|event| event["split"] == "validation")
    );
    // 10 symbols, 32 wide: embedding and unembedding, two norms with scale and shift, W_Q, W_K and W_V.
    assert_eq!(events[0]["parameters"], 2 * 10 * 32 + 2 * 2 * 32 + 3 * 32 * 32);
    for event in events.iter().filter(|event| event["event"] == "saved") {
        let path = event["path"].as_str().unwrap();
        assert!(sandbox.path(path).join("model.safetensors").is_file(), "{path}");
    }
    let done = events.last().unwrap();
    assert_eq!((&done["examples"], &done["path"]), (&10_000.into(), &events[0]["path"]));
}

#[test]
fn the_metrics_file_has_the_same_lines() {
    let sandbox = Sandbox::new();
    let run = sandbox.succeeds("train reverse --json --steps 3 --out run");
    assert_eq!(run.stdout, sandbox.read_text("run/metrics.jsonl"));
    let loud = sandbox.succeeds("train reverse --steps 3 --out loud");
    let quiet = sandbox.succeeds("train reverse --steps 3 --out quiet --quiet");
    assert!(!loud.stdout.is_empty());
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
    for other in ["loud", "quiet"] {
        let metrics = sandbox.metrics(other);
        assert_eq!(order(&metrics), order(&run.events()));
        assert_eq!(values(&metrics, "step", "loss"), values(&run.events(), "step", "loss"));
    }
}

#[test]
fn the_rate_follows_the_schedule() {
    let sandbox = Sandbox::new();
    let events = sandbox
        .succeeds("train reverse --json --steps 5 --set schedule.warmup_steps=2 --set optimizer.lr=0.01")
        .events();
    // Two steps of warm-up, then half a cosine over the three that are left: cos 0, cos π/3, cos 2π/3.
    let expected = [0.005, 0.01, 0.01, 0.0075, 0.0025];
    for (got, expected) in values(&events, "step", "lr").into_iter().zip(expected) {
        // Both are computed in f64 by a handful of operations.
        assert!((got - expected).abs() < 1e-15, "{got} {expected}");
    }
}

#[test]
fn steps_sets_the_length_and_turns_early_stop_off() {
    // One symbol backwards is the same symbol, which a tied unembedding predicts before it has learned anything.
    let easy = "--json --set train.eval_every=2 --set train.stop_at=0.5 --set task.seq_len=1 --set task.n_symbols=50 \
                --set model.tied=true";
    let sandbox = Sandbox::new();
    let early = sandbox.succeeds(&format!("train reverse --set train.steps=6 {easy}")).events();
    assert_eq!(order(&early).last().unwrap(), "done 2");
    let whole = sandbox.succeeds(&format!("train reverse --steps 6 {easy}")).events();
    assert_eq!(order(&whole).last().unwrap(), "done 6");
}

#[test]
fn stop_after_leaves_early_and_changes_nothing_before() {
    let sandbox = Sandbox::new();
    let line = "train reverse --json --steps 8 --set train.checkpoint_every=5 --set schedule.warmup_steps=2";
    let whole = sandbox.succeeds(&format!("{line} --out whole")).events();
    let part = sandbox.succeeds(&format!("{line} --stop-after 5 --out part")).events();
    assert!(order(&part).join(", ").ends_with("saved 5, done 5"));
    for key in ["lr", "loss"] {
        assert_eq!(values(&part, "step", key), values(&whole, "step", key)[..5], "{key}");
    }
    assert_eq!(part[0]["steps"], 8);
    assert_eq!(
        sandbox.tree("part/checkpoints/step-00000005"),
        sandbox.tree("whole/checkpoints/step-00000005")
    );
}

#[test]
fn a_run_that_is_past_stop_after_makes_no_step() {
    let sandbox = Sandbox::new();
    sandbox.succeeds("train reverse --quiet --steps 8 --out run --stop-after 5");
    let before = sandbox.tree("run/checkpoints");
    let events = sandbox.succeeds("train run --resume --stop-after 3 --json").events();
    assert_eq!(order(&events).join(", "), "start 5, done 5");
    let told = sandbox.succeeds("train run --resume --stop-after 3").stdout;
    assert!(told.contains("\nat step 5 already, past --stop-after 3: no step was made\n"), "{told}");
    let told = sandbox.succeeds("train run --resume --stop-after 5").stdout;
    assert!(told.contains("\nstopped at step 5, as asked\n"), "{told}");
    assert!(sandbox.tree("run/checkpoints") == before);
}

#[test]
fn the_seed_decides_the_losses() {
    let sandbox = Sandbox::new();
    let losses = |flags: &str| {
        let events = sandbox.succeeds(&format!("train reverse --json --steps 2 {flags}")).events();
        (events[0]["seed"].as_u64().unwrap(), values(&events, "step", "loss"))
    };
    let (seed, of_three) = losses("--seed 3");
    assert_eq!(seed, 3);
    assert_eq!(losses("--set seed=3"), (3, of_three.clone()));
    assert_eq!(losses("--set seed=4 --seed 3"), (3, of_three.clone()));
    assert_ne!(losses("--seed 4").1, of_three);
}
