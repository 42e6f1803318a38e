//! What watches a training: the observers of the registry, and what its user sees.

use std::io::Write;
use std::time::Instant;

use anyhow::Result;
use qkv_run::{Baseline, Evaluation, Event, Generalization};
use qkv_train::{
    AnyModel, BuiltObservers, Costs, Ended, EventLog, Example, ObservedRun, Split, State, TrainError,
    Trained, Trainer, draw,
};

use super::Job;
use super::figures::Figures;
use super::measuring::Measuring;
use crate::live::{Capturer, Length, Live};
use crate::output::stdout::Stdout;
use crate::output::text::figures::figures;
use crate::output::training::loss_curve::LossCurve;
use crate::output::training::progress::Progress;
use crate::session::interrupt::Interrupt;
use crate::session::outcome::{Done, Output};

/// Test examples that the live view shows.
const INPUTS: u64 = 3;

/// The observers of a job.
pub struct Watchers<'a> {
    /// What its user asked for.
    output: Output,
    started: Instant,
    run: ObservedRun<'a>,
    observers: BuiltObservers<'a>,
    /// The events on standard output.
    json: Option<EventLog<Stdout>>,
    progress: Option<Progress>,
    live: Option<Live<'a>>,
    curve: Option<LossCurve>,
}

impl<'a> Watchers<'a> {
    pub fn new(job: &'a Job, run: &ObservedRun<'a>, output: Output, interrupt: &Interrupt) -> Result<Self> {
        let Job { config, task, device, .. } = job;
        let observers = job.observers.build(run)?;
        let live = match output {
            Output::Live(motion) => {
                let inputs = (0..INPUTS).map(|index| draw(&**task, config.seed, Split::Test, index));
                let examples: Vec<Example> = inputs.collect::<Result<_, _>>()?;
                let (name, device) = (config.task.name.as_str(), device.clone());
                let capturer = Capturer { name, task: &**task, examples, device };
                let length = Length { steps: config.train.steps, stop_after: job.stop_after };
                Some(Live::new(capturer, length, motion, interrupt))
            }
            _ => None,
        };
        let json =
            (output == Output::Json).then(|| EventLog::new(Stdout::of_a_training(), run.folder, &run.info()));
        let progress =
            (output == Output::Text).then(|| Progress::new(config.train.steps, &config.train.stop_metric));
        let curve = output.is_text().then(LossCurve::on_a_terminal).flatten();
        let started = Instant::now();
        Ok(Self { output, started, run: *run, observers, json, progress, live, curve })
    }

    /// Counts the time of the run from an earlier moment.
    pub fn since(self, started: Instant) -> Self {
        Self { started, ..self }
    }

    /// Trains under all of them.
    pub fn train<'t>(
        &'t mut self,
        trainer: Trainer<'t, AnyModel>,
        interrupt: &'t mut Interrupt,
    ) -> Result<Trained<AnyModel>, TrainError> {
        let Self {
            observers: BuiltObservers { recording, own, saving }, json, progress, live, curve, ..
        } = self;
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
        if let Some(curve) = curve {
            trainer = trainer.observe(curve);
        }
        for observer in own.iter_mut().chain(saving) {
            trainer = trainer.observe(&mut **observer);
        }
        trainer.run()
    }

    /// Shows how far the final figures are.
    pub fn measuring<'m>(
        &'m mut self,
        state: &'m State<AnyModel>,
        interrupt: &'m Interrupt,
    ) -> Measuring<'m, 'a> {
        Measuring { live: self.live.as_mut(), state, has_bars: self.output.is_text(), interrupt }
    }

    /// Shows the figures of the end in the live view for as long as its user looks at it.
    pub fn stay(&mut self, state: &State<AnyModel>, evaluation: &Evaluation) {
        if let Some(live) = &mut self.live {
            live.stay(state, format!("test {}", figures(evaluation)));
        }
    }

    /// Gives back the screen of the live view, and leaves the curve of the loss behind.
    pub fn leave_the_screen(&mut self) -> Result<()> {
        if let Some(live) = &mut self.live {
            live.close();
        }
        if let Some(lines) = self.curve.as_ref().and_then(LossCurve::lines) {
            writeln!(Stdout::of_a_training(), "{lines}")?;
        }
        Ok(())
    }

    /// That of the whole run, from its log, beside what simpler models reach on the validation split.
    fn generalization(&self, baselines: Vec<Baseline>) -> Option<Generalization> {
        let unit = self.run.task.corpus()?.unit().to_owned();
        // Without it, the run has all its figures.
        let events = self.run.folder.events().ok()?;
        Some(Generalization { baselines, ..Generalization::of_events(&unit, &events)? })
    }

    /// The end of the run with its figures.
    pub fn end(&mut self, ended: Ended, step: u64, figures: Figures) -> Result<Done> {
        let held_seconds = self.live.as_ref().map_or(0.0, Live::held_seconds);
        let Figures { evaluation, n_test_examples, probe, baselines, validation_baselines, sample } = figures;
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
            generalization: match baselines.is_empty() {
                true => None,
                false => self.generalization(validation_baselines),
            },
            baselines,
            sample,
            seconds: self.started.elapsed().as_secs_f64() - held_seconds,
            live_seconds: self.live.as_ref().map(Live::seconds),
        };
        let event = Event::Done {
            step,
            evaluation: done.evaluation.clone(),
            baselines: done.baselines.clone(),
            sample: done.sample.clone(),
            generalization: done.generalization.clone().map(Box::new),
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
