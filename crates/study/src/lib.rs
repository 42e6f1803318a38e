//! Studies as code: which runs one has.
//!
//! A study is a config with lists in it. [`Study::parse`] reads it, [`Study::runs`] are its [`Combination`]s of settings,
//! always the same ones in the same order, [`Study::admits`] is asked of each config, and [`Study::continues`] of the
//! study that was there before. The crate trains nothing, touches no file, needs no key of a config and links no Burn.
//!
//! ```
//! let study = qkv_study::Study::parse(
//!     "task.name = \"reverse\"\n\
//!      [sweep]\n\
//!      seed = [0, 1]\n\
//!      optimizer.lr = { from = 1e-3, to = 1e-1, n = 3, scale = \"log\" }",
//! )?;
//! let runs = study.runs()?;
//! assert_eq!(runs.len(), 6);
//! assert_eq!(runs[1].folder_name(), "optimizer.lr=0.001,seed=1");
//! # Ok::<(), qkv_study::StudyError>(())
//! ```

mod axis;
mod combination;
mod condition;
mod continuation;
mod draw;
mod error;
mod range;
mod settings;
mod study;

pub use combination::Combination;
pub use error::StudyError;
pub use study::{Study, TABLES};
