//! Standard output and standard error of every command. Control characters appear as escapes such as `\u{1b}`, so that no
//! text, tensor name or path moves the cursor or renames the window: in messages always, in output on a terminal.

use std::io::{self, ErrorKind, IsTerminal, Write, stderr};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use qkv_inspect::HeatMap;

use super::colour;
use super::ink::{Ink, Inked, RESET};
use super::text::table::table;

/// The error of Unix for a terminal that was closed: an input or output error.
const NO_TERMINAL: i32 = 5;

/// Bytes that a pipe takes at once where it takes any, POSIX's `PIPE_BUF`, less what standard output may hold back.
const PIECE: usize = 4096 - 1024;

/// The number of the signal that has arrived, or 0; set once a training hears signals.
static SIGNAL: OnceLock<Arc<AtomicUsize>> = OnceLock::new();

/// From the moment that `signal` is not 0, a training waits no longer for a reader of its output that reads nothing.
pub fn give_up_at(signal: Arc<AtomicUsize>) {
    // A process watches for signals once.
    let _ = SIGNAL.set(signal);
}

/// What a write does once standard output is closed, as `| head` closes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WhenClosed {
    /// It fails, and the command ends.
    Fail,
    /// It has no effect: a run must not be lost with its reader.
    GoOn,
}

/// Standard output.
#[derive(Debug)]
pub struct Stdout {
    is_terminal: bool,
    is_closed: bool,
    when_closed: WhenClosed,
}

impl Stdout {
    /// For a command that has nothing else to do than to print.
    pub fn new() -> Self {
        Self { is_terminal: io::stdout().is_terminal(), is_closed: false, when_closed: WhenClosed::Fail }
    }

    /// For a training, which goes on after standard output was closed.
    pub fn of_a_training() -> Self {
        Self { when_closed: WhenClosed::GoOn, ..Self::new() }
    }

    /// Writes a heat map, in the colours that the terminal has, and a blank line before it. Its own escape sequences
    /// stay; a heat map makes its labels safe itself.
    pub fn heat_map(&mut self, map: &HeatMap) -> io::Result<()> {
        let text = map.text(colour::text_style());
        self.write_unchanged(format!("\n{text}\n").as_bytes())
    }

    /// Writes rows of figures under their heads.
    pub fn table(&mut self, head: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
        let text = table(head, rows);
        let (head, rows) = text.split_once('\n').unwrap_or((&text, ""));
        self.ink(Ink::Quiet, head)?;
        write!(self, "\n{rows}")
    }

    fn write_unchanged(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.when_closed == WhenClosed::Fail {
            return self.unless_closed(|| io::stdout().write_all(bytes));
        }
        bytes.chunks(PIECE).try_for_each(|piece| {
            self.unless_closed(|| match is_read()? {
                true => io::stdout().write_all(piece),
                false => Err(ErrorKind::BrokenPipe.into()),
            })
        })
    }

    fn unless_closed(&mut self, write: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        if self.is_closed {
            return Ok(());
        }
        match write() {
            Err(error) if self.when_closed == WhenClosed::GoOn && is_closed(&error) => {
                self.is_closed = true;
                Ok(())
            }
            other => other.map_err(|error| {
                io::Error::new(error.kind(), format!("cannot write standard output: {error}"))
            }),
        }
    }
}

impl Inked for Stdout {
    fn ink(&mut self, ink: Ink, text: &str) -> io::Result<()> {
        let start = if self.is_terminal { ink.start(colour::text_style()) } else { None };
        match start {
            Some(start) => self.write_unchanged(format!("{start}{}{RESET}", escaped(text)).as_bytes()),
            None => self.write_all(text.as_bytes()),
        }
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.is_terminal {
            true => self.write_unchanged(escaped(&String::from_utf8_lossy(bytes)).as_bytes())?,
            false => self.write_unchanged(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unless_closed(|| io::stdout().flush())
    }
}

/// Waits until standard output takes a piece; `false` if a signal arrives before.
#[cfg(unix)]
fn is_read() -> io::Result<bool> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    /// A tenth of a second: short beside the two seconds in which a signal is answered.
    const WAIT: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
    let stdout = io::stdout();
    loop {
        let signal = SIGNAL.get().map_or(0, |signal| signal.load(Ordering::Relaxed));
        match poll(&mut [PollFd::new(&stdout, PollFlags::OUT)], Some(&WAIT)) {
            // A closed end is ready, too: the write shows it.
            Ok(1..) => return Ok(true),
            Ok(0) if signal != 0 => return Ok(false),
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(not(unix))]
fn is_read() -> io::Result<bool> {
    Ok(true)
}

fn is_closed(error: &io::Error) -> bool {
    error.kind() == ErrorKind::BrokenPipe || error.raw_os_error() == Some(NO_TERMINAL)
}

/// Prints a line on standard error; a closed one, where `eprintln` would panic, is ignored.
pub fn print_error(message: &str) {
    let _ = writeln!(stderr(), "{}", escaped(message));
}

/// Prints where an interrupted run is saved.
pub fn print_saved(step: u64, checkpoint: &Path) {
    print_error(&format!("stopped at step {step}, saved in {}", checkpoint.display()));
}

/// `text` with all of its control characters as escapes, for a name in a row or a message of one line.
pub fn one_line(text: &str) -> String {
    escaped(text).replace('\n', "\\n").replace('\t', "\\t")
}

/// `text` with its control characters, C0 and C1 but not line feed and tab, as escapes.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        let steers = c.is_control() && c != '\n' && c != '\t';
        if steers { escaped.extend(c.escape_default()) } else { escaped.push(c) }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_become_escapes_and_the_rest_stays() {
        assert_eq!(escaped("a\x1b]0;title\x07b"), "a\\u{1b}]0;title\\u{7}b");
        assert_eq!(escaped("\u{9b}31m\u{7f}\r"), "\\u{9b}31m\\u{7f}\\r");
        assert_eq!(escaped("W_Q\t± 1 ▀ 注\n"), "W_Q\t± 1 ▀ 注\n");
        assert_eq!(one_line("a\nb\t\x1bc"), "a\\nb\\t\\u{1b}c");
    }
}
