//! The log as a stream of lines, of which one at a time is in memory.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::ops::Range;

use serde_json::Value;

use crate::bounds;
use crate::error::RunError;
use crate::folder::{METRICS, RunFolder};
use crate::json_values::Count;

/// A line and where it lies in the file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Line {
    /// With its end, where it has one; no more than [`bounds::LINE`] bytes of it.
    pub text: Vec<u8>,
    pub place: Range<u64>,
}

impl Line {
    /// Whether it is longer than any that is written; its text is then no event.
    pub fn is_too_long(&self) -> bool {
        self.place.end - self.place.start > bounds::LINE
    }

    /// Its JSON, if it is an object of no more values than are written.
    pub fn object(&self) -> Option<Value> {
        let is_within = !self.is_too_long() && Count::is_within(&self.text, bounds::LINE_VALUES);
        let value = is_within.then(|| serde_json::from_slice(&self.text).ok())?;
        value.filter(Value::is_object)
    }

    /// Whether it was written to its end.
    pub fn has_an_end(&self) -> bool {
        self.is_too_long() || self.text.ends_with(b"\n")
    }
}

/// The lines of a file.
pub(crate) struct LineReader<R> {
    file: BufReader<R>,
    at: u64,
}

impl RunFolder {
    /// The lines of the log; `None` where it is missing.
    pub(crate) fn lines(&self) -> Result<Option<LineReader<Box<dyn Read + Send>>>, RunError> {
        let path = self.path.join(METRICS);
        match self.storage.reader(&path) {
            Ok(file) => Ok(Some(LineReader::of(file))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(RunError::io("read", &path)(error)),
        }
    }

    /// The lines of the log, none where it is missing; `each` of them is seen once.
    pub(crate) fn for_each_line(&self, mut each: impl FnMut(Line)) -> Result<(), RunError> {
        let failed = |error| RunError::io("read", &self.path.join(METRICS))(error);
        self.lines()?.into_iter().flatten().try_for_each(|line| {
            each(line.map_err(failed)?);
            Ok(())
        })
    }
}

impl<R: Read> Iterator for LineReader<R> {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<io::Result<Line>> {
        self.read().transpose()
    }
}

impl<R: Read> LineReader<R> {
    /// Those of a file that is read from its beginning.
    pub fn of(file: R) -> Self {
        Self { file: BufReader::new(file), at: 0 }
    }

    fn read(&mut self) -> io::Result<Option<Line>> {
        let mut line = Line { text: Vec::new(), place: self.at..self.at };
        loop {
            let bytes = match self.file.fill_buf() {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                bytes => bytes?,
            };
            let end = bytes.iter().position(|&byte| byte == b'\n').map(|at| at + 1);
            let n = end.unwrap_or(bytes.len());
            let room = (bounds::LINE as usize).saturating_sub(line.text.len());
            line.text.extend_from_slice(&bytes[..n.min(room)]);
            self.file.consume(n);
            line.place.end += n as u64;
            if end.is_some() || n == 0 {
                self.at = line.place.end;
                return Ok(Some(line).filter(|line| !line.place.is_empty()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(file: &[u8]) -> Vec<Line> {
        // As few bytes at a time as there can be.
        let lines = LineReader { file: BufReader::with_capacity(1, file), at: 0 };
        lines.collect::<io::Result<_>>().expect("memory can be read")
    }

    #[test]
    fn lines_lie_one_behind_the_other_and_a_long_one_is_not_kept() {
        let long = vec![b'x'; bounds::LINE as usize + 7];
        let file = [b"a\n\n", &long[..], b"\nend"].concat();
        let found = lines(&file);
        let n = long.len() as u64;
        let places: Vec<_> = found.iter().map(|line| line.place.clone()).collect();
        assert_eq!(places, [0..2, 2..3, 3..n + 4, n + 4..n + 7]);
        let texts = found.iter().map(|line| line.text.len() as u64);
        assert_eq!(texts.collect::<Vec<_>>(), [2, 1, bounds::LINE, 3]);
        let are = found.iter().map(|line| (line.is_too_long(), line.has_an_end()));
        assert_eq!(are.collect::<Vec<_>>(), [(false, true), (false, true), (true, true), (false, false)]);
        assert_eq!(lines(b""), []);
    }
}
