//! What must hold whenever the life of a run ends.

use std::path::Path;
use std::sync::Arc;

use qkv_run::{Event, RunError, RunFolder, Storage};
use toml::Table;

use super::life::{BRANCH, PARENT, RUN, Reported, begins_at, config, contents, first_start, resume};
use super::simulated::Simulated;

/// Checks that the run is whole, old or new, and can go on.
#[track_caller]
pub fn check(disk: &Simulated, reported: &Reported, when: &str) {
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let path = Path::new(RUN);
    if let Ok(parent) = RunFolder::open_on(Arc::clone(&storage), Path::new(PARENT)) {
        let read = parent.at(BRANCH.1).and_then(|checkpoint| checkpoint.read());
        assert!(read.unwrap() == contents(1, BRANCH.1), "{when}: the run that was branched from");
    }
    let run = match RunFolder::open_on(Arc::clone(&storage), path) {
        Ok(run) => run.locked().unwrap_or_else(|error| panic!("{when}: {error}\n{:?}", disk.paths())),
        Err(RunError::NotFound { .. } | RunError::NotARun { .. } | RunError::HalfRemoved { .. }) => {
            assert!(!reported.started && reported.saved.is_empty(), "{when}: the run is gone");
            first_start(&storage, &mut Reported::default())
                .unwrap_or_else(|error| panic!("{when}: cannot start again: {error}\n{:?}", disk.paths()));
            return;
        }
        Err(error) => panic!("{when}: {error}"),
    };
    let mut text: Table = run.config().unwrap().parse().unwrap();
    RunFolder::take_format(&mut text).unwrap();
    let seed = text["seed"].as_integer().unwrap() as u64;
    assert_eq!(text, config(seed), "{when}");
    let left_over = |path: &&std::path::PathBuf| {
        let name = path.to_string_lossy();
        name.ends_with(".tmp") || name.ends_with(".replaced")
    };
    assert_eq!(disk.paths().iter().find(left_over), None, "{when}");
    let mut newest = None;
    for checkpoint in run.checkpoints().unwrap() {
        let step = checkpoint.step;
        match checkpoint.read() {
            Ok(read) => {
                assert!(read == contents(seed, step), "{when}: another run's {step}");
                newest = Some(step);
            }
            Err(RunError::Damaged { .. }) if reported.damaged == Some(step) => {}
            Err(error) => panic!("{when}: {error}\n{:?}", disk.paths()),
        }
    }
    let is_replaced = seed == 1 && !reported.started;
    let last = if is_replaced { &reported.replaced } else { &reported.saved }.last().copied();
    assert!(newest >= last, "{when}: reported {last:?}, found {newest:?}");
    let logged = steps(&run, seed, when);
    let first = begins_at(seed);
    let missing = (first + 1..=newest.unwrap_or(first)).find(|step| !logged.contains(step));
    assert_eq!(missing, None, "{when}: the log has a gap before step {newest:?}: {logged:?}");

    drop(run);
    let mut again = Reported::default();
    resume(&storage, &mut again).unwrap_or_else(|error| panic!("{when}: cannot go on: {error}"));
    let run = RunFolder::open_on(storage, path).unwrap();
    let end = newest.map_or(first, |newest| newest + 5);
    assert_eq!(run.latest().unwrap().step, end, "{when}");
    assert_eq!(steps(&run, seed, when), (first + 1..=end).collect::<Vec<_>>(), "{when}");
}

/// The steps in the lines of the log, all of which have to be whole.
pub fn logged(disk: &Simulated, when: &str) -> Vec<u64> {
    let log = disk.read(&Path::new(RUN).join("metrics.jsonl"), u64::MAX).unwrap();
    let lines = String::from_utf8(log).unwrap();
    assert!(lines.ends_with('\n'), "{when}: {lines}");
    let step = |line: &str| match serde_json::from_str(line) {
        Ok(Event::Step(report)) => Some(report.step),
        Ok(Event::Saved { .. }) => None,
        other => panic!("{when}: {line}: {other:?}"),
    };
    lines.lines().filter_map(step).collect()
}

/// The steps of the log.
fn steps(run: &RunFolder, seed: u64, when: &str) -> Vec<u64> {
    let steps = run.events().unwrap().into_iter().filter_map(|event| match event {
        Event::Step(report) => {
            assert_eq!(report.lr, seed as f64, "{when}: a line of another run");
            Some(report.step)
        }
        _ => None,
    });
    steps.collect()
}
