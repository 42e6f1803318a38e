//! Standard output of a training run, which goes on when nobody reads any more.

use std::io::{self, ErrorKind, Write, stdout};

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
