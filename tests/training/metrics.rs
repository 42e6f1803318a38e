//! Metrics in configs and in trainings: their names and settings, what is reported, and what ends a run.

use std::collections::BTreeMap;

use burn::tensor::Device;
use qkv_model::{Choice, NoSettings};
use qkv_run::{Existing, RunFolder};
use qkv_train::{
    Accuracy, Better, Checkpoints, Config, ConfigSource, Ended, Evaluation, Examples, Experiment, Figure,
    HeldOut, Measured, Measures, Metric, MetricSums, Observer, Registry, Split, State, Task, TrainError,
    Trainer, load_checkpoint,
};
use serde::{Deserialize, Serialize};
use tempfile::tempdir;

use crate::support::backends::device;
use crate::support::other_targets::{REVERSE, transformer};
use crate::support::parameters;

/// The distance from 1 of the right answer's probability: its mean to the power of a setting, and the largest.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Doubt {
    power: f64,
}

impl Default for Doubt {
    fn default() -> Self {
        Self { power: 1.0 }
    }
}

impl Metric for Doubt {
    fn figures(&self, _: &dyn Task) -> Vec<Figure> {
        vec![Figure::smaller_is_better("doubt"), Figure::smaller_is_better("doubts")]
    }

    fn add(&self, measured: &Measured<'_>, sums: &mut MetricSums) {
        for loss in measured.loss.of_targets(measured.prediction).into_data().iter::<f64>() {
            sums.add("doubt", 1.0 - (-loss).exp(), 1.0);
        }
    }

    fn values(&self, sums: &MetricSums) -> BTreeMap<String, f64> {
        let mean = sums.total("doubt") / sums.weight("doubt");
        BTreeMap::from([
            ("doubt".to_owned(), mean.powf(self.power)),
            ("doubts".to_owned(), sums.total("doubt")),
        ])
    }
}

fn registry() -> Registry {
    Registry::new().metric("doubt", |doubt: &Doubt| Ok(doubt.clone()))
}

fn read(settings: &[&str]) -> Result<Experiment, TrainError> {
    registry().read(ConfigSource::Task("reverse"), settings)
}

#[test]
fn a_config_names_its_metrics_and_has_both_accuracies_where_it_names_none() {
    let both = [Choice::new("accuracy"), Choice::new("sequence-accuracy")];
    let config = read(&[]).unwrap().config;
    assert_eq!(
        (&config.train.metrics[..], config.train.stop_metric.as_str()),
        (&both[..], "sequence_accuracy")
    );
    let over = |text: &str| registry().read(ConfigSource::Toml(text), &[] as &[&str]).unwrap().config;
    // That of an older run has neither key.
    let old: String =
        config.to_toml().lines().filter(|line| !line.contains("metric")).map(|l| format!("{l}\n")).collect();
    assert_eq!(over(&old), config);
    // Settings that are left out are filled in, and the file comes back the same.
    for (metrics, power) in
        [("[\"accuracy\", \"doubt\"]", 1.0), ("[\"accuracy\", {name = \"doubt\", power = 2}]", 2.0)]
    {
        let config = read(&[&format!("train.metrics={metrics}")]).unwrap().config;
        assert_eq!(
            config.train.metrics,
            [Choice::new("accuracy"), Choice::new("doubt").with("power", power)]
        );
        assert_eq!(over(&config.to_toml()), config);
    }
    let config = read(&["train.metrics=[{name=\"doubt\"}]"]).unwrap().config;
    assert_eq!(over(&config.to_toml()), config);
    let of_file = "task = \"reverse\"\n[train]\nmetrics = []\n";
    assert_eq!(over(of_file).train.metrics, []);
}

#[test]
fn a_wrong_metric_is_refused_with_what_is_known() {
    for (settings, message) in [
        (
            &["train.metrics=[\"acuracy\"]"][..],
            "unknown metric `acuracy`; choose one of accuracy, bleu, doubt, sequence-accuracy, slice-loss",
        ),
        (
            &["train.metrics=[{name=\"doubt\",pwer=2.0}]"],
            "unknown key `train.metrics[0].pwer`; did you mean `train.metrics[0].power`?",
        ),
        (
            &["train.metrics=accuracy"],
            "train.metrics must be a list, got \"accuracy\"; write train.metrics=[\"accuracy\"]",
        ),
        (
            &["train.metrics=[\"accuracy\",\"accuracy\"]"],
            "the metric Accuracy has a figure `accuracy`, but that name is taken",
        ),
        (
            &["train.stop_metric=doubt"],
            "train.stop_metric must be one of loss, accuracy, sequence_accuracy, which this run measures, got `doubt`",
        ),
        (
            &["train.metrics=[\"doubt\"]", "train.stop_at=0.5"],
            "train.stop_metric must be one of loss, doubt, doubts, which this run measures, got `sequence_accuracy`",
        ),
        (
            &["train.stop_metric=accuracy", "train.stop_at=1.5"],
            "train.stop_at must be between 0 and 1, got 1.5",
        ),
        (&["train.stop_metric=loss", "train.stop_at=inf"], "train.stop_at must be a number"),
    ] {
        let error = read(settings).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
        assert!(error.is_usage());
    }
    read(&["train.metrics=[]"]).unwrap();
    read(&["train.stop_metric=loss", "train.stop_at=1.5"]).unwrap();
    let twice = Registry::new().metric("accuracy", |_: &NoSettings| Ok(Accuracy));
    let error = twice.read(ConfigSource::Task("reverse"), &[] as &[&str]).unwrap_err().to_string();
    assert!(error.contains("metric") && error.contains("`accuracy`"), "{error}");
    // A run of it is refused where its metric is not registered.
    let config = read(&["train.metrics=[\"doubt\"]"]).unwrap().config;
    let error = Registry::new().reader().resolve(config).unwrap_err().to_string();
    assert!(error.starts_with("unknown metric `doubt`"), "{error}");
}

/// Has another number than it names.
#[derive(Debug)]
struct Mistaken;

impl Metric for Mistaken {
    fn figures(&self, _: &dyn Task) -> Vec<Figure> {
        vec![Figure { name: "one".to_owned(), better: Better::Larger }]
    }

    fn add(&self, _: &Measured<'_>, sums: &mut MetricSums) {
        sums.add("other", 1.0, 1.0);
    }
}

#[test]
fn a_number_that_a_metric_does_not_name_is_an_error() {
    let metrics: [std::sync::Arc<dyn Metric>; 1] = [std::sync::Arc::new(Mistaken)];
    let measures = Measures { metrics: &metrics, ..Measures::default() };
    let examples = Examples { task: &REVERSE, seed: 0, split: Split::Test };
    let mut go_on = |_| Ok(std::ops::ControlFlow::Continue(()));
    let device = device();
    let held_out = HeldOut { examples, n_examples: 3 };
    let error = held_out.evaluate_while(&transformer(&device), measures, &device, &mut go_on).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the metric Mistaken has a figure `other` that its `Metric::figures` lacks; name it there"
    );
}

/// All evaluations, by step.
#[derive(Default)]
struct Evaluations(Vec<(u64, Evaluation)>);

impl<M> Observer<M> for Evaluations {
    fn evaluated(&mut self, state: &State<M>, evaluation: &Evaluation) -> Result<(), TrainError> {
        self.0.push((state.step, evaluation.clone()));
        Ok(())
    }
}

/// A short run that stops by the metric of the user's own before its last step.
fn stopping() -> Experiment {
    read(&[
        "task.seq_len=4",
        "task.n_symbols=3",
        "train.steps=120",
        "train.batch_size=16",
        "train.eval_every=10",
        "train.eval_examples=64",
        "train.checkpoint_every=15",
        "train.metrics=[{name=\"doubt\",power=2.0}]",
        "train.stop_metric=doubt",
        "train.stop_at=0.05",
        "optimizer.lr=2e-2",
        "model.d_model=16",
    ])
    .unwrap()
}

fn train(
    experiment: &Experiment,
    run: &RunFolder,
    device: &Device,
    from: Option<u64>,
) -> (Ended, Evaluations, State<qkv_train::AnyModel>) {
    let Experiment { config, task, parts, .. } = experiment;
    let model = experiment.model(device).unwrap();
    let mut evaluations = Evaluations::default();
    let mut checkpoints = Checkpoints::new(run, config, &**task);
    let mut trainer = Trainer::with_parts(model.clone(), &**task, parts.clone(), device).unwrap();
    if let Some(step) = from {
        trainer =
            trainer.resume(load_checkpoint(&run.checkpoint(step), model, &*parts.optimizer, device).unwrap());
    }
    let trained = trainer.observe(&mut evaluations).observe(&mut checkpoints).run().unwrap();
    (trained.ended, evaluations, trained.state)
}

#[test]
fn a_run_that_a_metric_of_its_own_ends_is_the_same_after_a_stop() {
    let (device, experiment) = (device().autodiff(), stopping());
    let folder = tempdir().unwrap();
    let create = |name: &str, config: &Config| {
        RunFolder::create(&folder.path().join(name), &config.to_toml(), Existing::Keep).unwrap()
    };
    let run = create("run", &experiment.config);
    let (ended, evaluations, whole) = train(&experiment, &run, &device, None);
    let Ended::Early(last) = &ended else { panic!("it ended as {ended:?}") };
    assert!(last.metrics["doubt"] <= 0.05 && last.accuracy.is_nan(), "{last:?}");
    assert!((20..120).contains(&whole.step), "{}", whole.step);
    for (step, before) in &evaluations.0[..evaluations.0.len() - 1] {
        assert!(before.metrics["doubt"] > 0.05, "it goes on after step {step}");
        let mean = (before.metrics["doubts"] / 256.0).powi(2);
        assert!((before.metrics["doubt"] - mean).abs() < 1e-12, "{before:?}");
    }
    for step in [0, 15] {
        let (again, resumed, state) = train(&experiment, &run, &device, Some(step));
        assert_eq!((format!("{again:?}"), state.step), (format!("{ended:?}"), whole.step));
        let later = evaluations.0.iter().filter(|(at, _)| *at > step);
        assert_eq!(format!("{:?}", resumed.0), format!("{:?}", later.collect::<Vec<_>>()));
        parameters::assert_same("resumed", &state.model, &whole.model);
    }
    // At the end there is nothing left to do.
    let (again, _, state) = train(&experiment, &run, &device, Some(whole.step));
    assert_eq!((format!("{again:?}"), state.step), (format!("{ended:?}"), whole.step));
}

#[test]
fn the_best_checkpoint_is_found_by_what_ends_the_run() {
    let best = |settings: &[&str]| {
        let experiment = read(settings).unwrap();
        experiment.parts.best_figure(&*experiment.task).unwrap()
    };
    assert_eq!(best(&[]), Figure::loss());
    assert_eq!(best(&["train.metrics=[]"]), Figure::loss());
    assert_eq!(best(&["train.stop_metric=accuracy"]), Figure::larger_is_better("accuracy"));
    let doubt = ["train.metrics=[\"doubt\"]", "train.stop_metric=doubt"];
    assert_eq!(best(&doubt), Figure::smaller_is_better("doubt"));
}
