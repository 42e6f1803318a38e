//! Files and folders of a run that its user may not read or write: refused by name, and nothing is lost.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;

use crate::support::sandbox::{Finished, Sandbox};

const RUN: &str =
    "train reverse --steps 12 --seed 3 --quiet --set task.seq_len=6 --set train.checkpoint_every=5";

/// A user without a name; permissions bind the superuser to nothing.
const USER: u32 = 65_534;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Gives everything below a folder to [`USER`].
fn give_away(path: &Path) {
    chown(path, Some(USER), Some(USER)).unwrap();
    if path.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| give_away(&entry.unwrap().path()));
    }
}

/// Runs `qkv` as a user whom permissions bind; `None` where it cannot be started as another one.
fn qkv(sandbox: &Sandbox, line: &str) -> Option<Finished> {
    let probe = sandbox.path("probe");
    fs::write(&probe, "").unwrap();
    set_mode(&probe, 0o000);
    let is_superuser = fs::read(&probe).is_ok();
    fs::remove_file(&probe).unwrap();
    let mut command = sandbox.command(line);
    if is_superuser {
        give_away(&sandbox.path("."));
        command.uid(USER).gid(USER);
    }
    match command.output() {
        Ok(output) => Some(output.into()),
        Err(error) => {
            println!("SKIPPED, because the binary cannot be started as another user: {error}");
            None
        }
    }
}

#[test]
fn what_may_not_be_read_or_written_is_named_and_costs_nothing() {
    let whole = Sandbox::new();
    whole.succeeds(&format!("{RUN} --out run"));
    let last = "run/checkpoints/step-00000012";
    for (part, mode, code) in [
        ("config.toml", 0o000, 2),
        ("metrics.jsonl", 0o000, 2),
        ("checkpoints", 0o000, 2),
        ("checkpoints/step-00000007", 0o000, 2),
        ("checkpoints/step-00000007/MANIFEST.json", 0o000, 2),
        ("checkpoints/step-00000007/config.json", 0o000, 2),
        ("checkpoints/step-00000007/model.safetensors", 0o000, 2),
        ("checkpoints/step-00000007/optimizer.safetensors", 0o000, 2),
        ("snapshots", 0o000, 2),
        ("run.lock", 0o000, 1),
        // What is read can be, and the first write fails.
        ("", 0o555, 1),
        ("checkpoints", 0o555, 1),
    ] {
        let sandbox = Sandbox::new();
        sandbox.succeeds(&format!("{RUN} --out run --stop-after 7"));
        let path = sandbox.path("run").join(part);
        let before = (fs::metadata(&path).unwrap().permissions().mode(), sandbox.tree("run/checkpoints"));
        set_mode(&path, mode);
        let refused = qkv(&sandbox, "train run --resume --quiet");
        set_mode(&path, before.0);
        let Some(refused) = refused else { return };
        let report = format!("{part}, {mode:o}: {refused:#?}");
        assert_eq!(refused.code, Some(code), "{report}");
        assert!(refused.stderr.contains(part) && refused.stderr.contains("ermission denied"), "{report}");
        assert!(sandbox.tree("run/checkpoints") == before.1, "{report}");
        qkv(&sandbox, "train run --resume --quiet").filter(|run| run.code == Some(0)).expect(&report);
        assert!(sandbox.tree(last) == whole.tree(last), "{report}");
    }
}

#[test]
fn what_is_asked_of_a_step_needs_no_permission_to_read_another() {
    for part in ["", "MANIFEST.json", "config.json"] {
        for (command, newest) in [
            ("train run --resume --from 5 --quiet", "train run --resume --quiet"),
            ("train run --branch new --from 5 --quiet", "train run --branch new --quiet"),
            ("eval run --step 5 --examples 5", "eval run --examples 5"),
            ("inspect run --step 5", "inspect run"),
            ("report run --step 5", "report run"),
        ] {
            let sandbox = Sandbox::new();
            sandbox.succeeds(&format!("{RUN} --out run --stop-after 7"));
            let path = sandbox.path("run/checkpoints/step-00000007").join(part);
            set_mode(&path, 0o000);
            let Some(refused) = qkv(&sandbox, newest) else { return };
            let finished = qkv(&sandbox, command).unwrap();
            // A resume has set it aside.
            let aside = sandbox.path("run/checkpoints/step-00000007.set-aside").join(part);
            set_mode(if path.exists() { &path } else { &aside }, 0o755);
            assert_eq!(finished.code, Some(0), "{part}: {command}: {finished:#?}");
            assert_eq!(refused.code, Some(2), "{part}: {newest}: {refused:#?}");
            assert!(
                refused
                    .stderr
                    .contains("ermission denied (os error 13); try again later, or take that of step 5")
            );
        }
    }
}

#[test]
fn a_film_that_may_not_be_written_ends_and_the_training_goes_on() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{RUN} --out run --stop-after 7"));
    set_mode(&sandbox.path("run/snapshots"), 0o555);
    let Some(run) = qkv(&sandbox, "train run --resume --quiet") else { return };
    set_mode(&sandbox.path("run/snapshots"), 0o755);
    assert_eq!(run.code, Some(0), "{run:#?}");
    assert!(run.stderr.contains("the film ends before step "), "{run:#?}");
}
