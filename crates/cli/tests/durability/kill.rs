//! `kill -9` at any moment: what was reported as saved is there, and the run ends as if nothing had happened.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use qkv::model::random::{Purpose, Rng, stream};
use qkv_run::{Event, RunFolder};
use rand::RngExt;

use crate::proof::holds_for;
use crate::support::sandbox::Sandbox;
use crate::tiny_run::{SAVED_EVERY, STEPS, Variant, ends_as_if_nothing_had_happened};

/// How many processes are killed.
const N_MOMENTS: u64 = 200;

/// How many of them are to die within a save at least; more than half of those that are aimed at one do.
const N_IN_A_SAVE: u32 = 10;

#[test]
fn what_was_saved_outlives_kill_9() {
    let save = duration_of_a_save();
    let met = RefCell::new(BTreeMap::<&str, u32>::new());
    holds_for("kill -9", 0..N_MOMENTS, |&number| {
        let mut rng = stream(number, Purpose::Samples, "kill -9", 0);
        // A save is long where it waits for a disk.
        let aims_at_a_save = number % 2 == 1;
        let sandbox = if aims_at_a_save { Sandbox::new() } else { Sandbox::in_memory() };
        let events = File::create(sandbox.path("events.jsonl")).unwrap();
        let started = Instant::now();
        let mut child = sandbox.command(&Variant::Whole.line("run", "")).stdout(events).spawn().unwrap();
        if aims_at_a_save {
            let delay = save.mul_f64(rng.random::<f64>());
            wait_for_a_save(&mut rng, delay, &sandbox.path("run/checkpoints"), &mut child);
        } else {
            wait_for_any_moment(&mut rng, started);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        *met.borrow_mut().entry(phase(&sandbox)).or_default() += 1;
        is_whole(&sandbox);
        ends_as_if_nothing_had_happened(&sandbox, "run", Variant::Whole);
    });
    println!("kill -9 met the run {:?}", met.borrow());
    assert!(met.borrow().get("in a save") >= Some(&N_IN_A_SAVE));
}

fn wait_for_any_moment(rng: &mut Rng, started: Instant) {
    let moment = Variant::Whole.duration().mul_f64(rng.random::<f64>());
    std::thread::sleep(moment.saturating_sub(started.elapsed()));
}

/// Until a checkpoint is under way, and then for `delay`.
fn wait_for_a_save(rng: &mut Rng, delay: Duration, checkpoints: &Path, child: &mut Child) {
    let step = SAVED_EVERY * rng.random_range(0..=STEPS / SAVED_EVERY);
    let saved = checkpoints.join(format!("step-{step:08}"));
    let unfinished = checkpoints.join(format!("step-{step:08}.tmp"));
    while !unfinished.exists() && !saved.exists() && child.try_wait().unwrap().is_none() {
        std::hint::spin_loop();
    }
    let began = Instant::now();
    while began.elapsed() < delay {
        std::hint::spin_loop();
    }
}

/// Where the run was.
fn phase(sandbox: &Sandbox) -> &'static str {
    let names = || sandbox.tree("run").into_keys().map(|path| path.to_str().unwrap().to_owned());
    if !sandbox.path("run").exists() {
        "before its folder"
    } else if names().any(|name| name.starts_with("checkpoints") && name.contains(".tmp")) {
        "in a save"
    } else if !names().any(|name| name.starts_with("checkpoints/")) {
        "before its first checkpoint"
    } else if sandbox.read_text("run/metrics.jsonl").contains("\"done\"") {
        "after its end"
    } else {
        "between two saves"
    }
}

/// The run verifies, and the checkpoint of the last step that was reported as saved, or of a later one, is there.
#[track_caller]
fn is_whole(sandbox: &Sandbox) {
    let reported = fs::read(sandbox.path("events.jsonl")).unwrap();
    let saved = Event::parse_log(&reported).filter_map(|event| match event {
        Event::Saved { step, .. } => Some(step),
        _ => None,
    });
    let Some(reported) = saved.max() else { return };
    sandbox.succeeds("verify run");
    let all = RunFolder::open(sandbox.path("run")).unwrap().checkpoints().unwrap();
    let newest = all.last().map(|checkpoint| checkpoint.step);
    assert!(newest >= Some(reported), "step {reported} was reported as saved, the newest is {newest:?}");
}

/// How long a save takes on the disk of this machine.
fn duration_of_a_save() -> Duration {
    let done = Sandbox::new().succeeds(&Variant::Whole.line("run", "")).events().pop().unwrap();
    let n_saves = (STEPS / SAVED_EVERY + 1) as f64;
    Duration::from_secs_f64(done["checkpoint_seconds"].as_f64().unwrap() / n_saves)
}
