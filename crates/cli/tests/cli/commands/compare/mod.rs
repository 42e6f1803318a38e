//! The tables of `compare`.

/// Its page, and the file that it is written to.
mod page;
/// Runs that began with what others have learned.
mod parents;

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::sandbox::Sandbox;

const STUDY: &str = "\
[task]
name = \"reverse\"
seq_len = 4
[train]
steps = 4
eval_every = 2
eval_examples = 10
[sweep]
seed = [0, 1]
model.n_heads = [1, 2]
";

/// A study of two settings, each with two seeds.
fn study() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("study.toml", STUDY);
    sandbox.succeeds("sweep study.toml");
    sandbox
}

fn run(heads: u64, seed: u64) -> String {
    format!("runs/study/model.n_heads={heads},seed={seed}")
}

/// A number of the last line of a run's log, with every bit, which `serde_json` may miss.
fn at_the_end(sandbox: &Sandbox, run: &str, name: &str) -> f64 {
    let log = sandbox.read_text(&format!("{run}/metrics.jsonl"));
    let (_, from) = log.lines().last().unwrap().split_once(&format!("\"{name}\":")).unwrap();
    from[..from.find([',', '}']).unwrap()].parse().unwrap()
}

/// The cell of a column in a row of a table, as a number; counted from the end, because a path may have commas.
fn cell(csv: &str, row: usize, column: &str) -> f64 {
    let rows: Vec<&str> = csv.split_terminator("\r\n").collect();
    let from_the_end = rows[0].rsplit(',').position(|name| name == column).unwrap();
    rows[row].rsplit(',').nth(from_the_end).unwrap().parse().unwrap()
}

#[test]
fn seeds_of_a_setting_are_averaged_and_every_digit_is_kept() {
    let sandbox = study();
    let before = sandbox.tree(".");
    let lines = sandbox.succeeds("compare runs/study --json").events();
    assert_eq!(lines.len(), 2, "{lines:?}");
    let csv = sandbox.succeeds("compare runs/study --csv").stdout;
    assert_eq!(csv.matches("\r\n").count(), 3, "{csv}");
    for (heads, line) in [(1, &lines[0]), (2, &lines[1])] {
        // What follows from the number of heads is no key.
        assert_eq!(line["settings"], serde_json::json!({ "model.n_heads": heads }), "{line}");
        assert_eq!((&line["runs"], &line["steps"]["mean"]), (&2.into(), &4.0.into()));
        for name in ["accuracy", "loss"] {
            let [one, other] = [0, 1].map(|seed| at_the_end(&sandbox, &run(heads, seed), name));
            let shown =
                ["mean", "least", "most"].map(|part| cell(&csv, heads as usize, &format!("{name}_{part}")));
            assert_eq!(shown, [(one + other) / 2.0, one.min(other), one.max(other)], "{csv}");
            let spread = ["mean", "least", "most"].map(|part| line["figures"][name][part].as_f64().unwrap());
            assert!(spread.iter().zip(shown).all(|(json, csv)| (json - csv).abs() <= 1e-15), "{line}");
        }
    }
    // By the file of the study, and each run by itself.
    assert_eq!(sandbox.succeeds("compare study.toml --json").events(), lines);
    let runs = sandbox.succeeds("compare runs/study --json --seeds").events();
    let seeds: Vec<&Value> = runs.iter().map(|line| &line["seed"]).collect();
    assert_eq!(seeds, [0, 1, 0, 1]);
    assert_eq!(runs[3]["path"], run(2, 1));
    let by_seed = sandbox.succeeds("compare runs/study --csv --seeds").stdout;
    assert_eq!(cell(&by_seed, 4, "loss"), at_the_end(&sandbox, &run(2, 1), "loss"));
    assert_eq!(by_seed.lines().count(), 5);
    let page = sandbox.succeeds("compare runs/study").stdout;
    assert!(page.lines().next().unwrap().contains("n_heads  runs  accuracy"), "{page}");
    assert!(page.contains("4 runs of 2 settings") && page.contains("model.d_k, model.d_v"), "{page}");
    assert!(page.contains("best run of reverse: runs/study/"), "{page}");
    assert!(page.lines().all(|line| line.chars().count() <= 80), "{page}");
    assert!(sandbox.tree(".") == before);
}

#[test]
fn the_phase_change_is_a_step_of_the_log() {
    let sandbox = study();
    for seed in [0, 1] {
        let log = format!("{}/metrics.jsonl", run(1, seed));
        let with = |accuracy: &str| {
            let lines = sandbox.read_text(&log);
            let lines = lines.lines().map(|line| match line.contains("\"event\":\"eval\"") {
                true if line.contains("\"step\":4,") => {
                    format!("{{\"event\":\"eval\",\"step\":4,\"loss\":1.0,\"accuracy\":{accuracy}}}")
                }
                _ => line.to_owned(),
            });
            lines.map(|line| line + "\n").collect::<String>()
        };
        let text = with(if seed == 0 { "0.875" } else { "0.75" });
        sandbox.write(&log, text);
    }
    let phase = |threshold: &str| {
        let lines = sandbox.succeeds(&format!("compare runs/study --json --threshold {threshold}")).events();
        lines[0]["phase_change"].clone()
    };
    assert_eq!(phase("0.875"), serde_json::json!({ "n": 1, "mean": 4.0, "least": 4.0, "most": 4.0 }));
    assert_eq!(phase("0.75")["n"], 2);
    assert_eq!(phase("0.876"), Value::Null);
    let page = sandbox.succeeds("compare runs/study --threshold 0.875").stdout;
    assert!(
        page.contains("1 of 2") && page.contains("0 of 2") && page.contains("of 0.875 or more"),
        "{page}"
    );
}

#[test]
fn what_is_not_compared_is_listed_with_the_reason_and_ends_nothing() {
    let sandbox = study();
    let of = |name: &str, tree| sandbox.place(&format!("runs/study/{name}"), tree);
    let whole = sandbox.tree(&run(2, 0));
    for name in ["edited", "garbage\n\x1b[1m", "endless"] {
        of(name, &whole);
    }
    let config = String::from_utf8(whole[Path::new("config.toml")].clone().unwrap()).unwrap();
    sandbox.write("runs/study/edited/config.toml", config.replace("seq_len = 4", "seq_len = 5"));
    sandbox.write("runs/study/garbage\n\x1b[1m/config.toml", "= no TOML");
    let log = String::from_utf8(whole[Path::new("metrics.jsonl")].clone().unwrap()).unwrap();
    let (lines, _) = log.trim_end().rsplit_once('\n').unwrap();
    sandbox.write("runs/study/endless/metrics.jsonl", format!("{lines}\n"));
    sandbox.succeeds("train sort --steps 9 --stop-after 3 --quiet --out runs/study/stopped");
    sandbox.write("runs/study/empty/checkpoints/step-00000001/x", "");
    let whole_table = sandbox.succeeds("compare runs/study --json");
    let lines = whole_table.events();
    let reasons: Vec<(&str, &str)> =
        lines.iter().filter_map(|line| Some((line["path"].as_str()?, line["left_out"].as_str()?))).collect();
    assert_eq!(reasons.len(), 5, "{reasons:?}");
    for (name, reason) in [
        ("stopped", "it is not finished: step 3 of 9"),
        ("endless", "it is not finished: step 4 of 4"),
        ("edited", "was started with other settings: "),
        ("garbage\n\x1b[1m", "TOML"),
        ("empty", "config.toml"),
    ] {
        let path = format!("runs/study/{name}");
        let found = reasons.iter().find(|(of, _)| *of == path);
        assert!(found.is_some_and(|(_, text)| text.contains(reason)), "{name}: {reason} in {reasons:#?}");
    }
    let compared: Vec<_> = lines.iter().filter(|line| !line["runs"].is_null()).collect();
    assert_eq!(compared.len(), 2, "{lines:?}");
    let page = sandbox.succeeds("compare runs/study").stdout;
    assert!(page.contains("left out:\n") && page.contains("garbage\\n\\u{1b}[1m: "), "{page}");
    let csv = sandbox.succeeds("compare runs/study --csv");
    assert_eq!((csv.stdout.lines().count(), csv.stderr.lines().count()), (3, 5), "{csv:?}");
    // Nothing is left: the reasons come first.
    let refused = sandbox.qkv("compare runs/study/stopped runs/study/endless");
    assert_eq!(refused.code, Some(2));
    assert!(
        refused.stderr.contains("step 3 of 9") && refused.stderr.contains("found none among 2"),
        "{refused:?}"
    );
}

#[test]
fn runs_of_another_task_are_compared_by_their_task() {
    let sandbox = Sandbox::new();
    for task in ["sort", "copy"] {
        sandbox.succeeds(&format!(
            "train {task} --steps 2 --quiet --out runs/{task} --set train.eval_examples=10"
        ));
    }
    let lines = sandbox.succeeds("compare runs/sort runs/copy --json").events();
    let tasks: Vec<&Value> = lines.iter().map(|line| &line["settings"]["task"]).collect();
    assert_eq!(tasks, ["copy", "sort"]);
    let page = sandbox.succeeds("compare runs").stdout;
    assert!(
        page.contains("best run of copy: runs/copy") && page.contains("best run of sort: runs/sort"),
        "{page}"
    );
}

#[test]
fn a_run_counts_once_and_a_seed_that_counts_twice_is_named() {
    let sandbox = study();
    let [one, other] = [run(1, 0), run(1, 1)];
    let twice = sandbox.succeeds(&format!("compare {one} {other} {one}/checkpoints/step-00000004 --json"));
    assert_eq!(twice.events()[0]["runs"], 2);
    assert!(
        twice.stderr.starts_with(&format!("warning: {one} is named twice, and counts once")),
        "{twice:?}"
    );
    let many = sandbox.succeeds("compare runs/study runs/study --csv");
    assert_eq!(many.stderr, format!("warning: 4 runs are named twice, and count once, such as {one}\n"));
    sandbox.place("copy", &sandbox.tree(&one));
    let page = sandbox.succeeds(&format!("compare {one} copy {}", run(2, 0))).stdout;
    assert!(page.contains("warning: more than one run has seed 0 and model.n_heads=1"), "{page}");
}

#[test]
fn settings_that_are_listed_have_their_numbers_on_the_page() {
    let sandbox = Sandbox::new();
    let line = "train reverse --quiet --set train.eval_examples=50 --set task.seq_len=4 --out";
    // In the order of their values the worst is the first.
    sandbox
        .succeeds(&format!("{line} runs/worse --steps 2 --set model.d_model=16 --set optimizer.lr=0.0001"));
    let more = "--steps 40 --set model.d_model=32 --set train.batch_size=64";
    for seed in [0, 1] {
        sandbox.succeeds(&format!(
            "{line} runs/better-{seed} {more} --set optimizer.weight_decay=0.5 --seed {seed}"
        ));
    }
    let accuracies: Vec<f64> = sandbox
        .succeeds("compare runs --json")
        .events()
        .iter()
        .map(|line| line["figures"]["accuracy"]["mean"].as_f64().unwrap())
        .collect();
    assert!(accuracies[0] < accuracies[1], "{accuracies:?}");
    let listed = sandbox.succeeds("compare runs --out page.html").stdout;
    let listed: Vec<&str> = listed.lines().map(str::trim).collect();
    let at = |number: &str| listed.iter().position(|line| *line == number).unwrap();
    assert!(listed[at("1")..at("2")].contains(&"d_model = 32"), "{listed:#?}");
    assert!(listed[at("2")..].contains(&"d_model = 16"), "{listed:#?}");
    let page = sandbox.read_text("page.html");
    let first = &page[page.find("<tr><td>1</td>").unwrap()..page.find("<tr><td>2</td>").unwrap()];
    assert!(first.contains(">32<") && !first.contains(">16<"), "{first}");
    let by_seed = sandbox.succeeds("compare runs --seeds").stdout;
    let numbers: Vec<&str> =
        by_seed.lines().map(str::trim).filter(|line| line.parse::<f64>().is_ok()).collect();
    assert_eq!(numbers, ["1.1", "1.2", "2.1"], "{by_seed}");
}

#[test]
fn what_is_no_comparison_is_refused() {
    let sandbox = study();
    fs::create_dir(sandbox.path("nothing")).unwrap();
    let one = run(1, 0);
    sandbox.refuses("compare nowhere", &["nowhere does not exist"]);
    sandbox.refuses("compare nothing", &["expected runs in nothing", "found none"]);
    sandbox.refuses(&format!("compare {one}"), &["expected at least two runs, found one", &one]);
    sandbox.refuses(&format!("compare {one} {one}"), &["expected at least two runs, found one"]);
    sandbox.refuses(&format!("compare {one}/config.toml"), &["is a file; name the folder"]);
    sandbox.write("notes.log", "");
    sandbox.refuses("compare notes.log", &["expected the folder of a run", "found the file notes.log"]);
    sandbox.write("other.toml", STUDY);
    sandbox.refuses("compare other.toml", &["expected the runs of other.toml in runs/other, found none"]);
    for threshold in ["0", "1.5", "nan", "-1", "x"] {
        sandbox.refuses(
            &format!("compare runs/study --threshold {threshold}"),
            &["expected a number above 0 and at most 1"],
        );
    }
    sandbox.refuses("compare runs/study --csv --json", &["--csv", "--json"]);
}
