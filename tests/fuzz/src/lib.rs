//! The readers of `tests/damaged`, compiled with instrumentation.

/// Where the committed seeds lie.
const SEEDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/seeds");

#[path = "../../damaged/corpus.rs"]
pub mod corpus;
#[path = "../../damaged/memory.rs"]
mod memory;
pub mod mutator;
#[path = "../../damaged/readers.rs"]
pub mod readers;
#[path = "../../damaged/tensor_file.rs"]
mod tensor_file;
#[cfg(feature = "burn")]
#[path = "../../damaged/trained.rs"]
pub mod trained;
