//! A process that is under way.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::sandbox::{Finished, Sandbox};

/// `qkv` with its output still to come.
pub struct Running {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Running {
    /// Starts `qkv` with the arguments of `line`.
    pub fn start(sandbox: &Sandbox, line: &str) -> Self {
        let mut command = sandbox.command(line);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// Reads lines until one contains `text`.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) {
        assert!(self.has_printed(text), "it ended without {text}");
    }

    /// Reads lines until one contains `text`, or to the end without.
    pub fn has_printed(&mut self, text: &str) -> bool {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            if self.lines.read_line(&mut line).unwrap() == 0 {
                return false;
            }
        }
        true
    }

    /// Sends a signal, such as `-TERM`; a process that has ended does not mind.
    pub fn send(&self, signal: &str) {
        // Ours until it was waited for.
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// The exit code, if the process ends within that time although its output is not read.
    pub fn ends_unread(&mut self, within: Duration) -> Option<i32> {
        let started = Instant::now();
        while started.elapsed() < within {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }

    /// Waits for the end; what was read before is not in the result.
    pub fn end(mut self) -> Finished {
        let mut rest = String::new();
        // Read to the end, or the writer would wait.
        self.lines.read_to_string(&mut rest).unwrap();
        let output = self.child.wait_with_output().unwrap();
        Finished { stdout: rest, ..output.into() }
    }
}
