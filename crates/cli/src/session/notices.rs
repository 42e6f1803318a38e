//! What a training reports beside its output, on standard error.

use qkv_inspect::counted;
use qkv_run::{RunError, SetAside};
use qkv_train::FilmEnd;

use crate::output::stdout::print_error;

/// A film that is not whole.
pub fn print_film_end(FilmEnd { step, reason }: &FilmEnd) {
    print_error(&format!("warning: the film ends before step {step}, and the training goes on: {reason}"));
}

/// More checkpoints than were to be kept.
pub fn print_unpruned(reason: &RunError) {
    print_error(&format!("warning: an older checkpoint stays, and the training goes on: {reason}"));
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
