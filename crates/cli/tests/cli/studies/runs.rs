//! Which runs a study has, and how they end.

use qkv_run::RunFolder;

use super::SWEEP;
use crate::support::sandbox::{Sandbox, Tree};

#[test]
fn a_sweep_trains_every_combination_once() {
    let sandbox = Sandbox::new();
    sandbox.write("variants.toml", SWEEP);
    let results = sandbox.succeeds("sweep variants.toml --json --jobs 1").events();
    let settings: Vec<String> = results.iter().map(|result| result["settings"].to_string()).collect();
    assert_eq!(settings.len(), 6);
    // Keys in alphabetical order, the last changes fastest.
    assert_eq!(settings[0], r#"["model.projections=learned","seed=0"]"#);
    assert_eq!(settings[1], r#"["model.projections=learned","seed=1"]"#);
    assert_eq!(settings[5], r#"["model.projections=none","seed=1"]"#);
    assert!(sandbox.path("runs/variants/model.projections=frozen,seed=1/metrics.jsonl").is_file());
    let tree = sandbox.tree("runs/variants");
    let configs = tree.keys().filter(|path| path.ends_with("config.toml")).count();
    assert_eq!(configs, 6);
    // A second time, nothing is left to do and the same results are shown.
    assert_eq!(sandbox.succeeds("sweep variants.toml --json").events(), results);
    assert!(sandbox.tree("runs/variants") == tree);
}

#[test]
fn a_run_that_is_done_is_shown_while_another_process_has_it() {
    let sandbox = Sandbox::new();
    sandbox.write("variants.toml", SWEEP);
    // One at a time, because results come in the order in which runs end.
    let results = sandbox.succeeds("sweep variants.toml --json --jobs 1").events();
    let run = RunFolder::open(sandbox.path("runs/variants/model.projections=none,seed=1")).unwrap();
    let _locked = run.locked().unwrap();
    assert_eq!(sandbox.succeeds("sweep variants.toml --json").events(), results);
}

#[test]
fn two_shards_are_the_whole_sweep() {
    let sandbox = Sandbox::new();
    sandbox.write("variants.toml", SWEEP);
    let shard = |shard: &str| {
        sandbox.succeeds(&format!("sweep variants.toml --json --jobs 1 --shard {shard} --out out")).events()
    };
    let (one, two) = (shard("1/2"), shard("2/2"));
    assert_eq!((one.len(), two.len()), (3, 3));
    let all = sandbox.succeeds("sweep variants.toml --json --out out").events();
    assert_eq!(all.iter().step_by(2).cloned().collect::<Vec<_>>(), one);
    assert_eq!(all.iter().skip(1).step_by(2).cloned().collect::<Vec<_>>(), two);
}

#[test]
fn a_sweep_goes_on_with_a_run_as_a_resume_does() {
    let sandbox = Sandbox::new();
    let config = "[task]\nname = \"reverse\"\nseq_len = 4\n[train]\nsteps = 3\neval_examples = 10\n";
    sandbox.write("one.toml", config);
    sandbox.write("all.toml", format!("{config}[sweep]\nseed = [0, 1]\n"));
    let stopped = "--stop-after 1 --set train.keep=7 --set train.checkpoint_every=1 --quiet";
    for seed in [0, 1] {
        sandbox.succeeds(&format!("train one.toml --seed {seed} --out all/seed={seed} {stopped}"));
    }
    sandbox.write("all/seed=0/config.toml", "");
    let swept = sandbox.succeeds("sweep all.toml --out all --json --jobs 1");
    assert!(swept.stderr.contains("config.toml was broken: restored from "), "{swept:#?}");
    assert_eq!(swept.events().len(), 2);
    for seed in [0, 1] {
        let config = sandbox.read_text(&format!("all/seed={seed}/config.toml"));
        assert!(config.contains("keep = 3\n"), "{config}");
    }
    // What is done needs no memory.
    assert_eq!(sandbox.succeeds("sweep all.toml --out all --json --max-memory 1k").events(), swept.events());
}

#[test]
fn a_run_that_diverges_does_not_cost_the_others() {
    let sandbox = Sandbox::new();
    let sweep = "[task]\nname = \"reverse\"\nseq_len = 4\n[optimizer]\nclip = 0.0\n[train]\nsteps = 3\n\
                 [sweep.optimizer]\nlr = [1e20, 5e-3]\n";
    sandbox.write("rates.toml", sweep);
    let run = sandbox.qkv("sweep rates.toml --json");
    assert_eq!(run.code, Some(4), "{run:#?}");
    assert!(run.stderr.contains("optimizer.lr=1000") && run.stderr.contains("diverged"), "{run:#?}");
    assert_eq!(run.events().len(), 1);
    let end = "1 of 2 runs failed; the same command tries them again:\n  optimizer.lr=100000000000000000000.0: exit code 4\n";
    assert!(run.stderr.ends_with(end), "{run:#?}");
}

/// What a study computed: every weight, every state of an optimizer, every frame and every config.
fn computed(sandbox: &Sandbox, folder: &str) -> Tree {
    let mut tree = sandbox.tree(folder);
    tree.retain(|path, _| path.extension().is_some_and(|kind| kind == "safetensors" || kind == "toml"));
    tree
}

const EVERYTHING: &str = "task = { name = \"reverse\", seq_len = 4 }\n\
    train = { steps = 20, eval_examples = 10, checkpoint_every = 10 }\n\
    [sweep]\nseed = [3, 4]\noptimizer.lr = { from = 1e-3, to = 1e-1, draw = \"log\" }\n\
    model.n_heads = { from = 1, to = 4, times = 2 }\n\
    [[case]]\nmodel.score = \"additive\"\n[[case]]\nmodel.score = \"dot\"\nmodel.softcap = 10.0\n\
    [study]\ndraws = 2\ndraw_seed = 5\nonly = ['model.n_heads * 8 != 16', 'seed == 3 or model.score == \"dot\"']\n";

#[test]
fn the_same_study_gives_the_same_bytes_however_many_runs_are_trained_at_a_time() {
    let sandbox = Sandbox::new();
    sandbox.write("study.toml", EVERYTHING);
    let figures = |line: &str| {
        let mut figures: Vec<String> = sandbox
            .succeeds(line)
            .events()
            .iter()
            .map(|end| format!("{} {} {}", end["settings"], end["loss"], end["accuracy"]))
            .collect();
        figures.sort();
        figures
    };
    let alone = figures("sweep study.toml --json --out alone --jobs 1 --threads 2");
    // Two draws, two numbers of heads; both seeds with one score, one with the other.
    assert_eq!(alone.len(), 12);
    assert_eq!(figures("sweep study.toml --json --out together --jobs 3"), alone);
    assert!(computed(&sandbox, "alone") == computed(&sandbox, "together"));
    // As a run of its own.
    let run = "model.n_heads=4,model.score=dot,model.softcap=10.0,optimizer.lr=";
    let folder = std::fs::read_dir(sandbox.path("alone")).unwrap().map(|entry| entry.unwrap().file_name());
    let folder = folder.map(|name| name.into_string().unwrap()).find(|name| name.starts_with(run)).unwrap();
    let rate = folder.split("optimizer.lr=").nth(1).unwrap().split(",seed=").next().unwrap();
    let seed = folder.split(",seed=").nth(1).unwrap();
    let settings = format!(
        "--set model.n_heads=4 --set model.score=dot --set model.softcap=10.0 --set optimizer.lr={rate}"
    );
    let common = "--set task.seq_len=4 --set train.eval_examples=10 --set train.checkpoint_every=10 --quiet --out single";
    sandbox.succeeds(&format!("train reverse {settings} --seed {seed} --set train.steps=20 {common}"));
    let of_single = computed(&sandbox, "single");
    assert!(of_single.len() > 5 && of_single == computed(&sandbox, &format!("alone/{folder}")));
}

#[test]
fn a_run_that_reaches_its_target_ends_before_its_last_step() {
    let sandbox = Sandbox::new();
    let config = "task = { name = \"reverse\", seq_len = 4 }\n\
                  train = { steps = 5000, eval_every = 20, eval_examples = 50, stop_at = 0.9 }\n[sweep]\nseed = [0, 1]\n";
    sandbox.write("study.toml", config);
    let ends = sandbox.succeeds("sweep study.toml --json").events();
    let steps: Vec<u64> = ends.iter().map(|end| end["step"].as_u64().unwrap()).collect();
    assert!(steps.len() == 2 && steps.iter().all(|step| (20..1000).contains(step)), "{steps:?}");
}

#[test]
fn failures_of_different_kinds_are_named_and_end_with_1() {
    let sandbox = Sandbox::new();
    let study = "task = { name = \"reverse\", seq_len = 4 }\ntrain.steps = 2\noptimizer.clip = 0.0\n[sweep]\noptimizer.lr = [1e20, 5e-3, 5e-4]\n";
    sandbox.write("rates.toml", study);
    // Something else lies where a run is to begin.
    sandbox.write("runs/rates/optimizer.lr=0.005/notes.txt", "mine");
    let run = sandbox.qkv("sweep rates.toml");
    assert_eq!(run.code, Some(1), "{run:#?}");
    assert_eq!(run.stdout.lines().count(), 1, "{run:#?}");
    for part in [
        "error: optimizer.lr=0.005: ",
        "2 of 3 runs failed; the same command tries them again:\n",
        "\n  optimizer.lr=100000000000000000000.0: exit code 4\n",
        "\n  optimizer.lr=0.005: exit code 2\n",
    ] {
        assert!(run.stderr.contains(part), "no `{part}` in {run:#?}");
    }
    // By then something was created, so alone it is no bad usage.
    sandbox.write("runs/refused/optimizer.lr=0.005/notes.txt", "mine");
    sandbox.write("refused.toml", study.replace("1e20, ", ""));
    assert_eq!(sandbox.qkv("sweep refused.toml").code, Some(1));
    // It is tried again, and what is done is not trained again.
    std::fs::remove_dir_all(sandbox.path("runs/rates/optimizer.lr=0.005")).unwrap();
    let again = sandbox.qkv("sweep rates.toml");
    assert_eq!((again.code, again.stdout.lines().count()), (Some(4), 2), "{again:#?}");
}
