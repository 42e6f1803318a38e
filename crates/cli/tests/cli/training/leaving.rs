//! A user leaves a training while it does something else than steps: an evaluation, the models to compare with, the
//! sample.

use std::time::{Duration, Instant};

use crate::support::pty::Pty;
use crate::support::sandbox::Sandbox;

/// How long a process may take to save and leave.
const LIMIT: Duration = Duration::from_secs(2);

#[test]
fn a_key_stops_a_training_within_an_evaluation() {
    let sandbox = Sandbox::new();
    // The validation takes minutes.
    let long = "--set train.eval_every=5 --set train.eval_examples=2000000 --set train.batch_size=2";
    let line = "train reverse --live --out run --steps 10 --set task.seq_len=256";
    let mut pty = Pty::start(&sandbox, &format!("{line} {long}"));
    pty.wait_for("5/10  slow motion  loss");
    pty.press("q");
    let pressed = Instant::now();
    let checkpoint = sandbox.path("run/checkpoints/step-00000005");
    while !checkpoint.is_dir() && pressed.elapsed() < LIMIT {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(checkpoint.is_dir(), "it was not saved within {LIMIT:?}\n{}", pty.text());
    // The figures of 10,000 test examples are on the screen of before.
    pty.signal("INT");
    let (code, text) = pty.end();
    assert_eq!(code, Some(130), "{text}");
    assert!(sandbox.metrics("run").iter().all(|event| event["event"] != "eval"));
}

/// Waits until the last figures of a training have a bar that counts `what`, and stops it.
#[track_caller]
fn stop_at(sandbox: &Sandbox, line: &str, what: &str) {
    let mut pty = Pty::start(sandbox, line);
    pty.wait_for(what);
    let sent = Instant::now();
    pty.signal("INT");
    assert_eq!(pty.wait_for_the_end(), Some(130), "{}", pty.text());
    assert!(sent.elapsed() < LIMIT, "{:?}", sent.elapsed());
    let events = sandbox.metrics("run");
    assert!(events.iter().any(|event| event["event"] == "saved" && event["step"] == 1));
    assert!(events.iter().all(|event| event["event"] != "done"));
}

#[test]
fn counting_the_characters_of_a_long_text_hears_a_signal() {
    let sandbox = Sandbox::in_memory();
    // Twelve million characters in an order without a pattern, so that there are many contexts to count.
    let mut state = 1_u32;
    let text: Vec<u8> = (0..12_000_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            b'!' + (state >> 24) as u8 % 90
        })
        .collect();
    sandbox.write("long.txt", text);
    let small =
        "--set task.seq_len=8 --set model.d_model=8 --set train.eval_examples=1 --set train.batch_size=1";
    stop_at(
        &sandbox,
        &format!("train chars --set task.text=long.txt --steps 1 --out run {small}"),
        "positions counted",
    );
}

#[test]
fn the_sample_of_a_slow_model_hears_a_signal() {
    let sandbox = Sandbox::in_memory();
    sandbox.write("short.txt", "so it goes on and on, ".repeat(300));
    // Its 200 tokens take some seconds, because behind a full window each is a whole pass; its few test examples a part of one.
    let slow = "--set task.seq_len=64 --set model.d_model=256 --set model.n_layers=12 --set model.n_heads=4";
    let line =
        format!("train chars --set task.text=short.txt --steps 1 --out run {slow} --set train.batch_size=1");
    stop_at(&sandbox, &line, "tokens generated");
}
