//! Every two of the options that decide where a run begins, ends and lies: they work together, or they are refused.

use std::collections::BTreeSet;

use crate::support::sandbox::Sandbox;

const OPTIONS: [&str; 7] =
    ["--branch", "--force", "--from", "--init-from", "--out", "--resume", "--stop-after"];

const NEW: &str = "train reverse --steps 4 --set task.seq_len=4 --set train.eval_examples=4 \
                   --set train.checkpoint_every=1";

/// What the two lead to.
enum Expected {
    /// Both names in a refusal that creates nothing.
    Refused,
    /// A run in this folder whose log ends with this step.
    Trained(&'static str, u64),
}

use Expected::{Refused, Trained};

/// `run` was stopped after two steps of four, `other` has all of them. An option that needs a third has it.
#[rustfmt::skip]
const PAIRS: [(&str, &str, &str, Expected); 21] = [
    ("--branch", "--force", "train run --branch new --force", Refused),
    ("--branch", "--from", "train run --branch new --from 0", Trained("new", 4)),
    ("--branch", "--init-from", "train run --branch new --init-from other", Refused),
    ("--branch", "--out", "train run --branch new --out new", Refused),
    ("--branch", "--resume", "train run --branch new --resume", Refused),
    ("--branch", "--stop-after", "train run --branch new --stop-after 3", Trained("new", 3)),
    ("--force", "--from", "train run --from 0 --out run --force", Refused),
    ("--force", "--init-from", "NEW --init-from other --out run --force", Trained("run", 4)),
    ("--force", "--out", "NEW --out run --force", Trained("run", 4)),
    ("--force", "--resume", "train run --resume --out run --force", Refused),
    ("--force", "--stop-after", "NEW --out run --force --stop-after 1", Trained("run", 1)),
    ("--from", "--init-from", "NEW --from 0 --init-from other --out new", Refused),
    ("--from", "--out", "train run --resume --from 1 --out run", Trained("run", 4)),
    ("--from", "--resume", "train run --resume --from 0", Trained("run", 4)),
    ("--from", "--stop-after", "train run --resume --from 1 --stop-after 3", Trained("run", 3)),
    ("--init-from", "--out", "NEW --init-from other --out new", Trained("new", 4)),
    ("--init-from", "--resume", "NEW --resume --init-from other --out new", Refused),
    ("--init-from", "--stop-after", "NEW --init-from other --out new --stop-after 3", Trained("new", 3)),
    ("--out", "--resume", "NEW --out run --resume", Trained("run", 4)),
    ("--out", "--stop-after", "NEW --out new --stop-after 3", Trained("new", 3)),
    ("--resume", "--stop-after", "train run --resume --stop-after 3", Trained("run", 3)),
];

#[test]
fn two_options_work_together_or_are_refused_with_both_names() {
    let pairs: BTreeSet<_> = PAIRS.iter().map(|(one, other, ..)| (*one, *other)).collect();
    let all = OPTIONS.iter().flat_map(|one| OPTIONS.iter().map(move |other| (*one, *other)));
    assert_eq!(pairs, all.filter(|(one, other)| one < other).collect());

    let trained = Sandbox::new();
    trained.succeeds(&format!("{NEW} --out run --stop-after 2 --quiet"));
    trained.succeeds(&format!("{NEW} --seed 1 --out other --quiet"));
    let runs = trained.tree(".");
    for (one, other, line, expected) in PAIRS {
        let line = format!("{} --quiet", line.replace("NEW", NEW));
        assert!(line.contains(one) && line.contains(other), "{line}");
        let sandbox = Sandbox::new();
        sandbox.place(".", &runs);
        match expected {
            Refused => {
                sandbox.refuses(&line, &[&format!("'{one}"), &format!("'{other}"), "cannot be used with"]);
            }
            Trained(run, step) => {
                sandbox.succeeds(&line);
                assert_eq!(sandbox.metrics(run).last().unwrap()["step"], step, "{line}");
                sandbox.succeeds(&format!("verify {run}"));
            }
        }
    }
}

#[test]
fn an_option_that_needs_another_names_it() {
    let sandbox = Sandbox::new();
    sandbox.write("photos/cat.png", "meow");
    sandbox.write("run.toml", "[task]\nname = \"reverse\"\n");
    for (line, fragments) in [
        ("train reverse --from 0", ["--resume", "--branch"]),
        ("train reverse --from 0 --out new", ["--resume", "--branch"]),
        ("train reverse --force", ["--force", "--out"]),
        ("train reverse --resume", ["reverse is a task; --resume needs", "--out"]),
        ("train runs/none --resume", ["runs/none does not exist; --resume needs", "--out"]),
        ("train photos --resume", ["photos holds no run; --resume needs", "--out"]),
        ("train run.toml --resume", ["run.toml is no folder; --resume needs", "--out"]),
    ] {
        sandbox.refuses(line, &fragments);
    }
}
