//! The real trainer on the real tasks: what it learns, what it cannot, and what it does on the way.

use burn::module::Module;
use burn::tensor::Device;
use qkv_train::{
    AnyModel, Config, ConfigSource, Ended, Evaluation, Examples, Next, Observer, Registry, Split, State,
    StepReport, TrainError, Trained, Trainer, evaluate, evaluate_exactly,
};

use crate::support::backends::device;

fn train_with(
    config: &Config,
    device: &Device,
    observer: &mut dyn Observer<AnyModel>,
    stop_after: Option<u64>,
) -> Result<Trained<AnyModel>, TrainError> {
    let device = device.clone().autodiff();
    let experiment = Registry::new().reader().resolve(config.clone())?;
    let (model, task) = (experiment.model(&device)?, &*experiment.task);
    Trainer::new(model, task, config.recipe(), &device)?.stop_after(stop_after).observe(observer).run()
}

fn config(task: &str, settings: &[&str]) -> Config {
    Registry::new().read(ConfigSource::Task(task), settings).unwrap().config
}

struct Nothing;

impl<M> Observer<M> for Nothing {}

/// Test figures after training a task with its defaults, but for these settings.
fn learn(task: &str, settings: &[&str], device: &Device) -> Evaluation {
    let config = config(task, settings);
    let trained = train_with(&config, device, &mut Nothing, None).unwrap();
    let task = Registry::new().reader().resolve(config.clone()).unwrap().task;
    let examples = Examples { task: &*task, seed: config.seed, split: Split::Test };
    evaluate(&trained.state.model.valid(), examples, 2000, device).unwrap()
}

#[test]
fn attention_learns_to_copy() {
    let device = device();
    assert_eq!(learn("copy", &["task.len=8", "train.steps=300"], &device).sequence_accuracy, 1.0);
}

#[test]
fn attention_learns_to_recall_by_content() {
    let device = device();
    let small = ["task.n_pairs=4", "task.n_keys=8"];
    assert_eq!(learn("recall", &small, &device).sequence_accuracy, 1.0);
    let none = learn("recall", &[&small[..], &["model.projections=none"]].concat(), &device);
    assert!(none.sequence_accuracy < 0.01 && none.accuracy < 0.5, "{none:?}");
}

#[test]
fn two_layers_learn_to_sort_every_input_there_is() {
    let device = device();
    let config = config("sort", &["task.len=4", "train.steps=400"]);
    let trained = train_with(&config, &device, &mut Nothing, None).unwrap();
    let task = Registry::new().reader().resolve(config.clone()).unwrap().task;
    let exactly = evaluate_exactly(&trained.state.model.valid(), &*task, 100, &device).unwrap().unwrap();
    assert_eq!((exactly.examples, exactly.sequence_accuracy), (81, 1.0));
    assert!(evaluate_exactly(&trained.state.model.valid(), &*task, 80, &device).unwrap().is_none());
}

#[test]
fn a_few_steps_on_any_task_give_a_finite_loss() {
    let short = ["train.steps=3", "train.batch_size=8", "train.eval_every=3", "train.eval_examples=8"];
    let text = concat!("task.text=", env!("CARGO_MANIFEST_DIR"), "/training/trainer.rs");
    for (task, setting) in [
        ("sorted-list", "task.len=5"),
        ("recall-interleaved", "task.n_pairs=3"),
        ("induction", "task.form=repeated"),
        ("induction", "task.form=safari"),
        ("modular-addition", "task.train_share=0.5"),
        ("max", "task.len=4"),
        ("chars", text),
        ("dates", "task.last_year=1999"),
        ("translate", "task.largest=999"),
    ] {
        let result = learn(task, &[&short[..], &[setting]].concat(), &Device::flex());
        assert!(result.loss.is_finite() && result.loss > 0.5, "{task} with {setting}: {result:?}");
    }
}

#[test]
fn one_layer_cannot_recall_values_that_follow_their_keys_and_two_layers_can() {
    let device = Device::flex();
    let small = ["task.n_pairs=4", "task.n_keys=8", "train.steps=300", "train.eval_every=300"];
    assert_eq!(learn("recall-interleaved", &small, &device).sequence_accuracy, 1.0);
    let one = learn("recall-interleaved", &[&small[..], &["model.n_layers=1"]].concat(), &device);
    // Choosing one of the four values at random is right in about a third of the cases.
    assert!(one.accuracy < 0.6 && one.sequence_accuracy < 0.1, "{one:?}");
}

#[test]
fn one_layer_cannot_go_on_with_a_string_of_unknown_length_and_two_layers_can() {
    let device = Device::flex();
    let small = ["task.seq_len=16", "task.n_symbols=12", "train.steps=300", "train.eval_every=300"];
    assert!(learn("induction", &small, &device).accuracy > 0.99);
    let one = learn("induction", &[&small[..], &["model.n_layers=1"]].concat(), &device);
    assert!(one.accuracy < 0.8, "{one:?}");
}

/// Writes down every call.
#[derive(Default)]
struct Record {
    hooks: Vec<String>,
    reports: Vec<StepReport>,
    /// What to ask for, and after which step.
    wish: Option<(u64, Next)>,
    /// The checkpoint after which to stop.
    stops_when_saved: Option<u64>,
}

impl<M> Observer<M> for Record {
    fn start(&mut self, state: &State<M>) -> Result<(), TrainError> {
        self.hooks.push(format!("start {}", state.step));
        Ok(())
    }

    fn step(&mut self, _state: &State<M>, report: &StepReport) -> Result<Next, TrainError> {
        self.hooks.push(format!("step {}", report.step));
        self.reports.push(report.clone());
        Ok(self.wish.filter(|wish| wish.0 == report.step).map_or(Next::Continue, |wish| wish.1))
    }

    fn evaluated(&mut self, state: &State<M>, _evaluation: &Evaluation) -> Result<(), TrainError> {
        self.hooks.push(format!("evaluated {}", state.step));
        Ok(())
    }

    fn checkpoint(&mut self, state: &State<M>) -> Result<(), TrainError> {
        self.hooks.push(format!("checkpoint {}", state.step));
        Ok(())
    }

    fn saved(&mut self, state: &State<M>) -> Result<Next, TrainError> {
        Ok(if self.stops_when_saved == Some(state.step) { Next::Stop } else { Next::Continue })
    }

    fn end(&mut self, state: &State<M>) -> Result<(), TrainError> {
        self.hooks.push(format!("end {}", state.step));
        Ok(())
    }
}

const SHORT: [&str; 6] = [
    "task.seq_len=5",
    "train.steps=4",
    "train.batch_size=16",
    "train.eval_every=2",
    "train.eval_examples=8",
    "train.checkpoint_every=3",
];

#[test]
fn observers_are_told_everything_in_order() {
    let mut record = Record::default();
    let trained = train_with(&config("reverse", &SHORT), &Device::flex(), &mut record, None).unwrap();
    assert_eq!(trained.ended, Ended::Finished);
    let expected = "start 0, checkpoint 0, step 1, step 2, evaluated 2, step 3, checkpoint 3, step 4, evaluated 4, \
                    checkpoint 4, end 4";
    assert_eq!(record.hooks.join(", "), expected);
    assert!(record.reports.iter().all(|report| report.grad_norm > 0.0 && report.tokens_per_second > 0.0));
}

#[test]
fn an_observer_can_have_a_checkpoint_whenever_it_wants() {
    let mut record = Record { wish: Some((1, Next::Save)), ..Record::default() };
    let trained = train_with(&config("reverse", &SHORT), &Device::flex(), &mut record, None).unwrap();
    assert_eq!(trained.ended, Ended::Finished);
    assert_eq!(record.hooks[..5], ["start 0", "checkpoint 0", "step 1", "checkpoint 1", "step 2"]);
}

#[test]
fn an_observer_can_stop_a_run_once_it_is_saved() {
    for (step, last) in [(0, ["checkpoint 0", "end 0"]), (3, ["checkpoint 3", "end 3"])] {
        let mut record = Record { stops_when_saved: Some(step), ..Record::default() };
        let trained = train_with(&config("reverse", &SHORT), &Device::flex(), &mut record, None).unwrap();
        assert_eq!((trained.ended, trained.state.step), (Ended::Stopped, step));
        assert!(record.hooks.ends_with(&last.map(str::to_owned)), "{:?}", record.hooks);
    }
}

#[test]
fn a_run_that_is_stopped_saves_and_has_the_steps_of_the_whole_run() {
    let mut whole = Record::default();
    train_with(&config("reverse", &SHORT), &Device::flex(), &mut whole, None).unwrap();
    let mut by_observer = Record { wish: Some((2, Next::Stop)), ..Record::default() };
    let mut by_limit = Record::default();
    for (record, stop_after) in [(&mut by_observer, None), (&mut by_limit, Some(2))] {
        let trained = train_with(&config("reverse", &SHORT), &Device::flex(), record, stop_after).unwrap();
        assert_eq!((trained.ended, trained.state.step), (Ended::Stopped, 2));
        assert!(
            record.hooks.ends_with(&["checkpoint 2".to_owned(), "end 2".to_owned()]),
            "{:?}",
            record.hooks
        );
        for (stopped, whole) in record.reports.iter().zip(&whole.reports) {
            assert_eq!((stopped.loss, stopped.lr), (whole.loss, whole.lr));
        }
    }
}

#[test]
fn a_run_ends_early_at_the_accuracy_that_was_asked_for() {
    let settings = ["task.seq_len=6", "train.eval_every=25", "train.eval_examples=200", "train.stop_at=1"];
    let trained = train_with(&config("reverse", &settings), &Device::flex(), &mut Nothing, None).unwrap();
    assert!(matches!(trained.ended, Ended::Early(held_out) if held_out.sequence_accuracy == 1.0));
    assert!(trained.state.step < 500, "it ran all {} steps", trained.state.step);
}

#[test]
fn the_first_loss_is_that_of_a_guess() {
    let mut record = Record::default();
    train_with(&config("reverse", &SHORT), &Device::flex(), &mut record, None).unwrap();
    // ln 10 nats for ten symbols; random initial logits add a little.
    let first = record.reports[0].loss;
    assert!((first - 10_f64.ln()).abs() < 0.4, "{first}");
}

#[test]
fn a_loss_that_is_no_number_ends_the_run() {
    let settings = [&SHORT[..], &["optimizer.lr=1e38", "optimizer.clip=0", "model.norm=none"]].concat();
    let error = train_with(&config("reverse", &settings), &Device::flex(), &mut Nothing, None).err().unwrap();
    assert!(matches!(error, TrainError::Diverged { step: 1..=3, .. }), "{error}");
}
