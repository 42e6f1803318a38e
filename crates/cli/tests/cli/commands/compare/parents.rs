//! What `compare` does with runs that began with what others have learned.

use std::fs;

use serde_json::Value;

use crate::support::sandbox::Sandbox;

const TRAIN: &str = "train reverse --steps 4 --quiet --set train.eval_examples=10 --set task.seq_len=4";

#[test]
fn branches_of_two_seeds_are_of_one_setting_if_their_parents_are() {
    let sandbox = Sandbox::new();
    for (parent, more) in [("p0", ""), ("p1", "--seed 1"), ("p2", "--seed 2 --set optimizer.lr=0.5")] {
        sandbox.succeeds(&format!("{TRAIN} {more} --out parents/{parent}"));
        let branch = format!("--branch runs/{parent} --steps 6 --set optimizer.lr=0.01");
        sandbox.succeeds(&format!("train parents/{parent} {branch} --quiet"));
        // A branch of the branch, whose parent has a parent.
        sandbox.succeeds(&format!("train runs/{parent} --branch second/{parent} --steps 8 --quiet"));
    }
    for folder in ["runs", "second"] {
        let compared = sandbox.succeeds(&format!("compare {folder} --json"));
        assert_eq!(compared.stderr, "");
        let lines = compared.events();
        let key = if folder == "runs" { "parent.optimizer.lr" } else { "parent.parent.optimizer.lr" };
        let found: Vec<(&Value, &Value)> =
            lines.iter().map(|line| (&line["runs"], &line["settings"][key])).collect();
        assert_eq!(found, [(&2.into(), &0.005.into()), (&1.into(), &0.5.into())], "{lines:?}");
        assert_eq!(lines[0]["settings"].as_object().unwrap().len(), 1, "{lines:?}");
    }
    let table = sandbox.succeeds("compare runs").stdout;
    assert!(table.lines().next().unwrap().contains("parent lr"), "{table}");
    // A parent that has gone leaves its path, so that nothing is averaged which may differ.
    fs::remove_dir_all(sandbox.path("parents")).unwrap();
    let cut_off = sandbox.succeeds("compare runs --json");
    let warning =
        "warning: the parents of 3 runs are gone or have other weights; these runs are told apart by where";
    assert!(cut_off.stderr.starts_with(warning), "{cut_off:?}");
    let lines = cut_off.events();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0]["settings"]["parent.path"].as_str().unwrap().ends_with("parents/p0"), "{lines:?}");
}

#[test]
fn branches_of_one_parent_differ_in_their_own_settings_alone() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{TRAIN} --out parent"));
    for (lr, steps) in [("0.005", 5), ("0.01", 6), ("0.02", 6)] {
        let branch = format!("--branch runs/{lr} --steps {steps} --set optimizer.lr={lr}");
        sandbox.succeeds(&format!("train parent {branch} --quiet"));
    }
    let lines = sandbox.succeeds("compare runs --json").events();
    let settings: Vec<&Value> = lines.iter().map(|line| &line["settings"]).collect();
    let of = |lr: f64, steps: u64| serde_json::json!({ "optimizer.lr": lr, "train.steps": steps });
    assert_eq!(settings, [&of(0.005, 5), &of(0.01, 6), &of(0.02, 6)]);
}
