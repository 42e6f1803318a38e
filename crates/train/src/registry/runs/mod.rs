//! The registry over a run that is there: its experiment, and whether it is still the one that was begun.

mod edited;
mod labels_of_film;
mod of_run;

pub use of_run::SameRun;
