//! Ctrl-C, `kill` and a terminal that is closed: the run saves and leaves; a second signal does not wait.

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use qkv_train::{Asked, EvaluationProgress, Next, Observer, Processes, State, StepReport, TrainError};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::output::stdout::{give_up_at, print_error};
#[cfg(unix)]
use crate::processes::Launch;

/// Watches for signals and asks the trainer to stop; clones share the signal. The default one hears none.
#[derive(Clone, Default)]
pub struct Interrupt {
    signal: Arc<AtomicUsize>,
}

impl Interrupt {
    /// Starts watching; `at_first` runs at the first signal, in a thread of its own.
    pub fn watch(at_first: fn()) -> io::Result<Self> {
        let signal = Arc::new(AtomicUsize::new(0));
        let second = Arc::new(AtomicBool::new(false));
        let numbers = numbers();
        for &number in &numbers {
            // In this order: the first signal finds `second` unset.
            flag::register_conditional_default(number, Arc::clone(&second))?;
            flag::register_usize(number, Arc::clone(&signal), meaning(number) as usize)?;
        }
        #[cfg(unix)]
        IS_UNWATCHED.store(false, Ordering::Relaxed);
        give_up_at(Arc::clone(&signal));
        arm_at_the_first(&numbers, second, at_first)?;
        Ok(Self { signal })
    }

    /// Stops at the end of `input`, too, as by a signal: the process at its other end is gone, or asks for it so.
    pub fn stop_at_the_end_of(&self, mut input: impl Read + Send + 'static) -> io::Result<()> {
        let signal = Arc::clone(&self.signal);
        std::thread::Builder::new().name("input".to_owned()).spawn(move || {
            // An error is an end, too.
            let _ = io::copy(&mut input, &mut io::sink());
            // A signal that came first keeps its number.
            let _ = signal.compare_exchange(0, SIGTERM as usize, Ordering::Relaxed, Ordering::Relaxed);
        })?;
        Ok(())
    }

    /// The exit code of a process that a signal stopped, such as 130 or 143, if one did.
    pub fn exit_code(&self) -> Option<u8> {
        match self.signal.load(Ordering::Relaxed) {
            0 => None,
            number => Some(128 + number as u8),
        }
    }

    /// Whether work goes on, as what is made of many parts asks between them.
    pub fn go_on(&self) -> ControlFlow<()> {
        if self.exit_code().is_none() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    /// The exit code for a signal that has reached any of the processes of a run; it then counts on all of them.
    pub fn agreed(&self, processes: &dyn Processes) -> Result<Option<u8>, TrainError> {
        if processes.size() > 1 {
            let mine = self.signal.load(Ordering::Relaxed) as u8;
            let signal = processes.gather(vec![mine])?.into_iter().flatten().max().unwrap_or(0);
            if signal != 0 {
                self.signal.store(signal.into(), Ordering::Relaxed);
            }
            // One that arrives from here on is met by the next question to all.
            return Ok((signal != 0).then_some(128 + signal));
        }
        Ok(self.exit_code())
    }

    /// The result of an evaluation; or if a signal stopped it the exit code, after a line on standard error.
    pub fn or_stopped<T>(&self, evaluated: Asked<T>) -> ControlFlow<ExitCode, T> {
        evaluated.map_break(|EvaluationProgress { n_done, n_examples }| {
            print_error(&format!(
                "stopped within an evaluation, after {n_done} of {n_examples} examples: it has no result"
            ));
            ExitCode::from(self.exit_code().unwrap_or(1))
        })
    }
}

impl<M> Observer<M> for Interrupt {
    fn step(&mut self, _state: &State<M>, _report: &StepReport) -> Result<Next, TrainError> {
        Ok(if self.exit_code().is_some() { Next::Stop } else { Next::Continue })
    }

    fn evaluating(
        &mut self,
        _state: &State<M>,
        _progress: EvaluationProgress,
    ) -> Result<ControlFlow<()>, TrainError> {
        Ok(self.go_on())
    }
}

/// Makes a file that grows beyond a limit of the process an error of the write, as a full disk is. Without it, the signal
/// ends the process in the midst of a save, and without a message.
pub fn survive_file_size_limit() {
    #[cfg(unix)]
    {
        // Where it cannot be heard, the process ends as it did.
        let _ = flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
    }
}

/// Whether this process has not begun to watch for signals.
#[cfg(unix)]
static IS_UNWATCHED: AtomicBool = AtomicBool::new(true);

/// For one of several processes: until it watches for signals nothing is to be saved, and SIGUSR1 ends it as SIGTERM does.
pub fn end_at_usr1() {
    #[cfg(unix)]
    if Launch::of_several().is_some() {
        // Where it cannot be heard, SIGUSR1 ends the process with a code of its own.
        let _ =
            flag::register_conditional_shutdown(signal_hook::consts::SIGUSR1, 128 + SIGTERM, &IS_UNWATCHED);
    }
}

/// The signals that stop a run. Under `nohup` that of a closed terminal stays ignored; only Linux shows whether it is.
fn numbers() -> Vec<i32> {
    let mut numbers = vec![SIGINT, SIGTERM];
    #[cfg(target_os = "linux")]
    if !is_ignored(signal_hook::consts::SIGHUP) {
        numbers.push(signal_hook::consts::SIGHUP);
    }
    #[cfg(unix)]
    if Launch::of_several().is_some() {
        numbers.push(signal_hook::consts::SIGUSR1);
    }
    numbers
}

/// Launchers of several processes pass SIGUSR1 on as it is; at SIGTERM that of Open MPI kills them after a second, and
/// returns 1 whatever they return. So the one stands for the other.
#[cfg(unix)]
fn meaning(number: i32) -> i32 {
    if number == signal_hook::consts::SIGUSR1 { SIGTERM } else { number }
}

#[cfg(not(unix))]
fn meaning(number: i32) -> i32 {
    number
}

/// A signal whose state cannot be read counts as ignored.
#[cfg(target_os = "linux")]
fn is_ignored(number: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_none_or(|mask| mask >> (number - 1) & 1 == 1)
}

/// Runs `at_first` at the first signal, during the step that is under way, and only then lets a second signal end the
/// process at once.
#[cfg(unix)]
fn arm_at_the_first(numbers: &[i32], second: Arc<AtomicBool>, at_first: fn()) -> io::Result<()> {
    let mut signals = signal_hook::iterator::Signals::new(numbers)?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        if signals.forever().next().is_some() {
            at_first();
            second.store(true, Ordering::Relaxed);
        }
    })?;
    Ok(())
}

#[cfg(not(unix))]
fn arm_at_the_first(numbers: &[i32], second: Arc<AtomicBool>, _at_first: fn()) -> io::Result<()> {
    for &number in numbers {
        flag::register(number, Arc::clone(&second))?;
    }
    Ok(())
}
