//! Settings of the command line, and what would be trained.

use super::SWEEP;
use crate::support::sandbox::Sandbox;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("variants.toml", SWEEP);
    sandbox
}

#[test]
fn a_dry_run_lists_the_runs_that_would_be_trained_and_creates_nothing() {
    let sandbox = sandbox();
    let all = sandbox.succeeds("sweep variants.toml --dry-run");
    assert!(all.stdout.starts_with("   1  model.projections=learned  seed=0\n   2  "), "{all:#?}");
    assert!(all.stdout.ends_with("\n6 runs, of which 0 done: 6 would be trained\n"), "{all:#?}");
    assert_eq!(sandbox.tree(".").len(), 1);
    sandbox.succeeds("sweep variants.toml --shard 1/2");
    let tree = sandbox.tree(".");
    let rest = sandbox.succeeds("sweep variants.toml --dry-run --jobs 2");
    let lines: Vec<&str> = rest.stdout.lines().collect();
    let expected = [
        "   2  model.projections=learned  seed=1",
        "   4  model.projections=frozen  seed=1",
        "   6  model.projections=none  seed=1",
        "6 runs, of which 3 done: 3 would be trained",
    ];
    assert_eq!(lines, expected);
    let events = sandbox.succeeds("sweep variants.toml --dry-run --json --shard 2/2").events();
    assert_eq!(events.len(), 3);
    let first = r#"{"settings":["model.projections=learned","seed=1"],"path":"runs/variants/model.projections=learned,seed=1","done":false}"#;
    assert_eq!(events[0], serde_json::from_str::<serde_json::Value>(first).unwrap());
    let all = sandbox.succeeds("sweep variants.toml --dry-run --json").events();
    let done: Vec<bool> = all.iter().map(|run| run["done"].as_bool().unwrap()).collect();
    assert_eq!(done, [true, false, true, false, true, false]);
    let none = sandbox.succeeds("sweep variants.toml --dry-run --shard 7/8");
    assert_eq!(none.stderr, "no run falls to shard 7/8: the study has 6 runs\n");
    assert!(sandbox.tree(".") == tree);
    sandbox.refuses("sweep variants.toml --dry-run --claim", &["--dry-run", "--claim"]);
}

#[test]
fn matrices_vary_each_for_itself() {
    let sandbox = Sandbox::new();
    let study = "[task]\nname = \"reverse\"\nseq_len = 4\n[train]\nsteps = 3\neval_examples = 10\n[model]\n\
                 projections = \"frozen\"\n[sweep.model.projections]\nw_q = [\"frozen\", \"none\"]\nw_v = [\"learned\", \
                 \"frozen\"]\n[study]\nonly = ['model.projections.w_q == \"frozen\" or model.projections.w_v == \"learned\"']\n";
    sandbox.write("each.toml", study);
    let all = sandbox.succeeds("sweep each.toml --dry-run").stdout;
    let lines: Vec<&str> = all.lines().collect();
    let expected = [
        "   1  model.projections.w_q=frozen  model.projections.w_v=learned",
        "   2  model.projections.w_q=frozen  model.projections.w_v=frozen",
        "   3  model.projections.w_q=none  model.projections.w_v=learned",
        "3 runs, of which 0 done: 3 would be trained",
    ];
    assert_eq!(lines, expected);
    assert_eq!(sandbox.succeeds("sweep each.toml --json").events().len(), 3);
    let config = |run: &str| sandbox.read_text(&format!("runs/each/{run}/config.toml"));
    let mixed = config("model.projections.w_q=none,model.projections.w_v=learned");
    let table = "[model.projections]\nw_k = \"frozen\"\nw_q = \"none\"\nw_v = \"learned\"\n";
    assert!(mixed.contains(table), "{mixed}");
    let all = config("model.projections.w_q=frozen,model.projections.w_v=frozen");
    assert!(all.contains("projections = \"frozen\"\n"), "{all}");
    // Two keys of a table, one by each matrix that differs.
    let compared = sandbox.succeeds("compare runs/each").stdout;
    for key in ["model.projections.w_q", "model.projections.w_v"] {
        assert!(compared.contains(key), "{compared}");
    }
    assert!(!compared.contains("model.projections.w_k") && !compared.contains("not set"), "{compared}");
    // What does not vary of the three may be set for all.
    let set = "sweep each.toml --set model.projections=none --out new --dry-run";
    assert_eq!(sandbox.succeeds(set).stdout.lines().count(), 4);
    sandbox.refuses("sweep each.toml --set model.projections.w_q=none", &["`model.projections.w_q` varies"]);
}

#[test]
fn settings_change_what_all_runs_have_in_common() {
    let sandbox = sandbox();
    let set = "--set model.n_heads=1 --set optimizer=adam-w --steps 2";
    assert_eq!(sandbox.succeeds(&format!("sweep variants.toml {set} --json")).events().len(), 6);
    for run in ["model.projections=learned,seed=0", "model.projections=none,seed=1"] {
        let config = sandbox.read_text(&format!("runs/variants/{run}/config.toml"));
        for line in ["n_heads = 1\n", "name = \"adam-w\"\n", "steps = 2\n"] {
            assert!(config.contains(line), "no {line} in {config}");
        }
    }
    // The study is kept as it was trained, so it goes on by its folder and not without the settings.
    let tree = sandbox.tree("runs");
    assert_eq!(sandbox.succeeds("sweep runs/variants --json").events().len(), 6);
    sandbox.succeeds(&format!("sweep variants.toml {set}"));
    assert!(sandbox.tree("runs") == tree);
    sandbox.refuses("sweep variants.toml", &["belongs to another study", "train.steps was 2, now it is 3"]);
    sandbox.refuses("sweep variants.toml --seed 3", &["`seed` varies in the study", "`--seed 3` sets it"]);
    sandbox.refuses("sweep variants.toml --set model.projections.x=3", &["`model.projections` varies"]);
    sandbox.refuses(
        "sweep variants.toml --set model.d_kk=3 --out new",
        &["with what the command line sets", "`model.d_kk`"],
    );
}

#[test]
fn a_setting_of_what_varies_and_one_of_the_study_itself_are_refused() {
    let sandbox = Sandbox::new();
    let study = "task = { name = \"reverse\", seq_len = 4 }\n[sweep]\nmodel.d_k = [8, 16]\ntrain.stop_at = [0.5, 0.9]\n\
                 optimizer.name = [\"sgd\", \"adam-w\"]\nschedule.kind = [\"linear\", \"cosine\"]\n";
    sandbox.write("study.toml", study);
    for (typed, key) in [
        ("--set optimizer=muon", "optimizer.name"),
        ("--set optimizer={name=\"muon\"}", "optimizer.name"),
        ("--set model={d_k=8,n_heads=1}", "model.d_k"),
        ("--set schedule=constant", "schedule.kind"),
        ("--set schedule.name=constant", "schedule.kind"),
        ("--steps 5", "train.stop_at"),
    ] {
        let message = format!("`{key}` varies in the study, and `{typed}` sets it for all runs");
        sandbox.refuses(&format!("sweep study.toml --dry-run {typed}"), &[&message]);
    }
    for set in ["sweep.seed=[5]", "case=[{seed=1}]", "study.draws=3", "sweep={seed=[5]}"] {
        let message = format!("`--set {set}` is of the study");
        sandbox.refuses(&format!("sweep study.toml --dry-run --set {set}"), &[&message]);
    }
    let set = "--set optimizer.lr=0.1 --set model={n_heads=1} --set train.steps=5 --seed 3";
    let listed = sandbox.succeeds(&format!("sweep study.toml --dry-run {set}"));
    assert!(listed.stdout.ends_with("\n16 runs, of which 0 done: 16 would be trained\n"), "{listed:#?}");
}

#[test]
fn combinations_that_come_up_again_are_counted() {
    let sandbox = Sandbox::new();
    let study = "task.name = \"reverse\"\n[sweep]\nmodel.n_layers = { from = 1, to = 3, draw = \"uniform\" }\n[study]\ndraws = 20\n";
    sandbox.write("study.toml", study);
    let listed = sandbox.succeeds("sweep study.toml --dry-run");
    assert!(
        listed
            .stderr
            .contains("of the 20 combinations of the study 17 come up again, and are trained once\n"),
        "{listed:#?}"
    );
    assert!(listed.stdout.ends_with("\n3 runs, of which 0 done: 3 would be trained\n"), "{listed:#?}");
}

#[test]
fn what_was_set_for_another_name_is_shown_once_with_the_number_of_its_runs() {
    let sandbox = Sandbox::new();
    let study = "task = { name = \"reverse\", seq_len = 4 }\ntrain = { steps = 2, eval_examples = 10 }\n\
                 optimizer = { name = \"sgd\", momentum = 0.5, lr = 0.1 }\n\
                 loss = { name = \"label-smoothing\", smoothing = 0.25 }\n\
                 [sweep]\noptimizer.name = [\"sgd\", \"lion\"]\nseed = [0, 1, 2]\n";
    sandbox.write("study.toml", study);
    let momentum =
        "left out optimizer.momentum = 0.5: set for another optimizer than `lion`, in 3 of 6 runs\n";
    let smoothing =
        "left out loss.smoothing = 0.25: set for another loss than `cross-entropy`, in 6 of 6 runs\n";
    assert_eq!(sandbox.succeeds("sweep study.toml --dry-run").stderr, momentum);
    let set = sandbox.succeeds("sweep study.toml --dry-run --json --set loss=cross-entropy");
    assert_eq!((set.events().len(), set.stderr), (6, smoothing.to_owned() + momentum));
    let trained = sandbox.succeeds("sweep study.toml --json");
    assert_eq!((trained.events().len(), trained.stderr.matches("left out").count()), (6, 1));
    assert!(trained.stderr.contains(momentum), "{trained:#?}");
}
