//! Tasks of pairs in a page: an encoder of the source, a decoder of its answer, and their maps.

use std::error::Error;

use qkv_train::Registry;
use qkv_web::{Desk, Edit, Place, Session};
use serde_json::{Value, json};

use crate::edits::vectors_of;
use crate::support::{Outcome, ask};

const FEW: [&str; 1] = ["train.eval_examples=100"];

fn film(session: &Session) -> Result<Value, Box<dyn Error>> {
    Ok(serde_json::from_str(&session.moment()?)?)
}

/// The place of the layer in which the answer reads the source.
const CROSS: usize = 2;

#[test]
fn the_settings_of_a_page_are_its_defaults_and_stand_under_those_of_its_reader() -> Outcome {
    let mut desk = Desk::default();
    for task in ["dates", "translate"] {
        let ready = ask(&mut desk, json!({"do": "begin", "task": task}).to_string().as_bytes())?;
        assert_eq!(ready["values"], ready["defaults"], "{task}");
        assert_eq!(
            (&ready["values"]["model"]["name"], &ready["values"]["model"]["d_mlp"]),
            (&"encoder-decoder".into(), &128.into())
        );
        assert!(ready["source_len"].as_u64() > Some(0), "{task}");
        let settings = ["model.d_mlp=32", "train.steps=7", "model.n_layers=2"];
        let begin = json!({"do": "begin", "task": task, "settings": settings}).to_string();
        let own = ask(&mut desk, begin.as_bytes())?;
        assert_eq!((&own["values"]["model"]["d_mlp"], &own["last_step"]), (&32.into(), &7.into()));
        assert_eq!(own["defaults"], ready["defaults"]);
    }
    Ok(())
}

#[test]
fn an_alignment_is_learned_in_the_steps_of_a_page() -> Outcome {
    let mut session = Session::of_task("dates", &FEW)?;
    assert_eq!(session.last_step(), 600);
    session.step(250)?;
    // By chance it is below 0.2.
    let accuracy = session.evaluate()?.accuracy;
    assert!(accuracy > 0.85, "{accuracy}");
    let film = film(&session)?;
    let names: Vec<&str> = film["layers"]
        .as_array()
        .ok_or("layers")?
        .iter()
        .filter_map(|layer| layer["name"].as_str())
        .collect();
    assert_eq!(names, ["encoder.0.attention", "decoder.0.attention", "decoder.0.cross.attention"]);
    let kinds: Vec<&Value> =
        film["run"]["layers"].as_array().ok_or("layers")?.iter().map(|layer| &layer["kind"]).collect();
    assert_eq!(kinds, ["encoder", "decoder", "cross"]);
    // A year and its day, that is at least the last of its positions, and not more than there are.
    let probe = &film["probes"][0];
    let (source, answer) = (&probe["sides"][0], &probe["sides"][1]);
    assert_eq!((&source[0], answer), (&0.into(), &json!([28, 39])));
    let map = probe["maps"]
        .as_array()
        .ok_or("maps")?
        .iter()
        .find(|map| map["layer"] == names[CROSS])
        .ok_or("a map")?;
    assert_eq!((&map["queries"], &map["keys"]), (answer, source));
    assert_eq!(map["size"], json!([11, source[1]]));
    assert_eq!(probe["traces"][CROSS]["source"]["size"], json!([source[1], 64]));
    Ok(())
}

#[test]
fn a_source_of_the_readers_own_is_answered_by_the_model() -> Outcome {
    let mut session = Session::of_task("dates", &FEW)?;
    session.step(250)?;
    let mut shown = |source: &str| -> Result<[String; 2], Box<dyn Error>> {
        session.probe_source(source)?;
        let film = film(&session)?;
        let tokens = film["probes"][0]["tokens"].as_array().ok_or("tokens")?;
        let text = |positions: &[Value]| positions.iter().filter_map(Value::as_str).collect::<String>();
        let (source, answer) = tokens.split_at(28);
        Ok([text(source), text(answer)].map(|side| side.trim_end_matches('□').to_owned()))
    };
    let [source, answer] = shown("19870303")?;
    assert_eq!(source, "19870303");
    // After so few steps it is a date of that century.
    let is_digit_or_dash =
        |(at, c): (usize, char)| if [5, 8].contains(&at) { c == '-' } else { c.is_ascii_digit() };
    let is_date = answer.chars().count() == 11 && answer.chars().enumerate().skip(1).all(is_digit_or_dash);
    assert!(is_date && answer.starts_with("⊢19"), "{answer}");
    for (source, message) in [("3 März 1987", "ä"), (&"1".repeat(50), "28")] {
        let refused = session.probe_source(source).err().map(|error| (error.kind(), error.to_string()));
        assert!(
            refused.as_ref().is_some_and(|(kind, text)| *kind == "input" && text.contains(message)),
            "{refused:?}"
        );
    }
    let mut reverse = Session::of_task("reverse", &FEW)?;
    assert!(reverse.probe_source("A").is_err_and(|error| error.to_string().contains("no pairs")));
    Ok(())
}

#[test]
fn the_keys_of_cross_attention_are_turned_by_what_the_encoder_made() -> Outcome {
    let mut session = Session::of_task("dates", &FEW)?;
    let place = |matrix: &str| Place { layer: CROSS, head: 0, matrix: matrix.to_owned() };
    let wanted: Vec<f32> = (0..32).map(|i| i as f32 / 32.0).collect();
    for (matrix, part) in [("w_q", "q"), ("w_k", "k"), ("w_v", "v")] {
        session.edit(&Edit::Vector {
            place: place(matrix),
            position: 5,
            values: wanted.clone(),
            input: 0,
        })?;
        let now = vectors_of(&session, CROSS, part)?;
        let is_close = |(&now, &wanted): (&f64, &f32)| (now - f64::from(wanted)).abs() < 1e-3;
        assert!(now[5].iter().zip(&wanted).all(is_close), "{matrix}: {:?}", now[5]);
    }
    // The source has more positions than the answer.
    let mut refused = |matrix: &str, position| {
        let edit = Edit::Vector { place: place(matrix), position, values: wanted.clone(), input: 0 };
        session.edit(&edit).err().map(|error| error.to_string())
    };
    assert_eq!(refused("w_k", 27), None);
    assert_eq!(
        refused("w_q", 11).as_deref(),
        Some("this layer has a query at 11 positions, counted from 0; there is no position 11")
    );
    let map = session.wanted_map(CROSS, 0, 0, &[0.0; 39 * 39]);
    assert!(
        map.is_err_and(|error| error.to_string().starts_with("a map is drawn for a model of one sequence"))
    );
    Ok(())
}

#[test]
fn every_task_of_pairs_has_a_smaller_model_in_a_page() -> Outcome {
    let registry = Registry::new();
    for task in registry.task_names().filter(|task| *task != "chars") {
        let pairs = registry.read(qkv_train::ConfigSource::Task(task), &[""; 0])?;
        let in_page = Session::of_task(task, &FEW)?;
        let n = |session: &Session| session.n_parameters();
        let whole = Session::new(&pairs.config.to_toml(), &FEW, None)?;
        assert_eq!(n(&in_page) < n(&whole), pairs.task.source_len() > 0, "{task}");
    }
    Ok(())
}
