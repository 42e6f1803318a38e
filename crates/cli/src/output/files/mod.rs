//! What the commands write as files for people: pages and pictures.

pub mod page;
pub mod pictures;
pub mod replaceable;
