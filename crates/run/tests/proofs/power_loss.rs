//! The machine stops after every operation of every scene, and forgets what was not synced.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::interruption::{SCENES, play};
use crate::support::check::check;
use crate::support::faulty::Fault;
use crate::support::image::Left;
use crate::support::life::{RUN, Reported, Scene, first_start, lived, resume};
use crate::support::random::Random;
use crate::support::simulated::Simulated;

/// Random losses of a scene, as many after each of its operations.
const LOSSES: usize = 1000;

/// Stops after every operation of a scene.
fn check_every_loss(name: &str, disk: &Simulated, reported: &Reported, scene: Scene) {
    let mut random = Random(name.len() as u64);
    let n_operations = (0..).take_while(|at| play(disk, reported, scene, Fault::Death(*at)).2).count();
    for at in 0..=n_operations {
        let (left, reported, _) = play(disk, reported, scene, Fault::Death(at));
        let when = format!("{name}, operation {at}");
        check(&left.after_a_power_cut(Left::Nothing), &reported, &format!("{when}, all lost"));
        for loss in 0..LOSSES.div_ceil(n_operations) {
            let left = left.after_a_power_cut(Left::Some(&mut random));
            check(&left, &reported, &format!("{when}, loss {loss}"));
        }
    }
}

#[test]
fn a_power_cut_after_any_operation_leaves_the_old_run_or_the_new_one() {
    for (name, before, scene) in SCENES {
        let (disk, reported) = lived(before);
        check_every_loss(name, &disk, &reported, scene);
    }
}

#[test]
fn a_power_cut_during_the_repair_of_a_run_costs_no_more() {
    let (mut disk, mut reported, mut scenes) = (Simulated::default(), Reported::default(), 0);
    // A death between the two renames of a checkpoint that replaces another leaves one that must be put back.
    for at in 0.. {
        let (left, saved, reached) =
            play(&Simulated::default(), &Reported::default(), first_start, Fault::Death(at));
        if !reached {
            break;
        }
        let names = left.paths();
        let has = |name: &str| names.contains(&Path::new(RUN).join("checkpoints").join(name));
        if has("step-00000010.replaced") && !has("step-00000010") {
            (disk, reported, scenes) = (left.after_a_power_cut(Left::Everything), saved, scenes + 1);
        }
    }
    assert_eq!(scenes, 1, "one operation lies between the renames");
    disk.put(&Path::new(RUN).join("config.toml"), b"");
    check_every_loss("repair", &disk, &reported, resume);
}

#[test]
fn a_power_cut_during_a_fall_back_from_damage_costs_no_more() {
    let (disk, mut reported) = lived(&[first_start, resume]);
    let newest = Path::new(RUN).join("checkpoints/step-00000015");
    disk.put(&newest.join("model.safetensors"), b"damaged");
    reported.saved.remove(&15);
    reported.damaged = Some(15);
    check_every_loss("fall back", &disk, &reported, resume);
    let (left, ..) = play(&disk, &reported, resume, Fault::None);
    assert!(left.paths().contains(&newest.with_extension("damaged")));
}

#[test]
fn no_sync_of_a_resume_can_be_spared() {
    let (disk, reported) = lived(&[first_start]);
    let mut n_syncs = 0;
    while play(&disk, &reported, resume, Fault::IdleSync(n_syncs)).2 {
        let mut random = Random(n_syncs as u64);
        let deaths = (0..).map(|at| Fault::IdleSyncThenDeath(n_syncs, at));
        let scenes =
            deaths.map(|fault| play(&disk, &reported, resume, fault)).take_while(|(.., reached)| *reached);
        let ended = play(&disk, &reported, resume, Fault::IdleSync(n_syncs));
        let always = scenes.chain([ended]).all(|(left, reported, _)| {
            let holds = |left: Simulated| {
                catch_unwind(AssertUnwindSafe(|| check(&left, &reported, "without a sync"))).is_ok()
            };
            holds(left.after_a_power_cut(Left::Nothing))
                && (0..40).all(|_| holds(left.after_a_power_cut(Left::Some(&mut random))))
        });
        assert!(!always, "sync {n_syncs} changes nothing");
        n_syncs += 1;
    }
    assert_eq!(n_syncs, 9, "the log and its name; four files, their folder, the log, and the folder above");
}
