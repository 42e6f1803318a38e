//! One training, from a checked config to its final figures: what `train` and `sweep` share.

use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use burn::module::Module;
use burn::tensor::Device;
use qkv_run::{Baseline, Checkpoint, EvaluatedOn, Evaluation, Event, RunError, RunFolder};
use qkv_train::{
    AnyModel, Asked, Checkpoints, Config, Ended, EventLog, Example, Examples, Experiment, FilmEnd, HeldOut,
    Probe, RunInfo, Sampling, Snapshots, Split, State, Task, TrainError, Trained, Trainer, draw, generate,
    load_checkpoint,
};

use crate::exit;
use crate::live::{Capturer, Live};
use crate::output::progress::{EvaluationBar, Progress};
use crate::output::stdout::{Stdout, print_error};
use crate::session::interrupt::Interrupt;

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
    /// With its initial weights.
    pub model: AnyModel,
    device: Device,
    stop_after: Option<u64>,
}

/// What a training prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Sentences, and a line or a bar while it trains.
    Text,
    /// Sentences, and the live view while it trains.
    Live,
    /// An event a line.
    Json,
    /// Errors alone.
    Quiet,
}

impl Output {
    /// Whether sentences are printed.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Live)
    }
}

/// How a job ended.
pub enum Outcome {
    /// The final figures are there.
    Done(Box<Done>),
    /// A signal came; everything is saved.
    Interrupted { step: u64, code: ExitCode },
}

/// The end of a run that was not interrupted.
pub struct Done {
    pub ended: Ended,
    pub step: u64,
    /// On the test split.
    pub evaluation: Evaluation,
    /// How many examples the test split has, where it is a list.
    pub n_test_examples: Option<u64>,
    /// Step of the first frame of the film that could not be written.
    pub film_ended_at: Option<u64>,
    /// The model on the first test example.
    pub probe: Probe,
    /// The loss of simpler models on the test split, where the task has any.
    pub baselines: Vec<Baseline>,
    /// A text that the model generated, where the task has a prompt.
    pub sample: Option<String>,
    /// Without the time in which it was held.
    pub seconds: f64,
    /// The part of it that the live view took, if there was one.
    pub live_seconds: Option<f64>,
}

impl Job {
    /// Builds the model of an experiment.
    pub fn prepare(experiment: &Experiment, device: &Device) -> Result<Self> {
        let device = device.clone().autodiff();
        let model = experiment.model(&device)?;
        let (config, task) = (experiment.config.clone(), Arc::clone(&experiment.task));
        // The trainer draws an example of each split and refuses what cannot be drawn.
        Trainer::new(model.clone(), &*task, config.recipe(), &device)?;
        Ok(Self { config, task, model, device, stop_after: None })
    }

    /// Ends after this many steps, without changing the schedule.
    pub fn stop_after(self, stop_after: Option<u64>) -> Self {
        Self { stop_after, ..self }
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
        let mut trainer = Trainer::new(self.model.clone(), &**task, config.recipe(), device)?;
        let state = self.load(folder, from)?;
        let steps = config.train.steps;
        // The trainer asks whether to leave only after a step.
        let first_step = state.as_ref().map_or(0, |state| state.step) + 1;
        let last_step = self.stop_after.map_or(steps, |step| step.max(first_step).min(steps));
        let metrics = match &state {
            Some(state) => {
                let rewound = folder.rewind(state.step)?;
                for path in rewound.set_aside {
                    print_error(&format!(
                        "the checkpoint after step {} is now {}",
                        state.step,
                        path.display()
                    ));
                }
                rewound.log
            }
            None => folder.create_metrics()?,
        };
        if let Some(state) = state {
            let is_evaluated = self.is_evaluated(folder, state.step)?;
            trainer = trainer.resume(state).evaluation_is_due(!is_evaluated);
        }
        let info = RunInfo { task: config.task.name.clone(), seed: config.seed, steps: config.train.steps };
        let mut log = EventLog::new(metrics, folder, &info);
        let mut json =
            (output == Output::Json).then(|| EventLog::new(Stdout::of_a_training(), folder, &info));
        let mut checkpoints = Checkpoints::new(folder, config, &**task);
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
        trainer =
            trainer.observe(interrupt).observe(&mut snapshots).observe(&mut checkpoints).observe(&mut log);
        if let Some(json) = &mut json {
            trainer = trainer.observe(json);
        }
        if let Some(progress) = &mut progress {
            trainer = trainer.observe(progress);
        }
        if let Some(live) = &mut live {
            trainer = trainer.observe(live);
        }
        let trained = trainer.run();
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

    /// Whether the log has the evaluation that belongs to `step`, if one does.
    fn is_evaluated(&self, folder: &RunFolder, at: u64) -> Result<bool> {
        let is_it = |event: &Event| matches!(event, Event::Eval { split: EvaluatedOn::Validation, step, .. } if *step == at);
        Ok(folder.events()?.iter().any(is_it))
    }

    /// The state at the first of these checkpoints that is whole; `None` without checkpoints. Damaged ones before it get
    /// another name; what cannot be read at the moment may be whole, and ends the command.
    fn load(&self, folder: &RunFolder, from: &[Checkpoint]) -> Result<Option<State<AnyModel>>> {
        let mut damaged = Vec::new();
        let mut first = None;
        for checkpoint in from {
            let model = self.model.clone();
            match load_checkpoint(checkpoint, model, &self.config.optimizer, &self.device) {
                Ok(state) => {
                    for checkpoint in damaged {
                        let name = folder.mark_damaged(checkpoint)?;
                        print_error(&format!("{} is now {}", checkpoint.folder.display(), name.display()));
                    }
                    return Ok(Some(state));
                }
                Err(
                    error @ (TrainError::Run(RunError::Damaged { .. })
                    | TrainError::Weights { .. }
                    | TrainError::NotSafetensors { .. }),
                ) => {
                    print_error(&format!("cannot go on from {}: {error}", checkpoint.folder.display()));
                    damaged.push(checkpoint);
                    first.get_or_insert(error);
                }
                Err(error) => return Err(error.into()),
            }
        }
        first.map_or(Ok(None), |error| Err(error.into()))
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
