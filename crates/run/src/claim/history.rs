//! The lines in the file of a claim: how the attempts to train its run came to their ends.

use std::fmt;

/// Before the reason of an attempt that was cut short.
const INTERRUPTED: &str = "interrupted: ";

/// Before the step of a checkpoint that was saved after an interruption.
const SAVED: &str = "saved step ";

/// One of the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    Interrupted(&'a str),
    Saved(u64),
    Failed(&'a str),
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupted(reason) => writeln!(out, "{INTERRUPTED}{}", reason.replace('\n', " ")),
            Self::Saved(step) => writeln!(out, "{SAVED}{step}"),
            Self::Failed(reason) => writeln!(out, "{}", reason.replace('\n', " ")),
        }
    }
}

/// All of them, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    lines: Vec<String>,
}

impl History {
    pub(super) fn parse(bytes: &[u8]) -> Self {
        Self { lines: String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect() }
    }

    /// Why the training failed, if the claim is one of a failure.
    pub fn failure(&self) -> &str {
        self.lines.last().map_or("", String::as_str)
    }

    /// Why the last attempts were cut short, the latest first: those since a checkpoint was saved after one, and since a
    /// failure that was to be tried again.
    pub fn interruptions(&self) -> Vec<&str> {
        self.lines.iter().rev().map_while(|line| line.strip_prefix(INTERRUPTED)).collect()
    }

    /// Whether a checkpoint of this step is further than the attempts came that were cut short.
    pub(super) fn is_progress(&self, step: u64) -> bool {
        let saved = self.lines.iter().rev().find_map(|line| line.strip_prefix(SAVED)?.parse().ok());
        !self.interruptions().is_empty() && saved.is_none_or(|saved: u64| step > saved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_count_since_the_last_progress_or_failure() {
        let text = |lines: &[Line<'_>]| lines.iter().map(Line::to_string).collect::<String>();
        let of = |lines: &[Line<'_>]| History::parse(text(lines).as_bytes());
        let (a, b) = (Line::Interrupted("a"), Line::Interrupted("b\nc"));
        assert_eq!(of(&[]).interruptions(), [""; 0]);
        assert_eq!(of(&[a, b]).interruptions(), ["b c", "a"]);
        let saved = Line::Saved(50);
        assert_eq!(of(&[a, saved, b]).interruptions(), ["b c"]);
        assert_eq!(of(&[a, saved]).interruptions(), [""; 0]);
        // Without an interruption there is nothing to take back.
        assert!(of(&[a]).is_progress(1) && !of(&[]).is_progress(1) && !of(&[a, saved]).is_progress(60));
        assert!(of(&[a, saved, b]).is_progress(51) && !of(&[a, saved, b]).is_progress(50));
        let failed = of(&[a, Line::Failed("it\ndiverged")]);
        assert_eq!((failed.failure(), failed.interruptions()), ("it diverged", vec![]));
        assert_eq!(of(&[Line::Failed("it diverged"), a]).interruptions(), ["a"]);
    }
}
