//! Frames of the film: what they hold of a model, and that a page needs no folder for them.

use burn::optim::GradientsParams;
use qkv_inspect::{CheckpointConfig, Film, Metrics};
use qkv_run::{Existing, RunFolder};
use qkv_train::{
    AnyModel, Checkpoints, ConfigSource, EventLog, Experiment, FrameMaker, Next, Observer, Registry, RunInfo,
    Snapshots, Split, State, StepReport, TrainError, Trainer, draw,
};
use tempfile::tempdir;

use crate::support::backends::device;

/// What a film holds, and how it grows.
mod film;
/// The frames of a model of pairs.
mod pairs;
/// Every product of a head.
mod traces;

/// Keeps the frame of every step in memory.
struct InMemory<'a> {
    maker: FrameMaker<'a>,
    frames: Vec<(u64, Vec<u8>)>,
}

impl Observer<AnyModel> for InMemory<'_> {
    fn gradients(&mut self, state: &State<AnyModel>, gradients: &GradientsParams) -> Result<(), TrainError> {
        self.maker.keep_gradients(state, gradients);
        Ok(())
    }

    fn step(&mut self, state: &State<AnyModel>, _: &StepReport) -> Result<Next, TrainError> {
        self.frames.push((state.step, self.maker.frame(state)?));
        Ok(Next::Continue)
    }

    fn checkpoint(&mut self, state: &State<AnyModel>) -> Result<(), TrainError> {
        if state.step == 0 {
            self.frames.push((0, self.maker.frame(state)?));
        }
        Ok(())
    }
}

fn experiment(settings: &[&str]) -> Experiment {
    let small = [
        "task.seq_len=5",
        "task.n_symbols=3",
        "model.d_model=12",
        "train.batch_size=7",
        "train.steps=3",
        "train.eval_every=3",
        "train.eval_examples=10",
        "train.checkpoint_every=3",
        "optimizer.lr=0.05",
    ];
    Registry::new().read(ConfigSource::Task("reverse"), &[&small, settings].concat()).unwrap()
}

/// The film of three steps as a folder has it, and as it is in memory.
fn films(experiment: &Experiment) -> [Film; 2] {
    let (task, device) = (&*experiment.task, device().autodiff());
    let examples: Vec<_> = (0..2).map(|index| draw(task, 0, Split::Test, index).unwrap()).collect();
    let folder = tempdir().unwrap();
    let run = RunFolder::create(&folder.path().join("run"), "", Existing::Keep).unwrap();
    let info = RunInfo { task: "reverse".to_owned(), seed: 0, steps: 3, environment: None };
    let mut log = EventLog::new(run.create_metrics().unwrap(), &run, &info);
    let mut film = Snapshots::new(task, examples.clone(), 1, &device, &run);
    let mut checkpoints = Checkpoints::new(&run, &experiment.config, task);
    let mut in_memory = InMemory { maker: FrameMaker::new(task, examples, &device), frames: Vec::new() };
    let model = experiment.model(&device).unwrap();
    let trainer = Trainer::with_parts(model, task, experiment.parts.clone(), &device).unwrap();
    let trainer = trainer.observe(&mut film).observe(&mut in_memory).observe(&mut log);
    trainer.observe(&mut checkpoints).run().unwrap();
    let of_folder = Film::read(&run).unwrap();
    let toml = toml::to_string(&toml::Table::try_from(&experiment.config).unwrap()).unwrap();
    let config = CheckpointConfig::of_toml(&toml, &task.vocabulary()).unwrap();
    let metrics = Metrics::of_events(run.events().unwrap());
    [of_folder, Film::of_frames("run", config, metrics, in_memory.frames).unwrap()]
}

/// Of single precision, in which the model computes.
#[track_caller]
fn assert_close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!(found == expected || (found - expected).abs() < 1e-5, "{found} instead of {expected}");
    }
}
