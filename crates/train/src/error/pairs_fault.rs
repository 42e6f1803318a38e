//! Why a file cannot serve as pairs; [`TrainError::Pairs`](crate::TrainError::Pairs) adds the path.

use std::path::Path;

use thiserror::Error;

use super::{TextFault, counted};

/// What is wrong with a file of pairs.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PairsFault {
    /// It is no text, or another one than that of the run.
    #[error("{0}")]
    Text(TextFault),
    /// Bytes that are no characters.
    #[error("is not UTF-8 in line {line}; convert it with its own encoding after -f, such as: ")]
    NotUtf8 {
        /// Number of the line, from 1 on.
        line: usize,
    },
    /// It has no line with anything in it.
    #[error("has no pairs; write one in each line: a source, a tab and its target")]
    Empty,
    /// A line that is no pair.
    #[error("has no tab in line {line}; write a source, a tab and its target there")]
    NoTab {
        /// Number of the line, from 1 on.
        line: usize,
    },
    /// A line with several tabs.
    #[error("has {found} columns in line {line}, expected 2; keep two of them: ")]
    MoreColumns {
        /// Number of the line, from 1 on.
        line: usize,
        /// Number of columns.
        found: usize,
    },
    /// A line with nothing before or behind its tab.
    #[error("has an empty {side} in line {line}; write one, or remove the line")]
    NoSide {
        /// Number of the line, from 1 on.
        line: usize,
        /// `"source"` or `"target"`.
        side: &'static str,
    },
    /// Too few sources to hold some of them out.
    #[error(
        "has {} of at most task.max_len = {max_len}{}, expected at least {needed}, of which one is held out for \
         validation and one for the test; take a longer file{}",
        counted(*n_sources, "different source"),
        beside(*n_left_out),
        if *n_left_out > 0 { " or a larger task.max_len" } else { "" }
    )]
    TooFew {
        /// Number of different sources.
        n_sources: usize,
        /// Least number of them.
        needed: usize,
        /// Number of pairs with a longer side.
        n_left_out: usize,
        /// Most tokens of a side.
        max_len: usize,
    },
    /// More different words than a model can learn.
    #[error("has {found} different {symbol}s, at most {most} are possible; take a larger task.min_count")]
    TooManySymbols {
        /// `"character"` or `"word"`.
        symbol: &'static str,
        /// Number of different ones.
        found: usize,
        /// Largest number possible.
        most: usize,
    },
}

fn beside(n_left_out: usize) -> String {
    match n_left_out {
        0 => String::new(),
        _ => format!(" beside {}", counted(n_left_out, "longer pair")),
    }
}

impl PairsFault {
    /// For a file that another program can put right, the command that writes it beside the file.
    pub(crate) fn conversion(&self, path: &Path) -> String {
        match self {
            Self::Text(fault) => fault.conversion(path),
            Self::NotUtf8 { .. } => TextFault::NotUtf8 { offset: 0 }.conversion(path),
            Self::MoreColumns { .. } => {
                let path = path.display().to_string().replace('\'', r"'\''");
                format!("cut -f1,2 '{path}' > '{path}.pairs'")
            }
            _ => String::new(),
        }
    }
}
