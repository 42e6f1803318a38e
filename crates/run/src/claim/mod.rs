//! Which worker of a study trains a run: one claim for each run, in a folder that many machines share.
//!
//! Here belongs how a claim is made, kept, taken over and given back. What a worker does with a run that it has claimed
//! does not; and there is no clock here, because every time is the caller's.
//!
//! ```text
//! STUDY/.claims/RUN/held.WORKER.NUMBER      WORKER trains the run RUN
//! STUDY/.claims/RUN/free.WORKER.NUMBER      WORKER gave it back
//! STUDY/.claims/RUN/failed.WORKER.NUMBER    WORKER failed to train it
//! STUDY/.claims/+WORKER.NUMBER/             a claim in the making
//! ```
//!
//! The file has a line for each attempt that was cut short or failed, with the reason.
//!
//! The folder of a claim has one file, the *entry*, from the moment at which it gets its name: a worker prepares it under a
//! name of its own, and renames it. Of several that do so one succeeds, because a folder takes the place of no folder that
//! has something in it. From then on, every change is one rename of the entry, from the name that the worker has seen to one
//! that was never there. So each change has the effect of a compare-and-swap:
//!
//! - the holder *renews* its claim (`held.a.7` → `held.a.8`), and notices by the failure of that rename that it lost it;
//! - a worker that has seen the same entry for longer than the lease, by its own clock, *takes over* (`held.a.8` →
//!   `held.b.1`), which fails where the holder was only slow; no clocks of two machines are compared;
//! - the holder *gives back* a run that it does not finish (`free.…`), so that the next worker need not wait, and records a
//!   *failure* (`failed.…`), so that no other one tries the same again;
//! - what was *cut short*, by the death of its worker for example, is tried again, but not for ever (see [`Queue`]).
//!
//! A worker counts a claim as its own once the folder is synced, so that a server that loses its power does not give it to
//! two. Where a rename reports an error, as a network file system may after it was done, the entry itself decides.
//!
//! What a file system must have is `mkdir`, a `rename` that is done at once for every machine, and `fsync`. A machine may
//! see the names of another one late, as with the caches of NFS: the lease has to be longer than that.

mod claims;
mod entry;
mod held;
mod held_by;
mod history;
mod queue;

pub use claims::Claims;
pub use entry::{Entry, State};
pub use held::Claim;
pub use held_by::HeldBy;
pub use history::History;
pub use queue::{Next, Queue};
