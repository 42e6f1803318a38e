//! What the proofs share.

pub mod faulty;
pub mod image;
pub mod life;
pub mod random;
pub mod simulated;
