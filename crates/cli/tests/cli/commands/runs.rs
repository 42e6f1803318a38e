//! The list of `runs`.

use std::fs;
use std::path::Path;
use std::time::Instant;

use crate::support::running::Running;
use crate::support::sandbox::Sandbox;

const SMALL: &str = "--set task.seq_len=4 --set train.eval_examples=10 --quiet";

#[test]
fn every_run_is_listed_with_where_it_stands() {
    let sandbox = Sandbox::new();
    let none = "no runs in runs, nor in folders of it at most 2 levels down\n";
    assert_eq!(sandbox.succeeds("runs").stdout, none);
    assert_eq!(sandbox.succeeds("runs --json").stdout, "");
    sandbox.succeeds(&format!("train reverse --steps 3 {SMALL}"));
    sandbox.succeeds(&format!("train reverse --steps 9 --stop-after 2 --out runs/study/a {SMALL}"));
    sandbox.succeeds(&format!("train reverse --steps 3 --out runs/bad {SMALL}"));
    fs::remove_file(sandbox.path("runs/bad/checkpoints/step-00000003/model.safetensors")).unwrap();
    sandbox.write("runs/broken/checkpoints/step-00000001/x", "");
    sandbox.write("runs/notes/config.toml", "a program of another kind");
    let before = sandbox.tree(".");
    let events = sandbox.succeeds("runs --json").events();
    let of = |path: &str| {
        events.iter().find(|event| event["path"] == path).unwrap_or_else(|| panic!("{events:?}"))
    };
    assert_eq!(events.len(), 4, "{events:?}");
    let finished = of("runs/reverse-1");
    for (key, expected) in [("task", "reverse"), ("state", "finished")] {
        assert_eq!(finished[key], expected, "{finished}");
    }
    let done = sandbox.metrics("runs/reverse-1").pop().unwrap();
    assert_eq!((&finished["step"], &finished["steps"]), (&3.into(), &3.into()), "{finished}");
    assert_eq!(
        (&finished["evaluation"]["split"], &finished["evaluation"]["accuracy"]),
        (&"test".into(), &done["accuracy"])
    );
    let bytes: u64 = sandbox.tree("runs/reverse-1").values().flatten().map(|file| file.len() as u64).sum();
    assert_eq!(finished["bytes"], bytes, "{finished}");
    let stopped = of("runs/study/a");
    assert_eq!(
        (&stopped["state"], &stopped["step"], &stopped["steps"]),
        (&"stopped".into(), &2.into(), &9.into())
    );
    assert_eq!(of("runs/bad")["state"], "damaged");
    assert!(of("runs/bad")["what"].as_str().unwrap().contains("step-00000003"), "{events:?}");
    assert_eq!(of("runs/broken")["state"], "damaged");
    let times: Vec<_> = events.iter().map(|event| event["started"].as_str()).collect();
    assert!(times.is_sorted(), "{times:?}");

    let page = sandbox.succeeds("runs").stdout;
    let row = |run: &str| {
        page.lines().find(|line| line.trim_start().starts_with(run)).unwrap_or_else(|| panic!("{page}"))
    };
    let accuracy = format!("{:.4}", done["accuracy"].as_f64().unwrap());
    for word in ["reverse", "3 of 3", &accuracy, "test", "finished", "kB"] {
        assert!(row("runs/reverse-1").contains(word), "no {word} in {page}");
    }
    assert!(row("runs/study/a").contains("2 of 9"), "{page}");
    assert!(page.contains("4 runs, ") && page.contains("step-00000003 is damaged"), "{page}");
    assert_eq!(sandbox.succeeds("runs runs/study").stdout.lines().count(), 4);
    assert_eq!(sandbox.succeeds("runs runs/study/a --json").events(), std::slice::from_ref(stopped));
    sandbox.refuses("runs missing", &["missing is no folder"]);
    assert!(sandbox.tree(".") == before);
}

#[test]
#[cfg(unix)]
fn a_run_is_listed_whatever_its_name_and_what_became_of_its_files() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("train reverse --steps 3 {SMALL} --out run"));
    let run = sandbox.tree("run");
    for name in ["a/b\nc\x1b[1m", "a/b/config", "a/b/log", "a/b/checkpoints"] {
        sandbox.place(name, &run);
    }
    fs::remove_file(sandbox.path("a/b/config/config.toml")).unwrap();
    fs::create_dir(sandbox.path("a/b/config/config.toml")).unwrap();
    sandbox.write("a/b/log/metrics.jsonl", "garbage");
    fs::remove_dir_all(sandbox.path("a/b/checkpoints/checkpoints")).unwrap();
    let page = sandbox.succeeds("runs a").stdout;
    let row = |run: &str| {
        page.lines().find(|line| line.trim_start().starts_with(run)).unwrap_or_else(|| panic!("{page}"))
    };
    assert!(row("a/b\\nc\\u{1b}[1m").contains("finished"), "{page}");
    for (run, what) in [
        ("a/b/config", "config.toml"),
        ("a/b/log", "metrics.jsonl is damaged"),
        ("a/b/checkpoints", "reports one of step 3 as saved"),
    ] {
        assert!(row(run).contains("damaged") && row(run).contains('3'), "{page}");
        let line = page.lines().find(|line| line.starts_with(&format!("{run}: ")));
        assert!(line.is_some_and(|line| line.contains(what)), "no {what} in {page}");
    }
    assert!(!page.contains('\x1b'), "{page}");
    // A checkpoint stands for its run.
    let listed = sandbox.succeeds("runs run/checkpoints/step-00000003 --json").events();
    assert_eq!(listed, sandbox.succeeds("runs run --json").events());
    let mut command = sandbox.command("eval");
    let refused = command.arg("no\nrun\x1b").output().unwrap();
    assert_eq!(refused.stderr, b"error: no\\nrun\\u{1b} does not exist; give the folder of a run\n");
}

#[test]
fn a_run_that_trains_now_is_listed_as_such_and_goes_on() {
    let sandbox = Sandbox::new();
    let mut running = Running::start(&sandbox, "train reverse --steps 100000 --json --out runs/a");
    running.wait_for("\"event\":\"step\"");
    let state = || sandbox.succeeds("runs --json").events()[0]["state"].clone();
    assert_eq!(state(), "training");
    running.send("-TERM");
    assert_eq!(running.end().code, Some(143));
    assert_eq!(state(), "stopped");
}

#[test]
fn a_thousand_runs_are_listed_in_a_moment() {
    let sandbox = Sandbox::in_memory();
    sandbox.succeeds(&format!("train reverse --steps 3 {SMALL} --out one"));
    let run = sandbox.tree("one");
    // A long log, of which only the end counts.
    let mut log = run[Path::new("metrics.jsonl")].clone().unwrap();
    let first = log.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    let last = log.split_off(first);
    let step = "{\"event\":\"step\",\"step\":1,\"loss\":2.5,\"lr\":0.1}\n";
    log.extend(step.repeat(20_000).bytes());
    log.extend(last);
    sandbox.place("runs/0", &run);
    sandbox.write("runs/0/metrics.jsonl", &log);
    for number in 1..1000 {
        // Links, so that they take no room.
        for (path, content) in &run {
            let copy = sandbox.path(&format!("runs/{number}")).join(path);
            fs::create_dir_all(copy.parent().unwrap()).unwrap();
            match content {
                None => fs::create_dir_all(copy).unwrap(),
                Some(_) => fs::hard_link(sandbox.path("runs/0").join(path), copy).unwrap(),
            }
        }
    }
    let start = Instant::now();
    let events = sandbox.succeeds("runs --json").events();
    let seconds = start.elapsed().as_secs_f64();
    assert_eq!(events.iter().filter(|event| event["state"] == "finished").count(), 1000);
    // Half a second on two busy cores; the logs alone have almost a gigabyte.
    assert!(seconds < 5.0, "{seconds} s");
}
