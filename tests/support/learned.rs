//! What a task's own config learns.

use burn::module::Module;
use burn::tensor::Device;
use qkv_train::{ConfigSource, Evaluation, Examples, Registry, Split, Trainer, evaluate};

/// Test figures after training a task with its defaults, but for these settings.
pub fn learn(task: &str, settings: &[&str], device: &Device) -> Evaluation {
    let experiment = Registry::new().read(ConfigSource::Task(task), settings).unwrap();
    let learning = device.clone().autodiff();
    let (model, task, config) = (experiment.model(&learning).unwrap(), &*experiment.task, experiment.config);
    let trained = Trainer::new(model, task, config.recipe(), &learning).unwrap().run().unwrap();
    let examples = Examples { task, seed: config.seed, split: Split::Test };
    evaluate(&trained.state.model.valid(), examples, 2000, device).unwrap()
}
