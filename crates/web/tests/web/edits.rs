use std::error::Error;

use qkv_web::{CellValue, Desk, Edit, Place, Session};
use serde_json::Value;

use crate::support::{Outcome, ask, changed, learned, place, small, values};

#[test]
fn an_edit_changes_the_part_of_its_head_alone() -> Outcome {
    let mut session = small("reverse", &["model.n_heads=2", "model.n_kv_heads=1", "model.w_o=true"])?;
    let place = |matrix: &str| place(1, matrix);
    let cells = |row, column, value| vec![CellValue { row, column, value }];
    let [w_q, w_k, w_o] = ["w_q", "w_k", "w_o"].map(|matrix| format!("blocks.0.attention.{matrix}"));
    let before = session.weights()?;
    // W_Q is 8 × 8 here, and the second head has its columns 4 to 7.
    session.edit(&Edit::Cells { place: place("w_q"), cells: cells(2, 3, 9.0) })?;
    assert_eq!(changed(&session, &before, &w_q)?, [2 * 8 + 7]);
    let before = session.weights()?;
    session.edit(&Edit::ZeroHead { layer: 0, head: 1 })?;
    assert_eq!(changed(&session, &before, &w_o)?, (4 * 8..8 * 8).collect::<Vec<_>>());
    let before = session.weights()?;
    // Both heads have the same keys.
    session.edit(&Edit::Noise { place: place("w_k"), size: 0.5, seed: 1 })?;
    assert_eq!(changed(&session, &before, &w_k)?, (0..8 * 4).collect::<Vec<_>>());
    let before = session.weights()?;
    session.edit(&Edit::Matrix { place: place("w_q"), values: vec![0.5; 32] })?;
    assert!(values(&session.weights()?, &w_q)?[4..8].iter().all(|&value| value == 0.5));
    assert_eq!(values(&session.weights()?, &w_q)?[..4], values(&before, &w_q)?[..4]);
    for (edit, message) in [
        (Edit::Zero { place: Place { head: 2, ..place("w_q") } }, "layer 0 has 2 heads"),
        (Edit::Zero { place: Place { layer: 1, ..place("w_q") } }, "there is no layer 1"),
        (Edit::Zero { place: place("w_x") }, "got `w_x`"),
        (Edit::Cells { place: place("w_q"), cells: cells(8, 0, 1.0) }, "there is no cell in row 8"),
        (Edit::Cells { place: place("w_q"), cells: cells(0, 0, f32::NAN) }, "finite number, got NaN"),
        (Edit::Matrix { place: place("w_q"), values: vec![0.0; 3] }, "expected 32 values, got 3"),
        (Edit::ZeroRow { place: place("w_q"), row: 8 }, "there is no row 8"),
        (Edit::ZeroColumn { place: place("w_q"), column: 4 }, "there is no column 4"),
        (Edit::Swap { layer: 0, head: 2 }, "layer 0 has 2 heads"),
    ] {
        let before = session.weights()?;
        let error = session.edit(&edit).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(message), "{error}");
        assert_eq!(session.weights()?, before);
    }
    let mut bare = small("reverse", &["model.projections=none"])?;
    let error = bare.edit(&Edit::Zero { place: Place { head: 0, ..place("w_q") } }).err();
    assert!(error.is_some_and(|error| error.to_string().contains("the tokens themselves take its place")));
    let mut mixed = small("reverse", &["model.projections.w_q=none", "model.projections.w_k=frozen"])?;
    mixed.edit(&Edit::Zero { place: Place { head: 0, ..place("w_k") } })?;
    let error = mixed.edit(&Edit::Zero { place: Place { head: 0, ..place("w_q") } }).err();
    assert!(error.is_some_and(|error| error.to_string().contains("the tokens themselves take its place")));
    Ok(())
}

#[test]
fn a_row_a_column_or_both_matrices_change_as_a_whole() -> Outcome {
    let mut session = small("reverse", &["model.n_heads=2", "model.bias=true"])?;
    session.step(3)?;
    let [w_q, w_k, b_q, b_k] = ["w_q", "w_k", "b_q", "b_k"].map(|name| format!("blocks.0.attention.{name}"));
    let before = session.weights()?;
    session.edit(&Edit::ZeroRow { place: place(1, "w_k"), row: 3 })?;
    assert_eq!(changed(&session, &before, &w_k)?, [28, 29, 30, 31]);
    session.edit(&Edit::ZeroColumn { place: place(1, "w_k"), column: 1 })?;
    let zeros = values(&session.weights()?, &w_k)?;
    assert!((0..8).all(|row| zeros[row * 8 + 5] == 0.0), "{zeros:?}");
    let before = session.weights()?;
    session.edit(&Edit::Swap { layer: 0, head: 1 })?;
    let after = session.weights()?;
    for (one, other) in [(&w_q, &w_k), (&w_k, &w_q)] {
        let (now, then) = (values(&after, one)?, values(&before, other)?);
        for cell in 0..64 {
            let expected = if cell % 8 >= 4 { then[cell] } else { values(&before, one)?[cell] };
            assert_eq!(now[cell], expected, "{one}, cell {cell}");
        }
    }
    assert_eq!(values(&after, &b_q)?[4..], values(&before, &b_k)?[4..]);
    assert_eq!(values(&after, &b_q)?[..4], values(&before, &b_q)?[..4]);
    session.edit(&Edit::Swap { layer: 0, head: 1 })?;
    assert_eq!(session.weights()?, before, "twice is not at all");
    Ok(())
}

#[test]
fn the_figures_after_an_edit_are_those_of_the_changed_model() -> Outcome {
    let mut session = learned(&[])?;
    let figures = |session: &Session| -> Result<Value, Box<dyn Error>> {
        Ok(serde_json::from_str::<Value>(&session.moment()?)?["frames"][0].clone())
    };
    let (kept, shown) = (session.keep(), figures(&session)?);
    let edited = session.edit(&Edit::Zero { place: place(0, "w_v") })?;
    assert_eq!((edited.step, edited.before.accuracy), (200, 1.0));
    assert!(edited.after.accuracy < 0.6 && edited.after.loss > 0.5, "{edited:?}");
    assert_eq!(edited.after, session.evaluate()?);
    let broken = figures(&session)?;
    assert_eq!(
        (&broken["loss"], &broken["accuracy"]),
        (&edited.after.loss.into(), &edited.after.accuracy.into())
    );
    // The figures before the second edit are those after the first.
    let again = session.edit(&Edit::Noise { place: place(0, "w_q"), size: 0.1, seed: 1 })?;
    assert_eq!(again.before, edited.after);
    session.restore(&kept);
    assert_eq!(figures(&session)?, shown);
    assert_eq!(session.figures()?, edited.before);
    // What is refused has measured nothing and changed nothing.
    assert!(session.edit(&Edit::Zero { place: place(1, "w_v") }).is_err());
    assert_eq!(figures(&session)?, shown);
    Ok(())
}

#[test]
fn a_page_is_told_the_figures_of_every_model_that_it_gets() -> Outcome {
    let mut desk = Desk::default();
    ask(
        &mut desk,
        br#"{"do":"begin","task":"letters","settings":["train.eval_every=150","train.eval_examples=40"]}"#,
    )?;
    ask(&mut desk, br#"{"do":"step","n":160}"#)?;
    let kept = ask(&mut desk, br#"{"do":"keep"}"#)?;
    let zero = br#"{"do":"edit","edit":{"what":"zero","place":{"layer":0,"head":0,"matrix":"w_v"}}}"#;
    let edited = ask(&mut desk, zero)?;
    assert!(edited["before"]["accuracy"].as_f64() > edited["after"]["accuracy"].as_f64(), "{edited}");
    let restored = ask(&mut desk, format!(r#"{{"do":"restore","kept":{}}}"#, kept["kept"]).as_bytes())?;
    assert_eq!((&restored["step"], &restored["figures"]), (&160.into(), &edited["before"]));
    assert!(restored["loss"].as_f64().is_some_and(|loss| loss != edited["after"]["loss"]));
    Ok(())
}

/// The vectors of a layer that the page shows of its first input, a row for each position.
pub(crate) fn vectors_of(
    session: &Session,
    layer: usize,
    part: &str,
) -> Result<Vec<Vec<f64>>, Box<dyn Error>> {
    let film: Value = serde_json::from_str(&session.moment()?)?;
    let part = &film["probes"][0]["traces"][layer]["heads"][0][part];
    let width = part["size"][1].as_u64().ok_or("a width")? as usize;
    Ok(decoded(part)?.chunks(width).map(<[f64]>::to_vec).collect())
}

fn vectors(session: &Session, part: &str) -> Result<Vec<Vec<f64>>, Box<dyn Error>> {
    vectors_of(session, 0, part)
}

/// The cells of a part of a film: numbers of sixteen bits in base64.
fn decoded(part: &Value) -> Result<Vec<f64>, Box<dyn Error>> {
    let frame = &part["frames"][0];
    let limit = frame["limit"].as_f64().ok_or("a limit")?;
    let text = frame["data"].as_str().ok_or("cells")?;
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let sixes = text.bytes().filter_map(|letter| alphabet.iter().position(|&known| known == letter));
    let bits: Vec<bool> = sixes.flat_map(|six| (0..6).rev().map(move |bit| six >> bit & 1 == 1)).collect();
    let bytes: Vec<u8> =
        bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |sum, &bit| 2 * sum + u8::from(bit))).collect();
    let (pairs, _) = bytes.as_chunks();
    Ok(pairs.iter().map(|pair| f64::from(i16::from_le_bytes(*pair)) / 32767.0 * limit).collect())
}

#[test]
fn a_vector_becomes_what_is_asked_for_by_the_smallest_change() -> Outcome {
    let mut session = learned(&[])?;
    let whole = |session: &Session, name: &str| -> Result<Vec<f64>, Box<dyn Error>> {
        let values = values(&session.weights()?, &format!("blocks.0.attention.{name}"))?;
        Ok(values.into_iter().map(f64::from).collect())
    };
    let x: Vec<f64> = {
        let film: Value = serde_json::from_str(&session.moment()?)?;
        let trace = &film["probes"][0]["traces"][0]["x"];
        assert_eq!(trace["size"], serde_json::json!([4, 8]));
        decoded(trace)?[2 * 8..3 * 8].to_vec()
    };
    for (matrix, part, wanted) in
        [("w_q", "q", vec![1.5, -0.5]), ("w_k", "k", vec![-2.0, 0.25]), ("w_v", "v", vec![0.5; 8])]
    {
        let (before, old) = (whole(&session, matrix)?, vectors(&session, part)?);
        let values = wanted.clone();
        session.edit(&Edit::Vector { place: place(0, matrix), position: 2, values, input: 0 })?;
        let now = vectors(&session, part)?;
        let is_close = |a: f64, b: f64| (a - b).abs() < 1e-3;
        assert!(now[2].iter().zip(&wanted).all(|(&now, &wanted)| is_close(now, wanted.into())), "{now:?}");
        // The change is xᵀ (wanted - q) / ‖x‖²: every row of it is a multiple of the same difference.
        let after = whole(&session, matrix)?;
        let width = wanted.len();
        let square: f64 = x.iter().map(|x| x * x).sum();
        for (cell, (after, before)) in after.iter().zip(&before).enumerate() {
            let missing = f64::from(wanted[cell % width]) - old[2][cell % width];
            assert!(is_close(after - before, x[cell / width] * missing / square), "{matrix}, cell {cell}");
        }
    }
    Ok(())
}

#[test]
fn a_vector_that_no_matrix_makes_is_refused() -> Outcome {
    let vector = |matrix: &str, values: Vec<f32>| Edit::Vector {
        place: place(0, matrix),
        position: 1,
        values,
        input: 0,
    };
    let refused = |session: &mut Session, edit: &Edit| -> Result<String, Box<dyn Error>> {
        let before = session.weights()?;
        let message = session.edit(edit).err().map(|error| error.to_string()).unwrap_or_default();
        assert_eq!(session.weights()?, before);
        Ok(message)
    };
    for setting in ["model.qk_norm=true", "model.positions=rope"] {
        let mut session = small("reverse", &[setting])?;
        let message = refused(&mut session, &vector("w_q", vec![1.0; 8]))?;
        assert!(message.contains("the query that is shown is not x times a matrix"), "{setting}: {message}");
        // Values are not compared.
        assert_eq!(
            refused(&mut session, &vector("w_v", vec![f32::INFINITY; 8]))?,
            "a value must have finite components, got inf"
        );
        session.edit(&vector("w_v", vec![1.0; 8]))?;
    }
    let mut session = small("reverse", &["model.w_o=true"])?;
    for (edit, message) in [
        (vector("w_o", vec![1.0; 8]), "made by w_q, w_k or w_v, got `w_o`"),
        (vector("w_k", vec![1.0; 3]), "has 8 components, got 3"),
        (
            Edit::Vector { place: place(0, "w_q"), position: 4, values: vec![1.0; 8], input: 0 },
            "there is no position 4",
        ),
        (
            Edit::Vector { place: place(0, "w_q"), position: 0, values: vec![1.0; 8], input: 3 },
            "there is no input 3",
        ),
    ] {
        let found = refused(&mut session, &edit)?;
        assert!(found.contains(message), "{found}");
    }
    let mut bare = small("reverse", &["model.projections=none"])?;
    assert!(
        refused(&mut bare, &vector("w_q", vec![1.0; 8]))?.contains("the tokens themselves take its place")
    );
    // Where x is zero, no matrix helps.
    let mut session = small("reverse", &["model.positions=none", "model.norm=none"])?;
    let table = "embedding.table";
    let bytes = session.weights()?;
    let file = safetensors::SafeTensors::deserialize(&bytes)?;
    let shape = file.tensor(table)?.shape().to_vec();
    let zeros = vec![0; 4 * shape.iter().product::<usize>()];
    let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape, &zeros)?;
    let views = file
        .tensors()
        .into_iter()
        .map(|(name, tensor)| if name == table { (name, view.clone()) } else { (name, tensor) });
    session.load_weights(safetensors::serialize(views, None)?)?;
    assert!(refused(&mut session, &vector("w_k", vec![1.0; 8]))?.contains("x is zero at position 1"));
    Ok(())
}
