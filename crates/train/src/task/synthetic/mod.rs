//! Synthetic tasks: inputs of symbols that are drawn, and a rule for the answer.
//!
//! A new one is a file here with its lines below, its defaults in `configs/`, and one line of `Registry::new` in
//! `registry/built_in/mod.rs`. What is read from a file belongs beside this folder.

mod autoregressive;
mod copy;
mod induction;
mod max;
mod modular_addition;
mod recall;
mod reverse;
mod sort;
mod sorted_list;

pub use copy::Copy;
pub use induction::{Induction, InductionForm};
pub use max::Max;
pub use modular_addition::ModularAddition;
pub use recall::{Layout, Recall};
pub use reverse::Reverse;
pub use sort::Sort;
pub use sorted_list::SortedList;
