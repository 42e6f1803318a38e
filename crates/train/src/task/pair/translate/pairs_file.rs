//! Files of pairs: which ones can serve, and how their lines are divided.

use std::path::Path;

use crate::error::{PairsFault, TextFault, TrainError};
use crate::task::text_file::{self, TextFile};

/// Reads a regular file of pairs.
pub(super) fn read(path: &Path) -> Result<TextFile, TrainError> {
    of_bytes(path, text_file::bytes(path).map_err(|error| of_pairs(error, None))?)
}

/// The text that the bytes of the file at `path` are.
pub(super) fn of_bytes(path: &Path, bytes: Vec<u8>) -> Result<TextFile, TrainError> {
    let line = std::str::from_utf8(&bytes)
        .err()
        .map(|error| 1 + bytes[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count());
    TextFile::of_bytes(path, bytes).map_err(|error| of_pairs(error, line))
}

/// What is wrong with a text, said of pairs; `line` is the first that is not UTF-8.
fn of_pairs(error: TrainError, line: Option<usize>) -> TrainError {
    match error {
        TrainError::TextUnread { path, source } => TrainError::PairsUnread { path, source },
        TrainError::Text { path, fault: TextFault::NotUtf8 { .. } } if line.is_some() => {
            TrainError::pairs(&path, PairsFault::NotUtf8 { line: line.unwrap_or(1) })
        }
        TrainError::Text { path, fault } => TrainError::pairs(&path, PairsFault::Text(fault)),
        error => error,
    }
}

/// The source and the target of every line.
///
/// # Errors
/// At the first line that is no pair, with its number.
pub(super) fn sides<'a>(path: &Path, text: &'a str) -> Result<Vec<(&'a str, &'a str)>, TrainError> {
    let refuse = |fault| Err(TrainError::pairs(path, fault));
    if text.trim().is_empty() {
        return refuse(PairsFault::Empty);
    }
    let mut sides = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        let columns: Vec<&str> = text.split('\t').collect();
        match columns[..] {
            [source, target] => {
                for (side, name) in [(source, "source"), (target, "target")] {
                    if side.trim().is_empty() {
                        return refuse(PairsFault::NoSide { line, side: name });
                    }
                }
                sides.push((source.trim(), target.trim()));
            }
            [_] => return refuse(PairsFault::NoTab { line }),
            _ => return refuse(PairsFault::MoreColumns { line, found: columns.len() }),
        }
    }
    Ok(sides)
}
