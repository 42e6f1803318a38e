//! Renews the claims of this process, in a thread of its own, so that nothing else delays it.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use qkv_run::{Claim, RunError};

/// How often a claim is renewed within its lease: one that is late, or fails, leaves time for others.
pub const RENEWALS: u32 = 4;

/// The thread; it ends with this value.
pub struct Keeper {
    kept: Arc<Mutex<Vec<Kept>>>,
    _end: Sender<()>,
}

struct Kept {
    claim: Arc<Claim>,
    is_lost: bool,
}

impl Keeper {
    pub fn start(lease: Duration) -> io::Result<Self> {
        let kept: Arc<Mutex<Vec<Kept>>> = Arc::default();
        let (end, ended) = mpsc::channel();
        let of_thread = Arc::clone(&kept);
        thread::Builder::new().name("claims".to_owned()).spawn(move || {
            while ended.recv_timeout(lease / RENEWALS) == Err(RecvTimeoutError::Timeout) {
                renew(&of_thread);
            }
        })?;
        Ok(Self { kept, _end: end })
    }

    /// Renews a claim from now on.
    pub fn keep(&self, claim: &Arc<Claim>) {
        lock(&self.kept).push(Kept { claim: Arc::clone(claim), is_lost: false });
    }

    /// Whether another process has taken the run.
    pub fn has_lost(&self, claim: &Arc<Claim>) -> bool {
        lock(&self.kept).iter().any(|kept| kept.is_lost && Arc::ptr_eq(&kept.claim, claim))
    }

    /// Renews it no more.
    pub fn let_go(&self, claim: &Arc<Claim>) {
        lock(&self.kept).retain(|kept| !Arc::ptr_eq(&kept.claim, claim));
    }
}

/// Renews all claims. A failure of the disk is no loss: the next time comes before the lease has run out.
fn renew(kept: &Mutex<Vec<Kept>>) {
    let claims: Vec<Arc<Claim>> = lock(kept).iter().map(|kept| Arc::clone(&kept.claim)).collect();
    for claim in claims {
        if matches!(claim.renew(), Err(RunError::ClaimLost { .. }))
            && let Some(kept) = lock(kept).iter_mut().find(|kept| Arc::ptr_eq(&kept.claim, &claim))
        {
            kept.is_lost = true;
        }
    }
}

fn lock(kept: &Mutex<Vec<Kept>>) -> MutexGuard<'_, Vec<Kept>> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}
