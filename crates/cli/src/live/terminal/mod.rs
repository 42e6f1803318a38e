//! The terminal that the live view takes and gives back, and the thread that writes to it.
//!
//! What a picture shows does not belong here: `drawing` makes it.

#[cfg(unix)]
mod unix;
#[cfg(not(unix))]
mod unsupported;
#[cfg(unix)]
mod writer;

#[cfg(unix)]
pub use unix::{Terminal, close, obstacle, settle};
#[cfg(not(unix))]
pub use unsupported::{Terminal, close, obstacle, settle};
