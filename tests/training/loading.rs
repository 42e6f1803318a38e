//! A checkpoint is loaded whole or not at all: whatever does not fit the model is refused with its file and its tensor,
//! also where the manifest was made to agree.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor};
use qkv_model::{Choice, Init, Mode, Training, Transformer, TransformerConfig};
use qkv_run::{Checkpoint, Existing, Manifest, RunFolder};
use qkv_train::{
    AdamW, AnyModel, Checkpoints, Config, Model, OptimizerConfig, Parts, Registry, Reverse, State,
    TrainError, Trainer, load_checkpoint,
};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use tempfile::{TempDir, tempdir};

use crate::support::backends::device;
use crate::support::named_variants::{model, short_run};

const WEIGHTS: &str = "model.safetensors";
const OPTIMIZER: &str = "optimizer.safetensors";
const SETTINGS: [&str; 4] = ["model.w_o=true", "model.bias=true", "model.d_mlp=5", "train.steps=2"];

/// Type, shape and bytes of every tensor of a file.
type Tensors = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

/// A run with a checkpoint of step 2.
fn trained(settings: &[&str]) -> (TempDir, Config, Checkpoint) {
    let registry = Registry::new();
    let folder = tempdir().unwrap();
    let config = short_run(&registry, settings);
    let run = RunFolder::create(&folder.path().join("run"), &config.to_toml(), Existing::Keep).unwrap();
    let device = device().autodiff();
    let (task, start) = model(&registry, &config, 0, &device);
    let mut checkpoints = Checkpoints::new(&run, &config, &*task);
    let trainer = Trainer::new(start, &*task, config.recipe(), &device).unwrap();
    trainer.observe(&mut checkpoints).run().unwrap();
    let checkpoint = run.checkpoint(2);
    (folder, config, checkpoint)
}

fn tensors(path: &Path) -> Tensors {
    let bytes = fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let tensor = |(name, view): (&str, TensorView<'_>)| {
        (name.to_owned(), (view.dtype(), view.shape().to_vec(), view.data().to_vec()))
    };
    file.iter().map(tensor).collect()
}

/// Writes a file of the checkpoint, and a manifest that agrees with it.
fn sign(checkpoint: &Checkpoint, name: &str, tensors: &Tensors) {
    let views = tensors.iter().map(|(name, (dtype, shape, bytes))| {
        (name.clone(), TensorView::new(*dtype, shape.clone(), bytes).unwrap())
    });
    fs::write(checkpoint.folder.join(name), safetensors::serialize(views, None).unwrap()).unwrap();
    let files = ["config.json", WEIGHTS, OPTIMIZER]
        .map(|name| (name, fs::read(checkpoint.folder.join(name)).unwrap()));
    let manifest = Manifest::new(checkpoint.step, files.iter().map(|(name, bytes)| (*name, &bytes[..])));
    fs::write(checkpoint.manifest(), manifest.to_json()).unwrap();
}

fn load(config: &Config, checkpoint: &Checkpoint) -> Result<State<AnyModel>, TrainError> {
    let device = device().autodiff();
    let (_, fresh) = model(&Registry::new(), config, 1, &device);
    let optimizer = Parts::new(config.recipe()).unwrap().optimizer;
    load_checkpoint(checkpoint, fresh, &*optimizer, &device)
}

/// The message with which the checkpoint is refused.
fn refusal(config: &Config, checkpoint: &Checkpoint) -> String {
    load(config, checkpoint).err().expect("it does not fit").to_string()
}

/// Every tensor of a file, changed in this way, is refused with its name and the file's.
fn check(name: &str, change: impl Fn(&mut Tensors, &str), reason: &str) {
    check_with(&SETTINGS, name, change, reason);
}

/// The same with other settings.
fn check_with(settings: &[&str], name: &str, change: impl Fn(&mut Tensors, &str), reason: &str) {
    let (_folder, config, checkpoint) = trained(settings);
    let whole = tensors(&checkpoint.folder.join(name));
    assert!(whole.len() > 5, "{:?}", whole.keys());
    for tensor in whole.keys() {
        let mut changed = whole.clone();
        change(&mut changed, tensor);
        sign(&checkpoint, name, &changed);
        let message = refusal(&config, &checkpoint);
        let parts = [name, tensor, reason];
        assert!(parts.iter().all(|part| message.contains(part)), "{tensor}: {message}");
    }
    sign(&checkpoint, name, &whole);
    load(&config, &checkpoint).unwrap();
}

#[test]
fn every_optimizer_state_that_is_dropped_is_missed_although_the_manifest_agrees() {
    check(OPTIMIZER, |tensors, name| drop(tensors.remove(name)), "it lacks `");
    // All of a parameter, as if it had never been trained.
    let (_folder, config, checkpoint) = trained(&SETTINGS);
    let whole = tensors(&checkpoint.folder.join(OPTIMIZER));
    let paths: Vec<&str> = whole.keys().filter_map(|name| name.strip_suffix(".m")).collect();
    for path in &paths {
        let mut changed = whole.clone();
        changed.retain(|name, _| !name.starts_with(path));
        sign(&checkpoint, OPTIMIZER, &changed);
        let message = refusal(&config, &checkpoint);
        assert!(
            message.contains(OPTIMIZER) && message.contains(&format!("it lacks `{path}.m`")),
            "{message}"
        );
    }
    assert_eq!(2 * paths.len(), whole.len());
}

#[test]
fn the_state_of_every_optimizer_is_checked_tensor_by_tensor() {
    for name in ["adam", "lion", "muon", "sgd"] {
        let optimizer = format!("optimizer={name}");
        let settings = [&SETTINGS[..], &[&optimizer]].concat();
        check_with(&settings, OPTIMIZER, |tensors, name| drop(tensors.remove(name)), "it lacks `");
        let renamed = |tensors: &mut Tensors, name: &str| {
            let tensor = tensors.remove(name).unwrap();
            tensors.insert(format!("{name}x"), tensor);
        };
        let made_by = format!("x`; `{name}` made it: name that one, with its settings");
        check_with(&settings, OPTIMIZER, renamed, &made_by);
        let surplus = |tensors: &mut Tensors, name: &str| {
            tensors.insert(format!("{name}.more"), tensors[name].clone());
        };
        check_with(&settings, OPTIMIZER, surplus, "that is of no learned parameter of the model");
        let shorter = |tensors: &mut Tensors, name: &str| {
            let (_, shape, bytes) = tensors.get_mut(name).unwrap();
            let n = bytes.len() / 4;
            *shape = vec![n - 1];
            bytes.truncate(4 * (n - 1));
        };
        check_with(&settings, OPTIMIZER, shorter, "must have shape");
    }
}

#[test]
fn the_state_of_another_optimizer_is_refused_by_its_tensors() {
    let (_folder, config, checkpoint) = trained(&SETTINGS);
    let of = |name: &str| {
        let optimizer = OptimizerConfig { rule: Choice::new(name), ..config.optimizer.clone() };
        Config { optimizer, ..config.clone() }
    };
    // What Adam remembers is what AdamW does.
    load(&of("adam"), &checkpoint).unwrap();
    for (name, tensor) in [("sgd", "momentum"), ("muon", "momentum")] {
        let message = refusal(&of(name), &checkpoint);
        let lacks = format!(".{tensor}`, and has `");
        assert!(message.contains(OPTIMIZER) && message.contains(&lacks), "{message}");
        let made_by =
            ".v`; `adam-w` made it: name that one, with its settings, or begin with the weights alone";
        assert!(message.contains(made_by), "{message}");
    }
    let message = refusal(&of("lion"), &checkpoint);
    assert!(message.contains(".v`; `adam-w` made it") && !message.contains('{'), "{message}");
}

#[test]
fn every_tensor_that_is_missing_surplus_misshapen_or_of_another_precision_is_named() {
    check(WEIGHTS, |tensors, name| drop(tensors.remove(name)), "it lacks `");
    let surplus = |tensors: &mut Tensors, name: &str| {
        let copy = tensors[name].clone();
        tensors.insert(format!("{name}.more"), copy);
    };
    check(WEIGHTS, surplus, "the model has no `");
    check(OPTIMIZER, surplus, "it has `");
    let longer = |tensors: &mut Tensors, name: &str| {
        let (dtype, shape, bytes) = tensors.get_mut(name).unwrap();
        let n = bytes.len() / 4;
        *shape = vec![n + 1];
        bytes.extend(1_f32.to_le_bytes());
        assert_eq!(*dtype, Dtype::F32);
    };
    check(WEIGHTS, longer, "must have shape");
    check(OPTIMIZER, longer, "must have shape");
    let double = |tensors: &mut Tensors, name: &str| {
        let (dtype, _, bytes) = tensors.get_mut(name).unwrap();
        let values = bytes.as_chunks().0.iter().map(|bytes| f64::from(f32::from_le_bytes(*bytes)));
        (*dtype, *bytes) = (Dtype::F64, values.flat_map(f64::to_le_bytes).collect());
    };
    check(WEIGHTS, double, "must hold F32, got F64");
    check(OPTIMIZER, double, "must hold F32, got F64");
    let half = |tensors: &mut Tensors, name: &str| {
        let (dtype, _, bytes) = tensors.get_mut(name).unwrap();
        (*dtype, *bytes) = (Dtype::BF16, vec![0; bytes.len() / 2]);
    };
    check(WEIGHTS, half, "must hold F32, got BF16");
    check(OPTIMIZER, half, "must hold F32, got BF16");
}

#[test]
fn a_start_has_no_moments_and_another_schema_is_refused() {
    let (_folder, config, checkpoint) = trained(&SETTINGS);
    let run = checkpoint.run().unwrap();
    let start = run.checkpoint(0);
    let moments = tensors(&checkpoint.optimizer());
    sign(&start, OPTIMIZER, &moments);
    assert!(refusal(&config, &start).contains("no step was made before"));
    let manifest = fs::read_to_string(checkpoint.manifest()).unwrap();
    fs::write(checkpoint.manifest(), manifest.replace("manifest-1", "manifest-7")).unwrap();
    let message = refusal(&config, &checkpoint);
    assert!(
        message.contains("MANIFEST.json") && message.contains("expected the schema qkv-manifest-1"),
        "{message}"
    );
}

/// A transformer with a parameter that nothing depends on.
#[derive(Module, Debug)]
struct Idle {
    transformer: Transformer,
    unused: Param<Tensor<1>>,
}

impl Model for Idle {
    fn features(&self, tokens: Tensor<3, Int>, mode: Mode) -> Tensor<3> {
        Model::features(&self.transformer, tokens, mode)
    }

    fn logits(&self, features: Tensor<2>) -> Tensor<2> {
        self.transformer.logits(features)
    }
}

#[test]
fn a_parameter_that_never_received_a_gradient_has_moments_of_zero_and_goes_on() {
    let task = Reverse { seq_len: 4, n_symbols: 3 };
    let device = device().autodiff();
    let idle = |seed| {
        let init = Init::new(&device, seed);
        let transformer = TransformerConfig::new(3, 4, 8).init(&init).unwrap();
        Idle { transformer, unused: init.normal("unused", [5], 1.0, Training::Learned) }
    };
    let folder = tempdir().unwrap();
    let mut config = short_run(&Registry::new(), &["train.steps=4", "train.checkpoint_every=2"]);
    config.train.batch_size = 4;
    let run = RunFolder::create(&folder.path().join("run"), &config.to_toml(), Existing::Keep).unwrap();
    let train = |state: Option<State<Idle>>| {
        let mut checkpoints = Checkpoints::new(&run, &config, &task);
        let mut trainer = Trainer::new(idle(0), &task, config.recipe(), &device).unwrap();
        if let Some(state) = state {
            trainer = trainer.resume(state);
        }
        trainer.observe(&mut checkpoints).run().unwrap();
        fs::read(run.checkpoint(4).optimizer()).unwrap()
    };
    let whole = train(None);
    let (dtype, shape, bytes) = tensors(&run.checkpoint(4).optimizer())["unused.v"].clone();
    assert_eq!((dtype, shape, bytes), (Dtype::F32, vec![5], vec![0; 20]));
    let state = load_checkpoint(&run.checkpoint(2), idle(1), &AdamW::default(), &device).unwrap();
    let resumed = train(Some(state));
    assert!(whole == resumed);
}

/// In the process that loads checkpoints and does nothing else.
const LOADS: &str = "QKV_TEST_LOADS";

/// The memory of this process, in kB.
#[cfg(target_os = "linux")]
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Memory is measured by Linux, and for a whole process: this test starts itself in one of its own.
#[cfg(target_os = "linux")]
#[test]
fn two_thousand_checkpoints_loaded_one_after_the_other_leave_no_memory_behind() {
    if std::env::var_os(LOADS).is_none() {
        let test = std::thread::current().name().unwrap().to_owned();
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        let output = child.args(["--exact", &test, "--nocapture"]).env(LOADS, "1").output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
        return;
    }
    let (_folder, config, checkpoint) = trained(&SETTINGS);
    let load_several = |n: usize| (0..n).for_each(|_| drop(load(&config, &checkpoint).unwrap()));
    load_several(200);
    let before = resident();
    load_several(2000);
    let grown = resident().saturating_sub(before);
    println!("2,000 loads leave {grown} kB behind");
    // Without what frees them, the nodes of as many models take more than 30 MB.
    assert!(grown < 2048, "{grown} kB");
}
