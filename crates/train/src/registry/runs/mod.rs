//! The registry over a run that is there: its experiment, and whether it is still the one that was begun.

pub(super) mod edited;
pub(super) mod labels_of_film;
pub(super) mod of_run;
