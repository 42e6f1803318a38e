//! What a training run says, on standard output and standard error: it goes on when nobody reads any more.

use std::io::{self, ErrorKind, Write, stderr, stdout};
use std::path::Path;

/// What Unix says of a terminal that was closed: an input or output error.
const NO_TERMINAL: i32 = 5;

/// Writes to standard output until it is closed, then to nowhere: `qkv train … | head` must not cost the run.
#[derive(Debug, Default)]
pub struct Screen {
    is_closed: bool,
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_closed {
            return Ok(bytes.len());
        }
        let result = stdout().write(bytes);
        self.unless_closed(result, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.is_closed {
            return Ok(());
        }
        let result = stdout().flush();
        self.unless_closed(result, ())
    }
}

impl Screen {
    fn unless_closed<T>(&mut self, result: io::Result<T>, instead: T) -> io::Result<T> {
        match result {
            Err(error)
                if error.kind() == ErrorKind::BrokenPipe || error.raw_os_error() == Some(NO_TERMINAL) =>
            {
                self.is_closed = true;
                Ok(instead)
            }
            other => other,
        }
    }
}

/// Says something on standard error, where `eprintln` would panic if the terminal is gone.
pub fn say(message: &str) {
    let _ = writeln!(stderr(), "{message}");
}

/// Says where an interrupted run is saved.
pub fn say_it_is_saved(step: u64, checkpoint: &Path) {
    say(&format!("stopped at step {step}, saved in {}", checkpoint.display()));
}
