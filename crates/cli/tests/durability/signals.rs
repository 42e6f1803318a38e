//! SIGINT and SIGTERM at any moment: the process saves and leaves in time, and the run ends as if nothing had happened.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use qkv::model::random::{Purpose, Rng, stream};
use qkv_run::RunFolder;
use rand::RngExt;

use crate::ending::state;
use crate::proof::holds_for;
use crate::support::pty::Pty;
use crate::support::running::Running;
use crate::support::sandbox::{Finished, Sandbox};
use crate::tiny_run::{STEPS, Variant, ends_as_if_nothing_had_happened};

/// How many signals must be heard.
const N_SIGNALS: u64 = 100;

/// How often a signal may come too late, one after the other: the run is over before it.
pub const N_TRIES: u64 = 20;

/// How long a process may take to save and leave.
pub const LIMIT: Duration = Duration::from_secs(2);

/// A signal with its exit code.
pub fn signal(number: u64) -> (&'static str, i32) {
    [("-INT", 130), ("-TERM", 143)][number as usize % 2]
}

/// Where a signal is to meet the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Aim {
    Training,
    Evaluation,
    FinalEvaluation,
}

impl Aim {
    fn of(number: u64) -> Self {
        [Self::Training, Self::Training, Self::Evaluation, Self::FinalEvaluation][number as usize % 4]
    }

    /// What is printed just before, and how long to wait at most after it.
    fn moment(self, rng: &mut Rng) -> (String, Duration) {
        let (line, most) = match self {
            Self::Training => ("\"event\":\"saved\",\"step\":0,".to_owned(), Variant::Whole.duration()),
            // An evaluation of 200 examples and one of 10,000.
            Self::Evaluation => {
                let step = 10 * rng.random_range(1..=STEPS / 10);
                (format!("\"event\":\"step\",\"step\":{step},"), Duration::from_millis(2))
            }
            Self::FinalEvaluation => {
                (format!("\"event\":\"saved\",\"step\":{STEPS},"), Variant::Whole.duration() / 4)
            }
        };
        (line, most.mul_f64(rng.random::<f64>()))
    }
}

#[test]
fn a_signal_is_heard_at_any_moment() {
    let heard = RefCell::new(BTreeMap::<Aim, u64>::new());
    holds_for("signals", 0..N_SIGNALS, |&number| {
        let is_heard = (0..N_TRIES).any(|attempt| {
            let mut rng = stream(number, Purpose::Samples, "signals", attempt);
            let sandbox = Sandbox::in_memory();
            let mut running = Running::start(&sandbox, &Variant::Whole.line("run", ""));
            let (line, delay) = Aim::of(number).moment(&mut rng);
            running.wait_for(&line);
            std::thread::sleep(delay);
            is_saved_by(running, signal(number), &sandbox)
        });
        assert!(is_heard, "every signal came too late");
        *heard.borrow_mut().entry(Aim::of(number)).or_default() += 1;
    });
    println!("signals were heard, by what they were aimed at: {:?}", heard.borrow());
}

/// Sends the signal; `false` if it came too late. Either way the run ends as if nothing had happened.
#[track_caller]
fn is_saved_by(running: Running, (name, code): (&str, i32), sandbox: &Sandbox) -> bool {
    let sent = Instant::now();
    running.send(name);
    let ended = running.end();
    let took = sent.elapsed();
    let is_over = sandbox.read_text("run/metrics.jsonl").contains("\"done\"");
    let expected = if is_over && ended.code == Some(0) { 0 } else { code };
    assert_eq!(ended.code, Some(expected), "{ended:#?}");
    assert!(took < LIMIT, "it took {took:?}");
    ends_as_if_nothing_had_happened(sandbox, "run", Variant::Whole);
    expected == code
}

#[test]
fn a_second_signal_costs_no_checkpoint() {
    holds_for("two signals", 0..20, |&number| {
        let mut rng = stream(number, Purpose::Samples, "two signals", 0);
        let sandbox = Sandbox::in_memory();
        let mut running = Running::start(&sandbox, &Variant::Whole.line("run", ""));
        let (line, delay) = Aim::of(number).moment(&mut rng);
        running.wait_for(&line);
        std::thread::sleep(delay);
        let sent = Instant::now();
        let both = [signal(number), signal(number + 1)];
        both.iter().for_each(|(name, _)| running.send(name));
        let Finished { code: found, stderr, .. } = running.end();
        assert!(sent.elapsed() < LIMIT, "it took {:?}", sent.elapsed());
        // Over, left by one of them, or ended by the second.
        assert!(found.is_none_or(|found| matches!(found, 0 | 130 | 143)), "{found:?}: {stderr}");
        for checkpoint in RunFolder::open(sandbox.path("run")).unwrap().checkpoints_to_resume(None).unwrap() {
            checkpoint.read().unwrap();
        }
        ends_as_if_nothing_had_happened(&sandbox, "run", Variant::Whole);
    });
}

#[test]
fn a_sweep_that_is_stopped_goes_on_in_the_run_that_it_was_in() {
    let table = |sandbox: &Sandbox| {
        let line = Variant::Whole.line("run", "--stop-after 1");
        sandbox.succeeds(&line);
        // The seed of the tiny run and another one.
        let config = sandbox.read_text("run/config.toml");
        sandbox.write("sweep.toml", config + "\n[sweep]\nseed = [0, 1]\n");
    };
    let whole = Sandbox::in_memory();
    table(&whole);
    let started = Instant::now();
    whole.succeeds("sweep sweep.toml --out sweep --threads 1");
    let duration = started.elapsed();
    let of_the_other_seed = state(&whole, "sweep/seed=1", STEPS);
    holds_for("signals in a sweep", 0..10, |&number| {
        let is_heard = (0..N_TRIES).any(|attempt| {
            let mut rng = stream(number, Purpose::Samples, "sweep", attempt);
            let sandbox = Sandbox::in_memory();
            table(&sandbox);
            let (name, code) = signal(number);
            let running = Running::start(&sandbox, "sweep sweep.toml --out sweep --threads 1");
            while !sandbox.path("sweep/seed=0/metrics.jsonl").exists() {
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(duration.mul_f64(rng.random::<f64>()));
            let sent = Instant::now();
            running.send(name);
            let ended = running.end();
            assert!(sent.elapsed() < LIMIT, "it took {:?}", sent.elapsed());
            let n_lines = ended.stdout.lines().count();
            assert!(ended.code == Some(code) || (ended.code == Some(0) && n_lines == 2), "{ended:#?}");
            sandbox.succeeds("sweep sweep.toml --out sweep --threads 1");
            ends_as_if_nothing_had_happened(&sandbox, "sweep/seed=0", Variant::Whole);
            assert_eq!(state(&sandbox, "sweep/seed=1", STEPS), of_the_other_seed);
            ended.code == Some(code)
        });
        assert!(is_heard, "every signal came too late");
    });
}

#[test]
fn a_signal_is_heard_under_the_live_view() {
    holds_for("signals under the live view", 0..10, |&number| {
        let is_heard = (0..N_TRIES).any(|attempt| {
            let mut rng = stream(number, Purpose::Samples, "live", attempt);
            let sandbox = Sandbox::in_memory();
            let line = Variant::Whole.line("run", "--live").replace("--json", "");
            let mut pty = Pty::start(&sandbox, &line);
            while !sandbox.path("run/metrics.jsonl").exists() {
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(Variant::Whole.duration().mul_f64(rng.random::<f64>()));
            let sent = Instant::now();
            let (name, expected) = signal(number);
            pty.signal(&name[1..]);
            let code = pty.wait_for_the_end();
            assert!(sent.elapsed() < LIMIT, "it took {:?}", sent.elapsed());
            let text = pty.text();
            assert!(code == Some(expected) || code == Some(0), "{code:?}\n{text}");
            let [has_modes, _, _] = pty.is_taken();
            assert!(!has_modes, "the modes of the terminal were not given back");
            ends_as_if_nothing_had_happened(&sandbox, "run", Variant::Whole);
            code == Some(expected)
        });
        assert!(is_heard, "every signal came too late");
    });
}
