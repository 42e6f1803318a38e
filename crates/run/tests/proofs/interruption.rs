//! The process dies, or an operation fails, at every operation of every scene.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use qkv_run::{Existing, RunError, RunFolder, Storage};

use crate::support::check::{check, logged};
use crate::support::faulty::{Fault, Faulty};
use crate::support::image::Left;
use crate::support::life::{
    RUN, Reported, Scene, branch, config, first_start, lived, log_past_errors, overwrite, parent, replace,
    resume, resume_from_the_start,
};
use crate::support::simulated::Simulated;

/// The scenes, and those that go before each.
pub const SCENES: [(&str, &[Scene], Scene); 5] = [
    ("first start", &[], first_start),
    ("resume", &[first_start], resume),
    ("resume from the start", &[first_start, resume], resume_from_the_start),
    ("overwrite", &[first_start, resume], overwrite),
    ("branch", &[parent], branch),
];

/// Plays a scene on a copy of the disk until the fault; returns what is left, what was reported, and whether the fault
/// came before the end.
pub fn play(
    disk: &Simulated,
    reported: &Reported,
    scene: Scene,
    fault: Fault,
) -> (Simulated, Reported, bool) {
    let (disk, mut reported) = (disk.copy(), reported.clone());
    let faulty = Faulty::new(&disk, fault);
    let storage: Arc<dyn Storage> = Arc::clone(&faulty) as _;
    let result = scene(&storage, &mut reported);
    let reached = match fault {
        Fault::None => false,
        Fault::Error(at, _)
        | Fault::Death(at)
        | Fault::NoNames(at)
        | Fault::ErrorThenDeath(_, at)
        | Fault::IdleSyncThenDeath(_, at) => at < faulty.n_operations(),
        Fault::IdleSync(at) => at < faulty.n_syncs(),
    };
    // An error may end the scene before the death that should follow it.
    assert!(reached || result.is_ok() || matches!(fault, Fault::ErrorThenDeath(..)), "{result:?}");
    assert!(
        !matches!(fault, Fault::Death(_)) || reached == result.is_err(),
        "it outlived its death: {result:?}"
    );
    (disk, reported, reached)
}

/// Plays it with the fault at each operation.
fn at_every_operation(fault: impl Fn(usize) -> Fault, check: impl Fn(Simulated, Reported, &str)) -> usize {
    let mut n_operations = 0;
    for (name, before, scene) in SCENES {
        let (disk, reported) = lived(before);
        for at in 0.. {
            let (left, reported, reached) = play(&disk, &reported, scene, fault(at));
            if !reached {
                n_operations += at;
                break;
            }
            check(left, reported, &format!("{name}, operation {at}"));
        }
    }
    n_operations
}

#[test]
fn a_process_that_dies_in_any_operation_leaves_a_run_that_goes_on() {
    let n_operations = at_every_operation(Fault::Death, |left, reported, when| {
        check(&left.after_a_power_cut(Left::Everything), &reported, when);
    });
    assert!(n_operations > 300, "{n_operations} operations are too few for five scenes");
}

#[test]
fn an_error_in_any_operation_costs_no_checkpoint_and_is_no_damage() {
    for kind in
        [ErrorKind::StorageFull, ErrorKind::Other, ErrorKind::PermissionDenied, ErrorKind::IsADirectory]
    {
        at_every_operation(
            |at| Fault::Error(at, kind),
            |left, reported, when| {
                let marked =
                    left.paths().into_iter().find(|path| path.to_string_lossy().contains(".damaged"));
                assert_eq!(marked, None, "{when}, {kind}");
                check(&left.after_a_power_cut(Left::Everything), &reported, &format!("{when}, {kind}"));
            },
        );
    }
}

#[test]
fn a_process_that_dies_after_a_failed_save_has_lost_nothing() {
    let (disk, reported) = lived(&[first_start]);
    let mut n_pairs = 0;
    for error in (0..).take_while(|at| play(&disk, &reported, replace, Fault::Death(*at)).2) {
        for death in error + 1.. {
            let fault = Fault::ErrorThenDeath(error, death);
            let (left, reported, reached) = play(&disk, &reported, replace, fault);
            if !reached {
                break;
            }
            for left in [left.after_a_power_cut(Left::Everything), left.after_a_power_cut(Left::Nothing)] {
                check(&left, &reported, &format!("{fault:?}"));
            }
            n_pairs += 1;
        }
    }
    assert!(n_pairs > 500, "{n_pairs} pairs of operations are too few for two saves");
}

#[test]
fn a_file_system_without_locks_is_refused_and_no_folder_is_left_in_it() {
    let mut n_refused = 0;
    for at in 0.. {
        let disk = Simulated::default();
        let storage = Faulty::new(&disk, Fault::Error(at, ErrorKind::Unsupported));
        let text = config(1).to_string();
        match RunFolder::create_on(Arc::clone(&storage) as _, Path::new(RUN), &text, Existing::Keep) {
            Err(RunError::NoLocks { .. }) => {
                assert_eq!(disk.paths(), [] as [&Path; 0]);
                n_refused += 1;
            }
            _ if storage.n_operations() <= at => break,
            _ => {}
        }
    }
    assert_eq!(n_refused, 1, "one operation takes the lock");
}

#[test]
fn folders_of_the_lower_layer_of_an_overlay_are_put_aside_and_removed_without_a_rename() {
    let (lower, reported) = lived(&[first_start, resume]);
    let scenes: [(&str, Scene, bool); 3] = [
        ("resume", resume, true),
        ("resume from the start", resume_from_the_start, false),
        ("overwrite", overwrite, false),
    ];
    for (name, scene, is_damaged) in scenes {
        let (disk, mut reported) = (lower.copy(), reported.clone());
        if is_damaged {
            disk.put(&Path::new(RUN).join("checkpoints/step-00000015/model.safetensors"), b"damaged");
            reported.saved.remove(&15);
            reported.damaged = Some(15);
        }
        let disk = disk.as_a_lower_layer();
        for at in 0.. {
            let (left, reported, reached) = play(&disk, &reported, scene, Fault::Death(at));
            check(&left.after_a_power_cut(Left::Everything), &reported, &format!("{name}, operation {at}"));
            if !reached {
                break;
            }
        }
        if !is_damaged {
            continue;
        }
        let (left, ..) = play(&disk, &reported, scene, Fault::None);
        assert!(
            left.paths().contains(&Path::new(RUN).join("checkpoints/step-00000015.damaged/MANIFEST.json"))
        );
    }
}

#[test]
fn a_log_that_could_not_be_written_for_a_moment_has_every_line_once() {
    let (disk, reported) = lived(&[first_start]);
    let mut n_logged = 0;
    for kind in [ErrorKind::StorageFull, ErrorKind::Other] {
        for error in 0.. {
            let (left, reported, reached) =
                play(&disk, &reported, log_past_errors, Fault::Error(error, kind));
            if !reached {
                break;
            }
            // An error before the first line ends the command.
            if reported.saved.contains(&15) {
                let when = format!("operation {error}, {kind}");
                for disk in [left.after_a_power_cut(Left::Everything), left.after_a_power_cut(Left::Nothing)]
                {
                    assert_eq!(logged(&disk, &when), (1..=15).collect::<Vec<_>>(), "{when}");
                }
                n_logged += 1;
            }
        }
    }
    assert!(n_logged > 2 * 10, "{n_logged} operations are too few for five lines and a save");
}
