//! SIGINT and SIGTERM on the default job, whatever it does at the moment: it saves and leaves within two seconds, and
//! ends as if nothing had happened.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use qkv::model::random::{Purpose, Rng, stream};
use rand::RngExt;

use crate::ending::Ending;
use crate::proof::holds_for;
use crate::signals::{LIMIT, N_TRIES, signal};
use crate::support::running::Running;
use crate::support::sandbox::{Finished, Sandbox};

const LINE: &str = "train reverse --json --out run";

/// How many signals must be heard.
const N_SIGNALS: u64 = 24;

/// Steps of the job, and between two validations.
const STEPS: u64 = 500;
const VALIDATED_EVERY: u64 = 100;

/// What the job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Training,
    Validation,
    Saving,
    FinalFigures,
}

const PHASES: [Phase; 4] = [Phase::Training, Phase::Validation, Phase::Saving, Phase::FinalFigures];

/// The job to which nothing happens.
struct Undisturbed {
    ending: Ending,
    /// From its first checkpoint to its last, and from there to its end.
    training: Duration,
    figures: Duration,
}

fn undisturbed() -> &'static Undisturbed {
    static JOB: OnceLock<Undisturbed> = OnceLock::new();
    JOB.get_or_init(|| {
        let sandbox = Sandbox::new();
        let mut running = Running::start(&sandbox, LINE);
        running.wait_for(&saved(0));
        let started = Instant::now();
        running.wait_for(&saved(STEPS));
        let trained = Instant::now();
        assert_eq!(running.end().code, Some(0));
        let (training, figures) = (trained - started, trained.elapsed());
        Undisturbed { ending: Ending::of(&sandbox, "run"), training, figures }
    })
}

fn saved(step: u64) -> String {
    format!("\"event\":\"saved\",\"step\":{step},")
}

impl Phase {
    /// Returns at any moment of it.
    fn wait_for(self, running: &mut Running, sandbox: &Sandbox, rng: &mut Rng) {
        let Undisturbed { training, figures, .. } = undisturbed();
        let most = match self {
            Self::Training => {
                running.wait_for(&saved(0));
                *training
            }
            Self::Validation => {
                let step = VALIDATED_EVERY * rng.random_range(1..=STEPS / VALIDATED_EVERY);
                running.wait_for(&format!("\"event\":\"step\",\"step\":{step},"));
                // It has a tenth of the examples of the final evaluation.
                *figures / 10
            }
            Self::Saving => {
                let step = STEPS * rng.random_range(0..=1);
                if step > 0 {
                    running
                        .wait_for(&format!("\"event\":\"eval\",\"split\":\"validation\",\"step\":{step},"));
                }
                let checkpoint = sandbox.path(&format!("run/checkpoints/step-{step:08}"));
                let unfinished = checkpoint.with_extension("tmp");
                while !unfinished.exists() && !checkpoint.exists() {
                    std::hint::spin_loop();
                }
                Duration::from_millis(5)
            }
            Self::FinalFigures => {
                running.wait_for(&saved(STEPS));
                *figures
            }
        };
        std::thread::sleep(most.mul_f64(rng.random::<f64>()));
    }
}

#[test]
fn the_default_job_leaves_within_two_seconds_of_a_signal() {
    let longest = RefCell::new(BTreeMap::<Phase, Duration>::new());
    holds_for("signals on the default job", 0..N_SIGNALS, |&number| {
        let phase = PHASES[number as usize % PHASES.len()];
        let is_heard = (0..N_TRIES).any(|attempt| {
            let mut rng = stream(number, Purpose::Samples, "default job", attempt);
            let sandbox = Sandbox::new();
            let mut running = Running::start(&sandbox, LINE);
            phase.wait_for(&mut running, &sandbox, &mut rng);
            let (name, expected) = signal(number / PHASES.len() as u64);
            let sent = Instant::now();
            running.send(name);
            let Finished { code, stderr, .. } = running.end();
            let took = sent.elapsed();
            assert!(took < LIMIT, "it took {took:?}");
            let is_over = sandbox.read_text("run/metrics.jsonl").contains("\"done\"");
            assert!(code == Some(expected) || (code == Some(0) && is_over), "{code:?}: {stderr}");
            sandbox.succeeds(&format!("{LINE} --resume"));
            let (ending, whole) = (Ending::of(&sandbox, "run"), &undisturbed().ending);
            assert_eq!((&ending.state, &ending.metrics), (&whole.state, &whole.metrics));
            if code == Some(expected) {
                let mut longest = longest.borrow_mut();
                let longest = longest.entry(phase).or_default();
                *longest = took.max(*longest);
            }
            code == Some(expected)
        });
        assert!(is_heard, "every signal came too late");
    });
    println!("the default job took at most, by what it did: {:?}", longest.borrow());
}
