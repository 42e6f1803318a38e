//! What the proofs share.

pub mod faulty;
pub mod life;
pub mod random;
pub mod simulated;
