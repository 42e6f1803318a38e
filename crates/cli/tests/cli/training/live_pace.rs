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
