//! A session against the trainer itself, and what a reader does with it.

use std::error::Error;

use burn::tensor::Device;
use qkv_train::{
    ConfigSource, Next, Observer, Registry, State, StepReport, TrainError, Trainer, weights_to_bytes,
};
use qkv_web::{Answer, CellValue, Desk, Edit, Ended, Session, Text, WebError};
use serde_json::Value;

use crate::support::{Outcome, SMALL, place, small};

/// Collects what the trainer reports.
#[derive(Default)]
struct Reports(Vec<StepReport>);

impl<M> Observer<M> for Reports {
    fn step(&mut self, _: &State<M>, report: &StepReport) -> Result<Next, TrainError> {
        self.0.push(report.clone());
        Ok(Next::Continue)
    }
}

/// Losses of the trainer and of the session at some steps, bit for bit, and the weights at the end.
fn is_the_trainer(task: &str, settings: &[&str], shown: &[usize]) -> Outcome {
    let device = Device::flex().autodiff();
    let experiment = Registry::new().read(ConfigSource::Task(task), settings)?;
    let mut reports = Reports::default();
    let (model, parts) = (experiment.model(&device)?, experiment.parts.clone());
    let trained =
        Trainer::with_parts(model, &*experiment.task, parts, &device)?.observe(&mut reports).run()?;

    let mut session = Session::of_task(task, settings)?;
    let mut steps = Vec::new();
    while session.steps_made() < session.last_step() {
        steps.extend(session.step(7)?.steps);
    }
    for &step in shown {
        let (ours, theirs) = (&steps[step - 1], &reports.0[step - 1]);
        assert_eq!(
            (ours.step, ours.loss.to_bits()),
            (theirs.step, theirs.loss.to_bits()),
            "{task}, step {step}"
        );
        assert_eq!((ours.lr, ours.grad_norm), (theirs.lr, theirs.grad_norm));
    }
    let name = "model.safetensors".as_ref();
    assert_eq!(session.weights()?, weights_to_bytes(&trained.state.model, name)?);
    Ok(())
}

#[test]
fn a_session_is_the_trainer_bit_for_bit() -> Outcome {
    is_the_trainer("reverse", &["train.batch_size=8", "train.eval_examples=50"], &[1, 10, 100, 500])?;
    let shards =
        ["train.steps=20", "train.batch_size=8", "train.shards=3", "optimizer=muon", "schedule=linear"];
    is_the_trainer("sort", &shards, &[1, 10, 20])?;
    is_the_trainer("recall", &["train.steps=20", "train.batch_size=8", "model.dropout=0.1"], &[1, 20])
}

#[test]
fn the_config_of_a_session_is_one_that_the_trainer_takes() -> Outcome {
    let session = small("reverse", &["model.projections=frozen"])?;
    let read = Registry::new().read(ConfigSource::Toml(&session.config()), &[""; 0])?;
    assert_eq!(read.config.to_toml(), session.config());
    assert!(session.config().contains("projections = \"frozen\""));
    let mixed = small("reverse", &["model.projections.w_k=none"])?.config();
    assert_eq!(Registry::new().read(ConfigSource::Toml(&mixed), &[""; 0])?.config.to_toml(), mixed);
    assert!(mixed.contains("[model.projections]\nw_k = \"none\"\n"), "{mixed}");
    Ok(())
}

#[test]
fn what_does_not_fit_is_said_by_the_registry() {
    let message = |settings: &[&str]| {
        Session::of_task("reverse", settings).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(message(&["model.d_modle=64"]), "unknown key `model.d_modle`; did you mean `model.d_model`?");
    assert!(message(&["model.n_heads=5"]).contains("n_heads"), "{}", message(&["model.n_heads=5"]));
    let large =
        message(&["task.seq_len=512", "train.batch_size=64", "model.n_heads=8", "model.attention=reference"]);
    assert!(large.contains("a page has 1024 MiB for it"), "{large}");
}

#[test]
fn a_text_comes_as_bytes() -> Outcome {
    let text = |bytes: &[u8]| Text { name: "song \"1\".txt".to_owned(), bytes: bytes.to_vec() };
    let config = "[task]\nname = \"chars\"\nseq_len = 4\n[train]\nbatch_size = 4\neval_examples = 10\n";
    let session = Session::new(config, &[""; 0], Some(text("la lo li, ".repeat(9).as_bytes())))?;
    assert!(session.config().contains("song"), "{}", session.config());
    let refused =
        |bytes: &[u8]| Session::new(config, &[""; 0], Some(text(bytes))).err().map(|error| error.to_string());
    assert!(refused(&[0xff, 0xfe, 0, 0]).is_some_and(|message| message.contains("UTF-32")));
    assert!(
        Session::new(config, &[""; 0], None).is_err_and(|error| error.to_string().contains("needs a text"))
    );
    Ok(())
}

#[test]
fn a_state_that_was_kept_comes_back_exactly() -> Outcome {
    let mut session = small("reverse", &["train.steps=40"])?;
    session.step(10)?;
    let (kept, weights) = (session.keep(), session.weights()?);
    let cell = CellValue { row: 1, column: 2, value: 3.5 };
    session.edit(&Edit::Cells { place: place(0, "w_q"), cells: vec![cell] })?;
    assert_ne!(session.weights()?, weights);
    session.edit(&Edit::Zero { place: place(0, "w_k") })?;
    session.restore(&kept);
    assert_eq!(session.weights()?, weights);
    let after = session.step(30)?;
    session.restore(&kept);
    assert_eq!(session.step(30)?, after);
    assert_eq!(after.ended, Some(Ended::Finished));
    Ok(())
}

#[test]
fn divergence_is_an_answer_of_its_own_and_leaves_the_last_good_state() -> Outcome {
    let settings = [
        "optimizer=sgd",
        "optimizer.lr=1e30",
        "schedule.warmup_steps=0",
        "optimizer.clip=0",
        "train.steps=50",
    ];
    let mut session = small("reverse", &settings)?;
    let error = session.step(50).err().ok_or("a rate of 1e30 was survived")?;
    let WebError::Diverged { step, .. } = &error else { return Err(error.into()) };
    assert_eq!(session.steps_made(), *step);
    assert!(error.to_string().contains("training diverged after step"), "{error}");
    session.weights()?;
    session.moment()?;
    Ok(())
}

#[test]
fn a_model_whose_rate_has_gone_to_zero_can_begin_again() -> Outcome {
    let mut session = small("reverse", &["train.steps=10", "schedule.warmup_steps=1"])?;
    session.step(10)?;
    assert_eq!(session.step(1)?.steps, []);
    session.begin_again();
    let stepped = session.step(20)?;
    assert_eq!((stepped.steps[0].step, stepped.steps.len(), session.last_step()), (11, 10, 20));
    assert!(stepped.steps[1].lr > 4e-3);
    Ok(())
}

#[test]
fn a_moment_is_the_film_of_one_frame() -> Outcome {
    let mut session = small("reverse", &["train.steps=30", "model.n_heads=2"])?;
    session.step_watched(4)?;
    let film: Value = serde_json::from_str(&session.moment()?)?;
    assert_eq!((film["frames"].as_array().map(Vec::len), &film["frames"][0]["step"]), (Some(1), &5.into()));
    assert_eq!(film["layers"][0]["heads"].as_array().map(Vec::len), Some(2));
    let w_q = &film["layers"][0]["heads"][1]["raw"][0];
    assert_eq!((&w_q["name"], &w_q["size"]), (&"W_Q".into(), &serde_json::json!([8, 4])));
    assert!(w_q["frames"][0]["limit"].as_f64().is_some_and(|limit| limit > 0.0));
    assert!(!w_q["frames"][0]["gradient"].is_null(), "{w_q}");
    let trace = &film["probes"][0]["traces"][0];
    for part in ["q", "k", "v", "scores", "scaled", "context"] {
        assert!(trace["heads"][1][part]["frames"][0]["data"].is_string(), "{part}: {trace}");
    }
    assert!(trace["x"]["frames"][0]["data"].is_string());
    assert!(film["probes"][0]["answers"]["frames"][0]["data"].is_string());
    assert_eq!(film["run"]["task"], "reverse");
    session.step(1)?;
    let next: Value = serde_json::from_str(&session.moment()?)?;
    assert!(next["layers"][0]["heads"][1]["raw"][0]["frames"][0]["gradient"].is_null());
    Ok(())
}

#[test]
fn an_input_of_the_readers_own_is_shown_or_refused() -> Outcome {
    let mut session = small("reverse", &[])?;
    let input = |labels: &[&str]| labels.iter().map(|label| vec![(*label).to_owned()]).collect::<Vec<_>>();
    session.probe(Some(&input(&["D", "B", "E", "B"])))?;
    let film: Value = serde_json::from_str(&session.moment()?)?;
    assert_eq!(film["probes"][0]["tokens"], serde_json::json!(["D", "B", "E", "B"]));
    assert_eq!(film["probes"][0]["targets"], serde_json::json!(["B", "E", "B", "D"]));
    let refused = |session: &mut Session, labels: &[&str]| {
        session.probe(Some(&input(labels))).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert!(refused(&mut session, &["D", "B"]).contains("has 4 positions, got 2"));
    assert!(refused(&mut session, &["D", "B", "E", "</script>"]).contains("no token `</script>`"));
    session.probe(None)?;
    assert_ne!(
        serde_json::from_str::<Value>(&session.moment()?)?["probes"][0]["tokens"],
        film["probes"][0]["tokens"]
    );
    // Any labels in any order: nonsense has no answer, and ends nothing.
    for task in Registry::new().task_names().filter(|task| *task != "chars") {
        let mut session = Session::of_task(task, &["train.eval_examples=10"])?;
        let config = session.config();
        let experiment = Registry::new().read(ConfigSource::Toml(&config), &[""; 0])?;
        let (vocabulary, task) = (experiment.task.vocabulary(), experiment.task);
        for first in 0..vocabulary.len().min(20) {
            let label = |i: usize| vocabulary[(first + 7 * i) % vocabulary.len()].clone();
            let position = |i: usize| (0..task.stack()).map(|j| label(i + j)).collect::<Vec<_>>();
            session.probe(Some(&(0..task.seq_len()).map(position).collect::<Vec<_>>()))?;
        }
        session.moment()?;
    }
    Ok(())
}

#[test]
fn requests_are_answered_in_json_and_weights_in_bytes() -> Outcome {
    let mut desk = Desk::default();
    let mut ask = |request: &[u8]| desk.answer(request);
    let not_begun = ask(br#"{"do":"step","n":1}"#).err().map(|error| (error.kind(), error.to_string()));
    assert_eq!(not_begun, Some(("request", "no training has begun; begin one first".to_owned())));
    let settings = SMALL.map(|setting| format!("\"{setting}\"")).join(",");
    let begin = format!(r#"{{"do":"begin","task":"reverse","settings":[{settings}]}}"#);
    let Answer::Json(ready) = ask(begin.as_bytes())? else { return Err("JSON".into()) };
    let ready: Value = serde_json::from_str(&ready)?;
    assert_eq!((&ready["seq_len"], &ready["step"], &ready["last_step"]), (&4.into(), &0.into(), &500.into()));
    let Answer::Json(stepped) = ask(br#"{"do":"step","n":3,"watched":true}"#)? else {
        return Err("JSON".into());
    };
    assert_eq!(serde_json::from_str::<Value>(&stepped)?["steps"].as_array().map(Vec::len), Some(3));
    let Answer::Bytes(weights) = ask(br#"{"do":"weights"}"#)? else { return Err("bytes".into()) };
    let Answer::Json(kept) = ask(br#"{"do":"keep"}"#)? else { return Err("JSON".into()) };
    assert_eq!(kept, r#"{"kept":0,"step":3}"#);
    ask(br#"{"do":"edit","edit":{"what":"zero","place":{"layer":0,"head":0,"matrix":"w_v"}}}"#)?;
    assert_ne!(ask(br#"{"do":"weights"}"#)?, Answer::Bytes(weights.clone()));
    ask(br#"{"do":"restore","kept":0}"#)?;
    assert_eq!(ask(br#"{"do":"weights"}"#)?, Answer::Bytes(weights.clone()));
    ask(br#"{"do":"forget","kept":0}"#)?;
    assert_eq!(ask(br#"{"do":"restore","kept":0}"#).err().map(|error| error.kind()), Some("request"));
    let wrong = br#"{"do":"begin","task":"reverse","settings":["model.d_model=zero"]}"#;
    assert_eq!(ask(wrong).err().map(|error| error.kind()), Some("config"));
    ask(br#"{"do":"step","n":1}"#)?;
    assert_eq!(ask(b"\xff").err().map(|error| error.kind()), Some("request"));
    Ok(())
}

#[test]
fn a_page_is_told_every_value_and_what_it_would_be_without_its_settings() -> Outcome {
    let mut desk = Desk::default();
    let mut begin = |request: Value, bytes: &[u8]| -> Result<Value, Box<dyn Error>> {
        let answer = desk.answer(&[request.to_string().as_bytes(), b"\n", bytes].concat())?;
        let Answer::Json(ready) = answer else { return Err("JSON".into()) };
        Ok(serde_json::from_str(&ready)?)
    };
    let settings = ["model.d_k=3", "model.score=dot"];
    let request = serde_json::json!({"do": "begin", "task": "letters", "settings": settings});
    let ready = begin(request, b"")?;
    let both = |key: &str| (ready["values"]["model"][key].clone(), ready["defaults"]["model"][key].clone());
    assert_eq!(both("d_k"), (3.into(), 2.into()));
    assert_eq!(both("d_model"), (8.into(), 8.into()));
    assert_eq!(both("score"), ("dot".into(), "scaled-dot".into()));
    // Over a config of the reader's own, whose values are what the settings stand over.
    let config = "[task]\nname = \"letters\"\n[model]\nd_k = 5\n";
    let request = serde_json::json!({"do": "begin", "config": config, "settings": ["seed=4"]});
    let ready = begin(request, b"")?;
    assert_eq!((&ready["values"]["seed"], &ready["defaults"]["seed"]), (&4.into(), &0.into()));
    assert_eq!(ready["defaults"]["model"]["d_k"], 5);
    // A text is no setting, and a config that holds with its settings alone has no defaults.
    let settings = ["task.seq_len=8", "train.eval_examples=10"];
    let request = serde_json::json!({"do": "begin", "task": "chars", "text": "t", "settings": settings});
    let text = "a text of two lines, which is long enough for inputs of 64\n".repeat(40);
    let ready = begin(request, text.as_bytes())?;
    assert_eq!(
        (&ready["values"]["task"]["seq_len"], &ready["defaults"]["task"]["seq_len"]),
        (&8.into(), &64.into())
    );
    // Of the task that has pairs it is the pairs, by the name of the task and in a config.
    let pairs = (1..40).map(|n| format!("{n}\tn{n}\n")).collect::<String>();
    let small = ["model.d_model=8", "model.n_heads=1", "train.batch_size=2", "train.eval_examples=5"];
    let by_name = serde_json::json!({"do": "begin", "task": "translate", "text": "p.txt", "settings": small});
    let in_config = serde_json::json!({"do": "begin", "config": "task.name = \"translate\"", "text": "p.txt", "settings": small});
    for request in [by_name, in_config] {
        let ready = begin(request, pairs.as_bytes())?;
        assert_eq!(ready["values"]["task"]["pairs"], "p.txt");
        assert_eq!(ready["values"]["task"]["fingerprint"].as_str().map(str::len), Some(16));
        assert!(ready["summary"].as_str().is_some_and(|summary| summary.contains("39")), "{ready}");
    }
    let config = "[task]\nname = \"letters\"\n[model]\nn_heads = 3\n";
    let request = serde_json::json!({"do": "begin", "config": config, "settings": ["model.n_heads=1"]});
    assert_eq!(begin(request, b"")?["defaults"], Value::Null);
    Ok(())
}
