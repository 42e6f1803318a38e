//! Several processes train one run: its bytes are those of one process.

use burn::module::Module;
use qkv_model::{Init, TransformerConfig, parameters};
use qkv_run::{Evaluation, Existing, RunFolder};
use qkv_train::{
    Alone, AnyModel, CharsConfig, Checkpoints, ConfigSource, Ended, Examples, Experiment, HeldOut,
    ModularAddition, Next, Observer, Processes, Recipe, Registry, Split, State, StepReport, Task, TrainError,
    Trained, Trainer, load_checkpoint,
};
use tempfile::tempdir;

use crate::support::backends::device;
use crate::support::thread_processes::on_processes;

/// Everything that a step and an evaluation report, and when to stop.
#[derive(Default)]
struct Reports {
    steps: Vec<(u64, f64, f64)>,
    evaluations: Vec<Evaluation>,
    stop_at: Option<u64>,
}

impl Observer<AnyModel> for Reports {
    fn step(&mut self, _: &State<AnyModel>, report: &StepReport) -> Result<Next, TrainError> {
        self.steps.push((report.step, report.loss, report.grad_norm));
        Ok(if self.stop_at == Some(report.step) { Next::Stop } else { Next::Continue })
    }

    fn evaluated(&mut self, _: &State<AnyModel>, evaluation: &Evaluation) -> Result<(), TrainError> {
        self.evaluations.push(evaluation.clone());
        Ok(())
    }
}

/// Two layers with dropout, on batches and evaluations that no number of processes above one divides.
const SETTINGS: [&str; 13] = [
    "task.seq_len=5",
    "model.d_model=12",
    "model.n_layers=2",
    "model.n_heads=2",
    "model.d_mlp=11",
    "model.dropout=0.2",
    "train.steps=6",
    "train.batch_size=23",
    "train.eval_every=3",
    "train.eval_examples=700",
    "train.metrics=[\"accuracy\", \"sequence-accuracy\", \"slice-loss\"]",
    "train.checkpoint_every=4",
    "schedule.warmup_steps=2",
];

pub fn experiment(settings: &[&str]) -> Experiment {
    let settings = [&SETTINGS[..], settings].concat();
    Registry::new().read(ConfigSource::Task("reverse"), &settings).unwrap()
}

/// What a process ends with, as far as it can be compared.
#[derive(Debug, Clone, PartialEq)]
pub struct End {
    step: u64,
    ended: Ended,
    /// Parameters and the state of the optimizer.
    bytes: Vec<(String, Vec<u8>)>,
    steps: Vec<(u64, f64, f64)>,
    evaluations: Vec<Evaluation>,
}

fn end(Trained { state, ended }: Trained<AnyModel>, reports: Reports) -> End {
    let weights = parameters(&state.model).into_iter().map(|one| (one.path, one.data.as_bytes().to_vec()));
    let mut bytes: Vec<_> = weights.collect();
    for (path, tensors) in &state.optimizer.tensors {
        let of_path = tensors
            .iter()
            .map(|(name, tensor)| (format!("{path}.{name}"), tensor.to_data().as_bytes().to_vec()));
        bytes.extend(of_path);
    }
    End { step: state.step, ended, bytes, steps: reports.steps, evaluations: reports.evaluations }
}

/// Trains on these processes; the first may stop it.
pub fn train(
    processes: &dyn Processes,
    experiment: &Experiment,
    stop_at: Option<u64>,
) -> Result<End, TrainError> {
    let device = device().autodiff();
    let (model, parts) = (experiment.model(&device)?, experiment.parts.clone());
    let mut reports = Reports { stop_at: stop_at.filter(|_| processes.rank() == 0), ..Reports::default() };
    let trainer = Trainer::with_parts(model, &*experiment.task, parts, &device)?.across(processes)?;
    Ok(end(trainer.observe(&mut reports).run()?, reports))
}

#[test]
fn any_number_of_processes_gives_the_same_bytes() {
    for shards in ["train.shards=8", "train.shards=11"] {
        let experiment = || experiment(&[shards]);
        let alone = train(&Alone, &experiment(), None).unwrap();
        assert_eq!((alone.step, alone.steps.len(), alone.evaluations.len()), (6, 6, 2));
        for size in [1, 2, 3, 4, 8] {
            for (rank, end) in
                on_processes(size, |one| train(one, &experiment(), None).unwrap()).iter().enumerate()
            {
                assert!(*end == alone, "{shards}: process {rank} of {size} differs");
            }
        }
    }
}

#[test]
fn a_run_begun_on_four_processes_goes_on_on_two_and_on_one() {
    let whole = train(&Alone, &experiment(&["train.shards=5"]), None).unwrap();
    let folder = tempdir().unwrap();
    let first = experiment(&["train.shards=5"]);
    let run = RunFolder::create(&folder.path().join("run"), &first.config.to_toml(), Existing::Keep).unwrap();
    on_processes(4, |one| {
        let (experiment, device) = (experiment(&["train.shards=5"]), device().autodiff());
        let model = experiment.model(&device).unwrap();
        let mut checkpoints = Checkpoints::new(&run, &experiment.config, &*experiment.task);
        let trainer =
            Trainer::with_parts(model, &*experiment.task, experiment.parts.clone(), &device).unwrap();
        let trainer = trainer.across(one).unwrap().stop_after(Some(4));
        // The first alone writes.
        let trainer = if one.rank() == 0 { trainer.observe(&mut checkpoints) } else { trainer };
        assert_eq!(trainer.run().unwrap().ended, Ended::Stopped);
    });
    for size in [2, 1, 3] {
        let ends = on_processes(size, |one| {
            let (experiment, device) = (experiment(&["train.shards=5", "seed=0"]), device().autodiff());
            let model = experiment.model(&device).unwrap();
            let checkpoint = run.checkpoint(4);
            let state =
                load_checkpoint(&checkpoint, model.clone(), &*experiment.parts.optimizer, &device).unwrap();
            let trainer =
                Trainer::with_parts(model, &*experiment.task, experiment.parts.clone(), &device).unwrap();
            end(trainer.across(one).unwrap().resume(state).run().unwrap(), Reports::default())
        });
        assert!(ends.iter().all(|end| end.bytes == whole.bytes && end.step == 6), "{size} processes");
    }
}

#[test]
fn one_process_stops_them_all_in_the_same_step_and_in_the_same_evaluation() {
    let ends = on_processes(3, |one| train(one, &experiment(&["train.shards=3"]), Some(4)).unwrap());
    assert!(ends.iter().all(|end| end.step == 4 && end.ended == Ended::Stopped && *end == ends[0]));

    let task = experiment(&[]).task;
    let device = device();
    let stopped = on_processes(2, |one| {
        let model = experiment(&[]).model(&device).unwrap();
        let held_out =
            HeldOut { examples: Examples { task: &*task, seed: 0, split: Split::Test }, n_examples: 2000 };
        let parts = experiment(&[]).parts;
        let mut ask = |progress: qkv_train::EvaluationProgress| {
            let stops = one.rank() == 1 && progress.n_done >= 512;
            Ok(if stops { std::ops::ControlFlow::Break(()) } else { std::ops::ControlFlow::Continue(()) })
        };
        held_out
            .evaluate_across(one, &model.valid(), parts.measures(), &device, &mut ask)
            .unwrap()
            .break_value()
    });
    let expected = qkv_train::EvaluationProgress { n_done: 512, n_examples: 2000 };
    assert_eq!(stopped, [Some(expected), Some(expected)]);
}

#[test]
fn processes_that_do_not_fit_are_refused_on_all() {
    let too_many =
        on_processes(3, |one| train(one, &experiment(&["train.shards=2"]), None).unwrap_err().to_string());
    let expected = "each process needs a shard of every batch: got 3 processes for train.shards = 2; start at most 2, or \
                    set train.shards, which makes it another run";
    assert_eq!(too_many, [expected; 3]);
    for (other, what) in [
        ("optimizer.lr=1e-3", "other settings"),
        ("task.seq_len=6", "another task or text"),
        ("task.n_symbols=11", "another task or text"),
        ("model.d_mlp=13", "other weights, or another state of its optimizer,"),
    ] {
        let refused = on_processes(3, |one| {
            let settings: &[&str] =
                if one.rank() == 1 { &["train.shards=3", other] } else { &["train.shards=3"] };
            train(one, &experiment(settings), None).unwrap_err().to_string()
        });
        assert_eq!(refused, [&unlike(what)[..]; 3]);
    }
}

fn unlike(what: &str) -> String {
    format!(
        "process 1 has {what} than process 0; start all processes of a run with the same program, config and text, on \
         processors of one model"
    )
}

/// What each of three processes fails with, of which the second has another task, and stops after another step.
fn refusals(tasks: [&dyn Task; 3], stop_after: [Option<u64>; 3]) -> Vec<Option<String>> {
    let device = device().autodiff();
    on_processes(3, |one| {
        let (task, stop_after) = (tasks[one.rank()], stop_after[one.rank()]);
        let (n_tokens, seq_len) = (task.vocabulary().len(), task.seq_len());
        let model = TransformerConfig::new(n_tokens, seq_len, 4).init(&Init::new(&device, 0)).unwrap();
        let mut recipe = Recipe::default();
        (recipe.train.steps, recipe.train.batch_size, recipe.train.shards) = (2, 4, 3);
        let trainer = Trainer::new(model, task, recipe, &device).unwrap().stop_after(stop_after);
        trainer.across(one).and_then(Trainer::run).err().map(|error| error.to_string())
    })
}

#[test]
fn processes_with_other_texts_or_inputs_or_ends_are_refused_on_all() {
    let folder = tempdir().unwrap();
    let chars = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        CharsConfig { text: path, seq_len: 5, fingerprint: String::new() }.load().unwrap()
    };
    let text = "a rose is a rose, and the rest is prose. ".repeat(200);
    let last_letter = format!("{}.", &text[..text.len() - 1]);
    let [first, moved, other] = [("a", &text), ("b", &text), ("c", &last_letter)].map(|(n, t)| chars(n, t));
    assert_eq!(refusals([&first, &moved, &first], [None; 3]), [None, None, None]);

    let refused = |what: &str| vec![Some(unlike(what)); 3];
    assert_eq!(refusals([&first, &other, &first], [None; 3]), refused("another task or text"));
    // The same inputs and answers, of which others are held out.
    let [half, most] = [0.5, 0.8].map(|train_share| ModularAddition { modulus: 7, train_share });
    assert_eq!(refusals([&half, &most, &half], [None; 3]), refused("another task or text"));
    let ends = [Some(2), Some(1), Some(2)];
    assert_eq!(refusals([&half, &half, &half], ends), refused("another beginning or end"));
}

#[test]
fn what_processes_train_is_compared_before_anything_runs() {
    let refused = on_processes(2, |one| {
        let seq_len = ["task.seq_len=5", "task.seq_len=6"][one.rank()];
        let (experiment, device) = (experiment(&["train.shards=2", seq_len]), device().autodiff());
        let model = experiment.model(&device).unwrap();
        let trainer = Trainer::with_parts(model, &*experiment.task, experiment.parts.clone(), &device);
        trainer.unwrap().across(one).err().map(|error| error.to_string())
    });
    assert_eq!(refused, [Some(unlike("another task or text")), Some(unlike("another task or text"))]);
}
