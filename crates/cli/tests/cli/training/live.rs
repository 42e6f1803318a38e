//! The live view in a terminal: what it shows, what its keys do, and that it leaves no trace.

use crate::support::pty::Pty;
use crate::support::sandbox::Sandbox;

/// Two layers of two heads; long enough to be watched.
const RUN: &str = "train reverse --out run --steps 1000000 --set model.n_layers=2 --set model.n_heads=2 \
                   --set train.checkpoint_every=1000000 --set train.eval_every=50";

/// The run in a terminal, after its first steps.
pub fn watched() -> (Sandbox, Pty) {
    let sandbox = Sandbox::new();
    let pty = Pty::start(&sandbox, &format!("{RUN} --live"));
    pty.wait_for("tokens/s");
    (sandbox, pty)
}

pub fn pause(pty: &mut Pty) {
    pty.press("p");
    pty.wait_for("paused");
}

/// The steps at which the run was saved.
fn saved(sandbox: &Sandbox) -> Vec<u64> {
    let saved = sandbox.metrics("run").into_iter().filter(|event| event["event"] == "saved");
    saved.map(|event| event["step"].as_u64().unwrap()).collect()
}

#[test]
fn keys_switch_layer_head_and_input() {
    let sandbox = Sandbox::new();
    let mut pty = Pty::start(&sandbox, &format!("{RUN} --live"));
    for text in ["layer 0 of 2  head 0 of 2  input 0 of 3", "[32 × 16]", "tokens/s", "left", "lr 5.0e-3"] {
        pty.wait_for(text);
    }
    for name in ["W_Q  ±", "W_K  ±", "W_V  ±", "loss ", "held-out accuracy "] {
        let is_number = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
        pty.wait_until(name, |screen| screen.split(name).skip(1).any(is_number));
    }
    pty.press("l");
    pty.wait_for("layer 1 of 2  head 0 of 2  input 0 of 3");
    pty.press("h");
    pty.wait_for("layer 1 of 2  head 1 of 2  input 0 of 3");
    pty.press("\x1b[A");
    pty.wait_for("layer 0 of 2  head 1 of 2  input 0 of 3");
    pty.press("I");
    pty.wait_for("layer 0 of 2  head 1 of 2  input 2 of 3");
    pty.press("?");
    pty.wait_for("save a checkpoint now");
    pty.press("?");
    pty.wait_for("W_V");
    assert_eq!(pty.is_taken(), [true; 3]);
    pty.press("q");
    pty.ends_with(0);
}

#[test]
fn a_paused_run_does_not_move_and_a_saved_one_goes_on_from_there() {
    let (sandbox, mut pty) = watched();
    pause(&mut pty);
    let step = pty.step();
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(pty.step(), step);
    pty.press("h");
    pty.wait_for("head 1 of 2");
    assert_eq!(pty.step(), step, "it can be looked at while it is held");
    pty.press("s");
    pty.wait_for(&format!("saved step {step}"));
    let checkpoint = sandbox.path(&format!("run/checkpoints/step-{step:08}/model.safetensors"));
    pty.wait_until("the checkpoint", |_| checkpoint.is_file());
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(pty.step(), step, "it can be saved while it is held");
    pty.press("p");
    pty.wait_until("further steps", |screen| !screen.contains("paused"));
    pty.wait_until("further steps", |screen| !screen.contains(&format!("step {step}/")));
    pause(&mut pty);
    // Four maps are shown at the end, below the figures.
    pty.resize(100, 200);
    pty.press("q");
    let text = pty.ends_with(0);
    assert!(text.contains("the live view took"), "{text}");

    // The step at which it was saved by hand is which another run, without a view, reaches with the same bytes.
    sandbox.succeeds(&format!("{} --quiet --stop-after {step}", RUN.replace("--out run", "--out unwatched")));
    let place = format!("checkpoints/step-{step:08}");
    assert!(sandbox.tree(&format!("run/{place}")) == sandbox.tree(&format!("unwatched/{place}")));
    let until = step + 7;
    for run in ["run", "unwatched"] {
        sandbox.succeeds(&format!("train {run} --resume --from {step} --stop-after {until} --quiet"));
    }
    let place = format!("checkpoints/step-{until:08}");
    assert!(sandbox.tree(&format!("run/{place}")) == sandbox.tree(&format!("unwatched/{place}")));
}

#[test]
fn a_stopped_run_is_not_held_and_makes_no_further_step() {
    let (sandbox, mut pty) = watched();
    pause(&mut pty);
    let step = pty.step();
    pty.press("s");
    pty.wait_for(&format!("saved step {step}"));
    pty.wait_until("the message to go", |screen| !screen.contains("saved step"));
    pty.press("qp");
    pty.ends_with(0);
    assert_eq!(saved(&sandbox), [0, step]);
}

#[test]
fn held_time_is_not_counted() {
    let started = std::time::Instant::now();
    let (_sandbox, mut pty) = watched();
    pause(&mut pty);
    let held = std::time::Duration::from_secs(3);
    std::thread::sleep(held);
    pty.resize(100, 200);
    pty.press("q");
    let (_, text) = pty.end();
    let seconds = text.split(" s in all").next().and_then(|text| text.rsplit(' ').next()).unwrap();
    let seconds: f64 = seconds.parse().unwrap_or_else(|_| panic!("no seconds in\n{text}"));
    assert!(seconds < (started.elapsed() - held).as_secs_f64() + 0.1, "{text}");
}

#[test]
fn the_steps_and_the_time_are_those_until_it_leaves_and_begin_where_it_goes_on() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{RUN} --stop-after 3 --quiet"));
    let mut pty = Pty::start(&sandbox, &format!("{RUN} --resume --live --stop-after 900"));
    pty.wait_until("the steps until it leaves", |screen| {
        screen.contains("/900  ") && screen.contains("tokens/s")
    });
    // Four maps are shown at the end, below the figures.
    pty.resize(100, 200);
    let first = pty.first_text();
    assert!(
        first.contains("step   3/900") && !first.contains("tokens/s") && !first.contains("loss 0"),
        "{first}"
    );
    let text = pty.leaves();
    assert!(text.contains("stopped at step 900, as asked"), "{text}");
}

#[test]
fn a_terminal_that_is_closed_saves_the_run() {
    for is_paused in [false, true] {
        let (sandbox, mut pty) = watched();
        if is_paused {
            pause(&mut pty);
        }
        assert_eq!(pty.hang_up(), Some(129));
        assert_eq!(saved(&sandbox).len(), 2);
    }
}

#[test]
fn a_held_run_goes_on_after_an_ignored_hang_up() {
    let sandbox = Sandbox::new();
    let line = format!("{} --live", RUN.replace("--steps 1000000", "--steps 1500"));
    let mut pty = Pty::start_without_hang_ups(&sandbox, &line);
    pty.wait_for("tokens/s");
    pause(&mut pty);
    assert_eq!(pty.hang_up(), Some(0));
    assert_eq!(sandbox.metrics("run").last().unwrap()["event"], "done");
}

#[test]
fn a_run_with_the_view_writes_the_bytes_of_one_without() {
    let sandbox = Sandbox::new();
    let line = "train sort --steps 30 --seed 5 --set train.checkpoint_every=10 --set train.snapshot_every=10";
    sandbox.succeeds(&format!("{line} --out unwatched --quiet"));
    Pty::start(&sandbox, &format!("{line} --out run --live")).leaves();
    for folder in ["checkpoints", "snapshots"] {
        let [watched, unwatched] = ["run", "unwatched"].map(|run| sandbox.tree(&format!("{run}/{folder}")));
        assert!(watched == unwatched && !watched.is_empty(), "{folder}");
    }
}

#[test]
fn a_slow_terminal_gets_fewer_pictures_and_the_run_all_its_steps() {
    let sandbox = Sandbox::new();
    // A picture of some 50 KiB takes such a terminal a quarter of the run. How little the training waits: stage
    // `bench`.
    let delay = std::time::Duration::from_millis(30);
    let text = Pty::start_slow(&sandbox, "train reverse --live --out run --steps 3000", delay).leaves();
    assert!(text.contains("after 3,000 steps") && text.contains("the live view took "), "{text}");
}

#[test]
fn a_small_screen_and_a_large_one_are_filled_while_it_runs() {
    let sandbox = Sandbox::new();
    let mut pty = Pty::start(&sandbox, &format!("{RUN} --live"));
    pty.wait_for("W_Q");
    pty.resize(20, 10);
    pty.wait_until("a small view", |screen| {
        !screen.contains("W_Q")
            && screen.contains("l 0/2  h 0/2  i 0/3")
            && screen.contains("▀▀▀▀▀▀▀▀")
            && screen.lines().nth(9).is_some_and(|line| line.contains("? help"))
    });
    pty.resize(1, 1);
    std::thread::sleep(std::time::Duration::from_millis(300));
    pty.resize(200, 60);
    pty.wait_until("a large view", |screen| screen.contains("W_V") && screen.contains("i input"));
    pty.press("q");
    pty.ends_with(0);
}

#[test]
fn without_colours_numbers_stand_in_the_cells() {
    let sandbox = Sandbox::new();
    let mut pty = Pty::of(&sandbox.command(&format!("{RUN} --live")), &[("NO_COLOR", "1")]);
    pty.wait_until("signs and ninths", |screen| screen.contains("+9") && screen.contains("-9"));
    pty.press("q");
    pty.ends_with(0);
}

#[test]
fn a_signal_gives_the_terminal_back_and_saves() {
    for (is_paused, signal, expected) in [(false, "INT", 130), (true, "INT", 130), (false, "TERM", 143)] {
        let (sandbox, mut pty) = watched();
        if is_paused {
            pause(&mut pty);
        }
        match signal {
            "INT" => pty.press("\x03"),
            signal => pty.signal(signal),
        }
        let text = pty.ends_with(expected);
        assert!(text.contains("stopped at step"), "{text}");
        let next = sandbox.succeeds("train run --resume --stop-after 1 --json");
        assert_eq!(next.events()[0]["event"], "start");
    }
}

#[test]
fn two_signals_at_once_give_the_terminal_back() {
    for _ in 0..8 {
        let (_sandbox, pty) = watched();
        pty.signal_twice();
        // Whether the second came in time to end it.
        let (code, text) = pty.end();
        assert!([None, Some(130), Some(143)].contains(&code), "{code:?}\n{text}");
    }
}

#[test]
fn a_signal_saves_and_gives_the_modes_of_a_stalled_terminal_back() {
    let (sandbox, pty) = watched();
    pty.read(false);
    // Until the terminal is full.
    std::thread::sleep(std::time::Duration::from_secs(2));
    pty.signal("TERM");
    pty.wait_until("the checkpoint", |_| saved(&sandbox).len() == 2);
    assert!(!pty.is_taken()[0]);
    pty.read(true);
    let text = pty.ends_with(143);
    assert!(text.contains("stopped at step"), "{text}");
}

#[test]
fn a_signal_in_a_long_step_gives_the_terminal_back_at_once() {
    let sandbox = Sandbox::new();
    let long = "--set train.batch_size=12000 --set task.seq_len=64 --threads 1";
    let mut pty = Pty::start(&sandbox, &format!("{RUN} --live {long}"));
    // The lines before it have W_Q, too.
    pty.wait_until("the view", |_| pty.is_taken() == [true; 3]);
    // The view is open before the first step, which takes far longer than all of this.
    pty.press("\x1c\x1a");
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(pty.is_taken(), [true; 3], "Ctrl-\\ and Ctrl-Z are keys like any other");
    pty.press("\x03");
    pty.wait_until("the terminal", |_| pty.is_taken() == [false; 3]);
    assert!(pty.is_running());
    // A second signal does not wait for the step.
    pty.press("\x03");
    assert_eq!(pty.end().0, None, "killed");
}

#[test]
fn a_diverged_run_gives_the_terminal_back_and_reports_it() {
    let sandbox = Sandbox::new();
    let exploding = "train reverse --out run --live --set optimizer.lr=1e30 --set optimizer.clip=0 \
                     --set model.norm=none --set schedule.warmup_steps=0";
    let text = Pty::start(&sandbox, exploding).ends_with(4);
    assert!(text.contains("diverged after step 1"), "{text}");
}

#[test]
fn it_is_refused_without_a_terminal_and_beside_other_outputs() {
    let sandbox = Sandbox::new();
    let dumb = Pty::of(&sandbox.command(&format!("{RUN} --live")), &[("TERM", "dumb")]);
    dumb.wait_for("TERM=dumb");
    assert_eq!(dumb.is_taken(), [false; 3]);
    sandbox.refuses("train reverse --out run --live", &["the live view cannot be shown", "--live"]);
    sandbox.refuses("train reverse --out run --live --json", &["--live", "--json"]);
    sandbox.refuses("train reverse --out run --live --quiet", &["--live", "--quiet"]);
    sandbox.refuses("train reverse --out run --slow", &["--live"]);
}
