//! Wrong commands, flags, tasks and devices.

use crate::support::sandbox::Sandbox;

/// Every fragment stands in the sentence with which an empty folder's `qkv` refuses `line`.
#[track_caller]
fn check(line: &str, fragments: &[&str]) {
    Sandbox::new().refuses(line, fragments);
}

#[test]
fn an_unknown_task_is_answered_with_the_names_of_all() {
    check("train revers", &["unknown task `revers`", "copy", "recall", "sort", "did you mean `reverse`?"]);
    check(
        "train reverse --set optimizer.name=adamw",
        &["unknown optimizer `adamw`", "did you mean `adam-w`?"],
    );
    check("train reverse --set task.name=sort", &["asked for the task `reverse`", "set to `sort`"]);
}

#[test]
fn an_unknown_command_or_flag_is_refused() {
    check("trian reverse", &["'trian'", "similar", "'train'"]);
    check("train --quiet", &["required", "<TASK|CONFIG.toml|RUN>"]);
    check("train reverse --step 5", &["'--step'", "similar", "'--steps'"]);
    check("tasks reverse", &["'reverse'"]);
    check("train reverse --lr 0.01", &["'--lr'", "'--set optimizer.lr=0.01'"]);
}

#[test]
fn without_a_task_the_tasks_are_listed() {
    let sandbox = Sandbox::new();
    let run = sandbox.qkv("train");
    assert_eq!((run.code, run.stderr.as_str()), (Some(2), ""));
    let (first, list) = run.stdout.split_once("\n\n").unwrap();
    assert!(first.ends_with(" train TASK trains one of these tasks:"), "{first}");
    assert_eq!(list, sandbox.succeeds("tasks").stdout);
    assert!(sandbox.tree(".").is_empty());
}

#[test]
fn without_a_command_the_help_is_shown_as_an_error() {
    let sandbox = Sandbox::new();
    let run = sandbox.qkv("");
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
    assert!(run.stderr.contains("Usage:"), "{run:?}");
    assert!(sandbox.tree(".").is_empty());
}

#[test]
fn a_number_that_cannot_be_is_refused_for_its_value() {
    check("train reverse --seed -1", &["'-1'", "--seed"]);
    check("train reverse --seed 9223372036854775808", &["--seed", "9223372036854775807"]);
    check("train reverse --steps 1.5", &["'1.5'", "--steps"]);
    for (line, range) in [
        ("train reverse --seed", "between 0 and 9223372036854775807"),
        ("train reverse --steps", "of at least 1"),
        ("train reverse --stop-after", "of at least 1"),
        ("train run --resume --from", "of at least 0"),
        ("train reverse --threads", "between 1 and 1024"),
        ("eval run --step", "of at least 0"),
        ("eval run --examples", "of at least 1"),
        ("inspect run --heads", "of at least 1"),
        ("explain run --head", "of at least 0"),
        ("sample run --n", "of at least 1"),
        ("sample run --top-k", "of at least 1"),
        ("sample run --tokens", "of at least 1"),
        ("sample run --seed", "between 0 and 9223372036854775807"),
        ("sample run --step", "of at least 0"),
    ] {
        for value in ["-1", "x", "1.5", "99999999999999999999999"] {
            check(&format!("{line} {value}"), &[value, &format!("expected a whole number {range}")]);
        }
    }
    for option in ["--steps", "--stop-after"] {
        check(
            &format!("train reverse {option} 0"),
            &["'0'", option, "expected a whole number of at least 1"],
        );
    }
    check("explain run --query -1", &["'-1'", "--query"]);
}

#[test]
fn a_temperature_that_cannot_be_is_refused() {
    for value in ["-1", "nan", "inf", "warm", ""] {
        check(
            &format!("sample run --temperature={value}"),
            &["--temperature", "expected a number of at least 0"],
        );
    }
    check("sample run --top-k 0", &["'0'", "--top-k", "expected a whole number of at least 1"]);
}

#[test]
fn an_unknown_device_is_refused_by_every_command_that_computes() {
    for command in ["train reverse", "eval run", "explain run", "sample run", "lecture"] {
        check(&format!("{command} --device abacus"), &["unknown device `abacus`", "flex"]);
    }
}

#[cfg(not(feature = "ndarray"))]
#[test]
fn a_device_that_is_not_compiled_in_is_answered_with_how_to_get_it() {
    check("train reverse --device ndarray", &["--features ndarray"]);
}

#[test]
fn the_number_of_threads_has_the_same_bounds_in_the_environment() {
    for variable in ["RAYON_NUM_THREADS", "RAYON_RS_NUM_CPUS"] {
        for threads in ["0", "1025", "30000", "99999999999999999999", "-1", "many"] {
            let sandbox = Sandbox::new();
            let mut command = sandbox.command("train reverse");
            command.env(variable, threads);
            sandbox.is_refused(command, &[variable, "between 1 and 1024", threads]);
        }
    }
    let sandbox = Sandbox::new();
    let mut command = sandbox.command("train reverse --steps 1 --quiet --threads 1");
    assert!(command.env("RAYON_NUM_THREADS", "30000").status().unwrap().success(), "the option decides");
}

#[test]
fn the_number_of_threads_has_bounds() {
    for threads in ["0", "1025"] {
        check(&format!("train reverse --threads {threads}"), &["--threads", "between 1 and 1024", threads]);
    }
}

#[test]
fn flags_that_contradict_each_other_are_refused() {
    check("train reverse --quiet --json", &["--quiet", "--json"]);
    check("train reverse --force", &["--out"]);
    check("eval run --exact --examples 5", &["--exact", "--examples"]);
}
