//! A whole training by the real job on a simulated disk, where each operation fails once, and where the process dies in
//! each: no older checkpoint is lost, the error gets its exit code, and the run ends as if nothing had happened.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]
#![allow(dead_code, reason = "the disk is shared with the proofs of the run folder")]

#[path = "../../../../run/tests/proofs/support/faulty.rs"]
mod faulty;
#[path = "../../../../../tests/support/given.rs"]
mod given;
#[path = "../../../../run/tests/proofs/support/image.rs"]
mod image;
#[path = "../../../../run/tests/proofs/support/random.rs"]
mod random;
#[path = "../../../../run/tests/proofs/support/simulated.rs"]
mod simulated;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::Result;
use burn::tensor::Device;
use qkv_run::{Event, Existing, RunError, RunFolder, Storage};
use qkv_train::{Alone, AnyModel, ConfigSource, Ended, Observer, Registry, Reverse, TrainError};
use serde_json::Value;

use super::Job;
use crate::session::device::Machine;
use crate::session::device::backend::Memory;
use crate::session::interrupt::Interrupt;
use crate::session::outcome::Output;
use faulty::{Fault, Faulty};
use given::Given;
use image::Left;
use simulated::Simulated;

const RUN: &str = "runs/a";

/// Everything that a run can have: dropout, moments, evaluations, frames, and checkpoints that are removed again.
const DEFAULTS: &str = "task.seq_len = 3\ntask.n_symbols = 3\nmodel.d_model = 4\nmodel.dropout = 0.1\n\
    train.steps = 6\ntrain.batch_size = 2\ntrain.eval_every = 3\ntrain.eval_examples = 4\n\
    train.checkpoint_every = 2\ntrain.keep = 1\ntrain.snapshot_every = 3\n";

/// The steps of the frames.
const FILM: [u64; 5] = [0, 2, 3, 4, 6];

fn registry() -> Registry {
    Registry::new().task("few", DEFAULTS, |task: &Reverse| Ok(Given(task.clone())))
}

fn job() -> Job {
    job_of(&registry())
}

fn job_of(registry: &Registry) -> Job {
    let experiment = registry.read(ConfigSource::Task("few"), &[] as &[&str]).unwrap();
    let [name, precision] = ["flex", "f32"].map(str::to_owned);
    let machine = Machine { device: Device::flex(), name, memory: Memory::Host, precision };
    Job::prepare(&experiment, &machine, None).unwrap()
}

/// Begins the run or goes on with it, in the order of `train`.
fn train(job: &Job, storage: &Arc<dyn Storage>) -> Result<()> {
    let path = Path::new(RUN);
    let (run, from) = match RunFolder::open_on(Arc::clone(storage), path) {
        Ok(run) => {
            let run = run.locked()?;
            let from = run.checkpoints_to_resume(None)?;
            (run, from)
        }
        Err(RunError::NotFound { .. } | RunError::NotARun { .. }) => {
            let config = job.config.to_toml();
            (RunFolder::create_on(Arc::clone(storage), path, &config, Existing::Keep)?, Vec::new())
        }
        Err(error) => return Err(error.into()),
    };
    if run.done()?.is_none() {
        job.run(&run, &from, Output::Quiet, &mut Interrupt::default(), &Alone)?;
    }
    Ok(())
}

/// What a run leaves behind that came to its end.
#[derive(Debug, PartialEq)]
struct Ending {
    /// The files of its last checkpoint.
    last: BTreeMap<PathBuf, Vec<u8>>,
    /// Steps, evaluations and the end, without the clock.
    events: Vec<Value>,
    /// The step at which its last process lost the film.
    film_ended_at: Option<u64>,
}

impl Ending {
    #[track_caller]
    fn of(disk: &Simulated, when: &str) -> Self {
        let run = RunFolder::open_on(Arc::new(disk.clone()), Path::new(RUN)).unwrap();
        let Some(Event::Done { step, film_ended_at, .. }) = run.done().unwrap() else {
            panic!("{when}: the run has no end");
        };
        let last = run.checkpoint(step).folder;
        let files = disk.paths().into_iter().filter(|path| path.parent() == Some(&last));
        let last = files.map(|path| (path.clone(), disk.read(&path, u64::MAX).unwrap())).collect();
        let mut events: Vec<Value> =
            run.events().unwrap().iter().map(|event| serde_json::to_value(event).unwrap()).collect();
        events.retain(|event| event["event"] != "start" && event["event"] != "saved");
        for event in &mut events {
            let is_of_the_clock = |key: &str| key.ends_with("seconds") || key.ends_with("per_second");
            event.as_object_mut().unwrap().retain(|key, _| !is_of_the_clock(key) && key != "film_ended_at");
        }
        Self { last, events, film_ended_at }
    }
}

/// The steps that the log reports as saved.
fn reported(run: &RunFolder) -> Vec<u64> {
    let saved = run.events().unwrap().into_iter().filter_map(|event| match event {
        Event::Saved { step, .. } => Some(step),
        _ => None,
    });
    saved.collect()
}

fn saved_steps(run: &RunFolder) -> Vec<u64> {
    run.checkpoints().unwrap().iter().map(|checkpoint| checkpoint.step).collect()
}

/// What was reported as saved before the fault is there, and a process that goes on comes to the end of `whole`.
#[track_caller]
fn goes_on(job: &Job, disk: &Simulated, before: Option<u64>, whole: &Ending, when: &str) {
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let opened = RunFolder::open_on(Arc::clone(&storage), Path::new(RUN));
    let saved = opened.map_or(Vec::new(), |run| {
        run.checkpoints().unwrap().iter().for_each(|checkpoint| drop(checkpoint.read().unwrap()));
        saved_steps(&run)
    });
    // Not a newer one in its place: an older one goes only after the newer one was reported.
    assert!(
        before.is_none_or(|before| saved.contains(&before)),
        "{when}: {before:?} was reported as saved: {saved:?}"
    );
    train(job, &storage)
        .unwrap_or_else(|error| panic!("{when}: cannot go on: {error:#}\n{:?}", disk.paths()));
    let ending = Ending::of(disk, when);
    assert!(ending.last == whole.last, "{when}: another last checkpoint");
    assert_eq!(ending.events, whole.events, "{when}");
    let run = RunFolder::open_on(storage, Path::new(RUN)).unwrap();
    for step in saved_steps(&run) {
        let n_reports = reported(&run).iter().filter(|reported| **reported == step).count();
        assert_eq!(n_reports, 1, "{when}: reports of the checkpoint at step {step}");
    }
    let suffixes = [".tmp", ".replaced", ".damaged", ".set-aside"];
    let is_left_over =
        |path: &&PathBuf| suffixes.iter().any(|suffix| path.to_string_lossy().contains(suffix));
    assert_eq!(disk.paths().iter().find(is_left_over), None, "{when}");
}

/// Trains on a copy of `disk` until the fault; what is left, what was reported as saved, and the result.
fn until(job: &Job, disk: &Simulated, fault: Fault) -> Option<(Simulated, Option<u64>, Result<()>)> {
    let disk = disk.copy();
    let faulty = Faulty::new(&disk, fault);
    let result = train(job, &(Arc::clone(&faulty) as Arc<dyn Storage>));
    let (Fault::Error(at, _) | Fault::Death(at)) = fault else { panic!("no operation") };
    let run = RunFolder::open_on(Arc::new(disk.clone()), Path::new(RUN));
    let newest = run.ok().and_then(|run| reported(&run).into_iter().max());
    (at < faulty.n_operations()).then_some((disk, newest, result))
}

/// Disks on which a run begins, and goes on.
fn disks() -> [(&'static str, Simulated); 2] {
    let stopped = Simulated::default();
    train(&job().stop_after(Some(3)), &(Arc::new(stopped.clone()) as Arc<dyn Storage>)).unwrap();
    [("begin", Simulated::default()), ("go on", stopped.after_a_power_cut(Left::Everything))]
}

fn whole(job: &Job) -> Ending {
    let disk = Simulated::default();
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    train(job, &storage).unwrap();
    let run = RunFolder::open_on(storage, Path::new(RUN)).unwrap();
    assert_eq!((saved_steps(&run), reported(&run)), (vec![0, 6], vec![0, 2, 4, 6]));
    assert_eq!(run.snapshots().unwrap().into_keys().collect::<Vec<_>>(), FILM);
    Ending::of(&disk, "undisturbed")
}

#[test]
fn a_training_in_which_any_operation_fails_loses_no_checkpoint() {
    let job = job();
    let whole = whole(&job);
    for (name, disk) in disks() {
        let (mut n_errors, mut n_films) = (0, 0);
        for at in 0.. {
            let fault = Fault::Error(at, ErrorKind::StorageFull);
            let Some((left, before, result)) = until(&job, &disk, fault) else { break };
            let when = format!("{name}, error in operation {at}");
            match result {
                Ok(()) => {
                    let ending = Ending::of(&left, &when);
                    assert!((&ending.last, &ending.events) == (&whole.last, &whole.events), "{when}");
                    n_films += usize::from(ending.film_ended_at.is_some());
                }
                // An error of the run folder names the file.
                Err(error) => {
                    n_errors += 1;
                    let of_training = matches!(error.downcast_ref(), Some(TrainError::Run(_)));
                    assert!(of_training || error.is::<RunError>(), "{when}: {error:?}");
                }
            }
            goes_on(&job, &left.after_a_power_cut(Left::Everything), before, &whole, &when);
        }
        println!("{name}: {n_errors} operations end the training, {n_films} the film");
        assert!(n_errors > 50 && n_films >= 2);
    }
}

#[test]
fn a_training_that_dies_in_any_operation_loses_no_checkpoint() {
    let job = job();
    let whole = whole(&job);
    for (name, disk) in disks() {
        let mut n_operations = 0;
        for at in 0.. {
            let Some((left, before, result)) = until(&job, &disk, Fault::Death(at)) else { break };
            n_operations += 1;
            let when = format!("{name}, death in operation {at}");
            for (cut, left) in [
                ("the process", left.after_a_power_cut(Left::Everything)),
                ("the machine", left.after_a_power_cut(Left::Nothing)),
            ] {
                goes_on(&job, &left, before, &whole, &format!("{when} of {cut}"));
            }
            // What tolerates an error tolerates this one, too, where nothing follows that needs the disk.
            assert!(result.is_err() || Ending::of(&left, &when).events == whole.events, "{when}");
        }
        assert!(n_operations > 100, "{name}: {n_operations} operations are too few for a training");
    }
}

/// Hears of the end of runs.
struct Ears(Arc<Mutex<Vec<(Ended, Event)>>>);

impl Observer<AnyModel> for Ears {
    fn done(&mut self, ended: &Ended, event: &Event) -> Result<(), TrainError> {
        self.0.lock().unwrap().push((ended.clone(), event.clone()));
        Ok(())
    }
}

#[test]
fn an_observer_of_a_registry_hears_of_the_end_that_the_log_has() {
    let ends = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&ends);
    let registry = registry().observer("ears", move |_| Ok(Ears(Arc::clone(&heard))));
    let disk: Arc<dyn Storage> = Arc::new(Simulated::default());
    train(&job_of(&registry).stop_after(Some(3)), &disk).unwrap();
    let run = RunFolder::open_on(Arc::clone(&disk), Path::new(RUN)).unwrap();
    assert_eq!(run.done().unwrap(), None);
    train(&job_of(&registry), &disk).unwrap();
    let ends = ends.lock().unwrap();
    let [(Ended::Stopped, Event::Done { step: 3, .. }), (Ended::Finished, end)] = &ends[..] else {
        panic!("{ends:?}");
    };
    assert_eq!(run.done().unwrap().as_ref(), Some(end));
    assert!(matches!(end, Event::Done { step: 6, checkpoint_seconds, .. } if *checkpoint_seconds > 0.0));
}
