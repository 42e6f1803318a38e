//! What the proofs share.

pub mod check;
pub mod faulty;
pub mod image;
pub mod life;
pub mod random;
pub mod simulated;
