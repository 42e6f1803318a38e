//! One training, from a checked config to its final figures: what `train` and `sweep` share.

use std::io::Write;
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use burn::module::Module;
use burn::tensor::Device;
use qkv_run::{Checkpoint, Environment, EvaluatedOn, Evaluation, Event, RunFolder};
use qkv_train::{
    AnyModel, Asked, Checkpoints, Config, Ended, EventLog, Example, Examples, Experiment, FilmEnd, HeldOut,
    Observer, Parts, Probe, RunInfo, Sampling, Snapshots, Split, State, Task, TrainError, Trained, Trainer,
    draw, generate, load_checkpoint,
};

use crate::exit;
use crate::live::{Capturer, Live};
use crate::output::progress::{EvaluationBar, Progress};
use crate::output::stdout::{Stdout, print_error};
use crate::session::environment::{COMMIT, Machine};
use crate::session::interrupt::Interrupt;
use crate::session::loading::newest_whole;
use crate::session::memory;
use crate::session::outcome::{Done, Outcome, Output};

/// Test examples behind the final figures at most; `qkv eval` takes any number.
const TEST_EXAMPLES: u64 = 10_000;

/// Test examples that the film shows.
const PROBES: u64 = 3;

/// Tokens of the sample at the end.
const SAMPLE: usize = 200;

/// A checked training: its config, task and model fit together, and nothing was created.
pub struct Job {
    pub config: Config,
    pub task: Arc<dyn Task>,
    parts: Parts,
    /// With its initial weights.
    pub model: AnyModel,
    /// What a run without checkpoints begins with, unless it is that model at step 0.
    first_state: Option<State<AnyModel>>,
    device: Device,
    environment: Environment,
    stop_after: Option<u64>,
}

impl Job {
    /// Builds the model of an experiment, if its training fits into memory; see [`memory::check`].
    pub fn prepare(experiment: &Experiment, machine: &Machine, max_memory: Option<u64>) -> Result<Self> {
        let (device, environment) = (machine.device.clone().autodiff(), machine.environment());
        // Before the weights are drawn, where that is possible.
        let before = experiment.memory();
        if let Some(estimate) = &before {
            memory::check(estimate, max_memory)?;
        }
        let model = experiment.model(&device)?;
        if before.is_none() {
            memory::check(&experiment.memory_of(&model), max_memory)?;
        }
        let (config, task) = (experiment.config.clone(), Arc::clone(&experiment.task));
        let parts = experiment.parts.clone();
        // The trainer draws an example of each split and refuses what cannot be drawn.
        Trainer::with_parts(model.clone(), &*task, parts.clone(), &device)?;
        Ok(Self { config, task, parts, model, first_state: None, device, environment, stop_after: None })
    }

    /// Ends after this many steps, without changing the schedule.
    pub fn stop_after(self, stop_after: Option<u64>) -> Self {
        Self { stop_after, ..self }
    }

    /// Begins with other weights than those that the seed decides.
    pub fn with_model(self, model: AnyModel) -> Self {
        Self { model, ..self }
    }

    /// Begins with the state of another run; the checkpoint of it is then the first of this one.
    pub fn with_state_of(mut self, checkpoint: &Checkpoint) -> Result<Self> {
        self.first_state = Some(self.state_at(checkpoint)?);
        Ok(self)
    }

    fn state_at(&self, checkpoint: &Checkpoint) -> Result<State<AnyModel>, TrainError> {
        load_checkpoint(checkpoint, self.model.clone(), &*self.parts.optimizer, &self.device)
    }

    /// Trains in `folder`, from the best of these checkpoints that is whole.
    pub fn run(
        &self,
        folder: &RunFolder,
        from: &[Checkpoint],
        output: Output,
        interrupt: &mut Interrupt,
    ) -> Result<Outcome> {
        let started = Instant::now();
        let Self { config, task, device, .. } = self;
        let mut trainer = Trainer::with_parts(self.model.clone(), &**task, self.parts.clone(), device)?;
        let loaded = newest_whole(folder, from, |checkpoint| self.state_at(checkpoint))?;
        let is_new = loaded.is_none();
        let state = loaded.or_else(|| self.first_state.clone());
        let steps = config.train.steps;
        // The trainer asks whether to leave only after a step.
        let first_step = state.as_ref().map_or(0, |state| state.step) + 1;
        let last_step = self.stop_after.map_or(steps, |step| step.max(first_step).min(steps));
        let metrics = match &state {
            Some(state) => {
                self.warn_of_changes(&folder.events()?);
                let rewound = folder.rewind(state.step)?;
                for path in rewound.set_aside {
                    print_error(&format!("set aside as {}: it is after step {}", path.display(), state.step));
                }
                rewound.log
            }
            None => folder.create_metrics()?,
        };
        let mut checkpoints =
            Checkpoints::new(folder, config, &**task).keeping(config.train.keep).of_commit(COMMIT);
        if let Some(state) = state {
            if output.is_text() {
                writeln!(Stdout::of_a_training(), "going on after step {}\n", state.step)?;
            }
            if is_new {
                checkpoints.checkpoint(&state)?;
            }
            let is_evaluated = self.is_evaluated(folder, state.step)?;
            trainer = trainer.resume(state).evaluation_is_due(!is_evaluated);
        }
        let (task_name, environment) = (config.task.name.clone(), Some(self.environment.clone()));
        let info = RunInfo { task: task_name, seed: config.seed, steps: config.train.steps, environment };
        let mut log = EventLog::new(metrics, folder, &info);
        let mut json =
            (output == Output::Json).then(|| EventLog::new(Stdout::of_a_training(), folder, &info));
        let example = draw(&**task, config.seed, Split::Test, 0)?;
        let probes = (0..PROBES).map(|index| draw(&**task, config.seed, Split::Test, index));
        let probes: Vec<Example> = probes.collect::<Result<_, _>>()?;
        let mut live = (output == Output::Live).then(|| {
            let capturer = Capturer {
                name: &config.task.name,
                task: &**task,
                examples: probes.clone(),
                device: device.clone(),
            };
            Live::new(capturer, last_step, interrupt)
        });
        let mut snapshots = Snapshots::new(&**task, probes, config.train.snapshot_every, device, folder);
        // The live view has the whole screen.
        if output != Output::Live {
            snapshots = snapshots.when_it_ends(print_film_end);
        }
        let mut progress = (output == Output::Text).then(|| Progress::new(config.train.steps));

        let mut trainer = trainer.stop_after(self.stop_after);
        trainer = trainer.observe(interrupt).observe(&mut snapshots).observe(&mut log);
        if let Some(json) = &mut json {
            trainer = trainer.observe(json);
        }
        if let Some(progress) = &mut progress {
            trainer = trainer.observe(progress);
        }
        if let Some(live) = &mut live {
            trainer = trainer.observe(live);
        }
        // The last one, so that it removes older checkpoints after a new one was reported.
        let trained = trainer.observe(&mut checkpoints).run();
        let Trained { state, ended } =
            trained.map_err(|error| exit::of_training(error, folder, config.optimizer.lr))?;
        if let (Output::Live, Some(end)) = (output, snapshots.end()) {
            print_film_end(end);
        }
        let interrupted = || {
            let code = interrupt.exit_code().map(ExitCode::from);
            code.map(|code| Outcome::Interrupted { step: state.step, code })
        };
        if let (Ended::Stopped, Some(outcome)) = (ended, interrupted()) {
            return Ok(outcome);
        }

        let model = state.model.valid();
        // After a signal everything is saved, and a resumed run computes the figures.
        let ControlFlow::Continue(evaluation) = self.evaluate(&model, output, interrupt)? else {
            return Ok(interrupted().expect("only a signal stops the final evaluation"));
        };
        let probe = Probe::new(&model, &**task, &example, device)?;
        let baselines = task.corpus().map_or(Vec::new(), |corpus| corpus.baselines(Split::Test));
        let sample = self.sample(&model)?;
        if let Some(outcome) = interrupted() {
            return Ok(outcome);
        }
        let held_seconds = live.as_ref().map_or(0.0, Live::held_seconds);
        let seconds = started.elapsed().as_secs_f64() - held_seconds;
        let done = Event::Done {
            step: state.step,
            evaluation,
            baselines: baselines.clone(),
            sample: sample.clone(),
            seconds,
            snapshot_seconds: snapshots.seconds(),
            checkpoint_seconds: checkpoints.seconds(),
            path: folder.path().display().to_string(),
        };
        if ended != Ended::Stopped {
            log.write(&done)?;
        }
        if let Some(json) = &mut json {
            json.write(&done)?;
        }
        let done = Done {
            ended,
            step: state.step,
            evaluation,
            n_test_examples: self.examples(Split::Test).count(),
            film_ended_at: snapshots.end().map(|end| end.step),
            probe,
            baselines,
            sample,
            seconds,
            live_seconds: live.map(|live| live.seconds()),
        };
        Ok(Outcome::Done(Box::new(done)))
    }

    /// The final figures, unless a signal comes.
    fn evaluate(
        &self,
        model: &AnyModel,
        output: Output,
        interrupt: &Interrupt,
    ) -> Result<Asked<Evaluation>, TrainError> {
        let held_out = HeldOut { examples: self.examples(Split::Test), n_examples: TEST_EXAMPLES };
        let bar =
            if output.is_text() { EvaluationBar::new(held_out.count()) } else { EvaluationBar::hidden() };
        let evaluation = held_out.evaluate_while(model, &self.device, &mut |progress| {
            bar.show(progress);
            Ok(interrupt.go_on())
        });
        bar.clear();
        evaluation
    }

    /// A run that goes on elsewhere may get other bytes.
    fn warn_of_changes(&self, log: &[Event]) {
        let starts = log.iter().rev().filter_map(|event| match event {
            Event::Start { environment, .. } => environment.as_ref(),
            _ => None,
        });
        for before in starts.take(1) {
            let changes = self.environment.changes_since(before).join("; ");
            if !changes.is_empty() {
                print_error(&format!(
                    "warning: {changes}; the bytes may differ from those of a run without a stop"
                ));
            }
        }
    }

    /// Whether the log has the evaluation that belongs to `step`, if one does.
    fn is_evaluated(&self, folder: &RunFolder, at: u64) -> Result<bool> {
        let is_it = |event: &Event| matches!(event, Event::Eval { split: EvaluatedOn::Validation, step, .. } if *step == at);
        Ok(folder.events()?.iter().any(is_it))
    }

    fn sample(&self, model: &AnyModel) -> Result<Option<String>> {
        let Some(corpus) = self.task.corpus() else { return Ok(None) };
        let Some(prompt) = corpus.prompt() else { return Ok(None) };
        let sampling = Sampling { n_tokens: SAMPLE, seed: self.config.seed, ..Sampling::default() };
        let tokens = generate(model, &*self.task, &prompt, &sampling, &self.device)?;
        Ok(Some(corpus.text(&tokens)))
    }

    fn examples(&self, split: Split) -> Examples<'_> {
        Examples { task: &*self.task, seed: self.config.seed, split }
    }
}

fn print_film_end(FilmEnd { step, reason }: &FilmEnd) {
    print_error(&format!("warning: the film ends before step {step}, and the training goes on: {reason}"));
}
