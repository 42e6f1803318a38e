//! Observers that fail or stop a run, and a film that cannot be written.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::path::PathBuf;

use burn::tensor::Device;
use qkv_run::{Event, Existing, RunFolder};
use qkv_train::{
    AnyModel, Checkpoints, ConfigSource, Ended, Evaluation, EvaluationProgress, EventLog, Experiment, Next,
    Observer, Registry, RunInfo, Snapshots, Split, State, StepReport, TrainError, Trained, Trainer, draw,
};
use tempfile::tempdir;

use crate::support::backends::device;

pub fn experiment() -> Experiment {
    let settings = [
        "task.seq_len=4",
        "train.batch_size=4",
        "train.steps=4",
        "train.eval_every=2",
        "train.eval_examples=600",
        "train.checkpoint_every=3",
    ];
    Registry::new().read(ConfigSource::Task("reverse"), &settings).unwrap()
}

pub fn trainer(experiment: &Experiment) -> Trainer<'_, AnyModel> {
    let device = device().autodiff();
    let model = experiment.model(&device).unwrap();
    Trainer::with_parts(model, &*experiment.task, experiment.parts.clone(), &device).unwrap()
}

pub type Hooks = RefCell<Vec<String>>;

/// Writes down what happens, and fails or stops where it should.
pub struct Watcher<'a> {
    pub name: &'static str,
    pub hooks: &'a Hooks,
    /// The hooks that fail, such as `step 2`.
    pub fails_at: &'static [&'static str],
    /// The progress at which it stops an evaluation.
    pub stops_at: Option<u64>,
}

impl Watcher<'_> {
    pub fn hook(&mut self, hook: String) -> Result<(), TrainError> {
        let fails = self.fails_at.contains(&hook.as_str());
        let message = format!("{} failed at {hook}", self.name);
        self.hooks.borrow_mut().push(format!("{} {hook}", self.name));
        if fails { Err(TrainError::Observer(message)) } else { Ok(()) }
    }
}

impl<M> Observer<M> for Watcher<'_> {
    fn start(&mut self, state: &State<M>) -> Result<(), TrainError> {
        self.hook(format!("start {}", state.step))
    }

    fn step(&mut self, state: &State<M>, _: &StepReport) -> Result<Next, TrainError> {
        self.hook(format!("step {}", state.step)).map(|()| Next::Continue)
    }

    fn evaluating(
        &mut self,
        state: &State<M>,
        EvaluationProgress { n_done, n_examples }: EvaluationProgress,
    ) -> Result<ControlFlow<()>, TrainError> {
        assert_eq!(n_examples, 600);
        self.hook(format!("evaluating {}", state.step))?;
        Ok(if self.stops_at == Some(n_done) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }

    fn evaluated(&mut self, state: &State<M>, _: &Evaluation) -> Result<(), TrainError> {
        self.hook(format!("evaluated {}", state.step))
    }

    fn checkpoint(&mut self, state: &State<M>) -> Result<(), TrainError> {
        self.hook(format!("checkpoint {}", state.step))
    }

    fn saved(&mut self, state: &State<M>) -> Result<Next, TrainError> {
        self.hook(format!("saved {}", state.step)).map(|()| Next::Continue)
    }

    fn end(&mut self, state: &State<M>) -> Result<(), TrainError> {
        self.hook(format!("end {}", state.step))
    }
}

/// The last hooks of a run with two observers, the first of which fails; and the error.
fn failing(fails_at: &'static [&'static str]) -> (Vec<String>, String) {
    let (experiment, device) = (experiment(), Device::flex().autodiff());
    let hooks = Hooks::default();
    let mut first = Watcher { name: "a", hooks: &hooks, fails_at, stops_at: None };
    let mut second = Watcher { name: "b", hooks: &hooks, fails_at: &[], stops_at: None };
    let model = experiment.model(&device).unwrap();
    let trainer = Trainer::new(model, &*experiment.task, experiment.config.recipe(), &device).unwrap();
    let error = trainer.observe(&mut first).observe(&mut second).run().err().unwrap().to_string();
    (hooks.into_inner(), error)
}

#[track_caller]
fn check(fails_at: &'static [&'static str], last: &[&str]) {
    let (hooks, error) = failing(fails_at);
    assert!(hooks.iter().map(String::as_str).collect::<Vec<_>>().ends_with(last), "{hooks:?}");
    assert_eq!(error, format!("a failed at {}", fails_at[0]));
}

#[test]
fn before_the_error_of_an_observer_one_checkpoint_is_tried() {
    let saved = |step: u64| [format!("a checkpoint {step}"), format!("b checkpoint {step}")];
    let [a, b] = saved(2);
    check(&["step 2"], &["a step 2", "b step 2", &a, &b, "a saved 2", "b saved 2"]);
    check(&["evaluated 2"], &["a evaluated 2", "b evaluated 2", &a, &b, "a saved 2", "b saved 2"]);
    check(&["evaluating 2"], &["a evaluating 2", "b evaluating 2", &a, &b, "a saved 2", "b saved 2"]);
    let [a, b] = saved(0);
    check(&["start 0"], &["a start 0", "b start 0", &a, &b, "a saved 0", "b saved 0"]);
}

#[test]
fn a_state_that_is_saved_is_not_saved_again() {
    check(&["saved 3"], &["a checkpoint 3", "b checkpoint 3", "a saved 3"]);
    check(&["end 4"], &["a checkpoint 4", "b checkpoint 4", "a saved 4", "b saved 4", "a end 4", "b end 4"]);
}

#[test]
fn an_observer_that_cannot_save_keeps_no_other_from_saving() {
    check(&["checkpoint 3"], &["a checkpoint 3", "b checkpoint 3"]);
    // The first error is returned, also where the checkpoint fails.
    check(&["step 2", "checkpoint 2"], &["a step 2", "b step 2", "a checkpoint 2", "b checkpoint 2"]);
}

/// A run whose observer stops the evaluation of step 2 at `stops_at`.
fn stopped(hooks: &Hooks, stops_at: u64, device: &Device) -> Trained<qkv_train::AnyModel> {
    let experiment = experiment();
    let mut watcher = Watcher { name: "a", hooks, fails_at: &[], stops_at: Some(stops_at) };
    let model = experiment.model(device).unwrap();
    let trainer = Trainer::new(model, &*experiment.task, experiment.config.recipe(), device).unwrap();
    trainer.observe(&mut watcher).run().unwrap()
}

#[test]
fn an_evaluation_that_is_stopped_is_saved_and_not_reported_and_made_by_a_resumed_run() {
    let device = device().autodiff();
    // Batches of 256 examples.
    for (stops_at, asked) in [(0, 1), (256, 2), (512, 3)] {
        let hooks = Hooks::default();
        let Trained { state, ended } = stopped(&hooks, stops_at, &device);
        assert_eq!((ended, state.step), (Ended::Stopped, 2));
        let hooks = hooks.into_inner();
        assert_eq!(hooks.iter().filter(|hook| *hook == "a evaluating 2").count(), asked);
        assert!(hooks.ends_with(&["a checkpoint 2", "a saved 2", "a end 2"].map(str::to_owned)), "{hooks:?}");

        let again = Hooks::default();
        let mut watcher = Watcher { name: "a", hooks: &again, fails_at: &[], stops_at: None };
        let experiment = experiment();
        let model = experiment.model(&device).unwrap();
        let trainer = Trainer::new(model, &*experiment.task, experiment.config.recipe(), &device).unwrap();
        let trainer = trainer.resume_unevaluated(state).observe(&mut watcher);
        assert_eq!(trainer.run().unwrap().ended, Ended::Finished);
        let again = again.into_inner();
        let start =
            ["a start 2", "a evaluating 2", "a evaluating 2", "a evaluating 2", "a evaluated 2", "a step 3"];
        assert!(again.starts_with(&start.map(str::to_owned)), "{again:?}");
    }
}

#[test]
fn a_film_that_cannot_be_written_ends_and_the_training_goes_on() {
    let (experiment, device) = (experiment(), Device::flex().autodiff());
    let task = &*experiment.task;
    let folder = tempdir().unwrap();
    let run = RunFolder::create(&folder.path().join("run"), "", Existing::Keep).unwrap();
    // A file in place of the folder can hold no frame.
    std::fs::write(run.path().join("snapshots"), "").unwrap();
    let warned = RefCell::new(Vec::new());
    let probe = draw(task, 0, Split::Test, 0).unwrap();
    let mut film = Snapshots::new(task, vec![probe], 1, &device, &run)
        .when_it_ends(|end| warned.borrow_mut().push((end.step, end.reason.to_string())));
    let mut checkpoints = Checkpoints::new(&run, &experiment.config, task);
    let model = experiment.model(&device).unwrap();
    let trainer = Trainer::new(model, task, experiment.config.recipe(), &device).unwrap();
    let trained = trainer.observe(&mut film).observe(&mut checkpoints).run().unwrap();
    assert_eq!((trained.ended, trained.state.step), (Ended::Finished, 4));
    assert_eq!(film.end().map(|end| end.step), Some(0));
    let warned = warned.take();
    assert_eq!(warned.len(), 1, "{warned:?}");
    assert!(warned[0].0 == 0 && warned[0].1.contains("snapshots"), "{warned:?}");
    let steps: Vec<u64> = run.checkpoints().unwrap().iter().map(|checkpoint| checkpoint.step).collect();
    assert_eq!(steps, [0, 3, 4]);
}

/// Removes the log after step 2, as a user may.
struct Remover(PathBuf);

impl<M> Observer<M> for Remover {
    fn step(&mut self, state: &State<M>, _: &StepReport) -> Result<Next, TrainError> {
        if state.step == 2 {
            std::fs::remove_file(&self.0).unwrap();
        }
        Ok(Next::Continue)
    }
}

#[test]
fn a_log_that_is_removed_from_under_a_training_comes_back_whole() {
    let experiment = experiment();
    let folder = tempdir().unwrap();
    let run = RunFolder::create(&folder.path().join("run"), "", Existing::Keep).unwrap();
    let path = run.path().join("metrics.jsonl");
    let info = RunInfo { task: "reverse".to_owned(), seed: 0, steps: 4, environment: None };
    let mut log = EventLog::new(run.create_metrics().unwrap(), &run, &info);
    let mut checkpoints = Checkpoints::new(&run, &experiment.config, &*experiment.task);
    let mut remover = Remover(path.clone());
    let trainer = trainer(&experiment).observe(&mut log).observe(&mut remover).observe(&mut checkpoints);
    trainer.run().unwrap();
    let steps = run.events().unwrap().into_iter().filter_map(|event| match event {
        Event::Step(report) => Some(report.step),
        _ => None,
    });
    assert_eq!(steps.collect::<Vec<_>>(), [1, 2, 3, 4]);
}
