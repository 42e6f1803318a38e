//! Every combination of some settings, each in a folder of its own.

use crate::support::sandbox::Sandbox;

const SWEEP: &str = "[task]\nname = \"reverse\"\nseq_len = 4\n[train]\nsteps = 3\neval_examples = 10\n\
                     [sweep]\nseed = [0, 1]\n[sweep.model]\nprojections = [\"learned\", \"frozen\", \"none\"]\n";

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
fn a_wrong_sweep_is_refused_before_anything_is_trained() {
    let check = |text: &str, line: &str, fragment: &str| {
        let sandbox = Sandbox::new();
        sandbox.write("sweep.toml", text);
        sandbox.refuses(line, &[fragment]);
    };
    let head = "[task]\nname = \"reverse\"\n";
    check(head, "sweep sweep.toml", "[sweep]");
    check(&format!("{head}[sweep]\nseed = 3\n"), "sweep sweep.toml", "must be a list");
    check(&format!("{head}[sweep]\nseed = []\n"), "sweep sweep.toml", "`seed` has an empty list");
    check(&format!("{head}[sweep.model]\nd_modle = [3]\n"), "sweep sweep.toml", "d_model");
    check(&format!("{head}[sweep]\nseed = [1]\n"), "sweep sweep.toml --shard 3/2", "I/N");
}

#[test]
fn a_run_that_diverges_does_not_cost_the_others() {
    let sandbox = Sandbox::new();
    let sweep = "[task]\nname = \"reverse\"\nseq_len = 4\n[optimizer]\nclip = 0.0\n[train]\nsteps = 3\n\
                 [sweep.optimizer]\nlr = [1e30, 5e-3]\n";
    sandbox.write("rates.toml", sweep);
    let run = sandbox.qkv("sweep rates.toml --json");
    assert_eq!(run.code, Some(4), "{run:#?}");
    assert!(run.stderr.contains("optimizer.lr=1000") && run.stderr.contains("diverged"), "{run:#?}");
    assert_eq!(run.events().len(), 1);
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
    let refused = sandbox.qkv("sweep all.toml --out others --max-memory 1k");
    assert!(refused.code == Some(2) && !sandbox.path("others").exists(), "{refused:#?}");
    sandbox.write("all.toml", format!("{config}[optimizer]\nlr = 0.1\n[sweep]\nseed = [0, 1]\n"));
    let other = sandbox.qkv("sweep all.toml --out all");
    assert_eq!(other.code, Some(2), "{other:#?}");
    assert_eq!(other.stderr.matches("optimizer.lr was 0.005, now it is 0.1").count(), 1, "{other:#?}");
}
