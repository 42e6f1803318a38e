//! A disk that becomes full at any moment: the run stops with what it could not write, or goes on without its film;
//! what was saved stays, and with more room the run ends as if nothing had happened.

use std::path::{Path, PathBuf};
use std::process::Command;

use qkv_run::{Event, RunFolder};
use serde_json::Value;

use crate::ending::Ending;
use crate::proof::holds_for;
use crate::support::sandbox::{Finished, Sandbox};
use crate::tiny_run::{Variant, has_no_left_overs};

/// What a file system in memory takes for a file, in steps of bytes.
const PAGE: usize = 4096;

/// A file system of its own, gone at the end of the test.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// The reason of a skipped proof: this user may not mount.
    fn mount(folder: &Path, size: usize) -> Result<Self, String> {
        std::fs::create_dir(folder).unwrap();
        run("mount", &["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"], folder)?;
        Ok(Self(folder.to_owned()))
    }

    fn grow(&self) {
        run("mount", &["-o", "remount,size=64m"], &self.0).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // A test that failed has its own report.
        let _ = run("umount", &[], &self.0);
    }
}

fn run(program: &str, arguments: &[&str], folder: &Path) -> Result<(), String> {
    let output =
        Command::new(program).args(arguments).arg(folder).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}

/// With this in its environment a proof that cannot be made fails; the gate sets it.
const NOTHING_SKIPPED: &str = "QKV_SKIP_NO_PROOF";

/// Whether this user may mount a file system; where not, prints that `proof` is left out, or fails.
fn can_mount(proof: &str) -> bool {
    let sandbox = Sandbox::new();
    let disk = SmallDisk::mount(&sandbox.path("disk"), PAGE);
    if let Err(reason) = &disk {
        let may_be_skipped = std::env::var_os(NOTHING_SKIPPED).is_none();
        assert!(may_be_skipped, "{proof}: no file system can be mounted: {reason}; run it as root");
        println!("{proof}: SKIPPED, because no file system can be mounted: {reason}");
    }
    disk.is_ok()
}

#[test]
fn a_full_disk_costs_no_checkpoint() {
    if !can_mount("a full disk") {
        return;
    }
    let whole = Sandbox::in_memory();
    whole.succeeds(&Variant::Whole.line("run", ""));
    let files = whole.tree("run").into_values().flatten();
    // Beside them lie what replaces a file or folder, and the folders.
    let enough = files.map(|bytes| bytes.len().next_multiple_of(PAGE)).sum::<usize>() + 32 * PAGE;
    holds_for("a full disk", (PAGE..enough).step_by(3 * PAGE), |&size| {
        let sandbox = Sandbox::new();
        let disk = SmallDisk::mount(&sandbox.path("disk"), size).unwrap();
        let finished = sandbox.qkv(&Variant::Whole.line("disk/run", ""));
        match finished.code {
            Some(0) => {
                let done = finished.events().pop().unwrap();
                let is_whole = done.get("film_ended_at").is_none();
                assert_eq!(is_whole, !finished.stderr.contains("the film ends before"), "{finished:#?}");
                let ending = Ending::of(&sandbox, "disk/run");
                assert_eq!(is_whole, ending == *Variant::Whole.ending(), "the film: {}", finished.stderr);
                is_the_same_model(&ending);
            }
            Some(1) => {
                reports_what_did_not_fit(&finished);
                is_saved(&sandbox, &finished);
            }
            _ => panic!("{finished:#?}"),
        }
        disk.grow();
        sandbox.succeeds(&Variant::Whole.line("disk/run", "--resume"));
        is_the_same_model(&Ending::of(&sandbox, "disk/run"));
        has_no_left_overs(&sandbox, "disk/run");
    });
}

#[test]
fn a_full_disk_for_the_film_costs_the_film_alone() {
    if !can_mount("a full disk for the film") {
        return;
    }
    holds_for("a full disk for the film", 1..=12, |n_pages| {
        let sandbox = Sandbox::in_memory();
        sandbox.succeeds(&Variant::Whole.line("run", "--stop-after 7"));
        std::fs::rename(sandbox.path("run/snapshots"), sandbox.path("film")).unwrap();
        let disk = SmallDisk::mount(&sandbox.path("run/snapshots"), n_pages * PAGE).unwrap();
        let finished = sandbox.succeeds(&Variant::Whole.line("run", "--resume"));
        let warned: Vec<&str> = finished.stderr.split("the film ends before step ").skip(1).collect();
        let [warned] = warned[..] else { panic!("{finished:#?}") };
        for done in [finished.events().pop(), sandbox.metrics("run").pop()].map(Option::unwrap) {
            let step = done["film_ended_at"].to_string();
            assert!(warned.starts_with(&format!("{step}, ")), "{done}: {warned}");
        }
        is_the_same_model(&Ending::of(&sandbox, "run"));
        has_no_left_overs(&sandbox, "run");
        drop(disk);
    });
}

/// A film that ended has no further frames; everything else is as without the full disk.
#[track_caller]
fn is_the_same_model(ending: &Ending) {
    let expected = Variant::Whole.ending();
    let mut metrics = ending.metrics.clone();
    metrics.last_mut().and_then(Value::as_object_mut).unwrap().remove("film_ended_at");
    assert_eq!((&ending.state, &metrics), (&expected.state, &expected.metrics));
}

/// The message has a path in the run and a number of bytes.
#[track_caller]
fn reports_what_did_not_fit(finished: &Finished) {
    let error = finished.stderr.lines().find(|line| line.starts_with("error: ")).unwrap_or_default();
    let needed = error.split("it needs ").nth(1).and_then(|rest| rest.split(" bytes").next());
    let n_bytes: Option<u64> = needed.and_then(|number| number.parse().ok());
    assert!(error.contains("disk/run") && n_bytes > Some(0), "{finished:#?}");
}

/// Every checkpoint can be read, and the last that was reported as saved is there.
#[track_caller]
fn is_saved(sandbox: &Sandbox, finished: &Finished) {
    let saved = Event::parse_log(finished.stdout.as_bytes()).filter_map(|event| match event {
        Event::Saved { step, .. } => Some(step),
        _ => None,
    });
    let Some(saved) = saved.max() else { return };
    let all = RunFolder::open(sandbox.path("disk/run")).unwrap().checkpoints_to_resume(None).unwrap();
    all.iter().for_each(|checkpoint| drop(checkpoint.read().unwrap()));
    assert!(all.first().is_some_and(|newest| newest.step >= saved), "{saved} was reported as saved");
}
