//! Why a run is not compared.

use std::error::Error;
use std::fmt::{self, Display, Formatter};

use crate::number::grouped;

/// Why a run has no place among those that are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeftOut {
    /// A process trains it now.
    Training {
        /// Steps completed.
        step: u64,
        /// Steps of the whole run, where its config can be read.
        steps: Option<u64>,
    },
    /// It was stopped, failed, or its process died.
    Unfinished {
        /// Steps completed.
        step: u64,
        /// Steps of the whole run, where its config can be read.
        steps: Option<u64>,
    },
    /// It came to its end, and nothing was measured there.
    NoFigures,
    /// It cannot be read, or its config is not the one that it was trained with.
    Unreadable {
        /// The reason.
        problem: String,
    },
}

impl Error for LeftOut {}

impl Display for LeftOut {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let at = |step: &u64, steps: &Option<u64>| {
            let of = steps.map_or(String::new(), |steps| format!(" of {}", grouped(steps as usize)));
            format!("step {}{of}", grouped(*step as usize))
        };
        match self {
            Self::Training { step, steps } => write!(f, "it is trained now: {}", at(step, steps)),
            Self::Unfinished { step, steps } => write!(f, "it is not finished: {}", at(step, steps)),
            Self::NoFigures => write!(f, "it is finished, and its last line has no figure"),
            Self::Unreadable { problem } => f.write_str(problem),
        }
    }
}
