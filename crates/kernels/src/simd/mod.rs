//! Numbers and vectors of numbers: which instructions a kernel uses, one name for each operation of `f32` and `f64`,
//! and the functions that more than one kernel is made of.
//!
//! What belongs here works on one register full of numbers. What walks over a slice is a kernel and stands elsewhere.

mod constants;
mod exp;
mod float;
mod lanes;
mod level;
mod normal;
mod vector;

pub use float::Float;
pub(crate) use lanes::Lanes;
pub use level::Level;
pub(crate) use vector::{Vector, width};
