//! The process of a worker: this program once more, on one run.
//!
//! Its config goes to its standard input, which is then left open: a worker stops, as by a signal, when that ends. So no
//! worker outlives the process that started it, however that dies. Its events come from its standard output, its messages
//! from standard error.

use std::env;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

use qkv_run::Event;

use super::super::study::runs::Assignment;
use super::workers::Workers;

/// Steps are reported at most so often: there may be thousands in a second.
const STEPS: Duration = Duration::from_millis(100);

/// Before the message of an error that ends a command.
const ERROR: &str = "error: ";

/// What comes from a worker, with the index of its run.
pub enum Report {
    /// What happens in the training, but for most of its steps.
    Event { run: usize, event: Event },
    /// A line of its standard error.
    Line { run: usize, line: String },
    /// Nothing comes after it. The message is the error that it reported last.
    Ended { run: usize, status: io::Result<ExitStatus>, message: Option<String> },
}

/// A worker that is under way.
pub struct Process {
    input: Option<ChildStdin>,
}

impl Process {
    /// Starts a worker, whose reports go to `reports`.
    pub fn start(
        run: usize,
        assignment: &Assignment,
        workers: &Workers,
        reports: &Sender<Report>,
    ) -> io::Result<Self> {
        let mut command = this_program();
        command.arg("worker").arg(&assignment.folder).args(workers.arguments());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let mut input = child.stdin.take();
        let config = serde_json::to_string(&assignment.config).expect("a text is JSON");
        // A worker that is dead already has ended, which is reported.
        let _ = input.as_mut().map(|input| writeln!(input, "{config}").and_then(|()| input.flush()));
        let reports = reports.clone();
        thread::Builder::new().name(format!("run {run}")).spawn(move || follow(run, child, &reports))?;
        Ok(Self { input })
    }

    /// Has it save and end; a second time has no effect.
    pub fn stop(&mut self) {
        self.input = None;
    }
}

/// Reports all that comes from a worker, and its end.
fn follow(run: usize, mut child: Child, reports: &Sender<Report>) {
    let (output, messages) = (child.stdout.take(), child.stderr.take());
    // Once the receiver is gone, the command has ended.
    let send = |report| drop(reports.send(report));
    let message = thread::scope(|scope| {
        let message = scope.spawn(|| {
            let mut message: Option<String> = None;
            lines(messages, |line| match line.strip_prefix(ERROR) {
                Some(error) => message = Some(error.to_owned()),
                None => send(Report::Line { run, line: line.to_owned() }),
            });
            message
        });
        let mut shown: Option<Instant> = None;
        lines(output, |line| {
            let Ok(event) = serde_json::from_str::<Event>(line) else { return };
            let is_step = matches!(event, Event::Step(_));
            if is_step && shown.is_some_and(|shown| shown.elapsed() < STEPS) {
                return;
            }
            if is_step {
                shown = Some(Instant::now());
            }
            send(Report::Event { run, event });
        });
        message.join().expect("nothing in it panics")
    });
    send(Report::Ended { run, status: child.wait(), message });
}

fn lines(from: Option<impl Read>, mut each: impl FnMut(&str)) {
    let Some(from) = from else { return };
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while matches!(from.read_until(b'\n', &mut line), Ok(1..)) {
        each(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
}

/// This very program, also where its file was replaced by a new build since it was started, and under the same name.
fn this_program() -> Command {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::process::CommandExt;
        let program = Path::new("/proc/self/exe");
        if program.exists() {
            let mut command = Command::new(program);
            if let Some(name) = env::args_os().next() {
                command.arg0(name);
            }
            return command;
        }
    }
    Command::new(env::current_exe().unwrap_or_else(|_| PathBuf::from("qkv")))
}
