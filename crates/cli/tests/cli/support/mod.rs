//! What the tests stand on: a sandbox, a terminal, a trained run.
//!
//! Nothing here is itself a test.

/// The inks on its screen.
#[cfg(target_os = "linux")]
pub mod ink;
/// The binary in a terminal: keys in, a screen out.
#[cfg(target_os = "linux")]
pub mod pty;
/// A process that is under way.
pub mod running;
/// A folder of its own for every test, and the binary started in it.
pub mod sandbox;
/// The numbers in a safetensors file.
pub mod tensors;
/// The main job, trained once for all tests that look at its result.
pub mod trained;
