//! What the committed seeds of every reader have to be: small, and the same on every machine.

use std::collections::BTreeMap;
use std::collections::HashMap;

use qkv_model::parameters;
use qkv_run::tensor_names::{SEAL, of_optimizer};
use qkv_run::{Baseline, EvaluatedOn, Evaluation, Event, Manifest, ProbeLabels, StepReport, seal_frame};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde_json::json;

use crate::readers::STEP;
use crate::trained::{MODEL, experiment};

/// The valid files of a reader, by their names.
pub fn of(reader: &str) -> Vec<(&'static str, Vec<u8>)> {
    match reader {
        "config" => vec![("run", config()), ("variants", variants()), ("settings", settings())],
        "description" | "registry" => vec![("checkpoint", description())],
        "manifest" => vec![("checkpoint", manifest())],
        "weights" => vec![("model", weights())],
        "optimizer" => vec![("moments", optimizer())],
        "log" => vec![("run", log())],
        "frame" => vec![("whole", frame()), ("sealed", sealed_frame()), ("maps", maps_of_early_runs())],
        _ => panic!("{reader} is no reader"),
    }
}

/// The config of a tiny run.
fn config() -> Vec<u8> {
    let text = "format = \"qkv-run-1\"\nseed = 3\n[task]\nname = \"reverse\"\nseq_len = 3\nn_symbols = 5\n\
        [model]\nd_model = 4\nn_heads = 2\nd_mlp = 4\nw_o = true\nscore = \"scaled-dot\"\npositions = \"learned\"\n\
        [optimizer]\nlr = 0.00031622776601683794\n[schedule]\nkind = \"cosine\"\n[train]\nsteps = 9\n";
    text.as_bytes().to_vec()
}

/// What else a config may have.
fn variants() -> Vec<u8> {
    let text = "task = \"recall\"\nseed = 9223372036854775807\n[model]\nname = \"transformer\"\nn_layers = 2\n\
        score = { name = \"additive\", d_hidden = 8 }\npositions = { name = \"rope\", base = 500.0 }\n\
        qk_norm = \"rms\"\nn_kv_heads = 1\nsoftcap = 3.0\n[train]\nbatch_size = 2\nstop_at = 0.5\n";
    text.as_bytes().to_vec()
}

/// A config with what the command line sets.
fn settings() -> Vec<u8> {
    b"[task]\nname = \"sort\"\n\0train.steps=20\0model.score={name=\"additive\",d_hidden=2}\0seed=1\0model.mask=none"
        .to_vec()
}

/// The `config.json` of a checkpoint of [`config`].
fn description() -> Vec<u8> {
    let experiment = experiment();
    let mut json = serde_json::to_value(&experiment.config).expect("a config is numbers and names");
    json["format"] = "qkv-checkpoint-2".into();
    json["step"] = STEP.into();
    json["version"] = "0.1.0".into();
    json["vocabulary"] = experiment.task.vocabulary().to_vec().into();
    json["evaluation"] = json!({ "loss": 0.5, "accuracy": 0.25, "sequence_accuracy": 0.0, "examples": 8 });
    format!("{json:#}\n").into_bytes()
}

fn manifest() -> Vec<u8> {
    let (config, weights, optimizer) = (description(), weights(), optimizer());
    let files =
        [("config.json", config), ("model.safetensors", weights), ("optimizer.safetensors", optimizer)];
    Manifest::new(STEP, files.iter().map(|(name, bytes)| (*name, &bytes[..]))).to_json()
}

/// The weights of the model of [`config`].
fn weights() -> Vec<u8> {
    let shapes = MODEL.with(|(model, _)| {
        let shapes =
            parameters(model).into_iter().map(|parameter| (parameter.path, parameter.shape.to_vec()));
        shapes.collect::<Vec<_>>()
    });
    file(&shapes, "format", "pt")
}

/// What AdamW remembers of its parameters.
fn optimizer() -> Vec<u8> {
    let shapes = MODEL.with(|(model, _)| {
        let learned = parameters(model).into_iter().filter(|parameter| parameter.learned);
        let both = |parameter: qkv_model::Parameter| {
            let n = vec![parameter.shape.iter().product()];
            ["m", "v"].map(|which| (of_optimizer(&parameter.path, which), n.clone()))
        };
        learned.flat_map(both).collect::<Vec<_>>()
    });
    file(&shapes, "format", "pt")
}

/// A log with every kind of event.
fn log() -> Vec<u8> {
    let evaluation = Evaluation {
        loss: 0.5,
        accuracy: 0.25,
        sequence_accuracy: 0.125,
        examples: 8,
        metrics: [("top_2".to_owned(), 0.5)].into(),
    };
    let mut log =
        b"{\"event\":\"start\",\"step\":0,\"task\":\"reverse\",\"seed\":3,\"steps\":2,\"parameters\":100}\n"
            .to_vec();
    let mut events = vec![Event::Saved { step: 0, path: "run/checkpoints/step-00000000".to_owned() }];
    for step in 1..=STEP {
        let report = StepReport {
            step,
            loss: 2.5,
            lr: 0.1,
            grad_norm: 1.0,
            tokens_per_second: 1e6,
            loss_parts: BTreeMap::new(),
        };
        events.push(Event::Step(report));
    }
    events.push(Event::Eval { split: EvaluatedOn::Validation, step: STEP, evaluation: evaluation.clone() });
    events.push(Event::Done {
        step: STEP,
        evaluation: Evaluation { loss: f64::NAN, ..evaluation },
        baselines: vec![Baseline { name: "bigram".to_owned(), loss: 2.0 }],
        sample: Some("a\"b".to_owned()),
        generalization: None,
        film_ended_at: Some(1),
        seconds: 1.5,
        snapshot_seconds: 0.25,
        checkpoint_seconds: 0.5,
        path: "run".to_owned(),
    });
    for event in events {
        event.write(&mut log).expect("memory can be written to");
    }
    log
}

/// A frame of the film with everything in it.
fn frame() -> Vec<u8> {
    let labels = |tokens: [&str; 3]| ProbeLabels {
        tokens: tokens.map(str::to_owned).to_vec(),
        targets: vec!["".to_owned(), "1".to_owned(), "0".to_owned()],
        predictions: vec!["1".to_owned(); 3],
        ..ProbeLabels::default()
    };
    let probes = ProbeLabels::to_metadata(&[labels(["0", "1", "2"]), labels(["\"", "\u{1b}[1m", "é"])]);
    let shapes = [
        ("answers", vec![1, 3, 6]),
        ("blocks.0.attention.trace.k", vec![1, 1, 3, 2]),
        ("blocks.0.attention.trace.q", vec![1, 2, 3, 2]),
        ("blocks.0.attention.trace.scaled", vec![1, 2, 3, 3]),
        ("blocks.0.attention.trace.x", vec![1, 3, 4]),
        ("blocks.0.attention.w_k", vec![4, 4]),
        ("blocks.0.attention.w_k.gradient", vec![4, 4]),
        ("blocks.0.attention.w_q", vec![4, 4]),
        ("blocks.0.attention.w_q.gradient", vec![4]),
        ("blocks.0.attention.w_q.update", vec![4]),
        ("blocks.0.attention.w_v", vec![4, 4]),
        ("blocks.0.attention.weights", vec![2, 2, 3, 3]),
        ("embedding.table", vec![6, 4]),
    ];
    file(&shapes.map(|(name, shape)| (name.to_owned(), shape)), ProbeLabels::KEY, &probes)
}

/// The same with a seal, as training writes it.
pub fn sealed_frame() -> Vec<u8> {
    let whole = frame();
    let tensors = SafeTensors::deserialize(&whole).expect("valid tensors");
    let seal = TensorView::new(Dtype::U8, vec![32], &[0; 32]).expect("a byte a value");
    let views = tensors.iter().chain([(SEAL, seal)]);
    let (_, header) = SafeTensors::read_metadata(&whole).expect("valid tensors");
    let mut frame = safetensors::serialize(views, header.metadata().clone()).expect("valid tensors");
    seal_frame(&mut frame);
    frame
}

fn maps_of_early_runs() -> Vec<u8> {
    let probe = r#"{"tokens":["a","b"],"targets":["","x"],"predictions":["p","x"]}"#;
    file(&[("blocks.0.attention.weights".to_owned(), vec![2, 2, 2])], "probe", probe)
}

/// A file with tensors of these shapes, whose values count in eighths.
fn file(shapes: &[(String, Vec<usize>)], key: &str, value: &str) -> Vec<u8> {
    let bytes = |shape: &Vec<usize>| -> Vec<u8> {
        (0..shape.iter().product()).flat_map(|i: usize| (i as f32 / 8.0).to_le_bytes()).collect()
    };
    let tensors: Vec<_> = shapes.iter().map(|(name, shape)| (name, shape, bytes(shape))).collect();
    let views = tensors.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.to_vec(), bytes).expect("four bytes a value");
        (name.as_str(), view)
    });
    let metadata = HashMap::from([(key.to_owned(), value.to_owned())]);
    safetensors::serialize(views, Some(metadata)).expect("valid tensors")
}
