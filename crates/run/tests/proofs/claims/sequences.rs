use std::sync::Arc;

use qkv_run::{Claim, ClaimState, Claims, HeldBy, Lock, RunError};

use super::{RUN, STUDY, claims, obtain};
use crate::support::faulty::{Fault, Faulty};
use crate::support::image::Left;
use crate::support::random::Random;
use crate::support::simulated::Simulated;

/// What the worker was told: how often it got or kept the run, and whether it still has it.
#[derive(Debug, Default)]
struct Told {
    n_answers: usize,
    holds: bool,
    is_failed: bool,
}

/// A worker claims a run, renews it, gives it back, takes it again and records that it failed.
fn life(claims: &Claims, told: &mut Told) -> Result<(), RunError> {
    let holds = |told: &mut Told, holds: bool| {
        told.n_answers += 1;
        told.holds = holds;
    };
    let claim = claims.claim(RUN)?.expect("no other worker is there");
    holds(told, true);
    claim.renew()?;
    holds(told, true);
    told.holds = false;
    claim.give_back()?;
    holds(told, false);
    let entry =
        claims.look(RUN)?.filter(|entry| entry.state() == ClaimState::Free).expect("it was given back");
    let claim: Claim = claims.take(RUN, &entry)?.expect("no other worker is there");
    holds(told, true);
    claim.renew()?;
    holds(told, true);
    told.holds = false;
    claim.fail("it diverged")?;
    holds(told, false);
    told.is_failed = true;
    Ok(())
}

/// Plays it with a fault; returns what is left, and whether the fault came before the end.
fn play(fault: Fault) -> (Simulated, Told, bool, Result<(), RunError>) {
    let (disk, mut told) = (Simulated::default(), Told::default());
    let faulty = Faulty::new(&disk, fault);
    let claims = Claims::new(Arc::clone(&faulty) as _, std::path::Path::new(STUDY), "first");
    let result = life(&claims, &mut told);
    let reached = match fault {
        Fault::Error(at, _) | Fault::Death(at) => at < faulty.n_operations(),
        _ => false,
    };
    (disk, told, reached, result)
}

/// The next worker gets the run, and what the first was told is what the next one sees.
fn check(disk: &Simulated, told: &Told, when: &str) {
    let next = claims(disk.clone(), "next");
    let entry = next.look(RUN).unwrap_or_else(|error| panic!("{when}: {error}"));
    let is = |state| entry.as_ref().filter(|entry| entry.state() == state);
    if told.holds {
        let held = is(ClaimState::Held);
        assert!(held.is_some_and(|entry| entry.worker() == "first"), "{when}: {entry:?}");
    }
    if let (true, Some(entry)) = (told.is_failed, is(ClaimState::Failed)) {
        assert_eq!(next.history(RUN, entry).unwrap().failure(), "it diverged", "{when}");
    }
    let claim = obtain(&next, RUN).unwrap().unwrap_or_else(|| panic!("{when}: stuck, {:?}", disk.paths()));
    assert!(claim.is_in_place().unwrap(), "{when}");
    claim.renew().unwrap();
}

#[test]
fn the_run_of_a_worker_that_dies_in_any_operation_is_taken_by_the_next() {
    let mut n_deaths = 0;
    for at in 0.. {
        let (disk, told, reached, _) = play(Fault::Death(at));
        check(&disk, &told, &format!("operation {at}"));
        if !reached {
            assert!(told.is_failed && told.n_answers == 6, "{told:?}");
            break;
        }
        n_deaths += 1;
    }
    assert!(n_deaths > 15, "{n_deaths} operations");
}

#[test]
fn a_claim_that_was_reported_outlasts_the_power_of_its_server() {
    for at in 0..40 {
        let (disk, told, ..) = play(Fault::Death(at));
        let random = &mut Random(at as u64);
        for round in 0..20 {
            let left = match round {
                0 => Left::Nothing,
                1 => Left::Everything,
                _ => Left::Some(&mut *random),
            };
            check(&disk.after_a_power_cut(left), &told, &format!("operation {at}, round {round}"));
        }
    }
}

#[test]
fn a_holder_goes_on_when_its_server_forgot_the_last_renewal() {
    let disk = Simulated::default();
    let claim = claims(disk.clone(), "first").claim(RUN).unwrap().unwrap();
    let forgotten = disk.copy();
    claim.renew().unwrap();
    // The folder as it was before.
    let folder = std::path::Path::new(STUDY).join(".claims").join(RUN);
    let older = forgotten.paths().into_iter().find(|path| path.parent() == Some(&folder)).unwrap();
    let newer = folder.join(claim.entry().to_string());
    qkv_run::Storage::rename(&disk, &newer, &older).unwrap();
    assert!(!claim.is_in_place().unwrap());
    claim.renew().unwrap();
    assert!(claim.is_in_place().unwrap());
}

#[test]
fn a_listing_without_either_name_of_a_renewal_loses_no_claim() {
    let disk = Simulated::default();
    let _claim = claims(disk.clone(), "first").claim(RUN).unwrap().unwrap();
    // The first operation finds the folder, the second one lists it.
    for at in [0, 1] {
        let claims = Claims::new(Faulty::new(&disk, Fault::NoNames(at)) as _, STUDY.as_ref(), "process");
        assert!(HeldBy::new(claims, RUN, "first").is_in_place().unwrap(), "operation {at}");
    }
}

#[test]
fn a_folder_that_stays_empty_is_no_claim_and_the_next_one_takes_its_place() {
    let disk = Simulated::default();
    drop(claims(disk.clone(), "first").claim("another").unwrap());
    let folder = std::path::Path::new(STUDY).join(".claims").join(RUN);
    qkv_run::Storage::create_folder(&disk, &folder).unwrap();
    let next = claims(disk, "next");
    assert_eq!(next.look(RUN).unwrap(), None);
    assert!(next.claim(RUN).unwrap().unwrap().is_in_place().unwrap());
}

#[test]
fn an_operation_that_reports_an_error_leaves_the_claim_with_one_worker() {
    for at in 0..40 {
        let (disk, _, _, result) = play(Fault::Error(at, std::io::ErrorKind::Other));
        if let Err(error) = result {
            assert!(!matches!(error, RunError::Damaged { .. }), "operation {at}: {error}");
        }
        check(&disk, &Told::default(), &format!("operation {at}"));
    }
}

#[test]
fn what_is_no_claim_is_refused_with_its_name() {
    let disk = Simulated::default();
    drop(claims(disk.clone(), "first").claim(RUN).unwrap());
    let folder = std::path::Path::new(STUDY).join(".claims").join(RUN);
    qkv_run::Storage::write_new(&disk, &folder.join("held.second.0"), b"").unwrap();
    let message = claims(disk, "next").look(RUN).unwrap_err().to_string();
    assert!(
        message.contains("held.first.0, held.second.0") && message.contains("remove the folder"),
        "{message}"
    );
}
