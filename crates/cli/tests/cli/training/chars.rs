//! A language model of a text, from the command line.

use crate::support::sandbox::Sandbox;

/// Rust's own words about ownership are long enough for a few steps.
const TEXT: &str = include_str!("chars.rs");
const FAST: &str =
    "--set task.seq_len=16 --set train.batch_size=4 --set train.eval_examples=10 --set model.d_model=16";

#[test]
fn the_end_compares_with_count_models_and_shows_a_sample() {
    let sandbox = Sandbox::new();
    sandbox.write("text.txt", TEXT);
    let line = format!("train chars --set task.text=text.txt --steps 3 --out run {FAST}");
    let run = sandbox.succeeds(&line);
    for fragment in ["bits per character", "unigram", "bigram", "trigram", "a sample:"] {
        assert!(run.stdout.contains(fragment), "{run:#?}");
    }
    let events = sandbox.metrics("run");
    let done = events.last().unwrap();
    assert_eq!(done["sample"].as_str().unwrap().chars().count(), 200);
    let config = sandbox.read_text("run/checkpoints/step-00000003/config.json");
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    let vocabulary = config["vocabulary"].as_array().unwrap();
    assert!(vocabulary.contains(&"\u{2423}".into()) && vocabulary.contains(&"\\n".into()), "{vocabulary:?}");
    let losses: Vec<f64> =
        done["baselines"].as_array().unwrap().iter().map(|b| b["loss"].as_f64().unwrap()).collect();
    assert!(losses[0] > losses[1] && losses[1] > losses[2], "{losses:?}");
}

#[test]
fn the_final_figures_of_a_long_text_are_those_of_a_part_of_it() {
    let sandbox = Sandbox::new();
    sandbox.write("text.txt", TEXT.repeat(400_000 / TEXT.len()));
    let line =
        format!("train chars --set task.text=text.txt --steps 1 --out run {FAST} --set task.seq_len=4");
    let run = sandbox.succeeds(&line);
    let figures = run.stdout.lines().find(|line| line.starts_with("test accuracy")).unwrap();
    assert!(figures.contains(" on 10,000 of 1") && figures.contains(" examples after 1 step"), "{figures}");
    assert_eq!(sandbox.metrics("run").last().unwrap()["examples"], 10_000);
    let eval = sandbox.succeeds("eval run --examples 7");
    assert!(
        eval.stdout.contains(" on 7 of 1") && eval.stdout.contains(" test examples, step 1"),
        "{eval:#?}"
    );
}

#[test]
fn a_run_knows_its_text_and_refuses_another() {
    let sandbox = Sandbox::new();
    sandbox.write("text.txt", TEXT);
    sandbox.succeeds(&format!("train chars --set task.text=text.txt --steps 3 --out run --quiet {FAST}"));
    sandbox.succeeds("eval run --examples 3");
    sandbox.write("text.txt", TEXT.replace("the", "teh"));
    sandbox.refuses("eval run --examples 3", &["has changed"]);
    sandbox.succeeds("inspect run");
}

#[test]
fn without_a_text_the_task_names_the_setting() {
    Sandbox::new().refuses("train chars", &["--set task.text=FILE"]);
    let tasks = Sandbox::new().succeeds("tasks");
    assert!(tasks.stdout.contains("--set task.text=FILE"), "{tasks:#?}");
}
