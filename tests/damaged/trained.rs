//! The readers that need a registry or a model, each with what must hold for any bytes.

use std::rc::Rc;

use burn::tensor::Device;
use qkv_inspect::{Weights, layers};
use qkv_model::parameters;
use qkv_train::{
    AdamW, AnyModel, ConfigSource, Experiment, Registry, load_checkpoint, load_checkpoint_weights,
};

use crate::corpus;
use crate::readers::{Contents, STEP, run};

/// `config.toml`, alone and beside a checkpoint, and behind a NUL each what `--set` sets.
pub fn config(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let (text, settings) = text.split_once('\0').unwrap_or((text, ""));
    let settings: Vec<&str> = settings.split('\0').filter(|setting| !setting.is_empty()).collect();
    let registry = registry_of_this_thread();
    if let Ok(Experiment { config, .. }) = registry.read(ConfigSource::Toml(text), &settings) {
        let again = registry.read(ConfigSource::Toml(&config.to_toml()), &[] as &[&str]);
        assert_eq!(again.expect("what is written is read").config, config);
    }
    let run = run(Contents { config: Some(text.as_bytes()), ..NO_TENSORS });
    let _ = (registry.read_run(&run, None, &settings), run.verify());
}

/// `config.json` as the experiment of a run, beside a `config.toml` and in the place of a lost one. A checkpoint decides
/// whether a run is read, never as what.
pub fn registry(bytes: &[u8]) {
    let registry = registry_of_this_thread();
    let no_settings: [&str; 0] = [];
    let complete = |config: &toml::Table| {
        let read = registry.read(ConfigSource::Toml(&config.to_string()), &no_settings);
        read.ok()?.config.to_toml().parse().ok()
    };
    let of_run = run(Contents { description: Some(bytes), ..NO_TENSORS });
    if let Ok(read) = registry.read_run(&of_run, None, &no_settings) {
        assert_eq!(read.config, EXPERIMENT.with(|experiment| experiment.config.clone()));
    }
    let _ = registry.read_branch(&of_run, None, &["optimizer.lr=0.5", "seed=7"]);
    let _ = of_run.verify_with(&complete);
    let lost = run(Contents { config: Some(b""), description: Some(bytes), ..NO_TENSORS });
    if let Ok(Experiment { config, .. }) = registry.read_run(&lost, None, &no_settings) {
        let again = registry.read(ConfigSource::Toml(&config.to_toml()), &no_settings);
        assert_eq!(again.expect("what is written is read").config, config);
    }
}

/// `model.safetensors`, as it is trained and as it is inspected.
pub fn weights(bytes: &[u8]) {
    let run = run(Contents { weights: Some(bytes), ..Contents::default() });
    let loaded = MODEL.with(|(model, _)| load_checkpoint_weights(&run.checkpoint(STEP), model.clone()));
    let inspected = Weights::from_bytes("model.safetensors", bytes.to_vec());
    if let Ok(weights) = &inspected {
        for name in weights.names() {
            let _ = weights.tensor(name);
        }
        let _ = layers(weights, 2);
    }
    if let Ok(model) = loaded {
        let weights = inspected.expect("what can be trained can be inspected");
        for parameter in parameters(&model) {
            assert_eq!(weights.shape(&parameter.path), Some(&parameter.shape[..]), "{}", parameter.path);
        }
    }
}

/// `optimizer.safetensors`.
pub fn optimizer(bytes: &[u8]) {
    let run = run(Contents { optimizer: Some(bytes), ..Contents::default() });
    MODEL.with(|(model, device)| {
        let state = load_checkpoint(&run.checkpoint(STEP), model.clone(), &AdamW::default(), device);
        if let Ok(state) = state {
            let learned = parameters(model).into_iter().filter(|parameter| parameter.learned).count();
            assert_eq!(state.optimizer.tensors.len(), learned);
        }
    });
}

/// The experiment of the run.
pub fn experiment() -> Experiment {
    let text = corpus::seed("config", "run");
    let text = str::from_utf8(&text).expect("a config is text");
    registry_of_this_thread().read(ConfigSource::Toml(text), &[] as &[&str]).expect("a valid config")
}

/// A checkpoint in which nothing but its config is of interest.
const NO_TENSORS: Contents<'static> = Contents {
    config: None,
    weights: Some(b""),
    optimizer: Some(b""),
    description: None,
    log: None,
    frame: None,
};

fn registry_of_this_thread() -> Rc<Registry> {
    REGISTRY.with(Rc::clone)
}

thread_local! {
    static REGISTRY: Rc<Registry> = Rc::new(Registry::new());

    static EXPERIMENT: Experiment = experiment();

    /// Its model, and where it is trained.
    pub static MODEL: (AnyModel, Device) = {
        let device = Device::flex().autodiff();
        (experiment().model(&device).expect("a valid model"), device)
    };
}
