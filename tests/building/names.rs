//! Names and settings that nothing stands for are refused with those that there are, and a name is taken only once.

use qkv_model::{Catalog, Choice, Dot, Init, ModelError, NoPositions, NoSettings, TransformerConfig};
use qkv_train::{ConfigSource, Registry, Reverse, TrainError};

use super::errors::{check_attention, check_transformer};

#[test]
fn an_unknown_name_meets_those_that_there_are() {
    let message = "unknown score `cosine`; choose one of additive, dot, scaled-dot";
    check_attention(|c| c.score = Choice::new("cosine"), message);
    check_transformer(|c| c.score = Choice::new("cosine"), message);
    let message = "unknown positions `rotary`; choose one of alibi, learned, none, rope, sinusoidal";
    check_attention(|c| c.positions = Choice::new("rotary"), message);
    check_transformer(|c| c.positions = Choice::new("rotary"), message);
}

#[test]
fn a_setting_that_nothing_reads_is_refused_with_those_that_are_read() {
    let message = "score.d_hiden: unknown field `d_hiden`, expected `d_hidden` (of `additive`)";
    check_attention(|c| c.score = Choice::new("additive").with("d_hiden", 3), message);
    check_transformer(|c| c.score = Choice::new("additive").with("d_hiden", 3), message);
    check_attention(
        |c| c.score = Choice::new("dot").with("scale", 3),
        "score.scale: unknown field `scale`, there are no fields (of `dot`)",
    );
    check_attention(
        |c| c.positions = Choice::new("rope").with("theta", 3),
        "positions.theta: unknown field `theta`, expected `base` (of `rope`)",
    );
}

#[test]
fn a_setting_of_the_wrong_type_is_named() {
    check_attention(
        |c| c.score = Choice::new("additive").with("d_hidden", "wide"),
        "score.d_hidden must be a whole number of at least 1, got \"wide\"; write score.d_hidden=32",
    );
    check_attention(
        |c| c.positions = Choice::new("rope").with("base", true),
        "positions.base must be a number, got true; write positions.base=10000.0",
    );
}

#[test]
fn a_name_is_taken_only_once() {
    let taken = |kind, name: &str| ModelError::NameTaken { kind, name: name.to_owned() };
    let score = Catalog::default().score("dot", |_: &NoSettings, _, _| Ok(Dot {})).check().err();
    assert_eq!(score, Some(taken("score", "dot")));
    let nowhere = |_: &NoSettings, _: &Init, _| Ok(None::<NoPositions>);
    let positions = Catalog::default().positions("rope", nowhere).check().err();
    assert_eq!(positions, Some(taken("positions", "rope")));
    let message = "the score name `dot` is taken; register yours under another name";
    assert_eq!(score.unwrap().to_string(), message);
}

#[test]
fn a_registry_reports_which_name_was_taken_when_it_is_used() {
    let score = Registry::new().score("dot", |_: &NoSettings, _, _| Ok(Dot {}));
    let positions = Registry::new().positions("rope", |_: &NoSettings, _: &Init, _| Ok(None::<NoPositions>));
    let task = Registry::new().task("reverse", "", |task: &Reverse| Ok(task.clone()));
    let model = Registry::new().model::<TransformerConfig>("transformer");
    for (registry, message) in [
        (&score, "the score name `dot`"),
        (&positions, "the positions name `rope`"),
        (&task, "the task name `reverse`"),
        (&model, "the model name `transformer`"),
    ] {
        let read = registry.read(ConfigSource::Task("reverse"), &[] as &[&str]).err().unwrap();
        for error in [read, registry.check().err().unwrap()] {
            let whole = format!("{message} is taken; register yours under another name");
            assert_eq!(error.to_string(), whole);
            assert!(matches!(error, TrainError::Model(ModelError::NameTaken { .. })));
        }
    }
    // Of several, the first is reported.
    let both = score.task("reverse", "", |task: &Reverse| Ok(task.clone()));
    assert!(both.check().err().unwrap().to_string().starts_with("the score name `dot`"));
}

#[test]
fn a_name_that_a_setting_cannot_give_is_refused_when_the_registry_is_used() {
    let named = |name: &str| Registry::new().score(name, |_: &NoSettings, _, _| Ok(Dot {}));
    for name in ["nan", "inf", "true", "3", "1e3", "", " dot", "[1]", "\"quoted\""] {
        let read = named(name).read(ConfigSource::Task("reverse"), &["model.score=nan"]).err().unwrap();
        for error in [read, named(name).check().err().unwrap()] {
            let message =
                format!("the score name `{name}` would not be read as a name in a setting; register");
            assert!(error.to_string().starts_with(&message), "{error}");
            assert!(error.is_usage());
        }
    }
    for name in ["nano", "dot-2", "own_score", "true-north"] {
        let setting = format!("model.score={name}");
        let experiment = named(name).read(ConfigSource::Task("reverse"), &[setting]).unwrap();
        assert_eq!(experiment.config.model.settings["score"], name);
    }
}
