//! A study that several processes train: shares of a scheduler, and claims.

use super::SWEEP;
use crate::support::sandbox::{Finished, Sandbox};

#[test]
fn a_task_of_a_scheduler_takes_its_share_and_tells_so() {
    let sandbox = Sandbox::new();
    sandbox.write("variants.toml", SWEEP);
    // Results come in the order in which runs end.
    let sorted = |run: &Finished| {
        let mut events = run.events();
        events.sort_by_key(|event| event["path"].to_string());
        events
    };
    let by_hand = sorted(&sandbox.succeeds("sweep variants.toml --json --shard 2/4 --out hand"));
    assert_eq!(by_hand.len(), 2);
    let slurm =
        [("SLURM_ARRAY_TASK_ID", "8"), ("SLURM_ARRAY_TASK_MIN", "7"), ("SLURM_ARRAY_TASK_COUNT", "4")];
    let kubernetes = [("JOB_COMPLETION_INDEX", "1"), ("JOB_COMPLETIONS", "4")];
    let hyper_queue = [("HQ_TASK_ID", "2")];
    for (set, option, by) in [
        (&slurm[..], "", "Slurm (SLURM_ARRAY_TASK_ID=8)"),
        (&kubernetes[..], "", "Kubernetes (JOB_COMPLETION_INDEX=1)"),
        (&hyper_queue[..], "--shard _/4", "HyperQueue (HQ_TASK_ID=2)"),
    ] {
        let line = format!("sweep variants.toml --json {option} --out hand");
        let run: Finished = sandbox.command(&line).envs(set.iter().copied()).output().unwrap().into();
        assert_eq!((run.code, sorted(&run)), (Some(0), by_hand.clone()), "{run:#?}");
        assert_eq!(run.stderr.matches(&format!("shard 2/4 of the study, by {by}\n")).count(), 1, "{run:#?}");
    }
    // What the user names needs no scheduler.
    let line = "sweep variants.toml --json --shard 2/4 --out hand";
    let run: Finished = sandbox.command(line).envs(slurm).envs(kubernetes).output().unwrap().into();
    assert_eq!((sorted(&run), run.stderr.contains("by Slurm")), (by_hand, false));
    let mut two = sandbox.command("sweep variants.toml");
    two.envs(slurm).envs(kubernetes);
    sandbox.is_refused(
        two,
        &["Slurm (SLURM_ARRAY_TASK_ID=8) and Kubernetes (JOB_COMPLETION_INDEX=1)", "--shard I/N"],
    );
    let mut half = sandbox.command("sweep variants.toml");
    half.env("SLURM_ARRAY_TASK_ID", "1");
    sandbox.is_refused(half, &["SLURM_ARRAY_TASK_ID is set, and SLURM_ARRAY_TASK_COUNT is not set"]);
}

#[test]
fn a_worker_that_claims_runs_trains_the_same_study_whatever_its_scheduler_set() {
    let sandbox = Sandbox::new();
    sandbox.write("variants.toml", SWEEP);
    let whole = sandbox.succeeds("sweep variants.toml --json --out whole").events();
    let mut command = sandbox.command("sweep variants.toml --json --claim --out claimed");
    let run: Finished = command.env("SLURM_ARRAY_TASK_ID", "1").output().unwrap().into();
    assert_eq!(run.code, Some(0), "{run:#?}");
    assert_eq!(run.events().len(), whole.len());
    let weights = |study: &str| {
        let mut tree = sandbox.tree(study);
        tree.retain(|path, _| path.extension().is_some_and(|extension| extension == "safetensors"));
        tree
    };
    assert!(weights("claimed") == weights("whole") && !sandbox.path("claimed/.claims").exists());
    sandbox.refuses("sweep variants.toml --claim --shard 1/2", &["--claim", "--shard"]);
    sandbox.refuses("sweep variants.toml --claim --lease 0", &["between 1 and 86400"]);
    for option in ["--lease 9", "--retry-failed"] {
        sandbox.refuses(&format!("sweep variants.toml {option}"), &["--claim"]);
    }
}

#[test]
fn a_run_that_failed_at_one_worker_is_named_by_the_others_and_tried_only_if_asked_for() {
    let sandbox = Sandbox::new();
    let sweep = "[task]\nname = \"reverse\"\nseq_len = 4\n[optimizer]\nclip = 0.0\n[train]\nsteps = 3\n\
                 [sweep.optimizer]\nlr = [1e30, 5e-3]\n";
    sandbox.write("rates.toml", sweep);
    let command = "sweep rates.toml --json --claim --lease 3600";
    let first = sandbox.qkv(command);
    assert_eq!((first.code, first.events().len()), (Some(4), 1), "{first:#?}");
    assert!(first.stderr.contains("with --retry-failed tries them again"), "{first:#?}");
    let log = "runs/rates/optimizer.lr=1000000000000000000000000000000.0/metrics.jsonl";
    let before = sandbox.read_text(log);
    let second = sandbox.qkv(command);
    assert_eq!((second.code, second.events().len()), (Some(4), 1), "{second:#?}");
    // With what the first worker was told.
    let failed = second.stderr.lines().find(|line| line.starts_with("  optimizer.lr=1000")).unwrap();
    assert!(
        failed.contains(": exit code 4: ") && failed.contains("diverged") && failed.contains(" (of "),
        "{failed}"
    );
    assert_eq!(sandbox.read_text(log), before);
    let third = sandbox.qkv(&format!("{command} --retry-failed"));
    assert_eq!(third.code, Some(4), "{third:#?}");
    assert_ne!(sandbox.read_text(log), before);
}
