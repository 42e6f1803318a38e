//! Matrices that a reader freezes in the middle of a run.

use std::error::Error;

use qkv_train::{ConfigSource, Registry};
use qkv_web::{Edit, Place, Session};
use serde_json::Value;

use crate::support::{Outcome, changed, place, small};

#[test]
fn a_matrix_that_is_frozen_stays_while_the_others_learn_on() -> Outcome {
    let mut session = small("reverse", &["train.steps=60", "optimizer.weight_decay=0.5"])?;
    session.step(10)?;
    let names = ["w_q", "w_k", "w_v"].map(|name| format!("blocks.0.attention.{name}"));
    let kept = session.keep();
    let figures = session.figures()?;
    let edited = session.edit(&Edit::Freeze { place: place(0, "w_k"), frozen: true })?;
    assert_eq!((&edited.before, &edited.after), (&figures, &figures));
    let before = session.weights()?;
    session.step_watched(10)?;
    let counts: Vec<usize> = names
        .iter()
        .map(|name| Ok(changed(&session, &before, name)?.len()))
        .collect::<Result<_, Box<dyn Error>>>()?;
    assert_eq!(counts[1], 0, "neither a gradient nor the decay reaches it");
    assert!(counts[0] > 50 && counts[2] > 50, "{counts:?}");
    // What its gradient would be is shown all the same.
    let film: Value = serde_json::from_str(&session.moment()?)?;
    assert!(!film["layers"][0]["heads"][0]["raw"][1]["frames"][0]["gradient"].is_null());
    session.edit(&Edit::Freeze { place: place(0, "w_k"), frozen: false })?;
    let before = session.weights()?;
    session.step(1)?;
    assert!(changed(&session, &before, &names[1])?.len() > 50);
    // Undo goes back to a run in which nothing was frozen.
    session.edit(&Edit::Freeze { place: place(0, "w_k"), frozen: true })?;
    session.restore(&kept);
    let before = session.weights()?;
    session.step(1)?;
    assert!(changed(&session, &before, &names[1])?.len() > 50);
    Ok(())
}

#[test]
fn the_config_freezes_what_a_reader_has_frozen_as_far_as_a_config_can() -> Outcome {
    let of_layers = |session: &mut Session, layers: &[usize]| -> Result<String, Box<dyn Error>> {
        for &layer in layers {
            let place = Place { layer, ..place(0, "w_v") };
            session.edit(&Edit::Freeze { place, frozen: true })?;
        }
        Ok(session.config())
    };
    let mut deep = small("reverse", &["model.n_layers=2", "model.projections.w_q=none"])?;
    let begun = deep.config();
    let of_one = of_layers(&mut deep, &[1])?;
    let comment = "# blocks.1.attention.w_v was frozen by hand; model.projections.w_v would freeze that of all layers.\n";
    assert_eq!(of_one, format!("{comment}{begun}"));
    let of_both = of_layers(&mut deep, &[0])?;
    let read = Registry::new().read(ConfigSource::Toml(&of_both), &[""; 0])?.config;
    let words = &read.model.settings["projections"];
    assert_eq!(
        (&words["w_q"], &words["w_k"], &words["w_v"]),
        (&"none".into(), &"learned".into(), &"frozen".into())
    );
    assert_eq!(read.to_toml(), of_both);
    Ok(())
}
