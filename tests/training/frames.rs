//! Frames of the film: what they hold of a model, and that a page needs no folder for them.

use burn::module::Module;
use burn::optim::GradientsParams;
use qkv_inspect::{AboutTask, CheckpointConfig, Film, Frame, HeadTrace, Matrix, Metrics};
use qkv_run::{Existing, RunFolder};
use qkv_train::{
    AnyModel, Checkpoints, ConfigSource, EventLog, Experiment, FrameMaker, Next, Observer, Registry, RunInfo,
    Snapshots, Split, State, StepReport, TrainError, Trainer, draw,
};
use serde_json::Value;
use tempfile::tempdir;

use crate::support::backends::device;

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
pub(super) fn films(experiment: &Experiment) -> [Film; 2] {
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

/// Replaces what a frame tells in comparison with the first one, or with the one before.
fn without_movement(value: &mut Value) {
    match value {
        Value::Object(table) => {
            for key in ["moved", "balanced"] {
                table.entry(key).and_modify(|found| *found = Value::Null);
            }
            table.values_mut().for_each(without_movement);
        }
        Value::Array(list) => list.iter_mut().for_each(without_movement),
        _ => {}
    }
}

/// Puts the columns of `part` behind those of `all`, as the page does.
fn append(all: &mut Value, part: &Value) {
    match (all, part) {
        (Value::Object(all), Value::Object(part)) => {
            for (key, value) in all {
                match (key.as_str(), value) {
                    ("frames" | "predictions" | "gradient" | "update", Value::Array(column)) => {
                        column.extend(part[key].as_array().unwrap().iter().cloned());
                    }
                    (_, value) => append(value, &part[key]),
                }
            }
        }
        (Value::Array(all), Value::Array(part)) => {
            assert_eq!(all.len(), part.len());
            all.iter_mut().zip(part).for_each(|(all, part)| append(all, part));
        }
        _ => {}
    }
}

#[test]
fn a_film_in_memory_is_that_of_the_folder_and_can_grow_frame_by_frame() {
    let two_layers = ["model.n_layers=2", "model.n_heads=3", "model.w_o=true", "model.mask=causal"];
    let learned = &["QK, token by token", "QK, position by position", "OV, token by token"][..];
    let without = &["x xᵀ, token by token", "x xᵀ, position by position"][..];
    let bare_scores = ["model.projections.w_q=none", "model.projections.w_k=none"];
    let and_values = &[without, &["OV, token by token"]].concat()[..];
    for (settings, circuits_of) in [
        (&two_layers[..], learned),
        (&["model.projections=none"], without),
        // An absent matrix is the identity, of which the other one makes a circuit.
        (&["model.projections.w_q=none"], learned),
        (&["model.projections.w_k=none", "model.projections.w_v=none"], learned),
        (&bare_scores[..], and_values),
    ] {
        let experiment = experiment(settings);
        let [of_folder, in_memory] = films(&experiment);
        let json = |film: &Film| serde_json::from_str::<Value>(&film.json()).unwrap();
        let mut whole = json(&of_folder);
        assert_eq!(whole, json(&in_memory));
        assert_eq!(whole["frames"].as_array().unwrap().len(), 4);
        let one = |frame: &Frame| {
            let film = Film { frames: vec![frame.clone()], ..in_memory.clone() };
            let mut json = json(&film);
            without_movement(&mut json);
            json
        };
        let mut grown = one(&in_memory.frames[0]);
        in_memory.frames[1..].iter().for_each(|frame| append(&mut grown, &one(frame)));
        without_movement(&mut whole);
        assert_eq!(whole, grown);
        let circuits = whole["layers"][0]["heads"][0]["circuits"].as_array().unwrap();
        let names: Vec<_> = circuits.iter().map(|circuit| circuit["name"].as_str().unwrap()).collect();
        assert_eq!(names, circuits_of);
        let layers = whole["run"]["layers"].as_array().unwrap();
        assert_eq!(layers.len(), whole["probes"][0]["traces"].as_array().unwrap().len());
        assert_eq!(whole["run"]["n_parameters"], experiment.model(&device()).unwrap().num_params());
    }
}

#[test]
fn frozen_projections_are_parameters_that_are_not_learned() {
    for (settings, n_frozen) in [(&["model.projections=frozen"][..], 3 * 12 * 12), (&[], 0)] {
        let [film, _] = films(&experiment(settings));
        let json: Value = serde_json::from_str(&film.json()).unwrap();
        let count = |key: &str| json["run"][key].as_u64().unwrap();
        assert_eq!(count("n_parameters") - count("n_learned"), n_frozen, "{settings:?}");
    }
}

#[test]
fn columns_of_tokens_that_are_no_answers_are_left_out() {
    let [film, _] = films(&experiment(&[]));
    let about = AboutTask { answers: [0, 2].into(), ..AboutTask::default() };
    let film = Film { task: Some(about), ..film };
    let json: Value = serde_json::from_str(&film.json()).unwrap();
    let circuits = json["layers"][0]["heads"][0]["circuits"].as_array().unwrap();
    let of = |key: &str| circuits.iter().map(|circuit| circuit[key].to_string()).collect::<Vec<_>>();
    assert_eq!(of("column_tokens"), ["[]", "[]", "[0,2]"]);
    assert_eq!(of("size"), ["[3,3]", "[5,5]", "[3,2]"]);
}

pub(super) fn product(left: &Matrix, right: &Matrix) -> Vec<f64> {
    let cell = |row: usize, column: usize| {
        (0..left.columns()).map(|i| left.at(row, i) * right.at(i, column)).sum::<f64>()
    };
    (0..left.rows())
        .flat_map(|row| (0..right.columns()).map(move |column| (row, column)))
        .map(|(r, c)| cell(r, c))
        .collect()
}

pub(super) fn transposed(matrix: &Matrix) -> Matrix {
    let cells = (0..matrix.columns()).flat_map(|column| (0..matrix.rows()).map(move |row| (row, column)));
    let values = cells.map(|(row, column)| matrix.at(row, column)).collect();
    Matrix::new(matrix.columns(), matrix.rows(), values).unwrap()
}

/// Of single precision, in which the model computes.
#[track_caller]
pub(super) fn assert_close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!(found == expected || (found - expected).abs() < 1e-5, "{found} instead of {expected}");
    }
}

fn softmax(row: &[f64]) -> Vec<f64> {
    let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = row.iter().map(|x| (x - most).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|x| x / sum).collect()
}

/// What holds of every head, whatever the score; returns the parts of its trace.
pub(super) fn check_head(trace: &HeadTrace, map: &Matrix) -> [Matrix; 6] {
    let HeadTrace { q, k, v, scores, scaled, context } = trace.clone();
    let parts = [q, k, v, scores, scaled, context].map(Option::unwrap);
    let [_, _, v, _, scaled, context] = &parts;
    let weights: Vec<f64> = (0..scaled.rows()).flat_map(|row| softmax(scaled.row(row))).collect();
    assert_close(&weights, map.values());
    assert_close(context.values(), &product(map, v));
    parts
}

/// The traces of the first input in all frames, with the frame, the layer and the head.
fn heads(film: &Film) -> Vec<(&Frame, usize, usize, [Matrix; 6])> {
    let mut all = Vec::new();
    for frame in &film.frames {
        let probe = &frame.probes[0];
        for (layer, trace) in probe.traces.iter().enumerate() {
            for (head, parts) in trace.heads.iter().enumerate() {
                let map = probe.map(&trace.layer, head).unwrap();
                all.push((frame, layer, head, check_head(parts, &map.weights)));
            }
        }
    }
    assert!(!all.is_empty());
    all
}

#[test]
fn a_trace_has_every_product_of_a_head() {
    let cases = [
        (&["model.n_layers=2", "model.n_heads=3", "model.w_o=true"][..], 24, 2.0),
        (&["model.positions=rope", "model.d_k=6"], 4, 6.0_f64.sqrt()),
        (&["model.positions=alibi"], 4, 12.0_f64.sqrt()),
        (&["model.mask=causal", "model.score=dot"], 4, 1.0),
        (&["model.projections=none"], 4, 12.0_f64.sqrt()),
        (&["model.projections.w_q=none", "model.n_heads=2"], 8, 6.0_f64.sqrt()),
        (&["model.projections.w_k=frozen", "model.projections.w_v=none"], 4, 12.0_f64.sqrt()),
        (&["model.score=additive"], 4, 1.0),
    ];
    for (settings, n_traces, divisor) in cases {
        let (has, has_any) =
            (|setting| settings.contains(&setting), |part| settings.iter().any(|s| s.contains(part)));
        let [film, _] = films(&experiment(settings));
        let traces = heads(&film);
        assert_eq!(traces.len(), n_traces, "{settings:?}");
        for (frame, layer, head, [q, k, v, scores, scaled, _]) in &traces {
            let x = frame.probes[0].traces[*layer].x.as_ref().unwrap();
            if has("model.score=additive") {
                assert_eq!(scores, scaled);
            } else {
                assert_close(scores.values(), &product(q, &transposed(k)));
            }
            for (i, (scaled, score)) in scaled.values().iter().zip(scores.values()).enumerate() {
                let (query, key) = (i / 5, i % 5);
                let expected = match () {
                    () if has("model.mask=causal") && key > query => f64::NEG_INFINITY,
                    // One head has the slope 2⁻⁸.
                    () if has("model.positions=alibi") => {
                        score / divisor - query.abs_diff(key) as f64 / 256.0
                    }
                    () => score / divisor,
                };
                assert_close(&[*scaled], &[expected]);
            }
            match frame.layers.get(*layer).map(|layer| &layer.heads[*head]) {
                None => assert!(
                    has("model.projections=none") && [q, k, v].iter().all(|made| made.values() == x.values())
                ),
                Some(weights) => {
                    let is_there = |name| !settings.iter().any(|set| set.contains(&format!("{name}=none")));
                    let made = [("w_q", q, &weights.w_q), ("w_k", k, &weights.w_k), ("w_v", v, &weights.w_v)];
                    for (name, made, matrix) in made {
                        assert_eq!(matrix.is_some(), is_there(name), "{settings:?}: {name}");
                        let columns = *head * made.columns()..(*head + 1) * made.columns();
                        match matrix {
                            // Turned afterwards.
                            Some(_) if name != "w_v" && has_any("rope") => {}
                            Some(matrix) => assert_close(made.values(), &product(x, matrix)),
                            None => {
                                let part = |row: usize| columns.clone().map(move |column| x.at(row, column));
                                assert_eq!(made.values(), (0..x.rows()).flat_map(part).collect::<Vec<_>>());
                            }
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_frame_has_probabilities_of_the_answers() {
    let [film, _] = films(&experiment(&[]));
    for frame in &film.frames {
        let probe = &frame.probes[0];
        let answers = probe.answers.as_ref().unwrap();
        assert_eq!((answers.rows(), answers.columns()), (5, 3));
        for position in 0..5 {
            let row = answers.row(position);
            assert_close(&[row.iter().sum::<f64>()], &[1.0]);
            let best = (0..3).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap();
            assert_eq!(film.config.vocabulary[best], probe.labels.predictions[position]);
        }
        assert!(frame.probes[1].traces.is_empty() && frame.probes[1].answers.is_none());
    }
}

#[test]
fn a_plain_step_goes_against_the_gradients_of_its_frame() {
    let plain = [
        "optimizer=sgd",
        "optimizer.momentum=0",
        "optimizer.clip=0",
        "schedule=constant",
        "schedule.warmup_steps=0",
    ];
    let [film, _] = films(&experiment(&[&["model.n_heads=2", "model.w_o=true"][..], &plain].concat()));
    assert!(film.frames[0].gradients.is_empty());
    let mut n_matrices = 0;
    for frames in film.frames.windows(2) {
        let [before, after] = frames else { unreachable!() };
        let heads = before.layers[0].heads.iter().zip(&after.layers[0].heads).zip(&after.gradients[0].heads);
        for ((before, after), gradient) in heads {
            for (((_, old), (_, new)), (name, gradient)) in
                before.named().into_iter().zip(after.named()).zip(gradient.named())
            {
                let [old, new, gradient] = [old, new, gradient].map(Option::unwrap);
                assert_eq!((old.rows(), old.columns()), (gradient.rows(), gradient.columns()));
                for ((old, new), gradient) in old.values().iter().zip(new.values()).zip(gradient.values()) {
                    // What a weight below one is rounded by.
                    assert!(
                        (new - old + 0.05 * gradient).abs() < 1e-7,
                        "{name}: {old} to {new} by {gradient}"
                    );
                }
                assert!(0.05 * gradient.norm() > 1e-5, "{name} did not move");
                n_matrices += 1;
            }
        }
    }
    assert_eq!(n_matrices, 3 * 2 * 4);
}
