//! Going back to an earlier step loses nothing of what was there, whenever it ends.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use qkv_run::{Event, Storage};

use crate::interruption::play;
use crate::support::check::check;
use crate::support::faulty::Fault;
use crate::support::image::Left;
use crate::support::life::{FRAME, RUN, contents, first_start, lived, resume, resume_from_the_start};
use crate::support::random::Random;
use crate::support::simulated::Simulated;

/// Checks that the run still has its steps 1 to 15, its checkpoints of 10 and 15, and its frame of 10, under any name.
#[track_caller]
fn check_nothing_is_lost(disk: &Simulated, when: &str) {
    let paths = disk.paths();
    // As `name`, or as what it is called when it is set aside.
    let called = |name: &str| -> Vec<&PathBuf> {
        let place = Path::new(RUN).join(name).into_os_string().into_string().unwrap();
        let rest =
            |path: &PathBuf| path.to_str().and_then(|path| path.strip_prefix(&place)).map(str::to_owned);
        let is_it = |rest: String| {
            rest.is_empty()
                || rest.starts_with(".set-aside") && !rest.contains(['/']) && !rest.ends_with(".tmp")
        };
        paths.iter().filter(|path| rest(path).is_some_and(is_it)).collect()
    };
    for step in [10, 15] {
        let weights = contents(1, step).weights;
        let has_it = |folder: &&PathBuf| {
            disk.read(&folder.join("model.safetensors"), u64::MAX).is_ok_and(|found| found == weights)
        };
        let folders = called(&format!("checkpoints/step-{step:08}"));
        assert!(folders.iter().any(has_it), "{when}: step {step} is gone: {paths:?}");
    }
    let frames = called("snapshots/step-00000010.safetensors");
    let has_it = |file: &&PathBuf| disk.read(file, u64::MAX).is_ok_and(|found| found == FRAME);
    assert!(frames.iter().any(has_it), "{when}: the frame is gone: {paths:?}");
    let logs = called("metrics.jsonl");
    // One by one: the first may be torn.
    let logs = logs.into_iter().map(|log| disk.read(log, u64::MAX).unwrap());
    let events = logs.flat_map(|log| Event::parse_log(&log).collect::<Vec<_>>());
    let steps: BTreeSet<u64> = events
        .filter_map(|event| match event {
            Event::Step(report) => Some(report.step),
            _ => None,
        })
        .collect();
    assert!((1..=15).all(|step| steps.contains(&step)), "{when}: lines are gone: {paths:?}");
}

#[test]
fn a_death_or_a_power_cut_while_a_run_goes_back_loses_nothing() {
    let (disk, reported) = lived(&[first_start, resume]);
    check_nothing_is_lost(&disk, "before");
    let mut random = Random(10);
    for at in 0.. {
        let (left, reported, reached) = play(&disk, &reported, resume_from_the_start, Fault::Death(at));
        let mut after: Vec<Simulated> =
            [Left::Nothing, Left::Everything].map(|lost| left.after_a_power_cut(lost)).into();
        after.extend((0..20).map(|_| left.after_a_power_cut(Left::Some(&mut random))));
        for left in after {
            let when = format!("operation {at}");
            check_nothing_is_lost(&left, &when);
            // The next start goes on from what is there.
            check(&left, &reported, &when);
            check_nothing_is_lost(&left, &format!("{when}, after a resume"));
        }
        if !reached {
            break;
        }
    }
}
