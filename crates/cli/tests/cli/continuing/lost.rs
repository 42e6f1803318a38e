//! Checkpoints that are damaged, or cannot be read at the moment: what another one is enough for still works, and the
//! message ends with a command that does.

use std::fs;

use crate::support::sandbox::{Finished, Sandbox, Tree};

const RUN: &str = "train reverse --steps 12 --seed 3 --quiet --set task.seq_len=6 --set train.eval_every=4 \
                   --set train.checkpoint_every=5";

/// Every command that takes a step, with that of an earlier checkpoint.
const OF_A_STEP: [&str; 13] = [
    "train run --resume --from 5 --quiet",
    "train run --branch new --from 5 --quiet",
    "train run/checkpoints/step-00000005 --branch new --quiet",
    "train reverse --steps 1 --set task.seq_len=6 --quiet --init-from run/checkpoints/step-00000005 --out new",
    "eval run --step 5 --examples 5",
    "eval run/checkpoints/step-00000005 --examples 5",
    "explain run --step 5",
    "sample run --prompt ABCDEF --step 5",
    "ablate run --step 5 --examples 5",
    "inspect run --step 5",
    "inspect run/checkpoints/step-00000005",
    "report run --step 5",
    "report whole --with run/checkpoints/step-00000005",
];

/// The same without, and what the command that is named has instead.
const OF_THE_NEWEST: [(&str, &str); 12] = [
    ("train run --resume --quiet", "--from 5"),
    ("train reverse --resume --quiet --out=run --steps 12 --seed 3 --set task.seq_len=6", "--from 5"),
    ("train run --branch new --quiet", "--from 5"),
    (
        "train reverse --steps 1 --set task.seq_len=6 --quiet --init-from run --out new",
        "--init-from run/checkpoints/step-00000005",
    ),
    ("eval run --examples 5", "--step 5"),
    ("eval run/checkpoints/step-00000007 --examples 5", "eval run/checkpoints/step-00000005"),
    ("explain run", "--step 5"),
    ("sample run --prompt ABCDEF", "--step 5"),
    ("ablate run --examples 5", "--step 5"),
    ("inspect run", "--step 5"),
    ("report run", "--step 5"),
    ("report whole --with run", "--with run/checkpoints/step-00000005"),
];

/// A run that was stopped after seven steps, with checkpoints of steps 0, 5 and 7, and a copy of it.
fn stopped() -> Tree {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{RUN} --out run --stop-after 7"));
    sandbox.tree("run")
}

/// A copy in which the newest checkpoint has folders in place of these files: EISDIR.
fn without(run: &Tree, files: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.place("run", run);
    sandbox.place("whole", run);
    for file in files {
        let path = sandbox.path("run/checkpoints/step-00000007").join(file);
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
    }
    sandbox
}

const UNREADABLE: [&[&str]; 3] =
    [&["config.json"], &["model.safetensors"], &["MANIFEST.json", "config.json", "optimizer.safetensors"]];

#[test]
fn what_is_asked_of_a_step_needs_no_other_checkpoint() {
    let run = stopped();
    for files in UNREADABLE {
        for command in OF_A_STEP {
            without(&run, files).succeeds(command);
        }
        // Without its config, too.
        for lost in ["", "seed ="] {
            let sandbox = without(&run, files);
            sandbox.write("run/config.toml", lost);
            sandbox.succeeds("train run --resume --from 5 --quiet");
            sandbox.succeeds("eval run --examples 5");
        }
    }
    // Before there were manifests, the config alone tells whether a checkpoint is whole.
    for command in OF_A_STEP {
        let sandbox = without(&run, &["config.json"]);
        fs::remove_file(sandbox.path("run/checkpoints/step-00000007/MANIFEST.json")).unwrap();
        sandbox.succeeds(command);
    }
}

#[test]
fn where_the_newest_cannot_be_read_the_command_with_another_step_is_named() {
    let run = stopped();
    for files in UNREADABLE {
        for (command, instead) in OF_THE_NEWEST {
            let sandbox = without(&run, files);
            let before = sandbox.tree(".");
            let refused = sandbox.qkv(command);
            assert_eq!(refused.code, Some(2), "{command}: {refused:#?}");
            let named = "; try again later, or take that of step 5, the newest that can be read: ";
            let advice =
                refused.stderr.split_once(named).unwrap_or_else(|| panic!("{command}: {refused:#?}"));
            assert!(advice.1.contains(instead), "{command}: {refused:#?}");
            let after = sandbox.tree(".").into_iter().filter(|(path, _)| !path.ends_with("run.lock"));
            assert!(
                after.eq(before.into_iter().filter(|(path, _)| !path.ends_with("run.lock"))),
                "{command}"
            );
            let pasted = sandbox.paste(&refused.stderr);
            assert_eq!(pasted.code, Some(0), "{command}: {refused:#?}\n{pasted:#?}");
        }
    }
}

#[test]
fn where_the_newest_is_damaged_its_readers_name_the_newest_that_is_whole() {
    let run = stopped();
    for (command, instead) in OF_THE_NEWEST.into_iter().filter(|(command, _)| !command.starts_with("train")) {
        let sandbox = without(&run, &[]);
        sandbox.write("run/checkpoints/step-00000007/model.safetensors", "no tensors");
        let refused = sandbox.qkv(command);
        assert_eq!(refused.code, Some(2), "{command}: {refused:#?}");
        assert!(refused.stderr.contains("; take that of step 5, the newest that is whole: "), "{refused:#?}");
        assert!(refused.stderr.contains(instead), "{refused:#?}");
        let pasted = sandbox.paste(&refused.stderr);
        assert_eq!(pasted.code, Some(0), "{command}: {refused:#?}\n{pasted:#?}");
    }
    // An older one that was asked for, while newer ones are whole, is left to the user.
    let sandbox = without(&run, &[]);
    sandbox.write("run/checkpoints/step-00000005/model.safetensors", "no tensors");
    for command in ["eval run --step 5", "train run --resume --from 5"] {
        let refused = sandbox.qkv(command);
        assert_eq!((refused.code, refused.stderr.contains("; take")), (Some(2), false), "{refused:#?}");
    }
}

#[test]
fn a_run_without_any_whole_checkpoint_fails_and_can_be_begun_again() {
    let run = stopped();
    let damages: [fn(&Sandbox, &str); 3] = [
        |sandbox, step| sandbox.write(&format!("{step}/model.safetensors"), "no tensors"),
        |sandbox, step| sandbox.write(&format!("{step}/config.json"), "{}"),
        |sandbox, step| fs::remove_file(sandbox.path(&format!("{step}/model.safetensors"))).unwrap(),
    ];
    let damaged = |damage: fn(&Sandbox, &str)| {
        let sandbox = without(&run, &[]);
        for step in [0, 5, 7] {
            damage(&sandbox, &format!("run/checkpoints/step-{step:08}"));
        }
        sandbox
    };
    let fails = |sandbox: &Sandbox, command: &str| -> Finished {
        let failed = sandbox.qkv(command);
        assert_eq!(failed.code, Some(1), "{command}: {failed:#?}");
        let nothing = "no checkpoint of it is whole, and `verify` lists what differs; ";
        assert!(failed.stderr.contains(nothing), "{command}: {failed:#?}");
        failed
    };
    for damage in damages {
        let commands = OF_THE_NEWEST.into_iter().map(|(command, _)| command);
        for command in commands.filter(|command| !command.contains("step-")) {
            let sandbox = damaged(damage);
            let failed = fails(&sandbox, command);
            assert!(failed.stderr.trim_end().ends_with(" train run/config.toml --out run-2"), "{failed:#?}");
            let again = sandbox.paste(&failed.stderr);
            assert_eq!(again.code, Some(0), "{again:#?}");
            sandbox.succeeds("eval run-2 --examples 5");
            assert_eq!(sandbox.qkv("verify run").code, Some(1));
        }
        // The config of a branch begins no run.
        let sandbox = without(&run, &[]);
        sandbox.succeeds("train run --branch new --from 5 --quiet --steps 8");
        for step in [5, 8] {
            damage(&sandbox, &format!("new/checkpoints/step-{step:08}"));
        }
        let failed = fails(&sandbox, "train new --resume --quiet");
        assert!(failed.stderr.trim_end().ends_with("put back a copy of one"), "{failed:#?}");
    }
    // Taken away, they are no reason to begin again in the same folder.
    let sandbox = without(&run, &[]);
    fs::remove_dir_all(sandbox.path("run/checkpoints")).unwrap();
    let gone = sandbox.qkv("train run --resume");
    assert_eq!(gone.code, Some(2), "{gone:#?}");
    assert_eq!(sandbox.paste(&gone.stderr).code, Some(0), "{gone:#?}");
}

#[test]
fn one_that_cannot_be_read_may_be_whole() {
    let run = stopped();
    let sandbox = without(&run, &["config.json"]);
    for step in [0, 5] {
        sandbox.write(&format!("run/checkpoints/step-{step:08}/model.safetensors"), "no tensors");
    }
    for command in ["train run --resume", "eval run"] {
        let refused = sandbox.qkv(command);
        assert_eq!(refused.code, Some(2), "{refused:#?}");
        assert!(!refused.stderr.contains("is whole") && !refused.stderr.contains("; take"), "{refused:#?}");
    }
}
