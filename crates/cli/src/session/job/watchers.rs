//! What watches a training: the observers of the registry, and what its user sees.

use std::time::Instant;

use anyhow::Result;
use qkv_run::Event;
use qkv_train::{
    AnyModel, BuiltObservers, Costs, Ended, EventLog, Example, ObservedRun, Split, TrainError, Trained,
    Trainer, draw,
};

use super::Job;
use super::figures::Figures;
use crate::live::{Capturer, Live};
use crate::output::progress::Progress;
use crate::output::stdout::Stdout;
use crate::session::interrupt::Interrupt;
use crate::session::outcome::{Done, Output};

/// Test examples that the live view shows.
const INPUTS: u64 = 3;

/// The observers of a job.
pub struct Watchers<'a> {
    run: ObservedRun<'a>,
    observers: BuiltObservers<'a>,
    /// The events on standard output.
    json: Option<EventLog<Stdout>>,
    progress: Option<Progress>,
    live: Option<Live<'a>>,
}

impl<'a> Watchers<'a> {
    pub fn new(job: &'a Job, run: &ObservedRun<'a>, output: Output, interrupt: &Interrupt) -> Result<Self> {
        let Job { config, task, device, .. } = job;
        let observers = job.observers.build(run)?;
        let live = match output {
            Output::Live => {
                let inputs = (0..INPUTS).map(|index| draw(&**task, config.seed, Split::Test, index));
                let examples: Vec<Example> = inputs.collect::<Result<_, _>>()?;
                let (name, device) = (config.task.name.as_str(), device.clone());
                let capturer = Capturer { name, task: &**task, examples, device };
                Some(Live::new(capturer, config.train.steps, job.stop_after, interrupt))
            }
            _ => None,
        };
        let json =
            (output == Output::Json).then(|| EventLog::new(Stdout::of_a_training(), run.folder, &run.info()));
        let progress =
            (output == Output::Text).then(|| Progress::new(config.train.steps, &config.train.stop_metric));
        Ok(Self { run: *run, observers, json, progress, live })
    }

    /// Trains under all of them.
    pub fn train<'t>(
        &'t mut self,
        trainer: Trainer<'t, AnyModel>,
        interrupt: &'t mut Interrupt,
    ) -> Result<Trained<AnyModel>, TrainError> {
        let Self { observers: BuiltObservers { recording, own, saving }, json, progress, live, .. } = self;
        let mut trainer = trainer.observe(interrupt);
        for observer in recording {
            trainer = trainer.observe(&mut **observer);
        }
        if let Some(json) = json {
            trainer = trainer.observe(json);
        }
        if let Some(progress) = progress {
            trainer = trainer.observe(progress);
        }
        if let Some(live) = live {
            trainer = trainer.observe(live);
        }
        for observer in own.iter_mut().chain(saving) {
            trainer = trainer.observe(&mut **observer);
        }
        trainer.run()
    }

    /// The end of the run with its figures.
    pub fn end(mut self, ended: Ended, step: u64, figures: Figures, started: Instant) -> Result<Done> {
        let held_seconds = self.live.as_ref().map_or(0.0, Live::held_seconds);
        let Figures { evaluation, n_test_examples, probe, baselines, sample } = figures;
        let mut costs = Costs::default();
        self.observers.all().for_each(|observer| observer.add_costs(&mut costs));
        let Costs { film_ended_at, snapshot_seconds, checkpoint_seconds } = costs;
        let done = Done {
            ended,
            step,
            evaluation,
            n_test_examples,
            film_ended_at,
            probe,
            baselines,
            sample,
            seconds: started.elapsed().as_secs_f64() - held_seconds,
            live_seconds: self.live.as_ref().map(Live::seconds),
        };
        let event = Event::Done {
            step,
            evaluation: done.evaluation.clone(),
            baselines: done.baselines.clone(),
            sample: done.sample.clone(),
            film_ended_at,
            seconds: done.seconds,
            snapshot_seconds,
            checkpoint_seconds,
            path: self.run.folder.path().display().to_string(),
        };
        self.observers.all().try_for_each(|observer| observer.done(&done.ended, &event))?;
        if let Some(json) = &mut self.json {
            json.write(&event)?;
        }
        Ok(done)
    }
}
