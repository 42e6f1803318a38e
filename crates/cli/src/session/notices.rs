//! What a training reports beside its output, on standard error.

use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::path::Path;

use qkv_inspect::counted;
use qkv_run::{Difference, Environment, Pruned, SetAside};
use qkv_train::{FilmEnd, Notice};

use crate::output::stdout::print_error;
use crate::session::outcome::Output;

/// What goes wrong in a training that goes on. The live view has the whole screen, and leaves no room for it before its
/// end.
pub struct Notices {
    waiting: Option<RefCell<Vec<String>>>,
}

impl Notices {
    pub fn new(output: Output) -> Self {
        Self { waiting: matches!(output, Output::Live(_)).then(RefCell::default) }
    }

    /// Prints it, or keeps it for the end of the live view.
    pub fn notify(&self, notice: &Notice<'_>) {
        let sentence = match notice {
            Notice::FilmEnded(FilmEnd { step, reason }) => {
                format!("warning: the film ends before step {step}, and the training goes on: {reason}")
            }
            Notice::OlderCheckpointStays(reason) => {
                format!("warning: an older checkpoint stays, and the training goes on: {reason}")
            }
        };
        match &self.waiting {
            Some(waiting) => waiting.borrow_mut().push(sentence),
            None => print_error(&sentence),
        }
    }

    /// Prints what was kept.
    pub fn leave_the_screen(&self) {
        let waiting = self.waiting.as_ref().map_or(Vec::new(), RefCell::take);
        waiting.iter().for_each(|sentence| print_error(sentence));
    }
}

/// Steps of which the log has lost its lines.
pub fn print_missing(missing: &[RangeInclusive<u64>]) {
    let [first, others @ ..] = missing else { return };
    let others = match others.len() {
        0 => String::new(),
        n => format!(", and {} more", counted(n as u64, "gap")),
    };
    print_error(&format!(
        "warning: the log has no line of steps {} to {}{others}; the run goes on, and its report lacks them",
        first.start(),
        first.end()
    ));
}

/// What computes a run now, and may give it other bytes than what computed it before; an older version did not record
/// that.
pub fn print_changes(before: Option<&Environment>, now: &Environment) {
    let changes = match before {
        Some(before) => now.changes_since(before).join("; "),
        None => {
            "the log does not record which version, device and processor computed the run before".to_owned()
        }
    };
    if !changes.is_empty() {
        print_error(&format!("warning: {changes}; the bytes may differ from those of a run without a stop"));
    }
}

/// What was set for a finished run: values of its config, and steps whose checkpoints were not to be kept any longer.
pub fn print_taken_over(set: &[Difference], config: &Path, Pruned { removed, failures }: &Pruned) {
    for difference in set {
        print_error(&format!("{difference}: written into {}", config.display()));
    }
    if !removed.is_empty() {
        let steps = removed.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
        print_error(&format!("no longer kept and removed: the checkpoints of the steps {steps}"));
    }
    for reason in failures {
        print_error(&format!("warning: an older checkpoint stays: {reason}"));
    }
}

/// What lies after the step from which a run goes on.
pub fn print_set_aside(SetAside { checkpoints, frames, lines }: &SetAside, step: u64) {
    for path in checkpoints {
        print_error(&format!("set aside as {}: it is after step {step}", path.display()));
    }
    if let Some(path) = lines {
        print_error(&format!("set aside as {}: the lines of the log after step {step}", path.display()));
    }
    if let [first, others @ ..] = &frames[..] {
        let others = match others.len() {
            0 => String::new(),
            n => format!(", and {} more in the same way", counted(n as u64, "frame")),
        };
        print_error(&format!(
            "set aside as {}: a frame of the film after step {step}{others}",
            first.display()
        ));
    }
}
