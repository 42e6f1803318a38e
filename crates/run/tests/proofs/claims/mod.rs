//! Of the workers of a study one trains a run at a time, in whatever order their operations reach the disk, and the run of
//! one that died is trained by another.

/// Attempts that are cut short, and claims that are no longer needed.
mod attempts;
/// Every order of the operations that two workers see of each other.
mod interleavings;
/// Studies in which workers of different clocks come, stop for a while and die.
mod lives;
/// The operations of one worker, at each of which it dies or the machine of the disk loses its power.
mod sequences;
/// A disk on which every operation waits for its turn.
mod stepped;

use std::path::Path;
use std::sync::Arc;

use qkv_run::{Claim, Claims, Storage};

/// The folder of the study, and a run of it.
const STUDY: &str = "study";
const RUN: &str = "seed=1";

fn claims(storage: impl Storage + 'static, worker: &str) -> Claims {
    Claims::new(Arc::new(storage), Path::new(STUDY), worker)
}

/// What a worker does that has seen the claim unchanged for longer than the lease.
fn obtain(claims: &Claims, run: &str) -> Result<Option<Claim>, qkv_run::RunError> {
    match claims.look(run)? {
        None => claims.claim(run),
        Some(entry) => claims.take(run, &entry),
    }
}
