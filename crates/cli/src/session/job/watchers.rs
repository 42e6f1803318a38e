//! What watches a training: its log, its film, its checkpoints, and what its user sees.

use std::time::Instant;

use anyhow::Result;
use qkv_run::{Event, Log, RunFolder};
use qkv_train::{
    AnyModel, Checkpoints, Ended, EventLog, Example, ObservedRun, Observer, Snapshots, Split, TrainError,
    Trained, Trainer, draw,
};

use super::Job;
use super::figures::Figures;
use crate::live::{Capturer, Live};
use crate::output::progress::Progress;
use crate::output::stdout::Stdout;
use crate::session::environment::COMMIT;
use crate::session::interrupt::Interrupt;
use crate::session::notices::{print_film_end, print_unpruned};
use crate::session::outcome::{Done, Output};

/// Test examples that the film shows.
const PROBES: u64 = 3;

/// The observers of a job.
pub struct Watchers<'a> {
    folder: &'a RunFolder,
    log: EventLog<Log>,
    /// The events on standard output.
    json: Option<EventLog<Stdout>>,
    film: Snapshots<'a>,
    progress: Option<Progress>,
    live: Option<Live<'a>>,
    /// Those of the registry.
    own: Vec<Box<dyn Observer<AnyModel>>>,
    checkpoints: Checkpoints,
}

impl<'a> Watchers<'a> {
    pub fn new(
        job: &'a Job,
        folder: &'a RunFolder,
        log: EventLog<Log>,
        output: Output,
        interrupt: &Interrupt,
    ) -> Result<Self> {
        let Job { config, task, device, .. } = job;
        let probes = (0..PROBES).map(|index| draw(&**task, config.seed, Split::Test, index));
        let probes: Vec<Example> = probes.collect::<Result<_, _>>()?;
        let live = (output == Output::Live).then(|| {
            let (name, examples, device) = (config.task.name.as_str(), probes.clone(), device.clone());
            let capturer = Capturer { name, task: &**task, examples, device };
            Live::new(capturer, config.train.steps, job.stop_after, interrupt)
        });
        let film = Snapshots::new(&**task, probes, config.train.snapshot_every, device, folder);
        // The live view has the whole screen.
        let film = if live.is_some() { film } else { film.when_it_ends(print_film_end) };
        let json =
            (output == Output::Json).then(|| EventLog::new(Stdout::of_a_training(), folder, &job.info()));
        let progress =
            (output == Output::Text).then(|| Progress::new(config.train.steps, &config.train.stop_metric));
        let checkpoints =
            Checkpoints::new(folder, config, &**task).keeping(config.train.keep).of_commit(COMMIT);
        let checkpoints = checkpoints.best_by(job.parts.best_figure(&**task)?);
        let checkpoints =
            if live.is_some() { checkpoints } else { checkpoints.when_an_older_one_stays(print_unpruned) };
        let own = job.observers.build(&ObservedRun { config, task, folder })?;
        Ok(Self { folder, log, json, film, progress, live, own, checkpoints })
    }

    /// Trains under all of them.
    pub fn train<'t>(
        &'t mut self,
        trainer: Trainer<'t, AnyModel>,
        interrupt: &'t mut Interrupt,
    ) -> Result<Trained<AnyModel>, TrainError> {
        let Self { log, json, film, progress, live, own, checkpoints, .. } = self;
        let mut trainer = trainer.observe(interrupt).observe(film).observe(log);
        if let Some(json) = json {
            trainer = trainer.observe(json);
        }
        if let Some(progress) = progress {
            trainer = trainer.observe(progress);
        }
        if let Some(live) = live {
            trainer = trainer.observe(live);
        }
        for own in own {
            trainer = trainer.observe(&mut **own);
        }
        // The last one, so that it removes older checkpoints after a new one was reported.
        trainer.observe(checkpoints).run()
    }

    /// Prints what the live view left no room for.
    pub fn leave_the_screen(&self) {
        if self.live.is_some() {
            self.film.end().into_iter().for_each(print_film_end);
            self.checkpoints.removal_failures().for_each(print_unpruned);
        }
    }

    /// The end of the run with its figures; it is logged where the run came to it.
    pub fn end(mut self, ended: Ended, step: u64, figures: Figures, started: Instant) -> Result<Done> {
        let held_seconds = self.live.as_ref().map_or(0.0, Live::held_seconds);
        let Figures { evaluation, n_test_examples, probe, baselines, sample } = figures;
        let done = Done {
            ended,
            step,
            evaluation,
            n_test_examples,
            film_ended_at: self.film.end().map(|end| end.step),
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
            film_ended_at: done.film_ended_at,
            seconds: done.seconds,
            snapshot_seconds: self.film.seconds(),
            checkpoint_seconds: self.checkpoints.seconds(),
            path: self.folder.path().display().to_string(),
        };
        if done.ended != Ended::Stopped {
            self.log.write(&event)?;
        }
        if let Some(json) = &mut self.json {
            json.write(&event)?;
        }
        Ok(done)
    }
}
