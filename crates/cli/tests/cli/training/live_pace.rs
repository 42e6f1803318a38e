//! How fast the live view lets a training go: step by step, in slow motion, and what it does at the end.

use super::live::{pause, watched};
use crate::support::pty::Pty;
use crate::support::sandbox::Sandbox;

#[test]
fn a_key_makes_one_step() {
    let (_sandbox, mut pty) = watched();
    pause(&mut pty);
    let step = pty.step();
    for n in 1..=2 {
        pty.press("n");
        pty.wait_for(&format!("{}/1000000  paused", step + n));
    }
    pty.press("nnn");
    pty.wait_for(&format!("{}/1000000  paused", step + 5));
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(pty.step(), step + 5);
    pty.press("p");
    pty.wait_until("further steps", |screen| !screen.contains("paused"));
    pty.press("n");
    pty.wait_for("paused");
    pty.press("q");
    pty.ends_with(0);
}

#[test]
fn the_view_stays_after_the_end_until_its_user_leaves() {
    let sandbox = Sandbox::new();
    let line = "train reverse --out run --live --steps 20 --set model.n_heads=2";
    let mut pty = Pty::start(&sandbox, line);
    for text in ["20/20  the end", "test accuracy", "q leave", "head 0 of 2"] {
        pty.wait_for(text);
    }
    // Complete, whatever becomes of the view.
    assert_eq!(sandbox.metrics("run").last().unwrap()["event"], "done");
    pty.press("psnmh");
    pty.wait_for("head 1 of 2");
    assert!(pty.is_running() && pty.text().contains("20/20  the end"), "{}", pty.text());
    // Four maps are shown at the end, below the figures.
    pty.resize(100, 200);
    let text = pty.leaves();
    assert!(text.contains("the live view took") && text.contains("at step 20"), "{text}");
}

#[test]
fn a_run_that_would_be_over_at_once_is_shown_over_some_seconds_which_a_key_skips() {
    let sandbox = Sandbox::new();
    let line = "train reverse --steps 20 --set train.checkpoint_every=20 --set train.batch_size=8 \
                --set train.eval_examples=8 --set model.d_model=8";
    sandbox.succeeds(&format!("{line} --out unwatched --quiet"));
    let begin = |run: &str| {
        let pty = Pty::start(&sandbox, &format!("{line} --out {run} --live"));
        pty.wait_for("m full speed");
        (std::time::Instant::now(), pty)
    };
    let (started, mut pty) = begin("run");
    pty.wait_for("the end");
    let shown = started.elapsed().as_secs_f64();
    pty.resize(100, 200);
    let text = pty.leaves();
    let until = started.elapsed().as_secs_f64();
    let number = |unit: &str| {
        let number = text.split(unit).next().and_then(|text| text.rsplit(' ').next()).unwrap();
        number.parse::<f64>().unwrap_or_else(|_| panic!("no number before `{unit}` in\n{text}"))
    };
    // The waiting is no time of the run, and none that the view took.
    assert!(shown > 3.0 && number(" s in all") < until - 2.0 && number(" s of it, ") < 1.0, "{text}");
    let (started, mut pty) = begin("skipped");
    pty.press("m");
    pty.wait_for("the end");
    let skipped = started.elapsed().as_secs_f64();
    assert!(skipped < shown - 1.0, "{skipped} and {shown}");
    pty.leaves();
    let [watched, skipped, unwatched] =
        ["run", "skipped", "unwatched"].map(|run| sandbox.tree(&format!("{run}/checkpoints")));
    assert!(watched == unwatched && skipped == unwatched && !watched.is_empty());
}

#[test]
fn keys_are_obeyed_while_the_figures_of_the_end_are_measured() {
    let sandbox = Sandbox::new();
    let slow = "--set task.seq_len=128 --set model.n_layers=8 --set model.n_heads=2 --set train.eval_examples=1 \
                --set train.batch_size=1";
    let mut pty = Pty::start(&sandbox, &format!("train reverse --steps 1 --out run --live {slow}"));
    pty.wait_for(" of 10,000 test examples");
    pty.press("h");
    pty.wait_for("head 1 of 2");
    assert!(pty.text().contains(" of 10,000 test examples"), "{}", pty.text());
    // Without the view a bar takes its place.
    pty.press("q");
    pty.wait_for("/10000 test examples");
    assert_eq!(pty.is_taken(), [false; 3]);
    pty.signal("INT");
    assert_eq!(pty.wait_for_the_end(), Some(130));
}

#[test]
fn ctrl_space_does_not_end_the_view() {
    let sandbox = Sandbox::new();
    let mut pty = Pty::start(&sandbox, "train reverse --out run --live --steps 20");
    pty.wait_for("test accuracy");
    pty.press("\0");
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(pty.is_running(), "{}", pty.text());
    pty.leaves();
}

#[test]
fn without_a_keyboard_the_view_leaves_at_the_end() {
    let sandbox = Sandbox::new();
    let mut pty = Pty::start(&sandbox, "train reverse --out run --live --steps 1500");
    pty.wait_for("tokens/s");
    pty.press("\x04");
    pty.ends_with(0);
    assert_eq!(sandbox.metrics("run").last().unwrap()["event"], "done");
}

#[test]
fn a_signal_at_the_end_leaves_a_finished_run() {
    let sandbox = Sandbox::new();
    let pty = Pty::start(&sandbox, "train reverse --out run --live --steps 20");
    pty.wait_for("test accuracy");
    pty.signal("TERM");
    pty.ends_with(0);
    assert_eq!(sandbox.metrics("run").last().unwrap()["event"], "done");
}

#[test]
fn slow_motion_shows_the_first_steps_and_changes_no_byte() {
    let sandbox = Sandbox::new();
    let line = "train reverse --steps 100 --set train.checkpoint_every=100";
    sandbox.succeeds(&format!("{line} --out unwatched --quiet"));
    let started = std::time::Instant::now();
    let mut pty = Pty::start(&sandbox, &format!("{line} --out run --live --slow"));
    pty.wait_for("slow motion");
    // The first step of a hundred lasts three seconds, the second one more.
    pty.wait_for("  3/100");
    assert!(started.elapsed().as_secs_f64() > 4.0, "{:?}", started.elapsed());
    pty.press("m");
    pty.resize(100, 200);
    let text = pty.leaves();
    // Time in which nothing was computed is not counted.
    let seconds = text.split(" s in all").next().and_then(|text| text.rsplit(' ').next()).unwrap();
    assert!(seconds.parse::<f64>().unwrap() < started.elapsed().as_secs_f64() - 3.5, "{text}");
    let [watched, unwatched] = ["run", "unwatched"].map(|run| sandbox.tree(&format!("{run}/checkpoints")));
    assert!(watched == unwatched && !watched.is_empty());
}
