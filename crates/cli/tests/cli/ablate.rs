//! What `ablate` lists.

use crate::trained::sandbox_with_the_main_job;

#[test]
fn every_part_of_the_one_head_carries_the_task() {
    let sandbox = sandbox_with_the_main_job();
    let before = sandbox.tree(".");
    let run = sandbox.succeeds("ablate run --examples 300 --threads 1");
    let mut lines = run.stdout.lines();
    let first = lines.next().unwrap();
    for text in ["accuracy 1.0000", "on 300 test examples", "step 500"] {
        assert!(first.contains(text), "no `{text}` in {first}");
    }
    let rows: Vec<Vec<&str>> = lines.skip(2).map(|line| line.split_whitespace().collect()).collect();
    let mut parts: Vec<&str> = rows.iter().map(|row| row[2]).collect();
    parts.sort_unstable();
    assert_eq!(parts, ["context", "keys", "queries", "values"]);
    let losses: Vec<f64> = rows.iter().map(|row| row[3].parse().unwrap()).collect();
    assert!(losses.is_sorted_by(|a, b| a >= b) && losses[3] > 1.0, "{losses:?}");
    for row in &rows {
        let accuracy: f64 = row[4].parse().unwrap();
        assert!((row[0], row[1]) == ("0", "0") && accuracy < -0.5, "{row:?}");
    }
    assert!(sandbox.tree(".") == before);
}

#[test]
fn its_events_hold_the_same_figures_and_those_of_eval() {
    let sandbox = sandbox_with_the_main_job();
    let eval = sandbox.succeeds("eval run --examples 300 --json").events().remove(0);
    for replacement in ["zero", "mean"] {
        let mean = if replacement == "mean" { "--mean" } else { "" };
        let events = sandbox.succeeds(&format!("ablate run --examples 300 --json {mean}")).events();
        assert_eq!(events.len(), 4);
        for event in events {
            assert_eq!((&event["event"], &event["replacement"]), (&"ablation".into(), &replacement.into()));
            assert_eq!(event["examples"], 300);
            for key in ["loss", "accuracy"] {
                let number = |event: &serde_json::Value, key: &str| event[key].as_f64().unwrap();
                let before = number(&event, key) - number(&event, &format!("{key}_change"));
                assert!((before - number(&eval, key)).abs() < 1e-5, "{event} and {eval}");
            }
        }
    }
}

#[test]
fn no_examples_at_all_are_refused() {
    sandbox_with_the_main_job().refuses("ablate run --examples 0", &["--examples must be at least 1, got 0"]);
}
