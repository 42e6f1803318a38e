//! Every reader of bytes, each with what must hold for any bytes: it refuses them or understands them, and never panics.
//!
//! The files of a checkpoint come with a manifest of their own here, so that damage gets past the hashes.

use burn::tensor::Device;
use qkv_inspect::{CheckpointConfig, Film, Metrics, Weights, layers};
use qkv_model::parameters;
use qkv_run::{Manifest, RunFolder};
use qkv_train::{
    AdamW, AnyModel, ConfigSource, Experiment, Registry, load_checkpoint, load_checkpoint_weights,
};

use crate::memory;
use crate::seeds;

/// The step of the one checkpoint.
pub const STEP: u64 = 3;

/// Refuses bytes or understands them.
type Reader = fn(&[u8]);

/// A name for each reader, and the reader.
pub const ALL: [(&str, Reader); 7] = [
    ("config", config),
    ("description", description),
    ("manifest", manifest),
    ("weights", weights),
    ("optimizer", optimizer),
    ("log", log),
    ("frame", frame),
];

/// `config.toml`, and behind a NUL each what `--set` sets.
pub fn config(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let (text, settings) = text.split_once('\0').unwrap_or((text, ""));
    let settings: Vec<&str> = settings.split('\0').filter(|setting| !setting.is_empty()).collect();
    let registry = Registry::new();
    if let Ok(Experiment { config, .. }) = registry.read(ConfigSource::Toml(text), &settings) {
        let again = registry.read(ConfigSource::Toml(&config.to_toml()), &[] as &[&str]);
        assert_eq!(again.expect("what is written is read").config, config);
    }
}

/// `config.json` of a checkpoint.
pub fn description(bytes: &[u8]) {
    let _ = CheckpointConfig::parse(bytes);
    let run = run(Contents { description: Some(bytes), ..Contents::default() });
    let checkpoint = run.checkpoint(STEP);
    if checkpoint.description().is_ok() {
        let _ = CheckpointConfig::of_checkpoint(&checkpoint);
    }
}

/// `MANIFEST.json`.
pub fn manifest(bytes: &[u8]) {
    if let Ok(manifest) = Manifest::parse(bytes) {
        assert_eq!(manifest.to_json(), bytes, "every byte has a meaning");
        let is_outside = |name: &str| name.contains(['/', '\\', ':']) || name.starts_with('.');
        assert!(!manifest.files.iter().any(|file| is_outside(&file.name)));
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

/// `metrics.jsonl`.
pub fn log(bytes: &[u8]) {
    let run = run(Contents { log: Some(bytes), ..Contents::default() });
    let events = run.events().expect("what is no event is passed over");
    let _ = (Metrics::of_events(events), run.done(), run.verify());
}

/// A file of `snapshots/`.
pub fn frame(bytes: &[u8]) {
    let run = run(Contents { frame: Some(bytes), ..Contents::default() });
    let film = Film::read(&run).expect("a frame that cannot be read is left out");
    assert!(film.unreadable.contains_key(&STEP) || Weights::from_bytes("frame", bytes.to_vec()).is_ok());
    let _ = film.story();
}

/// What a run has in place of its own files.
#[derive(Default)]
struct Contents<'a> {
    weights: Option<&'a [u8]>,
    optimizer: Option<&'a [u8]>,
    description: Option<&'a [u8]>,
    log: Option<&'a [u8]>,
    frame: Option<&'a [u8]>,
}

/// A run with one checkpoint, whose manifest fits it.
fn run(contents: Contents<'_>) -> RunFolder {
    memory::run(files_of(contents))
}

/// The files of a run whose checkpoint is whole.
pub fn files() -> Vec<(String, Vec<u8>)> {
    files_of(Contents::default())
}

/// Whether the checkpoint of a run with these files is accepted.
pub fn reads(files: &[(String, Vec<u8>)]) -> bool {
    memory::run(files.to_vec()).checkpoint(STEP).read().is_ok()
}

fn files_of(contents: Contents<'_>) -> Vec<(String, Vec<u8>)> {
    let [description, weights, optimizer] = CHECKPOINT.with(Clone::clone);
    let or = |bytes: Option<&[u8]>, seed: Vec<u8>| bytes.map_or(seed, <[u8]>::to_vec);
    let files = [
        ("config.json", or(contents.description, description)),
        ("model.safetensors", or(contents.weights, weights)),
        ("optimizer.safetensors", or(contents.optimizer, optimizer)),
    ];
    let manifest = Manifest::new(STEP, files.iter().map(|(name, bytes)| (*name, &bytes[..]))).to_json();
    let of_step = |(name, bytes)| (format!("checkpoints/step-{STEP:08}/{name}"), bytes);
    let mut all: Vec<_> = files.into_iter().chain([("MANIFEST.json", manifest)]).map(of_step).collect();
    all.push(("config.toml".to_owned(), seeds::config()));
    all.extend(contents.log.map(|bytes| ("metrics.jsonl".to_owned(), bytes.to_vec())));
    all.extend(contents.frame.map(|bytes| (format!("snapshots/step-{STEP:08}.safetensors"), bytes.to_vec())));
    all
}

/// The experiment of the seeds.
pub fn experiment() -> Experiment {
    let text = seeds::config();
    let text = str::from_utf8(&text).expect("a config is text");
    Registry::new().read(ConfigSource::Toml(text), &[] as &[&str]).expect("a valid config")
}

thread_local! {
    /// The seeds of its files.
    static CHECKPOINT: [Vec<u8>; 3] = [seeds::description(), seeds::weights(), seeds::optimizer()];

    /// Its model, and where it is trained.
    pub static MODEL: (AnyModel, Device) = {
        let device = Device::flex().autodiff();
        (experiment().model(&device).expect("a valid model"), device)
    };
}
