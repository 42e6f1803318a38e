//! The trainer in a web page: a [`Session`] is created from a config, steps on demand and answers with what a page shows.
//!
//! It is `qkv-train` and `qkv-inspect` without a run folder, and has no mathematics of its own: the same config gives the
//! same losses here, bit for bit, as `qkv train` on the same processor. [`Desk`] is the session behind requests in JSON,
//! which the WebAssembly module (`wasm/`) takes from the page's worker. `build` beside this folder makes the page.
//!
//! ```
//! use qkv_web::Session;
//!
//! let settings = ["train.steps=40", "train.batch_size=16", "task.seq_len=4", "model.d_model=8"];
//! let mut session = Session::of_task("reverse", &settings)?;
//! let before = session.keep();
//! let stepped = session.step(40)?;
//! assert!(stepped.steps[39].loss < stepped.steps[0].loss);
//! session.restore(&before);
//! assert_eq!(session.step(40)?, stepped);
//! # Ok::<(), qkv_web::WebError>(())
//! ```

mod config;
mod desk;
mod edit;
mod error;
mod figures;
mod frozen;
mod input;
mod moment;
mod preset;
mod request;
mod session;
mod wanted;
#[cfg(target_family = "wasm")]
mod wasm;
mod weights;

pub use desk::{Answer, Desk};
pub use edit::{CellValue, Edit, Edited, Place};
pub use error::WebError;
pub use session::{Ended, Evaluated, Kept, Session, Step, Stepped, Text};
pub use wanted::Wanted;
