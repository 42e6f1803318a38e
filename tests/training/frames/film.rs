//! What a film holds, in a folder and in memory, and how it grows frame by frame.

use burn::module::Module;
use qkv_inspect::{AboutTask, Film, Frame};
use serde_json::Value;

use super::{assert_close, experiment, films};
use crate::support::backends::device;

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
