use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};

use qkv_run::{Claim, Claims, Lock, RunError};

use super::stepped::{Script, Stepped, in_every_order};
use super::{RUN, claims, obtain};
use crate::support::simulated::Simulated;

/// What a worker was told, and the time before and after it asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Answer {
    worker: usize,
    /// Whether it got the run, and not only kept it.
    is_new: bool,
    before: usize,
    after: usize,
}

/// The answers of the order that runs now. Only one does.
static ANSWERS: Mutex<Vec<Answer>> = Mutex::new(Vec::new());

/// Only one test uses them at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// Asks, and notes the answer if it is that the run is this worker's.
fn note<T>(disk: &Stepped, is_new: bool, ask: impl FnOnce() -> Option<T>) -> Option<T> {
    let before = disk.time();
    let answer = ask();
    if answer.is_some() {
        let answer = Answer { worker: disk.worker(), is_new, before, after: disk.time() };
        ANSWERS.lock().unwrap().push(answer);
    }
    answer
}

fn of(disk: &Stepped) -> Claims {
    claims(disk.clone(), &format!("worker-{}", disk.worker()))
}

fn renew(disk: &Stepped, claim: &Claim) -> Option<()> {
    note(disk, false, || claim.renew().ok())
}

fn claim_once(disk: Stepped) {
    note(&disk, true, || of(&disk).claim(RUN).ok().flatten());
}

fn claim_and_renew(disk: Stepped) {
    if let Some(claim) = note(&disk, true, || of(&disk).claim(RUN).ok().flatten()) {
        renew(&disk, &claim);
        renew(&disk, &claim);
    }
}

fn claim_and_give_back(disk: Stepped) {
    if let Some(claim) = note(&disk, true, || of(&disk).claim(RUN).ok().flatten()) {
        renew(&disk, &claim);
        let _ = claim.give_back();
    }
}

fn claim_and_fail(disk: Stepped) {
    if let Some(claim) = note(&disk, true, || of(&disk).claim(RUN).ok().flatten()) {
        let _ = claim.fail("it diverged");
    }
}

/// What it writes into the file of its claim is no error, whether the claim was taken or not.
fn claim_save_and_fail(disk: Stepped) {
    let disk = disk.waiting_to_sync();
    if let Some(claim) = note(&disk, true, || of(&disk).claim(RUN).ok().flatten()) {
        let saved = claim.record_progress(1);
        assert!(disk.is_dead() || saved.is_ok(), "{saved:?}");
        let failed = claim.fail("it diverged");
        assert!(disk.is_dead() || matches!(failed, Ok(()) | Err(RunError::ClaimLost { .. })), "{failed:?}");
    }
}

fn obtain_and_renew(disk: Stepped) {
    if let Some(claim) = note(&disk, true, || obtain(&of(&disk), RUN).ok().flatten()) {
        renew(&disk, &claim);
    }
}

fn obtain_once(disk: Stepped) {
    note(&disk, true, || obtain(&of(&disk), RUN).ok().flatten());
}

/// All runs that this worker sees a claim of are done.
fn remove(disk: Stepped) {
    let _ = of(&disk).remove(|_| Ok(true));
}

fn claim_if_possible(disk: Stepped) {
    let claim = of(&disk).claim(RUN).unwrap_or_else(|error| match disk.is_dead() {
        true => None,
        false => panic!("{error}"),
    });
    if let Some(claim) = note(&disk, true, || claim) {
        renew(&disk, &claim);
    }
}

/// Where a worker keeps a run, it got it, and no other one got it between.
fn check(answers: &[Answer]) {
    for kept in answers.iter().filter(|answer| !answer.is_new) {
        let got =
            answers.iter().filter(|got| got.is_new && got.worker == kept.worker && got.after <= kept.before);
        let got =
            got.max_by_key(|got| got.after).unwrap_or_else(|| panic!("never got: {kept:?} of {answers:?}"));
        let taken = answers.iter().find(|other| {
            other.is_new
                && other.worker != kept.worker
                && other.before >= got.after
                && other.after <= kept.before
        });
        assert_eq!(taken, None, "{kept:?} after that, of {answers:?}");
    }
}

/// Runs the scripts in every order on a disk with or without an earlier claim.
fn in_all_orders(disk: &Simulated, scripts: &[Script]) -> Vec<(Vec<Answer>, Option<usize>)> {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let all = RefCell::new(Vec::new());
    let n_orders = in_every_order(disk, scripts, |disk, dead| {
        let answers = std::mem::take(&mut *ANSWERS.lock().unwrap());
        check(&answers);
        // Whatever happened, the next worker gets the run when it may.
        let next = claims(disk.clone(), "next");
        let claim = obtain(&next, RUN).unwrap().unwrap_or_else(|| panic!("it is stuck: {:?}", disk.paths()));
        assert!(claim.is_in_place().unwrap() && next.look(RUN).unwrap() == Some(claim.entry()));
        all.borrow_mut().push((answers, dead));
    });
    let all = all.into_inner();
    assert_eq!(all.len(), n_orders);
    all
}

/// A disk with the folder of claims.
fn empty() -> Simulated {
    let disk = Simulated::default();
    drop(claims(disk.clone(), "earlier").claim("another").unwrap());
    disk
}

/// A disk on which a worker that died holds the run.
fn held() -> Simulated {
    let disk = empty();
    drop(claims(disk.clone(), "earlier").claim(RUN).unwrap());
    disk
}

fn n_new(answers: &[Answer]) -> usize {
    answers.iter().filter(|answer| answer.is_new).count()
}

#[test]
fn of_three_workers_that_claim_one_run_one_gets_it() {
    let all = in_all_orders(&empty(), &[claim_once, claim_once, claim_once]);
    for (answers, dead) in &all {
        match dead {
            None => assert_eq!(n_new(answers), 1, "{answers:?}"),
            Some(_) => assert!(n_new(answers) <= 1, "{answers:?}"),
        }
    }
    assert!(all.len() > 300, "{} orders", all.len());
}

#[test]
fn of_three_workers_that_take_over_from_a_dead_one_by_what_they_saw_one_gets_it_first() {
    let all = in_all_orders(&held(), &[obtain_once, obtain_once, obtain_once]);
    for (answers, dead) in &all {
        assert!(dead.is_some() || n_new(answers) >= 1, "{answers:?}");
    }
    assert!(all.len() > 300, "{} orders", all.len());
}

#[test]
fn a_holder_learns_that_its_run_was_taken_before_it_counts_on_it_again() {
    let mut n_lost = 0;
    for scripts in [
        [claim_and_renew as Script, obtain_and_renew],
        [claim_and_give_back, obtain_and_renew],
        [claim_and_fail, obtain_and_renew],
        [obtain_and_renew, obtain_and_renew],
    ] {
        for disk in [empty(), held()] {
            for (answers, _) in in_all_orders(&disk, &scripts) {
                let n_renewed = answers.iter().filter(|answer| !answer.is_new).count();
                n_lost += usize::from(n_new(&answers) == 2 && n_renewed == 1);
            }
        }
    }
    assert!(n_lost > 20, "in {n_lost} orders one of two holders lost the run");
}

#[test]
fn a_holder_that_writes_about_its_run_while_another_one_takes_it_over_meets_no_error() {
    let all = in_all_orders(&empty(), &[claim_save_and_fail, obtain_and_renew]);
    let n_taken = all.iter().filter(|(answers, _)| n_new(answers) == 2).count();
    assert!(n_taken > 20, "taken over in {n_taken} of {} orders", all.len());
}

#[test]
fn a_worker_that_claims_while_another_one_removes_all_claims_gets_its_run_or_loses_it_and_meets_no_error() {
    let (mut n_kept, mut n_lost) = (0, 0);
    for disk in [empty(), held()] {
        for scripts in [[claim_if_possible as Script, remove], [obtain_and_renew, remove]] {
            for (answers, dead) in in_all_orders(&disk, &scripts) {
                if dead.is_none() && n_new(&answers) == 1 {
                    let is_kept = answers.len() == 2;
                    (n_kept, n_lost) = (n_kept + usize::from(is_kept), n_lost + usize::from(!is_kept));
                }
            }
        }
    }
    assert!(n_kept > 5 && n_lost > 5, "kept in {n_kept} orders, lost in {n_lost}");
}
