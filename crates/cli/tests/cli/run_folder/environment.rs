//! The record of what made a run.

use serde_json::Value;

use crate::support::sandbox::Sandbox;

const RUN: &str = "train reverse --steps 6 --set task.seq_len=4 --out run";

#[test]
fn the_start_event_records_what_made_the_run() {
    let sandbox = Sandbox::new();
    let printed = sandbox.succeeds(&format!("{RUN} --json --threads 2 --stop-after 3")).events();
    let start = &sandbox.metrics("run")[0];
    assert_eq!(start["event"], "start");
    assert_eq!(&printed[0], start);
    for key in ["version", "commit", "burn", "device", "processor", "precision", "time"] {
        assert!(!start[key].as_str().unwrap().is_empty(), "{key} in {start}");
    }
    assert_eq!((&start["threads"], &start["device"]), (&2.into(), &"flex".into()));
    assert_eq!((&start["precision"], &start["version"]), (&"f32".into(), &env!("CARGO_PKG_VERSION").into()));
    let time = start["time"].as_str().unwrap();
    assert!(time.starts_with("20") && time.ends_with('Z') && time.len() == "2026-01-02T03:04:05Z".len());
    let config: Value =
        serde_json::from_str(&sandbox.read_text("run/checkpoints/step-00000003/config.json")).unwrap();
    assert_eq!(config["version"], start["version"]);
    if start["commit"] != "unknown" {
        assert_eq!(config["commit"], start["commit"]);
        assert_eq!(start["commit"].as_str().unwrap().trim_end_matches("-dirty").len(), 40);
    }
    // The resumed run repeats it.
    let resumed = sandbox.succeeds("train run --resume --quiet");
    assert_eq!(resumed.stderr, "");
    let starts: Vec<Value> =
        sandbox.metrics("run").into_iter().filter(|event| event["event"] == "start").collect();
    assert_eq!((starts.len(), &starts[1]["step"]), (2, &3.into()));
    assert_eq!(starts[1]["processor"], starts[0]["processor"]);
}

#[test]
fn a_resume_by_what_may_give_other_bytes_warns_in_one_line_and_goes_on() {
    let keys = ["version", "commit", "burn", "device", "processor", "precision"];
    for (key, name) in keys.map(|key| (key, if key == "burn" { "version of Burn" } else { key })) {
        let sandbox = Sandbox::new();
        sandbox.succeeds(&format!("{RUN} --quiet --stop-after 3"));
        let log = sandbox.read_text("run/metrics.jsonl");
        let value = format!("{}", sandbox.metrics("run")[0][key]);
        let changed = log.replace(&format!("\"{key}\":{value}"), &format!("\"{key}\":\"another\""));
        assert_ne!(changed, log);
        sandbox.write("run/metrics.jsonl", changed);
        let resumed = sandbox.succeeds("train run --resume --quiet");
        let value = value.trim_matches('"');
        let expected = format!("warning: the {name} was another, now it is {value}; ");
        assert!(resumed.stderr.starts_with(&expected), "{resumed:#?}");
        assert_eq!(resumed.stderr.lines().count(), 1, "{resumed:#?}");
        assert_eq!(sandbox.metrics("run").last().unwrap()["event"], "done");
    }
}

#[test]
fn a_resume_with_another_number_of_threads_warns_of_nothing() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{RUN} --quiet --threads 1 --stop-after 3"));
    assert_eq!(sandbox.succeeds("train run --resume --quiet --threads 3").stderr, "");
}

#[test]
fn a_resume_of_a_log_without_the_record_warns_of_that() {
    let warning = "warning: the log does not record which version, device and processor computed the run before; the \
                   bytes may differ from those of a run without a stop\n";
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{RUN} --quiet --stop-after 3"));
    let log = sandbox.read_text("run/metrics.jsonl");
    let (start, rest) = log.split_once('\n').unwrap();
    let start = start.split_once(",\"version\"").unwrap().0;
    sandbox.write("run/metrics.jsonl", format!("{start}}}\n{rest}"));
    assert_eq!(sandbox.succeeds("train run --resume --quiet --stop-after 4").stderr, warning);
    assert_eq!(sandbox.succeeds("train run --resume --quiet --stop-after 5").stderr, "");
    // A version without it may have had a turn in between.
    let log = sandbox.read_text("run/metrics.jsonl");
    let (before, last) = log.rsplit_once("{\"event\":\"start\"").unwrap();
    let (start, rest) = last.split_once('\n').unwrap();
    let start = start.split_once(",\"version\"").unwrap().0;
    sandbox.write("run/metrics.jsonl", format!("{before}{{\"event\":\"start\"{start}}}\n{rest}"));
    assert_eq!(sandbox.succeeds("train run --resume --quiet").stderr, warning);
}
