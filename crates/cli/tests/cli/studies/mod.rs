//! `sweep`: many runs of one study.
//!
//! What a study may have in it is tested in `qkv-study`; how one run is trained belongs to `training`.

/// Runs that are claimed, and given back where a worker or its machine cannot go on.
#[cfg(target_os = "linux")]
mod claims;
/// Which study a folder belongs to.
mod folder;
/// Settings of the command line, and what would be trained.
mod options;
/// What is refused before anything starts.
mod refusals;
/// Which runs there are, and how they end.
mod runs;
/// Several processes for one study.
mod shared;
/// The studies that come with the project.
mod shipped;
/// The lines of a terminal.
#[cfg(target_os = "linux")]
mod table;
/// Processes that are stopped, killed and replaced.
#[cfg(target_os = "linux")]
mod workers;

/// Six runs: two seeds and three kinds of projections.
const SWEEP: &str = "[task]\nname = \"reverse\"\nseq_len = 4\n[train]\nsteps = 3\neval_examples = 10\n\
                     [sweep]\nseed = [0, 1]\n[sweep.model]\nprojections = [\"learned\", \"frozen\", \"none\"]\n";
