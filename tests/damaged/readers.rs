//! The readers that need no model, each with what must hold for any bytes: it refuses them or understands them, and
//! never panics.
//!
//! The files of a checkpoint come with a manifest of their own here, so that damage gets past the hashes.

use qkv_inspect::{CheckpointConfig, Film, Metrics, Weights};
use qkv_run::{Manifest, RunFolder, sha256};
use serde_json::json;

use crate::{corpus, memory};

/// The step of the one checkpoint.
pub const STEP: u64 = 3;

/// `config.json` of a checkpoint.
pub fn description(bytes: &[u8]) {
    let _ = CheckpointConfig::parse(bytes);
    let run = run(Contents { description: Some(bytes), ..Contents::default() });
    let checkpoint = run.checkpoint(STEP);
    if checkpoint.description().is_ok() {
        let _ = CheckpointConfig::of_checkpoint(&checkpoint);
    }
    let _ = run.verify();
}

/// `MANIFEST.json`, as it is and signed anew.
pub fn manifest(bytes: &[u8]) {
    let whole = files();
    let written = &whole.iter().find(|(name, _)| name.ends_with("MANIFEST.json")).expect("a manifest").1;
    for text in [Some(bytes.to_vec()), signed(bytes)].into_iter().flatten() {
        let parsed = Manifest::parse(&text);
        if let Ok(manifest) = &parsed {
            assert_eq!(manifest.to_json(), text, "every byte has a meaning");
            let is_outside = |name: &str| name.contains(['/', '\\', ':']) || name.starts_with('.');
            assert!(!manifest.files.iter().any(|file| is_outside(&file.name)));
        }
        let with = |(name, bytes): &(String, Vec<u8>)| {
            let bytes = if name.ends_with("MANIFEST.json") { text.clone() } else { bytes.clone() };
            (name.clone(), bytes)
        };
        let files: Vec<_> = whole.iter().map(with).collect();
        assert_eq!(reads(&files), text == *written, "one manifest fits the files of a checkpoint");
        let _ = memory::run(files).verify();
    }
}

/// The same list of files with the hash that belongs to it.
fn signed(bytes: &[u8]) -> Option<Vec<u8>> {
    const SCHEMA: &str = "qkv-manifest-1";
    let Manifest { step, files, .. } = serde_json::from_slice(bytes).ok()?;
    let list = serde_json::to_string(&files).expect("numbers and names");
    let hash = sha256(format!(r#"{{"schema":"{SCHEMA}","step":{step},"files":{list}}}"#).as_bytes());
    let json = json!({ "schema": SCHEMA, "step": step, "files": files, "sha256": hash });
    Some(serde_json::from_value::<Manifest>(json).expect("a manifest").to_json())
}

/// `metrics.jsonl`.
pub fn log(bytes: &[u8]) {
    let run = run(Contents { log: Some(bytes), ..Contents::default() });
    let events = run.events().expect("what is no event is passed over");
    let _ = (Metrics::of_events(events), run.done(), run.verify());
}

/// A file of `snapshots/`. No hash guards it: what `verify` passes has to be what can be read.
pub fn frame(bytes: &[u8]) {
    let run = run(Contents { frame: Some(bytes), ..Contents::default() });
    let film = Film::read(&run).expect("a frame that cannot be read is left out");
    let read = Weights::from_bytes("frame", bytes.to_vec());
    assert!(film.unreadable.contains_key(&STEP) || read.is_ok());
    let findings = run.verify().expect("folders can be listed").findings;
    let snapshots = run.path().join("snapshots");
    let is_found = findings.iter().any(|finding| finding.file.starts_with(&snapshots));
    assert!(is_found || read.is_ok(), "{:?}", read.err());
    let _ = film.story();
}

/// Whether a check of the run finds something in this frame.
pub fn finds_damage_in_frame(bytes: &[u8]) -> bool {
    let run = run(Contents { frame: Some(bytes), ..Contents::default() });
    let verified = run.verify().expect("files in memory are read");
    verified.findings.iter().any(|finding| finding.file.starts_with("run/snapshots"))
}

/// What a run has in place of the seeds.
#[derive(Default)]
pub struct Contents<'a> {
    /// `config.toml`.
    pub config: Option<&'a [u8]>,
    /// `model.safetensors`.
    pub weights: Option<&'a [u8]>,
    /// `optimizer.safetensors`.
    pub optimizer: Option<&'a [u8]>,
    /// `config.json`.
    pub description: Option<&'a [u8]>,
    /// `metrics.jsonl`, which is missing otherwise.
    pub log: Option<&'a [u8]>,
    /// The one frame, which is missing otherwise.
    pub frame: Option<&'a [u8]>,
}

/// A run with one checkpoint, whose manifest fits it.
pub fn run(contents: Contents<'_>) -> RunFolder {
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
    let [config, description, weights, optimizer] = WHOLE.with(Clone::clone);
    let or = |bytes: Option<&[u8]>, seed: Vec<u8>| bytes.map_or(seed, <[u8]>::to_vec);
    let files = [
        ("config.json", or(contents.description, description)),
        ("model.safetensors", or(contents.weights, weights)),
        ("optimizer.safetensors", or(contents.optimizer, optimizer)),
    ];
    let manifest = Manifest::new(STEP, files.iter().map(|(name, bytes)| (*name, &bytes[..]))).to_json();
    let of_step = |(name, bytes)| (format!("checkpoints/step-{STEP:08}/{name}"), bytes);
    let mut all: Vec<_> = files.into_iter().chain([("MANIFEST.json", manifest)]).map(of_step).collect();
    all.push(("config.toml".to_owned(), or(contents.config, config)));
    all.extend(contents.log.map(|bytes| ("metrics.jsonl".to_owned(), bytes.to_vec())));
    all.extend(contents.frame.map(|bytes| (format!("snapshots/step-{STEP:08}.safetensors"), bytes.to_vec())));
    all
}

thread_local! {
    /// The seeds of its config and of the files of its checkpoint.
    static WHOLE: [Vec<u8>; 4] = [
        ("config", "run"),
        ("description", "checkpoint"),
        ("weights", "model"),
        ("optimizer", "moments"),
    ]
    .map(|(reader, name)| corpus::seed(reader, name));
}
