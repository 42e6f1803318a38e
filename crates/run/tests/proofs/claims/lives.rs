use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use qkv_run::{Claim, Existing, Guarded, HeldBy, Lock, Next, Queue, RunError, RunFolder, Storage};

use super::claims;
use crate::support::faulty::{Fault, Faulty};
use crate::support::life::{config, contents};
use crate::support::random::Random;
use crate::support::simulated::Simulated;

/// Of every worker's own clock.
const LEASE: Duration = Duration::from_secs(60);

/// How often a claim is renewed, in leases.
const PER_LEASE: u32 = 4;

/// Checkpoints of a run that is done.
const N_SAVES: usize = 6;

/// What all workers do to the runs.
#[derive(Debug, Default)]
struct World {
    /// The checkpoints of each run.
    saves: BTreeMap<String, usize>,
    /// The worker that claimed a run last.
    owner: BTreeMap<String, usize>,
    /// Runs whose training fails, with the attempts that came to that.
    failing: BTreeMap<String, usize>,
    n_taken_over: usize,
    n_lost: usize,
}

impl World {
    fn is_done(&self, run: &str) -> bool {
        self.saves.get(run) == Some(&N_SAVES)
    }
}

struct Worker {
    number: usize,
    queue: Queue,
    training: Option<Claim>,
    /// The true time at which it does something next; `None` once it has ended or died.
    wakes: Option<Duration>,
    /// What its clock shows, as a factor and a start of its own.
    rate: f64,
    offset: Duration,
}

impl Worker {
    fn new(disk: &Simulated, number: usize, runs: &[String], random: &mut Random, is_mortal: bool) -> Self {
        let fault = if is_mortal { Fault::Death(random.below(400)) } else { Fault::None };
        let storage = Faulty::new(disk, fault);
        let claims =
            qkv_run::Claims::new(Arc::clone(&storage) as _, "study".as_ref(), &format!("worker-{number}"));
        let queue = Queue::new(claims, LEASE, runs.to_vec());
        let rate = 0.9 + 0.2 * random.below(1000) as f64 / 1000.0;
        let offset = Duration::from_secs(random.below(100_000) as u64);
        let wakes = Some(Duration::from_secs(random.below(100) as u64));
        Self { number, queue, training: None, wakes, rate, offset }
    }

    /// Does what it does at this time; an error is its death.
    fn act(&mut self, world: &RefCell<World>, now: Duration, random: &mut Random) -> Result<(), RunError> {
        let mut next = LEASE / PER_LEASE;
        match self.training.take() {
            Some(claim) => {
                if self.train(&claim, world)? {
                    self.training = Some(claim);
                }
                // Now and then it stops for a while, as a process does that is not given a processor.
                if random.below(10) == 0 {
                    next = LEASE * random.below(4) as u32;
                }
            }
            None => {
                let own = self.offset + now.mul_f64(self.rate);
                match self.queue.next(|| own, |run| Ok(world.borrow().is_done(run)))? {
                    Next::Train(claim) => {
                        let mut world = world.borrow_mut();
                        if world.owner.insert(claim.run().to_owned(), self.number).is_some() {
                            world.n_taken_over += 1;
                        }
                        self.training = Some(claim);
                    }
                    Next::Wait => {}
                    Next::End => {
                        self.wakes = None;
                        return Ok(());
                    }
                }
            }
        }
        self.wakes = Some(now + next);
        Ok(())
    }

    /// Renews and saves; returns whether there is more to train.
    fn train(&mut self, claim: &Claim, world: &RefCell<World>) -> Result<bool, RunError> {
        let mut world = world.borrow_mut();
        let is_own = world.owner[claim.run()] == self.number;
        let is_in_place = claim.is_in_place();
        match claim.renew() {
            Err(RunError::ClaimLost { .. }) => {
                // It need not own it: it may have died at once.
                let taken_by = self.queue.claims().look(claim.run())?.map(|entry| entry.worker().to_owned());
                let own = format!("worker-{}", self.number);
                assert!(
                    taken_by.is_some_and(|worker| worker != own),
                    "{} was lost to no other worker",
                    claim.run()
                );
                world.n_lost += 1;
                self.queue.put_back(claim.run());
                return Ok(false);
            }
            result => result?,
        }
        assert!(
            is_own,
            "worker {} trains {claim:?}, which {} has taken",
            self.number,
            world.owner[claim.run()]
        );
        assert!(is_in_place.unwrap());
        if let Some(n_attempts) = world.failing.get_mut(claim.run()) {
            *n_attempts += 1;
            claim.fail("it diverged")?;
            return Ok(false);
        }
        let n_saves = world.saves.get(claim.run()).copied().unwrap_or(0);
        claim.record_progress(n_saves as u64 + 1)?;
        *world.saves.entry(claim.run().to_owned()).or_default() += 1;
        if world.is_done(claim.run()) {
            claim.give_back()?;
            return Ok(false);
        }
        Ok(true)
    }
}

/// A study of many runs with six workers, five of which may die.
fn study(seed: u64) -> World {
    let mut random = Random(seed);
    let runs: Vec<String> = (0..8).map(|run| format!("seed={run}")).collect();
    let failing = BTreeMap::from([("seed=3".to_owned(), 0)]);
    let world = RefCell::new(World { failing, ..World::default() });
    let disk = Simulated::default();
    let mut workers: Vec<Worker> =
        (0..6).map(|number| Worker::new(&disk, number, &runs, &mut random, number != 5)).collect();
    let longest = LEASE * 1000;
    let mut died = BTreeSet::new();
    while let Some(worker) =
        workers.iter_mut().filter(|worker| worker.wakes.is_some()).min_by_key(|worker| worker.wakes)
    {
        let now = worker.wakes.unwrap();
        assert!(now < longest, "seed {seed}: the study does not end: {:?}", world.borrow());
        if let Err(error) = worker.act(&world, now, &mut random) {
            assert!(error.to_string().contains("the process "), "seed {seed}: {error}");
            worker.wakes = None;
            died.insert(worker.number);
        }
    }
    let mut reader = Queue::new(claims(disk, "reader"), LEASE, runs.clone());
    let end = reader.next(|| Duration::ZERO, |run| Ok(world.borrow().is_done(run)));
    assert!(matches!(end, Ok(Next::End)), "seed {seed}: {end:?}");
    // None was given up, although workers die: the others get further.
    let [(run, entry)] = reader.failed() else { panic!("seed {seed}: {:?}", reader.failed()) };
    assert_eq!(reader.claims().history(run, entry).unwrap().failure(), "it diverged");
    let world = world.into_inner();
    // A worker may die after the training failed and before that was recorded.
    assert!((1..=1 + died.len()).contains(&world.failing[run]), "seed {seed}: {world:?}");
    for run in runs.iter().filter(|other| *other != run) {
        assert!(world.is_done(run), "seed {seed}: {run} in {world:?}");
    }
    world
}

#[test]
fn a_study_ends_whichever_of_its_workers_die_and_no_two_of_them_train_one_run() {
    let (mut n_taken_over, mut n_lost) = (0, 0);
    for seed in 0..500 {
        let world = study(seed);
        n_taken_over += world.n_taken_over;
        n_lost += world.n_lost;
    }
    assert!(n_taken_over > 500 && n_lost > 100, "{n_taken_over} taken over, {n_lost} lost");
}

#[test]
fn a_run_whose_claim_is_lost_is_changed_no_more() {
    let disk = Simulated::default();
    let lost = claims(disk.clone(), "slow").claim("a").unwrap().unwrap();
    let claim: Arc<dyn Lock> = Arc::new(HeldBy::new(claims(disk.clone(), "process"), "a", "slow"));
    let storage: Arc<dyn Storage> =
        Arc::new(Guarded::by_claim(Arc::new(disk.clone()), &claim, "study/a".as_ref()));
    let (path, text) = ("study/a".as_ref(), config(1).to_string());
    let run = RunFolder::create_on(storage, path, &text, Existing::Keep).unwrap();
    run.write_checkpoint(5, &contents(1, 5)).unwrap();
    drop(claims(disk.clone(), "next").take("a", &lost.entry()).unwrap().unwrap());
    let before = disk.paths();
    let message = run.write_checkpoint(10, &contents(1, 10)).unwrap_err();
    assert!(matches!(message, RunError::ClaimLost { .. }), "{message}");
    assert!(matches!(run.write_config(&text), Err(RunError::ClaimLost { .. })));
    assert_eq!((disk.paths(), run.latest().unwrap().step), (before, 5));
}

#[test]
fn a_claim_is_taken_over_once_it_is_older_than_the_lease_by_the_clock_of_the_taker() {
    let disk = Simulated::default();
    let dead = claims(disk.clone(), "dead").claim("seed=1").unwrap().unwrap();
    let mut queue = Queue::new(claims(disk.clone(), "living"), LEASE, ["seed=1".to_owned()]);
    let mut at = |seconds: u64| queue.next(|| Duration::from_secs(seconds), |_| Ok(false)).unwrap();
    assert!(matches!(at(1000), Next::Wait));
    assert!(matches!(at(1030), Next::Wait));
    dead.renew().unwrap();
    assert!(matches!(at(1061), Next::Wait));
    assert!(matches!(at(1121), Next::Wait));
    let dead_by_name = HeldBy::new(claims(disk.clone(), "process"), "seed=1", "dead");
    assert!(dead_by_name.is_in_place().unwrap());
    let Next::Train(claim) = at(1122) else { panic!("it is dead") };
    assert!(claim.is_in_place().unwrap() && !dead.is_in_place().unwrap());
    assert!(!dead_by_name.is_in_place().unwrap());
    assert!(matches!(dead.renew(), Err(RunError::ClaimLost { .. })));
    assert!(matches!(dead.fail("late"), Err(RunError::ClaimLost { .. })));
}

#[test]
fn a_run_that_was_given_back_is_taken_at_once_and_one_that_failed_only_if_asked_for() {
    let disk = Simulated::default();
    let runs = || ["seed=1", "seed=2"].map(str::to_owned);
    let queue = |worker: &str| Queue::new(claims(disk.clone(), worker), LEASE, runs());
    let next = |queue: &mut Queue| queue.next(|| Duration::ZERO, |_| Ok(false)).unwrap();
    let mut first = queue("first");
    let Next::Train(one) = next(&mut first) else { panic!("it is free") };
    let Next::Train(two) = next(&mut first) else { panic!("it is free") };
    one.give_back().unwrap();
    two.fail("it diverged").unwrap();
    for claim in [one, two] {
        assert!(matches!(claim.renew(), Err(RunError::ClaimLost { .. })), "{claim:?}");
    }
    let mut second = queue("second");
    let Next::Train(one) = next(&mut second) else { panic!("it was given back") };
    assert_eq!(one.run(), "seed=1");
    assert!(matches!(next(&mut second), Next::End));
    assert_eq!(second.failed()[0].0, "seed=2");
    let mut third = queue("third");
    third.retry_failed().unwrap();
    let Next::Train(two) = next(&mut third) else { panic!("it is to be tried again") };
    assert_eq!(two.run(), "seed=2");
    two.fail("it diverged again").unwrap();
    let mut fourth = queue("fourth");
    assert!(matches!(next(&mut fourth), Next::Wait));
    let (_, entry) = &fourth.failed()[0];
    assert_eq!(fourth.claims().history("seed=2", entry).unwrap().failure(), "it diverged again");
}
