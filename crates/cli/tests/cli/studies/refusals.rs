//! A wrong study is refused with its key before anything is created.

use std::time::{Duration, Instant};

use crate::support::sandbox::Sandbox;

/// A study of this text is refused with these fragments.
#[track_caller]
fn check(text: &str, fragments: &[&str]) {
    let sandbox = Sandbox::new();
    sandbox.write("sweep.toml", format!("task.name = \"reverse\"\ntrain.steps = 1\n{text}"));
    sandbox.refuses("sweep sweep.toml", fragments);
}

#[test]
fn every_wrong_key_is_named() {
    let wrong =
        "train.stepz = 3\n[sweep]\nseed = [0, 1]\nmodel.d_modle = [3]\noptimizer.momentum = [0.5, 0.9]\n";
    check(
        wrong,
        &[
            "3 settings are wrong:\n",
            "\n  unknown key `model.d_modle`; did you mean `model.d_model`?\n",
            "`optimizer.momentum`: it is a setting of `muon`, `sgd`",
            "\n  unknown key `train.stepz`",
        ],
    );
    check("[sweep]\nmodel.d_modle = [3]\n", &["run model.d_modle=3", "`model.d_model`"]);
    check("[[case]]\nmodel.n_heads = 3\n[[case]]\nmodel.d_k = -1\n", &["model.d_model", "d_k"]);
}

#[test]
fn lists_and_ranges_are_checked() {
    check("", &["needs a table [sweep]"]);
    check("[sweep]\nseed = 3\n", &["`seed` in [sweep] must be a list", "got 3"]);
    check("[sweep]\nmodel.d_k = []\n", &["`model.d_k` has an empty list"]);
    check("[sweep]\nseed = [1, 1]\n", &["`seed` has the value 1 twice"]);
    check("[sweep]\nseed = [1]\n[[case]]\nseed = 2\n", &["`seed` varies twice"]);
    check("[sweep]\nmodel.d_k = { from = 1, to = 8, tims = 2 }\n", &["`model.d_k` has a range", "`tims`"]);
    check("[sweep]\nseed = [1]\n[study]\ndrawz = 1\n", &["unknown key `drawz` in [study]"]);
    check("[sweep]\nmodel.d_k = { draw = [8, 16] }\n", &["`model.d_k` is drawn at random", "`draws`"]);
    let twice = "`schedule.kind` and `schedule.name` are one key, and both vary; leave one of them out";
    check("[sweep]\nschedule.kind = [\"linear\"]\nschedule.name = [\"constant\", \"cosine\"]\n", &[twice]);
    check(
        "[sweep]\nschedule.name = [\"constant\"]\n[[case]]\nseed = 1\n[[case]]\nschedule.kind = \"linear\"\n",
        &[twice],
    );
    check("[parent]\nrun = \"x\"\n[sweep]\nseed = [1]\n", &["[parent]"]);
}

#[test]
fn conditions_are_checked_and_have_to_admit_a_run() {
    let study = |condition: &str| {
        format!("[sweep]\nmodel.n_heads = [1, 2]\nseed = [0, 1]\n[study]\nonly = ['{condition}']\n")
    };
    check(&study("model.n_heads > 2"), &["admit none of the 4 runs", "model.n_heads > 2"]);
    check(&study("model.heads > 2"), &["`model.heads > 2`", "which the config of a run lacks"]);
    check(&study("model.n_heads ="), &["`model.n_heads =`"]);
}

#[test]
fn a_million_runs_are_counted_within_a_second() {
    let sandbox = Sandbox::new();
    let range = "{ from = 1, to = 1000, step = 1 }";
    sandbox.write(
        "sweep.toml",
        format!("task.name = \"reverse\"\n[sweep]\nseed = {range}\nmodel.d_k = {range}\n"),
    );
    let started = Instant::now();
    sandbox.refuses("sweep sweep.toml", &["1000000 runs, at most 10000", "shorten `seed`, which has 1000"]);
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
}

#[test]
fn what_the_runs_need_together_is_checked_before_anything_starts() {
    let sandbox = Sandbox::new();
    sandbox.write("sweep.toml", "task.name = \"reverse\"\ntrain.steps = 1\n[sweep]\nseed = [0, 1, 2]\n");
    for option in ["", "--dry-run"] {
        sandbox.refuses(
            &format!("sweep sweep.toml --jobs 3 --max-memory 100M {option}"),
            &["3 runs at a time need about ", "the 100 MiB that --max-memory allows; --jobs 2 fits"],
        );
    }
    let alone = sandbox.qkv("sweep sweep.toml --jobs 3 --max-memory 1k");
    assert!(alone.code == Some(2) && alone.stderr.contains("optimizer state"), "{alone:#?}");
    assert_eq!(sandbox.tree(".").len(), 1);
    assert_eq!(sandbox.succeeds("sweep sweep.toml --jobs 2 --max-memory 100M").stdout.lines().count(), 3);
    // What is done needs none.
    sandbox.succeeds("sweep sweep.toml --jobs 3 --max-memory 1k");
}

#[test]
fn a_name_that_is_too_long_for_a_folder_is_refused_with_its_length() {
    let long = "[sweep]\nseed = [0]\ntrain.batch_size = [32]\ntrain.eval_examples = [10]\ntrain.checkpoint_every = [1]\n\
                train.snapshot_every = [1]\ntrain.eval_every = [1]\noptimizer.weight_decay = [0.001]\n\
                optimizer.clip = [1.0]\noptimizer.lr = [0.001]\nmodel.dropout = [0.125]\nmodel.d_model = [32]\n\
                model.n_layers = [2]\nmodel.n_heads = [2]\n";
    check(long, &["`model.d_model=32,model.dropout=0.125,", " bytes, at most 240", "vary fewer keys"]);
}

#[test]
fn wrong_options_and_places_are_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("sweep.toml", "task.name = \"reverse\"\ntrain.steps = 1\n[sweep]\nseed = [0]\n");
    for shard in ["3/2", "-1/2", "--json"] {
        let line = format!("sweep sweep.toml --shard {shard}");
        sandbox.refuses(&line, &["--shard must be I/N with I between 1 and N", &format!("got `{shard}`")]);
    }
    for jobs in ["0", "-1", "1025", "x"] {
        sandbox.refuses(&format!("sweep sweep.toml --jobs={jobs}"), &["--jobs", "between 1 and 1024"]);
    }
    sandbox.refuses("sweep .", &["without a study.toml"]);
    sandbox.refuses("sweep sweep.toml --out sweep.toml", &["sweep.toml is a file; name a folder"]);
    sandbox.succeeds("train reverse --steps 1 --quiet --out run");
    for out in ["run", "run/checkpoints/study"] {
        sandbox.refuses(&format!("sweep sweep.toml --out {out}"), &["run"]);
    }
    sandbox.refuses("worker here", &["started by sweep"]);
    sandbox.write("case.toml", "task.name = \"reverse\"\n[[case]]\nseed = [0, 1]\n");
    sandbox.refuses("train case.toml", &["case.toml has a table [case]", "sweep case.toml"]);
}

#[test]
fn runs_that_would_share_a_folder_are_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("a/b.txt", "one text. ".repeat(100));
    sandbox.write("a_b.txt", "another text. ".repeat(100));
    sandbox
        .write("texts.toml", "[task]\nname = \"chars\"\n[sweep.task]\ntext = [\"a/b.txt\", \"a_b.txt\"]\n");
    sandbox.refuses("sweep texts.toml", &["share the folder"]);
}
